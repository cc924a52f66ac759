package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/register"
	"github.com/chorsu/chorsu/internal/store"
)

// A reconciliation reads what a company says of a day, and compares. It changes no money: what
// differs is listed, and settled one by one by a named person, by the same use cases as always.
//
// It is done in steps of a bounded number of rows, each of which is one claim of its row of work:
// the company's list from one place to the next, then our own payments that it did not name. How
// far it has come stands in its row, in the transaction that wrote the step's result, so a step
// that was repeated counts once.

const (
	stepRows      = 50               // compared in one step
	registerMost  = 1_000_000        // rows of a company's list of one day
	stepTime      = 5 * time.Second  // after which a step asks no further question
	margin        = time.Hour        // read on both sides of a day: neither clock is to be trusted
	loadWithin    = 10 * time.Minute // for storing an uploaded file
	reconcileMost = 6 * time.Hour    // how long a company that cannot be read is tried
	ourSeq        = 1 << 40          // our own rows come behind the company's: they are numbered by their time
	payoutSeq     = 1 << 32          // and its payouts behind its payments
)

// ReconcileInput compares a day of a merchant with what its company says.
type ReconcileInput struct {
	Source, Business, Provider string

	Day  string // YYYY-MM-DD in Asia/Tashkent
	File []byte // an uploaded register; nil: the company is asked
}

// CreateReconciliation begins to compare a day that is over: 201, running.
func (g *Gateway) CreateReconciliation(ctx context.Context, in ReconcileInput, key Idem) (Saved[pay.Reconciliation], error) {
	out := Saved[pay.Reconciliation]{Status: http.StatusCreated}
	_, ends, err := dayOf(in.Day)
	if err != nil || g.now().Before(ends) {
		return out, invalid([]string{`"date" must be a day that is over in Tashkent, as YYYY-MM-DD`})
	}
	var rows []register.Row
	if in.File != nil {
		if rows, err = register.Read(in.File); err != nil {
			var faults register.Faults
			if !errors.As(err, &faults) {
				return out, err
			}
			return out, &pay.Error{Code: pay.CodeInvalid, Reason: "register_file", Message: "the file cannot be read", Details: prefixed(`"file" `, faults)}
		}
		sum := sha256.Sum256(in.File)
		key.Request = []any{key.Request, hex.EncodeToString(sum[:])}
	}
	var r pay.Reconciliation
	var c claim
	err = wait(ctx, func() (again bool, err error) {
		err = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
			again, out.Replayed = false, false
			if c, err = g.newClaim("reconciliation.create", in.Source, key, false); err != nil {
				return err
			}
			t, err := c.look(ctx, b.Tx, b.now)
			if err != nil {
				return err
			}
			if t != nil && t.died { // where the upload broke off with its process, this one begins anew
				ended, err := b.brokeOff(ctx, t.resource, loadWithin)
				if err != nil {
					return err
				}
				if ended {
					if err := c.release(ctx, b.Tx); err != nil {
						return err
					}
					t = nil
				}
			}
			if t != nil {
				again, out.Replayed, r.ID = t.running, true, t.resource
				return nil
			}
			m, err := b.MerchantNamed(ctx, in.Source, in.Business, in.Provider)
			if errors.Is(err, store.ErrNotFound) {
				return &pay.Error{Code: pay.CodeNotFound, Reason: "merchant_not_found", Message: fmt.Sprintf("the business %q of %q is not registered with %s", in.Business, in.Source, in.Provider)}
			}
			if err != nil {
				return err
			}
			way, err := g.reconcileWay(m, in.File != nil)
			if err != nil {
				return err
			}
			r = pay.Reconciliation{
				ID: id.New(), BusinessID: m.BusinessID, MerchantID: m.ID, Provider: m.Provider, Day: in.Day, Way: way,
				State: pay.ReconcileRunning, Phase: pay.PhaseTheirs, CreatedAt: b.now,
			}
			if way == pay.ByFile {
				r.State = pay.ReconcileLoading
			}
			if err := b.beginReconcile(ctx, r); err != nil {
				return err
			}
			t, err = c.take(ctx, b.Tx, r.ID, http.StatusCreated, way != pay.ByFile, b.now)
			if err == nil && t != nil {
				err = errTwin
			}
			return err
		})
		if errors.Is(err, errTwin) {
			return true, nil
		}
		return again, err
	})
	if err != nil {
		return out, err
	}
	if !out.Replayed && r.Way == pay.ByFile {
		if err := g.loadRegister(ctx, r, rows, c); err != nil {
			return out, err
		}
	}
	out.Value, err = g.Reconciliation(ctx, r.ID)
	return out, err
}

func prefixed(prefix string, list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = prefix + s
	}
	return out
}

// dayOf is when a day begins and ends in Tashkent.
func dayOf(day string) (begins, ends time.Time, err error) {
	if begins, err = time.ParseInLocation(time.DateOnly, day, pay.Tashkent); err != nil {
		return begins, ends, err
	}
	return begins, begins.AddDate(0, 0, 1), nil
}

