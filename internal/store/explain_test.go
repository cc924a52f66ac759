package store_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// growing are the tables that grow with payments. None of them is ever read from end to end.
const growing = `invoices|payments|cards|refunds|events|deliveries|changes|alarms|messages|idempotency|work|audit_log|payouts|payout_events|payout_deliveries|reconciliations|differences|till_reports|clues|approvals|payout_approvals`

// sqliteNames are SQLite's names for the indexes that PostgreSQL names after a constraint.
var sqliteNames = map[string]string{
	"businesses_source_key_key":                    "sqlite_autoindex_businesses_2",
	"merchants_business_id_provider_key":           "sqlite_autoindex_merchants_2",
	"payments_merchant_id_ref_key":                 "sqlite_autoindex_payments_2",
	"events_business_id_source_invoice_id_seq_key": "sqlite_autoindex_events_2",
	"work_kind_subject_key":                        "sqlite_autoindex_work_2",
	"staff_email_key":                              "sqlite_autoindex_staff_2",
	"staff_enrolments_hash_key":                    "sqlite_autoindex_staff_enrolments_2",
	"payouts_merchant_id_ref_key":                  "sqlite_autoindex_payouts_2",
	"payout_events_payout_id_seq_key":              "sqlite_autoindex_payout_events_2",
}

