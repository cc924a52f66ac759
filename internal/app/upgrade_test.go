package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// Whatever an older program left: an order for each way in which an invoice can stand.
var oldOrders = map[string]string{
	"paid-payme": "paid", "paid-click": "paid", "paid-uzum": "paid", "paid-multicard": "refunded", "paid-paysys": "paid", "part": "paid",
	"pending": "pending", "cancelled": "cancelled", "attempt": "pending", "attempt-click": "pending", "held": "held",
	"unknown": "pending unknown_outcome", "refund-unknown": "paid refund_unconfirmed", "undelivered": "paid",
}

// A database that an older program left is brought to the present schema with every row as it was,
// opens under its keys, and is worked with as if it had always been ours.
func TestAnOlderProgramsDatabaseIsServed(t *testing.T) {
	for _, e := range storetest.Engines {
		for _, version := range storetest.Old(t) {
			t.Run(fmt.Sprintf("%s/%d", e, version), func(t *testing.T) {
				dsn := storetest.OldDSN(t, e, version)
				bringUp(t, dsn)
				want := ""
				if version >= 12 {
					want = "old@namuna.uz 1795000000000" // whoever was here before keeps their power
				}
				if got := storetest.Value(t, dsn, `SELECT COALESCE(MAX(email || ' ' || power_since), '') FROM staff`); got != want {
					t.Errorf("staff: %q, not %q", got, want)
				}
				serveOld(t, dsn)
			})
		}
	}
}

// bringUp migrates, and compares what it found with what it leaves.
func bringUp(t *testing.T, dsn string) {
	books := func() []string {
		var out []string
		for table, sum := range map[string]string{
			"invoices": "amount", "payments": "amount", "refunds": "amount", "events": "seq", "changes": "at", "work": "due_at", "cards": "created_at",
			"messages": "at", "alarms": "created_at", "merchants": "updated_at",
		} {
			out = append(out, table+" "+storetest.Value(t, dsn, fmt.Sprintf(`SELECT CAST(COUNT(*) AS TEXT) || ' ' || CAST(SUM(%s) AS TEXT) FROM %s`, sum, table)))
		}
		slices.Sort(out)
		return out
	}
	before := books()
	s := storetest.Reopen(t, dsn, store.Options{})
	if _, err := s.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := books(); !slices.Equal(before, after) {
		t.Errorf("before %v\nafter  %v", before, after)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// serveOld reads every old invoice as an app does, takes money through an old registration, and
// seals everything anew.
func serveOld(t *testing.T, dsn string) {
	const old = "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	moment := time.Date(2026, 11, 22, 9, 34, 0, 0, time.UTC) // a moment after the older programs were stopped
	var a *app.App
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.Handler().ServeHTTP(w, r) }))
	defer web.Close()
	cfg := settings(t, dsn, map[string]string{"MASTER_KEY": old, "PUBLIC_URL": web.URL})
	a, err := app.New(t.Context(), cfg, app.Options{
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return moment }, Test: &app.Test{LocalURL: web.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	call := func(method, path string, body any, out any) {
		t.Helper()
		text := []byte{}
		if body != nil {
			text, _ = json.Marshal(body)
		}
		req := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(text))
		req.Header.Set("x-api-key", apiKey)
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		a.Handler().ServeHTTP(rec, req)
		if err := json.Unmarshal(rec.Body.Bytes(), &struct{ Data any }{out}); err != nil || rec.Code >= 300 {
			t.Fatalf("%s %s: %d %s %v", method, path, rec.Code, rec.Body, err)
		}
	}

	type invoice struct{ ID, SourceInvoiceID, Status, Attention, CheckoutURL string }
	var list struct{ Items []invoice }
	call("GET", "/api/invoices?limit=100", nil, &list)
	stands := map[string]string{}
	for _, i := range list.Items {
		one := i
		call("GET", "/api/invoices/"+i.ID, nil, &one)
		if one != i {
			t.Errorf("in the list %+v, alone %+v", i, one)
		}
		stands[i.SourceInvoiceID] = i.Status
		if i.Attention != "" {
			stands[i.SourceInvoiceID] += " " + i.Attention
		}
		if _, err := a.Gateway.Timeline(t.Context(), i.ID); err != nil {
			t.Errorf("%s: its timeline: %v", i.SourceInvoiceID, err)
		}
	}
	for order, want := range oldOrders {
		if stands[order] != want {
			t.Errorf("%s is %q, and was left %q", order, stands[order], want)
		}
	}

	var made invoice
	call("POST", "/api/invoices", map[string]any{
		"source": "old", "businessId": "choyxona", "provider": "payme", "sourceInvoiceId": "new", "amount": 500_000, "notifyUrl": "https://shop.example.uz/hook",
	}, &made)
	sim, _, _ := a.Sandbox.Simulator("payme")
	if rep, err := sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: made.CheckoutURL}); err != nil || rep.State != "paid" {
		t.Errorf("a new invoice of an old registration: %+v %v", rep, err)
	}
	call("POST", "/api/invoices/"+list.Items[slices.IndexFunc(list.Items, func(i invoice) bool { return i.SourceInvoiceID == "pending" })].ID+"/cancel", nil, &made)
	if made.Status != "cancelled" {
		t.Errorf("an old invoice, cancelled: %+v", made)
	}

	box, err := seal.Parse(seal.NewKey() + "," + old)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := gateway.Reseal(t.Context(), a.Store, box)
	if err != nil || rows.Changed < 6 || rows.Changed != rows.Rows {
		t.Errorf("sealed anew: %+v %v", rows, err)
	}
}
