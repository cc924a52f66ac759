package httpapi

import (
	"fmt"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
)

const reconcileWords = "Reads what the provider says of a day that is over in Tashkent, and compares: it changes nothing. Read the answer again until it is `done`. " +
	"Multicard's own register is read, PaySys is asked of each payment of the day. For the others download the register, bring it into the form of `/docs/reconciliation`, and upload it: " +
	"`multipart/form-data` with the same fields and the `file`, CSV or XLSX, at most 20 MiB."

// shownDifferences is how many of each kind stand in the reconciliation itself.
const shownDifferences = 100

// ─── Beginning one ─────────────────────────────────────────────────────────────────────────

type reconcileInput struct {
	Source     callersID `json:"source" doc:"Your app's stable name" example:"marketplace"`
	BusinessID callersID `json:"businessId" doc:"Your id of the business" example:"biz_42"`
	Provider   string    `json:"provider" choice:"provider"`
	Date       string    `json:"date" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" patternDescription:"must be YYYY-MM-DD" doc:"A day in Tashkent that is over" example:"2026-05-12"`
}

func (s *server) createReconciliation(c *call, in reconcileInput) (reconciliation, error) {
	order := gateway.ReconcileInput{Source: string(in.Source), Business: string(in.BusinessID), Provider: in.Provider, Day: in.Date, File: c.file}
	got, err := s.o.Gateway.CreateReconciliation(c.Context(), order, c.idem(in))
	if err != nil {
		return reconciliation{}, err
	}
	return s.showReconciliation(c, saved(c, got))
}

// ─── What is shown ─────────────────────────────────────────────────────────────────────────

type reconciliation struct {
	ID          string           `json:"id" format:"uuid"`
	MerchantID  string           `json:"merchantId" format:"uuid"`
	Provider    string           `json:"provider" example:"multicard"`
	Date        string           `json:"date" example:"2026-05-12"`
	By          string           `json:"by" enum:"register,ask,file" doc:"Where the provider's word comes from: its own register, asking of each payment, or an uploaded file"`
	Nightly     bool             `json:"nightly" doc:"Made by the nightly run of the merchant's option reconcileNightly"`
	Status      string           `json:"status" enum:"running,done,failed"`
	Failure     *string          `json:"failure" doc:"Why it failed"`
	Matched     int64            `json:"matched" doc:"How many are the same on both sides"`
	Counts      differenceCounts `json:"counts"`
	OnlyTheirs  []difference     `json:"onlyTheirs" doc:"What only the provider has: the first 100; read /differences for more"`
	OnlyOurs    []difference     `json:"onlyOurs" doc:"What only our book has: the first 100"`
	Different   []difference     `json:"different" doc:"What both have, and not the same: the first 100"`
	CreatedAt   moment           `json:"createdAt" nullable:"false"`
	CompletedAt moment           `json:"completedAt"`
}

type differenceCounts struct {
	OnlyTheirs int64 `json:"onlyTheirs"`
	OnlyOurs   int64 `json:"onlyOurs"`
	Different  int64 `json:"different"`
}

type difference struct {
	ID         string            `json:"id" format:"uuid"`
	Kind       string            `json:"kind" enum:"payment,payout"`
	Verdict    string            `json:"verdict" enum:"only_theirs,only_ours,different"`
	ProviderID *string           `json:"providerId"`
	Order      *string           `json:"order" doc:"How the provider names our side"`
	InvoiceID  *string           `json:"invoiceId"`
	OurID      *string           `json:"ourId" doc:"Our payment's or payout's id"`
	Theirs     maybe[oneSide]    `json:"theirs"`
	Ours       maybe[oneSide]    `json:"ours"`
	Note       string            `json:"note" doc:"What differs, in words"`
	Settled    maybe[settlement] `json:"settled" doc:"null: it still needs somebody"`
}

// oneSide is a transaction as one side has it.
type oneSide struct {
	Amount pay.Tiyin `json:"amount" doc:"In tiyin"`
	Status string    `json:"status" enum:"pending,held,paid,refunded,failed,cancelled,succeeded"`
	At     moment    `json:"at"`
}

type settlement struct {
	How    string `json:"how" enum:"noted,theirs"`
	By     string `json:"by"`
	Reason string `json:"reason"`
	At     moment `json:"at" nullable:"false"`
}

