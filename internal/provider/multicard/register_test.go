package multicard_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/multicard/sim"
	"github.com/chorsu/chorsu/internal/provider/providertest"
)

// What Multicard tells of itself, by the reference's section 13.

func (s *scene) tells(what string, q url.Values) providertest.Answer {
	s.t.Helper()
	path := "/api/merchants/" + s.b.MerchantID + "/" + what
	if q != nil {
		path += "?" + q.Encode()
	}
	return s.api(http.MethodGet, path, nil)
}

// day is the time around now.
func (s *scene) day() url.Values {
	return url.Values{"from": {s.b.Now().Add(-2 * time.Hour).Format(time.RFC3339)}, "to": {s.b.Now().Add(2 * time.Hour).Format(time.RFC3339)}}
}

func rows(a providertest.Answer) (out []map[string]any) {
	list, _ := a.Field("items").([]any)
	for _, item := range list {
		out = append(out, item.(map[string]any))
	}
	return out
}

func TestScenario_MC_13_01_TheApplication(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		a := s.tells("account", nil)
		if a.Status != 200 || a.Field("id") != "rhmt_test" || fmt.Sprint(a.Field("balance")) != "3464317600" || fmt.Sprint(a.Field("overdraft")) != "1000000000" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if stores, _ := a.Field("registers").([]any); len(stores) < 2 {
			t.Errorf("%s", a.Body)
		}
		s.failNext("application.read", "ERROR_ACCESS_DENIED", "status", "403")
		if a := s.tells("account", nil); a.Status != 502 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

func TestScenario_MC_13_02_Recipients(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		for id, active := range map[string]bool{"7a1df872-d5aa-11ee-8de8-005056b4367d": true, "7a1df873-d5aa-11ee-8de8-005056b4367d": false} {
			if a := s.tells("recipients/"+id, nil); a.Status != 200 || a.Field("active") != active || a.Field("vatPayer") != true || a.Field("bankCode") != "00873" {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		for _, id := range []string{"7a1df874-d5aa-11ee-8de8-005056b4367d", "6"} {
			if a := s.tells("recipients/"+id, nil); a.Status != 404 {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
	})
}

func TestScenario_MC_13_03_TheRegister(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		_, paid := s.paid()
		back, ref := s.paid()
		s.refund(back, nil)
		s.buyer("refuse", s.invoice(nil))
		a := s.tells("register", s.day())
		var got []string
		for _, r := range rows(a) {
			got = append(got, fmt.Sprint(r["status"], " ", r["providerStatus"], " ", r["amount"]))
		}
		if want := fmt.Sprint([]string{"paid success 500000", "refunded revert 500000", "failed error 500000"}); fmt.Sprint(got) != want || a.Field("nextCursor") != nil {
			t.Errorf("got %s, want %s", got, want)
		}
		q := s.day()
		q.Set("limit", "2")
		a = s.tells("register", q)
		if list := rows(a); len(list) != 2 || list[0]["providerUuid"] != paid || list[1]["providerUuid"] != ref {
			t.Errorf("%s", a.Body)
		}
		q.Set("cursor", fmt.Sprint(a.Field("nextCursor")))
		if list := rows(s.tells("register", q)); len(list) != 1 {
			t.Errorf("%v", list)
		}
		q = s.day()
		q.Set("status", "refunded")
		if list := rows(s.tells("register", q)); len(list) != 1 || list[0]["refundedAt"] == nil || list[0]["card"] == nil {
			t.Errorf("%v", list)
		}
		q = s.day()
		s.b.Advance(5 * time.Hour) // naive times are Tashkent's: nothing slips by five hours
		q.Set("from", s.b.Now().Add(-time.Hour).Format(time.RFC3339))
		q.Set("to", s.b.Now().Format(time.RFC3339))
		if list := rows(s.tells("register", q)); len(list) != 0 {
			t.Errorf("%v", list)
		}
		s.failNext("register.read", "ERROR_ACCESS_DENIED", "status", "403")
		if a := s.tells("register", s.day()); a.Status != 502 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

func TestScenario_MC_13_04_ThePayoutRegister(t *testing.T) {
	withNumbers(t, func(t *testing.T, s *scene) {
		sent := s.payout("p1", map[string]any{"confirm": false})
		s.payout("p2", nil)
		s.payout("p3", map[string]any{"confirm": false, "card": map[string]any{"number": sim.BlockedCard}})
		for status, want := range map[string]string{"": "succeeded", "succeeded": "succeeded", "pending": "pending", "failed": "failed"} {
			q := s.day()
			if status != "" {
				q.Set("status", status)
			}
			list := rows(s.tells("payout-register", q))
			if len(list) != 1 || list[0]["status"] != want {
				t.Errorf("%q: %v", status, list)
			}
			if want == "succeeded" && len(list) == 1 && list[0]["order"] != sent.Field("id") {
				t.Errorf("%v", list)
			}
		}
	})
}
