package browser_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/chorsu/chorsu/internal/admin"
	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/store"
)

// What staff do about payments. Five people are signed in, a sixth is about to enrol, three webhooks are stuck, and refunds
// above 300 000 soum take two.
func TestDesk(t *testing.T) {
	url, a := serve(t)
	for _, p := range app.Plugins() {
		register(t, url, p.Provider.Info().Name, p.Sample)
	}
	for name, role := range map[string]staff.Role{"VIEWER": staff.Viewer, "SUPPORT": staff.Support, "REFUNDS": staff.Refunds, "SECOND": staff.Refunds, "BRIEF": staff.Viewer} {
		t.Setenv("SESSION_"+name, session(t, a, name+"@namuna.uz", role))
	}
	must(t, a.Office.SetRefundLimit(t.Context(), staff.CommandLine, 300_000_00))
	_, link, err := a.Office.Add(t.Context(), staff.CommandLine, "yangi@namuna.uz", staff.Refunds)
	must(t, err)
	t.Setenv("ENROL_STORY", admin.EnrolURL(url, link))
	for _, order := range []string{"stuck-0", "stuck-1", "stuck-2"} {
		var made struct{ ID string }
		call(t, url, "/api/invoices", map[string]any{
			"source": "shop", "businessId": "namuna", "provider": "payme", "sourceInvoiceId": order, "amount": 8_900_000, "notifyUrl": url + "/sandbox/nowhere/hook",
		}, &made)
		call(t, url, "/api/invoices/"+made.ID+"/cancel", map[string]any{}, nil)
	}
	payout, day := loose(t, a)
	t.Setenv("PAYOUT", payout)
	t.Setenv("DAY", day)
	for range 8 { // all the fast retries
		_, err := a.Runner.RunDue(t.Context())
		must(t, err)
		a.Clock.Advance(20 * time.Second)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- a.Runner.Run(ctx) }()
	defer func() {
		stop()
		must(t, <-stopped)
	}()
	run(t, url, "desk.mjs", 11)
}

// loose is a payout whose answer was lost, and a day that does not agree with its company.
func loose(t *testing.T, a *app.App) (payout, day string) {
	t.Helper()
	all, err := a.Gateway.Merchants(t.Context(), gateway.MerchantFilter{Provider: "multicard"}, gateway.Page{})
	must(t, err)
	m, now := all.Items[0], a.Clock.Now()
	payout, day = id.New(), id.New()
	must(t, a.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.InsertPayout(ctx, pay.Payout{
			ID: payout, BusinessID: m.BusinessID, MerchantID: m.ID, Source: m.Source, Business: m.Business, Provider: m.Provider, SourcePayoutID: "salary-7",
			Amount: 150_000_00, State: pay.MoveUnknown, Card: pay.Card{MaskedPAN: "860030******7085"}, NotifyDelivered: true, CreatedAt: now, SentAt: now,
		}); err != nil {
			return err
		}
		if err := tx.InsertAlarm(ctx, pay.Alarm{ID: id.New(), BusinessID: m.BusinessID, PayoutID: payout, Kind: pay.AttentionUnknown, Message: "the answer was lost", CreatedAt: now}); err != nil {
			return err
		}
		if _, err := tx.InsertReconciliation(ctx, pay.Reconciliation{
			ID: day, BusinessID: m.BusinessID, MerchantID: m.ID, Provider: m.Provider, Day: "2026-01-20", Way: pay.ByRegister, Nightly: true, State: pay.ReconcileDone,
			Matched: 41, OnlyTheirs: 2, CreatedAt: now, DoneAt: now,
		}); err != nil {
			return err
		}
		for i, order := range []string{"order 77", "order 78"} {
			if _, err := tx.InsertDifference(ctx, pay.Difference{
				ID: id.New(), BusinessID: m.BusinessID, ReconciliationID: day, Kind: pay.KindPayment, Verdict: pay.VerdictOnlyTheirs, Seq: int64(i), Ref: "ref " + order, Order: order,
				Theirs: &pay.Standing{Amount: 5_000_00, State: pay.Paid, At: now}, Note: "only the company has it",
			}); err != nil {
				return err
			}
		}
		return tx.InsertAlarm(ctx, pay.Alarm{ID: day, BusinessID: m.BusinessID, Kind: pay.AttentionProvider, Message: "a day does not agree", CreatedAt: now})
	}))
	return payout, day
}

// session enrols somebody, who is as if they had been here for a day, and gives the token of the
// session that begins with it.
func session(t *testing.T, a *app.App, email string, role staff.Role) string {
	t.Helper()
	person, link, err := a.Office.Add(t.Context(), staff.CommandLine, email, role)
	must(t, err)
	in, err := a.Office.Invitation(t.Context(), link)
	must(t, err)
	code, err := totp.GenerateCode(in.Secret, time.Now())
	must(t, err)
	_, token, err := a.Office.Enrol(t.Context(), link, staff.Attempt{Password: "choyxona oldidagi chinor", Code: code, Sealed: in.Sealed, Address: "192.0.2.1", Network: "192.0.2.1"})
	must(t, err)
	must(t, a.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		s, err := tx.LockStaff(ctx, person.ID)
		if err != nil {
			return err
		}
		s.PowerSince = s.PowerSince.Add(-staff.LimitDelay)
		return tx.SaveStaff(ctx, s)
	}))
	return token
}

// call asks the program as an app does.
func call(t *testing.T, url, path string, body, into any) {
	t.Helper()
	text, err := json.Marshal(body)
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), "POST", url+path, bytes.NewReader(text))
	must(t, err)
	req.Header.Set("x-api-key", apiKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	answer := struct {
		Status bool
		Data   any
	}{Data: into}
	must(t, json.NewDecoder(res.Body).Decode(&answer))
	if !answer.Status {
		t.Fatalf("%s: %s", path, res.Status)
	}
}