// Each query of the store finds its rows by the index that is meant for it, on both engines,
// with thousands of rows in every table that grows with payments.
func TestEveryQueryUsesItsIndex(t *testing.T) {
	page := store.Page{Limit: 20, AfterAt: noon.UnixMilli() + 2000, AfterID: "x"}
	yes := true
	queries := []struct {
		name  string
		index string // or several that are as good, "|" between them; "" where the name does not matter
		run   func(context.Context, *store.Tx) error
	}{
		{"Business", "businesses_source_key_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Business(ctx, "app", "5")
			return err
		}},
		{"Merchant", "merchants_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Merchant(ctx, "mer-5")
			return err
		}},
		{"MerchantVersion", "merchants_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.MerchantVersion(ctx, "mer-5")
			return err
		}},
		{"LockMerchant", "merchants_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LockMerchant(ctx, "mer-5")
			return err
		}},
		{"MerchantOf", "merchants_business_id_provider_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.MerchantOf(ctx, "biz-5", "payme")
			return err
		}},
		{"MerchantNamed", "merchants_business_id_provider_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.MerchantNamed(ctx, "app", "5", "payme")
			return err
		}},
		{"MerchantsOf", "merchants_business_id_provider_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.MerchantsOf(ctx, "biz-5")
			return err
		}},
		{"MerchantsByRoute", "merchants_route", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.MerchantsByRoute(ctx, "payme", "5")
			return err
		}},
		{"Merchants", "merchants_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Merchants(ctx, store.MerchantFilter{Active: &yes}, page)
			return err
		}},
		{"Merchants of a business", "merchants_business_id_provider_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Merchants(ctx, store.MerchantFilter{Source: "app", Business: "5"}, page)
			return err
		}},

		{"Invoice", "invoices_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Invoice(ctx, "inv-000005"); return err }},
		{"LockInvoice", "invoices_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.LockInvoice(ctx, "inv-000005"); return err }},
		{"Book", "payments_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, _, err := tx.Book(ctx, "inv-000005")
			return err
		}},
		{"LockBook", "payments_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, _, err := tx.LockBook(ctx, "inv-000005", true)
			return err
		}},
		{"LockBookOfRef", "payments_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, _, err := tx.LockBookOfRef(ctx, "mer-5", "ref 5", true)
			return err
		}},
		{"BookByAccount", "payments_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, _, err := tx.BookByAccount(ctx, "biz-5", "5")
			return err
		}},
		{"LockBookByAccount", "payments_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, _, err := tx.LockBookByAccount(ctx, "biz-5", "5")
			return err
		}},
		{"InvoiceByAccount", "invoices_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InvoiceByAccount(ctx, "biz-5", "5")
			return err
		}},
		{"OpenInvoiceID", "invoices_one_open", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.OpenInvoiceID(ctx, "app", "5", "order 5")
			return err
		}},
		{"Invoices", "invoices_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{}, page)
			return err
		}},
		{"Invoices of a business", "invoices_of_business", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Source: "app", Business: "5"}, page)
			return err
		}},
		{"Invoices of a source", "invoices_of_source", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Source: "rare"}, page)
			return err
		}},
		{"Invoices of a time", "invoices_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{From: noon, To: noon.Add(time.Second)}, store.Page{})
			return err
		}},
		{"Invoices of an order", "invoices_order", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{SourceInvoiceID: "order 5"}, store.Page{})
			return err
		}},
		{"Invoices of an order of a business", "invoices_order|invoices_one_open", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Source: "app", Business: "5", SourceInvoiceID: "order 5"}, store.Page{})
			return err
		}},
		{"Invoices of an order of a source", "invoices_order", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Source: "app", SourceInvoiceID: "order 5"}, store.Page{})
			return err
		}},
		{"Invoices of an order, and of much else, by amount", "invoices_order", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Source: "app", Status: "paid", Provider: "payme", Via: "payme", SourceInvoiceID: "order 5", Order: store.Largest}, store.Page{})
			return err
		}},
		{"Invoices by pay number of a source", "invoices_pay_number", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Source: "app", PayNumber: "5"}, store.Page{})
			return err
		}},
		{"Invoices by pay number", "invoices_pay_number", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{PayNumber: "5"}, store.Page{})
			return err
		}},
		{"Invoices that ask for attention", "invoices_attention", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Attention: true}, store.Page{})
			return err
		}},
		{"Invoices that the app does not know of", "events_waiting", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Undelivered: true}, store.Page{})
			return err
		}},
		{"Invoices whose receipt failed", "invoices_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Unreceipted: true, Order: store.Oldest}, store.Page{})
			return err
		}},
		{"Invoices that wait for a second person", "invoices_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{WaitsAt: noon, Order: store.Oldest}, store.Page{})
			return err
		}},
		{"ExpiredInvoices", "invoices_to_expire", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExpiredInvoices(ctx, noon, 100)
			return err
		}},

		{"Payment", "payments_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Payment(ctx, "pay-000005"); return err }},
		{"InvoiceOfRef", "payments_merchant_id_ref_key|payments_find_ref", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InvoiceOfRef(ctx, "mer-5", "ref 5")
			return err
		}},
		{"PaymentByRef", "payments_merchant_id_ref_key|payments_find_ref", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PaymentByRef(ctx, "mer-5", "ref 5")
			return err
		}},
		{"Payments", "payments_of_invoice", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Payments(ctx, "inv-000005"); return err }},
		{"PaymentsOf", "payments_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PaymentsOf(ctx, []string{"inv-000005", "inv-000006"})
			return err
		}},
		{"LivePayment", "payments_one_live", func(ctx context.Context, tx *store.Tx) error { _, err := tx.LivePayment(ctx, "inv-000005"); return err }},
		{"Statement", "payments_statement", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Statement(ctx, "mer-5", noon, noon.Add(time.Second), 100)
			return err
		}},
		{"Refund", "refunds_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Refund(ctx, "ref-000005"); return err }},
		{"Refunds", "refunds_of_invoice", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Refunds(ctx, "inv-000005"); return err }},
		{"RefundsPage", "refunds_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.RefundsPage(ctx, "inv-000005", page)
			return err
		}},
		{"RefundUnderway", "refunds_one_underway", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.RefundUnderway(ctx, "pay-000005")
			return err
		}},

		{"Card", "cards_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Card(ctx, "card-000005"); return err }},
		{"LockCard", "cards_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.LockCard(ctx, "card-000005"); return err }},
		{"PendingCard", "cards_pending", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PendingCard(ctx, "mer-5", "ref 5")
			return err
		}},
		{"SealedCards", "cards_sealed", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.SealedCards(ctx, "card-000005", 10)
			return err
		}},
		{"CardTokens", "payments_card_tokens", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.CardTokens(ctx, "pay-000005", 10)
			return err
		}},

		{"Payout", "payouts_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Payout(ctx, "out-000005"); return err }},
		{"LockPayout", "payouts_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.LockPayout(ctx, "out-000005"); return err }},
		{"PayoutNumbered", "payouts_once|payouts_find_number", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PayoutNumbered(ctx, "biz-5", "number 5")
			return err
		}},
		{"PayoutByRef", "payouts_merchant_id_ref_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PayoutByRef(ctx, "mer-5", "ref 5")
			return err
		}},
		{"Payouts", "payouts_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{}, page)
			return err
		}},
		{"Payouts of a business", "payouts_of_business", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{Business: "5"}, page)
			return err
		}},
		{"Payouts of a business of a source", "payouts_of_business", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{Source: "app", Business: "5", Provider: "multicard"}, page)
			return err
		}},
		{"Payouts of a source", "payouts_of_source|payouts_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{Source: "app"}, page)
			return err
		}},
		{"Payouts of a number", "payouts_find_number", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{Source: "app", Business: "5", SourcePayoutID: "number 5"}, store.Page{})
			return err
		}},
		{"Payouts that are not done", "payouts_pending", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{Status: "pending"}, store.Page{})
			return err
		}},
		{"Payouts that came to nothing", "payouts_failed", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{Status: "failed"}, store.Page{})
			return err
		}},
		{"Payouts of a business that are not done", "payouts_pending|payouts_of_business", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{Business: "5", Status: "pending"}, page)
			return err
		}},
		{"LatestPayoutEvent", "payout_events_payout_id_seq_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LatestPayoutEvent(ctx, "out-000005")
			return err
		}},
		{"SavePayoutTry", "payout_events_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.SavePayoutTry(ctx, store.PayoutEvent{Event: pay.Event{ID: "pev-000005"}}, 0)
			return err
		}},
		{"SavePayout", "payouts_pkey", func(ctx context.Context, tx *store.Tx) error {
			return tx.SavePayout(ctx, pay.Payout{ID: "out-000005", State: pay.MoveSent})
		}},
		{"NextPayoutSeq", "payout_events_payout_id_seq_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NextPayoutSeq(ctx, "out-000005")
			return err
		}},
		{"UndeliveredPayoutEvents", "payout_events_payout_id_seq_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.UndeliveredPayoutEvents(ctx, "out-000005")
			return err
		}},
		{"PayoutDeliveries", "payout_deliveries_of_payout", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PayoutDeliveries(ctx, "out-000005")
			return err
		}},
		{"PayoutAlarms", "alarms_of_payout", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PayoutAlarms(ctx, "out-000005")
			return err
		}},
		{"PaymentsOfDay", "payments_of_day", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PaymentsOfDay(ctx, "mer-5", noon.Add(time.Second), noon.UnixMilli(), "", 20)
			return err
		}},
		{"UnpaidOfDay", "payments_unpaid", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.UnpaidOfDay(ctx, "mer-5", noon.Add(time.Second), noon.UnixMilli(), "", 20)
			return err
		}},
		{"PayoutsOfDay", "payouts_of_day", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PayoutsOfDay(ctx, "mer-5", noon.Add(time.Second), noon.UnixMilli(), "", 20)
			return err
		}},
		{"Reconciliation", "reconciliations_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Reconciliation(ctx, "rec-000005")
			return err
		}},
		{"LockReconciliation", "reconciliations_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LockReconciliation(ctx, "rec-000005")
			return err
		}},
		{"NightlyLeft", "reconciliations_nightly", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NightlyLeft(ctx, "2026-03-13", noon.Add(time.Hour), "mer-1", 20)
			return err
		}},
		{"Difference", "differences_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Difference(ctx, "dif-000005")
			return err
		}},
		{"Differences", "differences_listed", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Differences(ctx, "rec-000005", pay.VerdictDifferent, 0, "", 20)
			return err
		}},
		{"DifferenceOf", "differences_ours", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.DifferenceOf(ctx, "rec-000005", "pay-000005")
			return err
		}},
		{"Unsettled", "differences_listed", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Unsettled(ctx, "rec-000005")
			return err
		}},
		{"ForgetMatches", "differences_listed", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ForgetMatches(ctx, "rec-000005", 20)
			return err
		}},

		{"NextSeq", "events_business_id_source_invoice_id_seq_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NextSeq(ctx, "biz-5", "order 5")
			return err
		}},
		{"Event", "events_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Event(ctx, "evt-000005"); return err }},
		{"LatestEvent", "events_of_invoice", func(ctx context.Context, tx *store.Tx) error { _, err := tx.LatestEvent(ctx, "inv-000005"); return err }},
		{"OldestUndelivered", "events_undelivered", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.OldestUndelivered(ctx, "biz-5", "order 5")
			return err
		}},
		{"FirstUndelivered", "events_undelivered", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.FirstUndelivered(ctx, []store.Line{{BusinessID: "biz-5", SourceInvoiceID: "order 5"}, {BusinessID: "biz-6", SourceInvoiceID: "order 6"}})
			return err
		}},
		{"LockSent", "events_undelivered", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LockSent(ctx, []store.Sent{{Event: pay.Event{ID: "evt-000005", InvoiceID: "inv-000005"}, Work: outbox.Work{ID: "work-000005", Lease: "x"}}}, false)
			return err
		}},
		{"Arrived", "events_pkey", func(ctx context.Context, tx *store.Tx) error {
			return tx.Arrived(ctx, []store.Sent{{Event: pay.Event{ID: "evt-000005", InvoiceID: "inv-000005"}, Work: outbox.Work{ID: "work-000005", Lease: "x"}}}, noon)
		}},
		{"EventsAfter", "events_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.EventsAfter(ctx, "evt-000005", 5)
			return err
		}},
		{"DropDeliveries", "deliveries_of_event", func(ctx context.Context, tx *store.Tx) error { return tx.DropDeliveries(ctx, "evt-000005") }},
		{"DropEvent", "events_pkey", func(ctx context.Context, tx *store.Tx) error {
			if err := tx.DropDeliveries(ctx, "evt-000005"); err != nil {
				return err
			}
			return tx.DropEvent(ctx, "evt-000005")
		}},
		{"Deliveries", "deliveries_of_invoice", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Deliveries(ctx, "inv-000005"); return err }},
		{"Changes", "changes_of_invoice", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Changes(ctx, "inv-000005"); return err }},
		{"Messages", "messages_of_invoice", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Messages(ctx, "inv-000005"); return err }},
		{"PruneMessages", "messages_oldest", func(ctx context.Context, tx *store.Tx) error { _, err := tx.PruneMessages(ctx, noon, 10); return err }},
		{"Alarms", "alarms_of_invoice", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Alarms(ctx, "inv-000005"); return err }},
		{"OpenAlarms", "alarms_open", func(ctx context.Context, tx *store.Tx) error { _, err := tx.OpenAlarms(ctx, store.Page{}); return err }},
		{"CloseAlarms", "alarms_of_invoice", func(ctx context.Context, tx *store.Tx) error { return tx.CloseAlarms(ctx, "inv-000005", "x", noon) }},
		{"Key", "idempotency_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Key(ctx, "scope", "5"); return err }},
		{"PruneKeys", "idempotency_oldest", func(ctx context.Context, tx *store.Tx) error { _, err := tx.PruneKeys(ctx, noon, 10); return err }},
		{"WorkFor", "work_kind_subject_key", func(ctx context.Context, tx *store.Tx) error { _, err := tx.WorkFor(ctx, "deliver", "5"); return err }},
		{"DropWork", "work_kind_subject_key", func(ctx context.Context, tx *store.Tx) error { return tx.DropWork(ctx, "deliver", "5") }},
		{"Finish", "work_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Finish(ctx, outbox.Work{ID: "work-000005", Lease: "x"}, noon)
			return err
		}},
		{"Fail", "work_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Fail(ctx, outbox.Work{ID: "work-000005", Lease: "x"}, noon, noon, "why")
			return err
		}},
		{"Claim", "work_due", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Claim(ctx, noon.Add(time.Hour), time.Minute, 20, 1, nil)
			return err
		}},
		{"Stats", "", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Stats(ctx); return err }},

		{"Invoices of a provider", "invoices_via", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Via: "click"}, page)
			return err
		}},
		{"Invoices of a status", "invoices_status", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Status: "pending"}, page)
			return err
		}},
		{"Invoices of a kind of attention", "invoices_attention", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Kind: pay.AttentionUnknown}, page)
			return err
		}},
		{"Invoices of an amount", "invoices_amount", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Amount: 1001}, page)
			return err
		}},
		{"Invoices, the oldest first", "invoices_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Order: store.Oldest}, page)
			return err
		}},
		{"Invoices, the largest first", "invoices_amount", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Order: store.Largest}, store.Page{AfterAt: 1000, AfterID: "inv-000005"})
			return err
		}},
		{"Invoices, the smallest first", "invoices_amount", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Order: store.Smallest}, store.Page{})
			return err
		}},
		{"Invoices of a status, the largest first", "invoices_amount", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Invoices(ctx, store.InvoiceFilter{Order: store.Largest, Status: "cancelled", Via: "payme"}, store.Page{})
			return err
		}},
		{"InvoicesByID", "invoices_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InvoicesByID(ctx, []string{"inv-000005", "inv-000006"})
			return err
		}},
		{"InvoicesByClue", "clues_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InvoicesByClue(ctx, store.ClueName, "name 5", 20)
			return err
		}},
		{"InsertClue", "", func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertClue(ctx, store.ClueName, "another", "inv-000005")
		}},
		{"InvoicesByRef", "payments_find_ref", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InvoicesByRef(ctx, "ref 5", 20)
			return err
		}},
		{"InvoicesByRefundRef", "refunds_find_ref", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InvoicesByRefundRef(ctx, "back 5", 20)
			return err
		}},
		{"InvoicesByCardTail", "COVERING INDEX payments_card_tail|Index Only Scan Backward using payments_card_tail", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InvoicesByCardTail(ctx, "0012", 20)
			return err
		}},
		{"InvoicesByPhoneTail", "COVERING INDEX payments_phone_tail|Index Only Scan Backward using payments_phone_tail", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InvoicesByPhoneTail(ctx, "0012", 20)
			return err
		}},
		{"RefundList", "refunds_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.RefundList(ctx, store.RefundFilter{}, page)
			return err
		}},
		{"RefundList of a state", "refunds_state|refunds_one_underway", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.RefundList(ctx, store.RefundFilter{State: "sent"}, page)
			return err
		}},
		{"Events", "events_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Events(ctx, store.EventFilter{}, page)
			return err
		}},
		{"Events, stuck", "events_stuck", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Events(ctx, store.EventFilter{State: store.EventStuck}, page)
			return err
		}},
		{"Events, stuck, of one receiver", "events_stuck", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Events(ctx, store.EventFilter{State: store.EventStuck, Receiver: "https://shop.uz/hook"}, page)
			return err
		}},
		{"Events, waiting", "events_waiting|events_stuck", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Events(ctx, store.EventFilter{State: store.EventWaiting}, page)
			return err
		}},
		{"Events, given up", "events_dead", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Events(ctx, store.EventFilter{State: store.EventDead, Order: store.Oldest}, page)
			return err
		}},
		{"LastDelivery", "deliveries_of_event", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LastDelivery(ctx, "evt-000005")
			return err
		}},
		{"StuckEvents", "events_stuck", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.StuckEvents(ctx, "https://shop.uz/hook", noon, time.Time{}, noon, 100)
			return err
		}},
		{"StuckReceivers", "events_stuck", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.StuckReceivers(ctx, 5)
			return err
		}},
		{"FailedReceipts", "payments_receipt_failed", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.FailedReceipts(ctx, 5)
			return err
		}},
		{"InactiveMerchants", "merchants_inactive", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InactiveMerchants(ctx, 5)
			return err
		}},
		{"Heaps", "invoices_attention", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Heaps(ctx, noon)
			return err
		}},
		{"Hours", "refunds_done", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Hours(ctx, noon.Add(66*time.Hour))
			return err
		}},
		{"TimelinePage", "messages_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, _, _, _, err := tx.TimelinePage(ctx, "inv-000005", store.Mark{}, 20)
			return err
		}},
		{"LastMessages", "messages_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LastMessages(ctx, "inv-000005", 20)
			return err
		}},
		{"Pulse", "changes_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Pulse(ctx)
			return err
		}},
		{"PulseOf", "changes_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PulseOf(ctx, "inv-000005")
			return err
		}},
		{"Approval", "approvals_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Approval(ctx, "app-000005")
			return err
		}},
		{"ApprovalsOf", "approvals_of_invoice", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ApprovalsOf(ctx, "inv-000005")
			return err
		}},
		{"WaitingApprovals", "approvals_waiting", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.WaitingApprovals(ctx, noon, 5)
			return err
		}},
		{"DecideApproval", "approvals_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.DecideApproval(ctx, store.Approval{ID: "app-000005", State: store.ApprovalRefused})
			return err
		}},
		{"PayoutApproval", "payout_approvals_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PayoutApproval(ctx, "pap-000005")
			return err
		}},
		{"PayoutApprovalsOf", "payout_approvals_of_payout", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PayoutApprovalsOf(ctx, "out-000005")
			return err
		}},
		{"DecidePayoutApproval", "payout_approvals_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.DecidePayoutApproval(ctx, store.PayoutApproval{ID: "pap-000005", State: store.ApprovalRefused})
			return err
		}},
		{"Audit", "audit_log_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Audit(ctx, store.AuditFilter{}, page)
			return err
		}},
		{"Audit, oldest first", "audit_log_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Audit(ctx, store.AuditFilter{Order: store.Oldest}, page)
			return err
		}},
		{"Audit of what one person did to a subject", "audit_log_subject|audit_log_who", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Audit(ctx, store.AuditFilter{Who: "5@x.uz", Subject: "5"}, store.Page{Limit: 20})
			return err
		}},
		{"Audit of a time", "audit_log_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Audit(ctx, store.AuditFilter{From: noon, To: noon.Add(time.Second)}, store.Page{})
			return err
		}},
		{"Audit of a person", "audit_log_who", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Audit(ctx, store.AuditFilter{Who: "5@x.uz"}, page)
			return err
		}},
		{"Audit of an action", "audit_log_what", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Audit(ctx, store.AuditFilter{What: "what 5"}, page)
			return err
		}},
		{"Audit of a subject", "audit_log_subject", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Audit(ctx, store.AuditFilter{Subject: "5"}, page)
			return err
		}},
		{"AuditFrom", "audit_log_pkey|PRIMARY KEY", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AuditFrom(ctx, 5, 20)
			return err
		}},
		{"LastHeard", "messages_heard", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LastHeard(ctx, "mer-5")
			return err
		}},
		{"PaidAndReturned", "payments_merchant_id_ref_key|payments_statement", func(ctx context.Context, tx *store.Tx) error {
			_, _, err := tx.PaidAndReturned(ctx, "mer-5")
			return err
		}},
		{"DeliveredOnce", "events_business_id_source_invoice_id_seq_key|events_undelivered", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.DeliveredOnce(ctx, "biz-5")
			return err
		}},
		{"Staff", "staff_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Staff(ctx, "sta-5"); return err }},
		{"StaffByEmail", "staff_email_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.StaffByEmail(ctx, "5@x.uz")
			return err
		}},
		{"Enrolment", "staff_enrolments_hash_key", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Enrolment(ctx, "5")
			return err
		}},
		{"Session", "staff_sessions_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Session(ctx, "5")
			return err
		}},
		{"SessionsOf", "staff_sessions_of", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.SessionsOf(ctx, "sta-5")
			return err
		}},
		{"EndSessionsBefore", "staff_sessions_over", func(ctx context.Context, tx *store.Tx) error { return tx.EndSessionsBefore(ctx, noon) }},
		{"LockTries", "staff_tries_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LockTries(ctx, "5")
			return err
		}},
		{"HasTries", "staff_tries_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.HasTries(ctx, "5")
			return err
		}},
		{"ForgetTriesBefore", "staff_tries_oldest", func(ctx context.Context, tx *store.Tx) error { return tx.ForgetTriesBefore(ctx, noon) }},
		{"LockTill", "tills_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.LockTill(ctx, "till-5"); return err }},
		{"TillByCode", "tills_code", func(ctx context.Context, tx *store.Tx) error { _, err := tx.TillByCode(ctx, "code 5"); return err }},
		{"TillByToken", "tills_token", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.TillByToken(ctx, "token 5")
			return err
		}},
		{"Tills", "tills_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Tills(ctx, store.TillFilter{}, page)
			return err
		}},
		{"Tills of a business", "tills_of_business", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Tills(ctx, store.TillFilter{Source: "app", Business: "5"}, page)
			return err
		}},
		{"Till", "tills_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.Till(ctx, "till-5"); return err }},
		{"TillDays", "till_reports_day|till_reports_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.TillDays(ctx, []string{"till-000005", "till-000006"}, noon.Add(3990*time.Millisecond))
			return err
		}},
		{"AdriftTills", "till_reports_adrift", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AdriftTills(ctx, 5)
			return err
		}},
		{"Payouts with an alarm", "alarms_loose", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{Loose: true}, page)
			return err
		}},
		{"Payouts that the app does not know of", "payout_events_stuck", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{Untold: true}, page)
			return err
		}},
		{"Payouts, oldest first", "payouts_newest", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Payouts(ctx, store.PayoutFilter{Order: store.Oldest}, page)
			return err
		}},
		{"LooseReconciliations", "alarms_loose", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LooseReconciliations(ctx, store.Newest, page)
			return err
		}},
		{"AlarmOpen", "alarms_pkey", func(ctx context.Context, tx *store.Tx) error { _, err := tx.AlarmOpen(ctx, "alm-000005"); return err }},
		{"LockReport", "till_reports_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LockReport(ctx, "till-000005", "op 4")
			return err
		}},
		{"LockFormerReport", "till_reports_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LockFormerReport(ctx, "biz-5", "op 4")
			return err
		}},
		{"SaveReport", "till_reports_pkey", func(ctx context.Context, tx *store.Tx) error {
			return tx.SaveReport(ctx, pay.KeptReport{TillID: "till-000005", Report: pay.TillReport{ID: "op 4"}})
		}},

		{"SaveInvoice", "invoices_pkey", func(ctx context.Context, tx *store.Tx) error {
			return tx.SaveInvoice(ctx, pay.Invoice{ID: "inv-000005", Status: pay.StatusPaid})
		}},
		{"SavePayment", "payments_pkey", func(ctx context.Context, tx *store.Tx) error {
			return tx.SavePayment(ctx, pay.Payment{ID: "pay-000005", State: pay.Created})
		}},
		{"SavePayment of a book", "payments_pkey", func(ctx context.Context, tx *store.Tx) error {
			_, payments, err := tx.LockBook(ctx, "inv-000005", false)
			if err != nil {
				return err
			}
			return tx.SavePayment(ctx, payments[0])
		}},
		{"SaveRefund", "refunds_pkey", func(ctx context.Context, tx *store.Tx) error {
			return tx.SaveRefund(ctx, pay.Refund{ID: "ref-000005", State: pay.MoveFailed})
		}},
		{"SendSooner", "events_pkey", func(ctx context.Context, tx *store.Tx) error { return tx.SendSooner(ctx, "evt-000005") }},
		{"SaveEvent", "events_pkey", func(ctx context.Context, tx *store.Tx) error { return tx.SaveEvent(ctx, pay.Event{ID: "evt-000005"}) }},
	}
	walked := regexp.MustCompile(`Seq Scan on (` + growing + `)\b|(?m)^SCAN (` + growing + `|[iawpder])$`)
	planned := regexp.MustCompile(`LIMIT \$[0-9]+\s*($|[^+ 0-9])`)
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		crowd(t, s, manyRows)
		var seen []store.Statement
		s.Watch(func(st store.Statement) { seen = append(seen, st) })
		for _, q := range queries {
			var indexes []string
			for index := range strings.SplitSeq(q.index, "|") {
				if name, ok := sqliteNames[index]; ok && !s.Postgres() {
					index = name
				} else if table, ok := strings.CutSuffix(index, "_pkey"); ok && !s.Postgres() {
					index = "sqlite_autoindex_" + table + "_1"
				}
				indexes = append(indexes, index)
			}
			seen = nil
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if err := q.run(ctx, tx); err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				}
				return errRefused // so that each finds the same rows
			})
			if err != errRefused {
				t.Fatalf("%s: %v", q.name, err)
			}
			for _, st := range seen {
				if planned.MatchString(st.Query) {
					t.Errorf("%s is planned anew at each call on SQLite, for its limit is a bare argument: %s", q.name, st.Query)
				}
			}
			var plans strings.Builder
			for _, st := range seen {
				view(t, s, func(ctx context.Context, tx *store.Tx) error {
					plan, err := tx.Explain(ctx, st)
					plans.WriteString(plan + "\n")
					return err
				})
			}
			t.Logf("%s:\n%s", q.name, plans.String())
			if !regexp.MustCompile(`(` + strings.Join(indexes, "|") + `)\b`).MatchString(plans.String()) {
				t.Errorf("%s does not use %s:\n%s", q.name, indexes, plans.String())
			}
			if walked.MatchString(plans.String()) && q.name != "Stats" { // counts all open work, by kind
				t.Errorf("%s reads a table from end to end:\n%s", q.name, plans.String())
			}
		}
	})
}

