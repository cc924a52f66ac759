package admin

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

// What staff read out on the telephone says the same as the buyer's page: nothing of where the money
// is as long as that is not decided, and beside what the book knows that something is not clear.
func TestTheStoryNeverGuesses(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	states := map[pay.Status]pay.State{
		pay.StatusPending: pay.Created, pay.StatusHeld: pay.Held, pay.StatusPaid: pay.Paid,
		pay.StatusRefunded: pay.Refunded, pay.StatusFailed: pay.Failed, pay.StatusCancelled: pay.Cancelled,
	}
	plain := map[pay.Status][]words.Text{
		pay.StatusPending: {words.SayPending}, pay.StatusHeld: {words.SayHeld}, pay.StatusPaid: {words.SayPaid},
		pay.StatusRefunded: {words.SayRefunded}, pay.StatusFailed: {words.SayFailed}, pay.StatusCancelled: {words.SayCancelled, words.SayExpired},
	}
	attentions := []pay.Attention{"", pay.AttentionUnknown, pay.AttentionAmount, pay.AttentionProvider, pay.AttentionRefundUnconfirmed}
	for _, status := range pay.Statuses {
		for _, attention := range attentions {
			for _, expires := range []time.Time{at, at.Add(-time.Hour)} { // cancelled before its time, and after
				for _, l := range words.Langs {
					inv := pay.Invoice{Status: status, Attention: attention, Amount: 15_000_000, CreatedAt: at, PaidAt: at, EndedAt: at.Add(-time.Minute), ExpiresAt: expires}
					p := pay.Payment{State: states[status], Captured: 15_000_000, CreatedAt: at, AskedAt: at.Add(time.Hour)}
					v := invoiceView{look: look{lang: l}, companies: strings.ToTitle, d: gateway.Dossier{Invoice: gateway.Invoice{Invoice: inv, Payment: &p}}}
					story := strings.Join(v.story(), " ")
					says := func(t words.Text) bool {
						return regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSuffix(t.In(l), " %s")), "%s", ".*")).MatchString(story)
					}
					sure := status == pay.StatusPaid || status == pay.StatusRefunded
					for of, texts := range plain {
						told := slices.ContainsFunc(texts, says)
						if want := of == status && (attention == "" || sure); told != want {
							t.Errorf("%s with %q, %s: the sentence of %s is told: %v: %s", status, attention, l, of, told, story)
						}
					}
					for text, want := range map[words.Text]bool{
						words.SayUnknown:  !sure && attention == pay.AttentionUnknown,
						words.SayDoubt:    !sure && attention != "" && attention != pay.AttentionUnknown,
						words.SayBackLost: sure && attention == pay.AttentionRefundUnconfirmed,
						words.SayBeside:   sure && attention != "" && attention != pay.AttentionRefundUnconfirmed,
					} {
						if says(text) != want {
							t.Errorf("%s with %q, %s: %q is told: %v", status, attention, l, text.EN, !want)
						}
					}
				}
			}
		}
	}
}
