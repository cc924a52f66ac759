package gateway_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// No transaction that writes is about two businesses: a database that is distributed by business
// never has to agree on one between machines. The outbox's own claims take work of anybody; they
// touch nothing but its rows.
func TestNoTransactionSpansTwoBusinesses(t *testing.T) {
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, e)
			fx := fixtureOn(t, dsn, store.Options{})
			seen := watchTransactions(fx.store)

			merchants := map[string]gateway.Merchant{}
			for _, business := range []string{"b1", "b2"} {
				for _, p := range []string{"link", "host"} {
					merchants[business+p] = fx.merchant(business, p)
				}
			}
			for i, order := range []string{"o1", "o2"} { // step by step in turns, as a busy hour mixes them
				var paid []gateway.Invoice
				for _, business := range []string{"b1", "b2"} {
					for _, p := range []string{"link", "host"} {
						in := fx.input(p, order+" by "+p)
						in.Business = business
						inv := fx.invoice(in)
						key := provider.Key{Ref: business + p + order}
						if p == "host" {
							key = provider.Key{Ref: inv.Payment.Ref, PaymentID: inv.Payment.ID}
						}
						fx.on(merchants[business+p], func(d provider.Desk) {
							if p == "link" {
								if _, err := d.Open(t.Context(), provider.OpenOrder{Account: inv.ID, Ref: key.Ref, Amount: inv.Amount}); err != nil {
									t.Error(err)
								}
							}
							if _, err := d.Confirm(t.Context(), key, provider.Proof{Amount: inv.Amount}); err != nil {
								t.Error(err)
							}
						})
						if p == "host" {
							paid = append(paid, inv)
						}
						in.SourceInvoiceID += ", unpaid"
						if unpaid := fx.invoice(in); i == 0 {
							if _, err := fx.CancelInvoice(t.Context(), unpaid.ID, gateway.Idem{}); err != nil {
								t.Error(err)
							}
						}
					}
				}
				fx.settle()
				for _, inv := range paid {
					if _, err := fx.CreateRefund(t.Context(), gateway.RefundInput{InvoiceID: inv.ID}, gateway.Idem{Key: inv.ID, Request: inv.ID}); err != nil {
						t.Error(err)
					}
				}
				fx.settle()
				fx.advance(25 * time.Hour) // the unpaid ones expire
				fx.settle()
			}

			of := owners(t, dsn)
			checked := 0
			for _, tx := range seen() {
				if !tx.writes || tx.onlyWork {
					continue
				}
				businesses := map[string]bool{}
				for _, arg := range tx.args {
					if b := of[arg]; b != "" {
						businesses[b] = true
					}
				}
				if len(businesses) == 1 {
					checked++
				}
				if len(businesses) > 1 {
					t.Errorf("one transaction is about businesses %v:\n%s", slices.Collect(maps.Keys(businesses)), strings.Join(tx.queries, "\n"))
				}
			}
			if checked < 50 {
				t.Errorf("only %d transactions were looked at", checked)
			}
		})
	}
}

// watched is a transaction as it was seen.
type watched struct {
	queries          []string
	args             []string
	writes, onlyWork bool
}

var onWork = regexp.MustCompile(`(?i)\b(FROM|INTO|UPDATE|JOIN)\s+(\w+)`)

// watchTransactions gathers all from now on. The returned function must be called when nothing
// runs any more.
func watchTransactions(s *store.Store) func() []*watched {
	type statement struct {
		tx    *store.Tx
		query string
		args  []any
	}
	statements := make(chan statement, 100_000)
	s.Observe(func(tx *store.Tx, query string, args []any) { statements <- statement{tx, query, args} })
	return func() (all []*watched) {
		close(statements)
		byTx := map[*store.Tx]*watched{}
		for st := range statements {
			w := byTx[st.tx]
			if w == nil {
				w = &watched{onlyWork: true}
				byTx[st.tx] = w
				all = append(all, w)
			}
			w.queries = append(w.queries, st.query)
			w.writes = w.writes || !strings.HasPrefix(strings.TrimSpace(st.query), "SELECT")
			for _, table := range onWork.FindAllStringSubmatch(st.query, -1) {
				w.onlyWork = w.onlyWork && slices.Contains([]string{"work", "lanes", "SKIP"}, table[2])
			}
			for _, a := range st.args {
				if text, ok := a.(string); ok {
					w.args = append(w.args, text)
				}
			}
		}
		return all
	}
}

// owners says for each id in the database of which business it is.
func owners(t *testing.T, dsn string) map[string]string {
	t.Helper()
	of := map[string]string{}
	for _, table := range []string{"merchants", "invoices", "payments", "refunds", "events", "deliveries", "changes", "alarms", "work"} {
		for _, r := range storetest.Rows(t, dsn, "SELECT id, business_id FROM "+table) {
			of[r[0]], of[r[1]] = r[1], r[1]
		}
	}
	if len(of) == 0 {
		t.Fatal("nothing is in the database")
	}
	return of
}