// manyRows make both engines plan as they would for a table that grows.
const manyRows = 4000

// crowd puts so many rows into every table, and tells PostgreSQL how many.
func crowd(t *testing.T, s *store.Store, many int) {
	t.Helper()
	at := noon.UnixMilli()
	rows := fmt.Sprintf(`WITH RECURSIVE
		number (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM number WHERE i < %d),
		n (i, id, b) AS (SELECT i, SUBSTR('00000' || i, LENGTH(CAST(i AS TEXT)), 6), CAST(i %% 40 + 1 AS TEXT) FROM number) `, many)
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, insert := range []string{
			`INSERT INTO businesses (id, source, key, created_at) SELECT 'biz-' || i, 'app', CAST(i AS TEXT), $1 + i FROM n`,
			`INSERT INTO merchants (id, business_id, provider, active, sealed, route, version, created_at, updated_at)
				SELECT 'mer-' || i, 'biz-' || i, 'payme', TRUE, '', CAST(i AS TEXT), 1, $1 + i, $1 FROM n`,
			`INSERT INTO invoices (id, business_id, source, source_invoice_id, pay_number, amount, status, details, created_at, expires_at, check_at, attention, notify_delivered, via)
				SELECT 'inv-' || id, 'biz-' || b, CASE WHEN b = '7' THEN 'rare' ELSE 'app' END, 'order ' || i, CAST(i AS TEXT), 1000, CASE WHEN i % 10 = 0 THEN 'pending' ELSE 'cancelled' END, '{}', $1 + i, $1 + i, $1 + i,
				CASE WHEN i % 100 = 0 THEN 'unknown_outcome' ELSE '' END, i % 100 <> 1, CASE WHEN i % 100 = 3 THEN 'click' ELSE 'payme' END FROM n`,
			`INSERT INTO payments (id, invoice_id, business_id, merchant_id, provider, ref, amount, state, their_time, created_at, paid_at, ended_at, card_pan, code_phone, fiscal)
				SELECT 'pay-' || id, 'inv-' || id, 'biz-' || b, 'mer-' || b, 'payme', 'ref ' || i, 1000,
				CASE WHEN i % 100 = 0 THEN 'unknown' WHEN i % 10 = 1 THEN 'failed' ELSE 'created' END, $1 + i, $1 + i,
				CASE WHEN i % 10 = 2 THEN $1 + i * 60000 ELSE 0 END, CASE WHEN i % 10 = 1 THEN $1 + i * 60000 ELSE 0 END,
				CASE WHEN i % 10 = 2 THEN '860030******' || SUBSTR(id, 3) ELSE '' END, CASE WHEN i % 10 = 2 THEN '+998*****' || SUBSTR(id, 3) ELSE '' END,
				CASE WHEN i % 100 = 2 THEN 'failed' ELSE '' END FROM n`,
			`INSERT INTO clues (kind, value, business_id, invoice_id, created_at) SELECT 'name', 'name ' || i, 'biz-' || b, 'inv-' || id, $1 + i FROM n`,
			`INSERT INTO approvals (id, business_id, invoice_id, amount, reason, state, asked_by, created_at, expires_at)
				SELECT 'app-' || id, 'biz-' || b, 'inv-' || id, 100, '', CASE WHEN i % 100 = 0 THEN 'waiting' ELSE 'refused' END, 'x', $1 + i, $1 + i FROM n`,
			`INSERT INTO cards (id, business_id, merchant_id, provider, ref, state, sealed, created_at)
				SELECT 'card-' || id, 'biz-' || b, 'mer-' || b, 'paysys', 'ref ' || i, CASE WHEN i % 10 = 0 THEN 'active' WHEN i % 10 = 5 THEN 'pending' ELSE 'failed' END, CASE WHEN i % 10 = 0 THEN 'x' ELSE '' END, $1 + i FROM n`,
			`INSERT INTO tills (id, business_id, name, code_hash, token_hash, created_at)
				SELECT 'till-' || id, 'biz-' || b, 'till', 'code ' || i, 'token ' || i, $1 + i FROM n WHERE i <= 400`,
			`INSERT INTO till_reports (till_id, op_id, business_id, revision, body, created_at, updated_at, adrift)
				SELECT 'till-' || SUBSTR('00000' || (i % 400 + 1), LENGTH(CAST(i % 400 + 1 AS TEXT)), 6), 'op ' || i, 'biz-' || b, 1, '{}', $1 + i, $1 + i, i % 100 = 0 FROM n`,
			`INSERT INTO refunds (id, business_id, invoice_id, payment_id, amount, state, created_at)
				SELECT 'ref-' || id, 'biz-' || b, 'inv-' || id, 'pay-' || id, 100, CASE WHEN i % 100 = 0 THEN 'sent' ELSE 'failed' END, $1 + i FROM n`,
			`INSERT INTO payouts (id, business_id, merchant_id, source, business, provider, source_payout_id, amount, state, two_steps, ref, created_at, sent_at, done_at)
				SELECT 'out-' || id, 'biz-' || b, 'mer-' || b, 'app', b, 'multicard', 'number ' || i, 1000, CASE WHEN i % 10 = 0 THEN 'sent' ELSE 'succeeded' END, FALSE, 'ref ' || i, $1 + i, $1 + i,
				CASE WHEN i % 10 = 0 THEN 0 ELSE $1 + i END FROM n`,
			`INSERT INTO payout_approvals (id, business_id, payout_id, reason, state, asked_by, created_at, expires_at)
				SELECT 'pap-' || id, 'biz-' || b, 'out-' || id, '', CASE WHEN i % 100 = 0 THEN 'waiting' ELSE 'refused' END, 'x', $1 + i, $1 + i FROM n`,
			`INSERT INTO payout_events (id, business_id, payout_id, seq, type, body, notify_url, created_at, delivered_at)
				SELECT 'pev-' || id, 'biz-' || b, 'out-' || id, 1, '', '', '', $1 + i, CASE WHEN i % 100 = 0 THEN 0 ELSE $1 END FROM n`,
			`INSERT INTO payout_deliveries (id, business_id, event_id, payout_id, attempt, at, status, duration_ms)
				SELECT 'pdl-' || id, 'biz-' || b, 'pev-' || id, 'out-' || id, 1, $1 + i, 200, 1 FROM n`,
			`INSERT INTO reconciliations (id, business_id, merchant_id, provider, day, way, nightly, state, created_at)
				SELECT 'rec-' || id, 'biz-' || i, 'mer-' || i, 'multicard', '2026-03-' || b, 'register', TRUE, 'running', $1 + i FROM n`,
			`INSERT INTO differences (id, business_id, reconciliation_id, kind, verdict, seq, ref, our_id, theirs, their_time)
				SELECT 'dif-' || id, 'biz-' || b, 'rec-' || id, 'payment', CASE WHEN i % 2 = 0 THEN 'matched' ELSE 'different' END, i, 'ref ' || i, 'pay-' || id, TRUE, $1 + i FROM n`,
			`UPDATE merchants SET nightly = TRUE WHERE created_at > $1`,
			`INSERT INTO events (id, business_id, invoice_id, source_invoice_id, seq, type, body, notify_url, created_at, delivered_at, stuck_at)
				SELECT 'evt-' || id, 'biz-' || b, 'inv-' || id, 'order ' || i, 1, '', '', '', $1 + i, CASE WHEN i % 10 = 0 THEN 0 ELSE $1 END, CASE WHEN i % 100 = 0 THEN $1 ELSE 0 END FROM n`,
			`INSERT INTO deliveries (id, business_id, event_id, invoice_id, attempt, at, status, duration_ms)
				SELECT 'del-' || id, 'biz-' || b, 'evt-' || id, 'inv-' || id, 1, $1 + i, 200, 1 FROM n`,
			`INSERT INTO changes (id, business_id, invoice_id, at, what, now, by_whom) SELECT 'chg-' || id, 'biz-' || b, 'inv-' || id, $1 + i, '', '', '' FROM n`,
			`INSERT INTO alarms (id, business_id, invoice_id, payout_id, kind, message, created_at, closed_at)
				SELECT 'alm-' || id, 'biz-' || b, CASE WHEN i % 50 = 0 THEN '' ELSE 'inv-' || id END, CASE WHEN i % 50 = 0 THEN 'out-' || id ELSE '' END, '', '', $1 + i, CASE WHEN i % 100 = 0 THEN 0 ELSE $1 END FROM n`,
			`INSERT INTO messages (id, business_id, merchant_id, invoice_id, at, direction, request, status, response, duration_ms)
				SELECT 'msg-' || id, 'biz-' || b, 'mer-' || b, 'inv-' || id, $1 + i, CASE WHEN i % 10 = 0 THEN 'in' ELSE 'out' END, '', 200, '', 1 FROM n`,
			`INSERT INTO audit_log (seq, id, created_at, staff_id, who, address, what, subject, detail, mac)
				SELECT i, 'aud-' || id, $1 + i, 'sta-' || b, b || '@x.uz', '', 'what ' || b, b, '', '' FROM n`,
			`INSERT INTO staff (id, email, role, active, created_at) SELECT 'sta-' || i, i || '@x.uz', 'viewer', TRUE, $1 FROM n`,
			`INSERT INTO staff_enrolments (staff_id, hash, totp, keep_password, ends_at) SELECT 'sta-' || i, CAST(i AS TEXT), '', TRUE, $1 + i FROM n`,
			`INSERT INTO staff_sessions (hash, staff_id, address, created_at, seen_at, ends_at) SELECT CAST(i AS TEXT), 'sta-' || i, '', $1, $1, $1 + i FROM n`,
			`INSERT INTO staff_tries (subject, failures, locked_until, at) SELECT CAST(i AS TEXT), 1, 0, $1 + i FROM n`,
			`INSERT INTO idempotency (scope, key, hash, resource, status, done, created_at) SELECT 'scope', CAST(i AS TEXT), '', '', 200, TRUE, $1 + i FROM n`,
			`INSERT INTO work (id, business_id, kind, subject, lane, due_at, created_at) SELECT 'work-' || id, 'biz-' || b, 'deliver', CAST(i AS TEXT), 'lane ' || (i % 10), $1 + i, $1 FROM n`,
		} {
			if _, err := tx.Exec(ctx, rows+insert, at); err != nil {
				return err
			}
		}
		if !s.Postgres() {
			return nil
		}
		_, err := tx.Exec(ctx, `ANALYZE`)
		return err
	})
}