// reconcileWay is where the company's word comes from.
func (g *Gateway) reconcileWay(m pay.Merchant, file bool) (pay.ReconcileWay, error) {
	known, ok := g.providers[m.Provider]
	if !ok {
		return "", g.unknownProvider()
	}
	if file {
		return pay.ByFile, nil
	}
	switch known.Info().Account.(type) {
	case provider.Registrar:
		return pay.ByRegister, nil
	case provider.DayAsker:
		return pay.ByAsking, nil
	}
	return "", &pay.Error{Code: pay.CodeUnsupported, Reason: "register_file_needed", Message: known.Info().Title + " has no register that can be read by its API: download it from the cabinet and upload it here"}
}

func (b *book) beginReconcile(ctx context.Context, r pay.Reconciliation) error {
	ok, err := b.InsertReconciliation(ctx, r)
	if err != nil || !ok || r.State != pay.ReconcileRunning {
		return err // not ok: it is nightly, and another process was faster
	}
	return b.Enqueue(ctx, reconcileWorkOf(r, b.now))
}

func reconcileWorkOf(r pay.Reconciliation, due time.Time) outbox.Work {
	return outbox.Work{BusinessID: r.BusinessID, Kind: workReconcile, Subject: r.ID, Lane: r.Provider, DueAt: due}
}

// loadRegister stores an uploaded file's rows, in parts, and then has them compared.
func (g *Gateway) loadRegister(ctx context.Context, r pay.Reconciliation, rows []register.Row, c claim) error {
	ctx = context.WithoutCancel(ctx)
	err := func() error {
		for at := 0; at < len(rows); at += stepRows {
			err := g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
				for i, row := range rows[at:min(at+stepRows, len(rows))] {
					_, err := b.InsertDifference(ctx, pay.Difference{
						ID: id.New(), BusinessID: r.BusinessID, ReconciliationID: r.ID, Kind: pay.KindPayment, Seq: int64(at + i), Ref: row.Ref, Order: row.Order,
						Theirs: &pay.Standing{Amount: row.Amount, State: row.State, At: row.At},
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
			now, err := b.LockReconciliation(ctx, r.ID)
			if err != nil {
				return err
			}
			if now.State != pay.ReconcileLoading {
				return errors.New("the upload took so long that it was begun anew")
			}
			r.State = pay.ReconcileRunning
			if err := b.SaveReconciliation(ctx, r); err != nil {
				return err
			}
			if err := c.finish(ctx, b.Tx); err != nil {
				return err
			}
			return b.Enqueue(ctx, reconcileWorkOf(r, b.now))
		})
	}()
	if err == nil {
		return nil
	}
	// The upload broke off: the key is free again, and what was stored is of no use.
	_ = g.update(ctx, byAPI, func(ctx context.Context, b *book) error {
		ended, err := b.brokeOff(ctx, r.ID, 0)
		if err != nil || !ended {
			return err // the key is another upload's by now
		}
		return c.release(ctx, b.Tx)
	})
	return err
}

// brokeOff ends a reconciliation whose file was not stored whole, if it was begun that long ago.
func (b *book) brokeOff(ctx context.Context, reconciliationID string, after time.Duration) (ended bool, err error) {
	r, err := b.LockReconciliation(ctx, reconciliationID)
	if err != nil || r.State != pay.ReconcileLoading || b.now.Sub(r.CreatedAt) < after {
		return false, err
	}
	r.State, r.Note, r.DoneAt = pay.ReconcileFailed, brokeOff, b.now
	return true, b.SaveReconciliation(ctx, r)
}

const brokeOff = "the upload broke off; send the file again"

// Reconciliation reads one.
func (g *Gateway) Reconciliation(ctx context.Context, reconciliationID string) (r pay.Reconciliation, err error) {
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err = found(tx.Reconciliation(ctx, reconciliationID))("reconciliation")
		return err
	})
	if err == nil && r.State == pay.ReconcileLoading && g.now().Sub(r.CreatedAt) > loadWithin {
		r.State, r.Note, r.DoneAt = pay.ReconcileFailed, brokeOff, r.CreatedAt.Add(loadWithin)
	}
	return r, err
}

// Differences lists what a reconciliation has found of one kind, in the company's order.
func (g *Gateway) Differences(ctx context.Context, reconciliationID string, v pay.Verdict, p Page) (List[pay.Difference], error) {
	var out List[pay.Difference]
	page, err := p.decode()
	if err != nil {
		return out, err
	}
	after := page.AfterAt
	if page.AfterID == "" {
		after = -1
	}
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := found(tx.Reconciliation(ctx, reconciliationID))("reconciliation"); err != nil {
			return err
		}
		out.Items, err = tx.Differences(ctx, reconciliationID, v, after, page.AfterID, page.Limit+1)
		return err
	})
	out.Items, out.Next = cut(out.Items, page, func(d pay.Difference) (int64, string) { return d.Seq, d.ID })
	return out, err
}