func showDifference(d pay.Difference) difference {
	out := difference{
		ID: d.ID, Kind: d.Kind, Verdict: string(d.Verdict), ProviderID: orNull(d.Ref), Order: orNull(d.Order), InvoiceID: orNull(d.InvoiceID),
		OurID: orNull(d.OurID), Note: d.Note,
	}
	side := func(x *pay.Standing) *oneSide {
		if x == nil {
			return nil
		}
		return &oneSide{Amount: x.Amount, Status: standing(x.State, d.Kind == pay.KindPayout), At: moment(x.At)}
	}
	out.Theirs.value, out.Ours.value = side(d.Theirs), side(d.Ours)
	if !d.SettledAt.IsZero() {
		out.Settled.value = &settlement{How: d.SettledHow, By: d.SettledBy, Reason: d.SettledReason, At: moment(d.SettledAt)}
	}
	return out
}

func (s *server) showReconciliation(c *call, r pay.Reconciliation) (reconciliation, error) {
	out := reconciliation{
		ID: r.ID, MerchantID: r.MerchantID, Provider: r.Provider, Date: r.Day, By: string(r.Way), Nightly: r.Nightly, Status: string(r.State), Failure: orNull(r.Note),
		Matched: r.Matched, Counts: differenceCounts{r.OnlyTheirs, r.OnlyOurs, r.Different}, CreatedAt: moment(r.CreatedAt), CompletedAt: moment(r.DoneAt),
	}
	if r.State == pay.ReconcileLoading {
		out.Status = string(pay.ReconcileRunning)
	}
	for v, to := range map[pay.Verdict]*[]difference{pay.VerdictOnlyTheirs: &out.OnlyTheirs, pay.VerdictOnlyOurs: &out.OnlyOurs, pay.VerdictDifferent: &out.Different} {
		got, err := s.o.Gateway.Differences(c.Context(), r.ID, v, gateway.Page{Limit: shownDifferences})
		if err != nil {
			return out, err
		}
		for _, d := range got.Items {
			*to = append(*to, showDifference(d))
		}
	}
	return out, nil
}

func (s *server) reconciliation(c *call, _ none) (reconciliation, error) {
	id, err := c.path("id", "reconciliation")
	if err != nil {
		return reconciliation{}, err
	}
	r, err := s.o.Gateway.Reconciliation(c.Context(), id)
	if err != nil {
		return reconciliation{}, err
	}
	return s.showReconciliation(c, r)
}

type differenceQuery struct {
	Verdict string `json:"verdict" enum:"only_theirs,only_ours,different"`
	Limit   int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
	Cursor  cursor `json:"cursor,omitempty"`
}

func (s *server) differences(c *call, q differenceQuery) (list[difference], error) {
	id, err := c.path("id", "reconciliation")
	if err != nil {
		return list[difference]{}, err
	}
	got, err := s.o.Gateway.Differences(c.Context(), id, pay.Verdict(q.Verdict), pageOf(q.Limit, q.Cursor))
	return listOf(got, showDifference), err
}

// ─── Settling ──────────────────────────────────────────────────────────────────────────────

type settleInput struct {
	DifferenceID string    `json:"differenceId" format:"uuid"`
	How          string    `json:"how" enum:"noted,theirs" doc:"noted: somebody has seen to it; theirs: our book learns the provider's word, as if it had been asked"`
	By           callersID `json:"by" doc:"The person who decides" example:"dilnoza@shop.uz"`
	Reason       string    `json:"reason" minLength:"1" maxLength:"500" check:"text" doc:"For those who look later" example:"Seen in the cabinet"`
}

func (s *server) settleDifference(c *call, in settleInput) (difference, error) {
	id, err := c.path("id", "reconciliation")
	if err != nil {
		return difference{}, err
	}
	order := gateway.SettleInput{ReconciliationID: id, DifferenceID: in.DifferenceID, How: in.How, By: string(in.By), Reason: in.Reason}
	got, err := s.o.Gateway.Settle(c.Context(), order, c.idem(order))
	if err != nil {
		return difference{}, err
	}
	return showDifference(saved(c, got)), nil
}

// uploadLimit says the bound of an uploaded file.
var uploadLimit = fmt.Sprintf(`"file" must not be larger than %d MiB`, maxUpload>>20)
