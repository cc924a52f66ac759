package multicard_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/providertest"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Reconciliation with the registry and the history of payouts, by the reference's sections 13 and
// 20, and box 16 of its section 24.

// reconciled compares the day on which every bench begins.
func (s *scene) reconciled() providertest.Answer {
	s.t.Helper()
	a := s.api(http.MethodPost, "/api/reconciliations", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "date": "2026-11-21"})
	if a.Status != 201 || a.Field("by") != "register" {
		s.t.Fatalf("%d %s", a.Status, a.Body)
	}
	s.b.Settle()
	a = s.api(http.MethodGet, fmt.Sprintf("/api/reconciliations/%s", a.Field("id")), nil)
	if a.Field("status") != "done" {
		s.t.Fatalf("%s", a.Body)
	}
	return a
}

// differs are the notes of one list of a reconciliation.
func differs(a providertest.Answer, name string) (out []string) {
	list, _ := a.Field(name).([]any)
	for _, item := range list {
		out = append(out, fmt.Sprint(item.(map[string]any)["note"]))
	}
	return out
}

func (s *scene) matches(a providertest.Answer, matched int, theirs, ours, different []string) {
	s.t.Helper()
	if fmt.Sprint(a.Field("matched")) != fmt.Sprint(matched) || !slices.Equal(differs(a, "onlyTheirs"), theirs) || !slices.Equal(differs(a, "onlyOurs"), ours) ||
		!slices.Equal(differs(a, "different"), different) {
		s.t.Errorf("%s\nwant %d matched, theirs %q, ours %q, different %q", a.Body, matched, theirs, ours, different)
	}
}

func TestScenario_MC_13_05_ADayIsReconciled(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		s.paid()
		back, _ := s.paid()
		s.refund(back, nil)
		s.buyer("refuse", s.invoice(nil))
		s.invoice(nil) // a draft
		quiet, ref := s.paid()
		s.company("refund", ref) // by Multicard's staff: nobody tells us
		s.payout("p1", map[string]any{"confirm": false})
		s.payout("p2", nil) // a draft
		s.fault("payout.create", simulator.LostAfter, 1)
		lost := s.payout("p3", map[string]any{"confirm": false})
		s.fault("payout.read", simulator.Error500, 0) // and nobody can ask
		s.b.Advance(20 * time.Hour)

		a := s.reconciled()
		s.matches(a, 3, nil, nil, []string{"the status: refunded there, paid here", "the status: paid there, unknown here"})
		settle := func(i int) providertest.Answer {
			list, _ := a.Field("different").([]any)
			return s.api(http.MethodPost, fmt.Sprintf("/api/reconciliations/%s/settle", a.Field("id")), map[string]any{
				"differenceId": list[i].(map[string]any)["id"], "how": "theirs", "by": "dilnoza@shop.uz", "reason": "the register says so",
			})
		}
		for i := range 2 {
			if a := settle(i); a.Status != 200 || a.Field("settled") == nil {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		s.is(quiet, "refunded")
		s.told(quiet, "paid", "refunded")
		s.payoutIs(lost.Field("id"), "succeeded")
		s.matches(s.reconciled(), 5, nil, nil, nil)
		if left := s.b.Row("SELECT COUNT(*) FROM differences WHERE verdict = 'matched'"); left != "0" {
			t.Errorf("%s matches are kept", left)
		}
	})
}

// One payment may have two uuids, and one order two debits.
func TestScenario_MC_13_06_UUIDsOfOnePayment(t *testing.T) {
	each(t, map[string]string{"own_uuid": "on", "refused_as": "revert"}, func(t *testing.T, s *scene) {
		_, ref := s.paid()
		s.company("pay_twice", ref) // refused by us, and given back
		s.b.Advance(20 * time.Hour)
		a := s.reconciled()
		if fmt.Sprint(a.Field("matched")) != "1" || len(differs(a, "different"))+len(differs(a, "onlyOurs")) != 0 {
			t.Errorf("%s", a.Body)
		}
		if notes := differs(a, "onlyTheirs"); len(notes) != 1 || !strings.HasPrefix(notes[0], "another transaction of the same order") {
			t.Errorf("%s", a.Body)
		}
	})
}

// Pages, Tashkent's midnight on both sides, a register that fails for a while, and one that is
// somebody else's.
func TestScenario_MC_24_16_TheRegistryInPages(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		for range 60 {
			s.paid()
		}
		s.b.Advance(10*time.Hour - time.Second) // one second before midnight in Tashkent
		s.paid()
		s.b.Advance(time.Second)
		s.paid() // of the next day
		s.b.Advance(10 * time.Hour)
		s.matches(s.reconciled(), 61, nil, nil, nil)

		s.fault("register.read", simulator.Error500, 2)
		a := s.api(http.MethodPost, "/api/reconciliations", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "date": "2026-11-21"})
		for range 4 {
			s.b.Settle()
			s.b.Advance(time.Minute)
		}
		if a := s.api(http.MethodGet, fmt.Sprintf("/api/reconciliations/%s", a.Field("id")), nil); a.Field("status") != "done" || fmt.Sprint(a.Field("matched")) != "61" {
			t.Errorf("%s", a.Body)
		}
		s.failNext("register.read", "ERROR_ACCESS_DENIED", "status", "403")
		a = s.api(http.MethodPost, "/api/reconciliations", map[string]any{"source": "app", "businessId": "biz-1", "provider": "multicard", "date": "2026-11-21"})
		s.b.Settle()
		if a := s.api(http.MethodGet, fmt.Sprintf("/api/reconciliations/%s", a.Field("id")), nil); a.Field("status") != "failed" || a.Field("failure") == nil {
			t.Errorf("%s", a.Body)
		}
	})
}

// The option is taken, and the night begins it.
func TestScenario_MC_13_07_TheNightlyRun(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		s.b.Register("biz-1", public, map[string]any{"reconcileNightly": true})
		s.paid()
		s.b.Advance(12*time.Hour + time.Minute)
		s.b.Settle()
		s.b.Settle()
		if got := s.b.Row("SELECT day || ' ' || state || ' ' || matched FROM reconciliations WHERE nightly"); got != "2026-11-21 done 1" {
			t.Errorf("the night made %q", got)
		}
	})
}
