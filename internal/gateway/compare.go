package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/store"
)

// reconcileWork does one step.
func (g *Gateway) reconcileWork(ctx context.Context, w outbox.Work) error {
	r, err := g.Reconciliation(ctx, w.Subject)
	if err != nil {
		return err
	}
	if r.State != pay.ReconcileRunning {
		return g.finish(ctx, w)
	}
	m, err := g.merchant(ctx, r.MerchantID)
	if err != nil {
		return err
	}
	s := step{g: g, r: r, m: m}
	if s.begins, s.ends, err = dayOf(r.Day); err != nil {
		return err
	}
	stepErr := s.run(ctx)
	return g.update(ctx, byWorker, func(ctx context.Context, b *book) error {
		row, err := b.LockReconciliation(ctx, r.ID)
		if err != nil {
			return err
		}
		if row.State != r.State || row.Phase != r.Phase || row.Place != r.Place || row.PlaceID != r.PlaceID {
			return b.later(ctx, w, b.now, "") // another process has done this step
		}
		if stepErr != nil {
			return g.reconcileFails(ctx, b, w, row, stepErr)
		}
		if err := s.write(ctx, b, &row); err != nil {
			return err
		}
		if row.State == pay.ReconcileRunning {
			return b.later(ctx, w, b.now, "")
		}
		return b.done(ctx, w)
	})
}

// reconcileFails tries a company that cannot be read again, for some hours.
func (g *Gateway) reconcileFails(ctx context.Context, b *book, w outbox.Work, r pay.Reconciliation, cause error) error {
	e, ok := errors.AsType[*provider.Error](cause)
	if ours := pay.CodeOf(cause) != pay.CodeInternal; !ok && !ours {
		return cause // not the company's fault
	}
	if ok && e.Kind != provider.KindAuth && e.Kind != provider.KindInvalid && b.now.Sub(r.CreatedAt) < reconcileMost {
		return b.later(ctx, w, b.now.Add(time.Minute), cause.Error())
	}
	r.State, r.Note, r.DoneAt = pay.ReconcileFailed, heardNote(cause.Error()), b.now
	if err := b.SaveReconciliation(ctx, r); err != nil {
		return err
	}
	if err := b.reconcileAlarm(ctx, r, "the reconciliation of "+r.Day+" at "+r.Provider+" could not be made: "+r.Note); err != nil {
		return err
	}
	return b.done(ctx, w)
}

// reconcileAlarm tells a person of what came of a nightly run. The alarm has the reconciliation's
// id, and is closed with its last difference.
func (b *book) reconcileAlarm(ctx context.Context, r pay.Reconciliation, message string) error {
	if !r.Nightly {
		return nil
	}
	return b.InsertAlarm(ctx, pay.Alarm{ID: r.ID, BusinessID: r.BusinessID, Kind: pay.AttentionProvider, Message: message, CreatedAt: b.now})
}

// step is one step of a reconciliation: what it found, before it is written down.
type step struct {
	g            *Gateway
	r            pay.Reconciliation
	m            pay.Merchant
	begins, ends time.Time

	found   []pay.Difference // new ones
	judged  []pay.Difference // of a file: stored before, and compared now
	passed  []pay.Difference // of a file: of another day, or of no money on either side
	last    bool             // the phase is over
	place   int64
	placeID string
}

func (s *step) run(ctx context.Context) error {
	s.place, s.placeID = s.r.Place, s.r.PlaceID
	switch s.r.Phase {
	case pay.PhaseTheirs, pay.PhaseTheirPayouts:
		switch s.r.Way {
		case pay.ByRegister:
			return s.readRegister(ctx, s.r.Phase == pay.PhaseTheirPayouts)
		case pay.ByFile:
			if s.r.Phase == pay.PhaseTheirs {
				return s.readFile(ctx)
			}
		}
		s.last = true
	case pay.PhaseOurs:
		return s.readOurs(ctx)
	case pay.PhaseOurUnpaid:
		return s.readUnpaid(ctx)
	case pay.PhaseOurPayouts:
		return s.readOurPayouts(ctx)
	}
	return nil
}

// write puts down what the step found, and moves on.
func (s *step) write(ctx context.Context, b *book, r *pay.Reconciliation) error {
	for _, d := range s.found {
		ok, err := b.InsertDifference(ctx, d)
		if err != nil {
			return err
		}
		if ok {
			count(r, d.Verdict)
		}
	}
	for _, d := range s.passed {
		if err := b.SaveDifference(ctx, d); err != nil {
			return err
		}
	}
	for _, d := range s.judged {
		// Two of the company's rows may name one payment of ours: the second is nobody's.
		if d.OurID != "" {
			taken, err := b.DifferenceOf(ctx, r.ID, d.OurID)
			if err != nil {
				return err
			}
			if taken {
				d.Verdict, d.OurID, d.Ours, d.Note = pay.VerdictOnlyTheirs, "", nil, "another row of the file names the same payment"
			}
		}
		if err := b.SaveDifference(ctx, d); err != nil {
			return err
		}
		count(r, d.Verdict)
	}
	if s.r.Phase == pay.PhaseForgetMatches {
		n, err := b.ForgetMatches(ctx, r.ID, 10*stepRows)
		if err != nil {
			return err
		}
		s.last = n < 10*stepRows
	}
	if r.Place, r.PlaceID = s.place, s.placeID; s.last {
		s.next(r)
	}
	if r.Phase == "" {
		r.State, r.DoneAt = pay.ReconcileDone, b.now
		if n := r.OnlyTheirs + r.OnlyOurs + r.Different; n > 0 {
			if err := b.reconcileAlarm(ctx, *r, fmt.Sprintf("the reconciliation of %s at %s found %d differences: see GET /api/reconciliations/%s", r.Day, r.Provider, n, r.ID)); err != nil {
				return err
			}
		}
	}
	return b.SaveReconciliation(ctx, *r)
}

func count(r *pay.Reconciliation, v pay.Verdict) {
	switch v {
	case pay.VerdictMatched:
		r.Matched++
	case pay.VerdictOnlyTheirs:
		r.OnlyTheirs++
	case pay.VerdictOnlyOurs:
		r.OnlyOurs++
	case pay.VerdictDifferent:
		r.Different++
	}
}

// next is the phase after this one; "" at the end. Our own are read from before the day's first
// moment on.
func (s *step) next(r *pay.Reconciliation) {
	order := []pay.ReconcilePhase{pay.PhaseTheirs, pay.PhaseTheirPayouts, pay.PhaseOurs, pay.PhaseOurUnpaid, pay.PhaseOurPayouts, pay.PhaseForgetMatches, ""}
	for i, phase := range order {
		if phase == r.Phase {
			r.Phase, r.Place, r.PlaceID = order[i+1], 0, ""
			break
		}
	}
	if r.Phase == pay.PhaseOurs || r.Phase == pay.PhaseOurUnpaid || r.Phase == pay.PhaseOurPayouts {
		r.Place = s.begins.UnixMilli() - 1
	}
}

func (s *step) in(at time.Time) bool { return !at.Before(s.begins) && at.Before(s.ends) }

func (s *step) difference(kind string, seq int64) pay.Difference {
	return pay.Difference{ID: id.New(), BusinessID: s.r.BusinessID, ReconciliationID: s.r.ID, Kind: kind, Seq: seq}
}

// readRegister reads the next part of the company's own list.
func (s *step) readRegister(ctx context.Context, payouts bool) error {
	a, err := s.g.account(s.m)
	if err != nil {
		return err
	}
	reg, ok := a.(provider.Registrar)
	if !ok {
		return &pay.Error{Code: pay.CodeUnsupported, Message: s.m.Provider + " has no register any more"}
	}
	read := reg.Register
	if payouts {
		read = reg.PayoutRegister
	}
	page, rows, err := s.readOn(ctx, read)
	if err != nil {
		return err
	}
	err = s.g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		s.found = nil
		for i, row := range rows {
			row = heardRow(row)
			at := row.PaidAt
			if at.IsZero() {
				at = row.CreatedAt
			}
			d := s.difference(pay.KindPayment, s.place-int64(len(rows)-i))
			d.Ref, d.Order, d.Theirs = row.Ref, row.Order, &pay.Standing{Amount: row.Amount, State: row.State, At: at}
			keep, err := false, error(nil)
			if payouts {
				d.Kind, d.Seq = pay.KindPayout, payoutSeq+d.Seq
				keep, err = s.judgePayout(ctx, tx, &d)
			} else {
				keep, err = s.judge(ctx, tx, &d, reg.Names)
			}
			if err != nil {
				return err
			}
			if keep {
				s.found = append(s.found, d)
			}
		}
		return nil
	})
	if n := len(page.Rows); n > 0 {
		s.placeID = heardRef(page.Rows[n-1].Ref)
	}
	// A page may be shorter than was asked for: a company's greatest page is not always documented.
	s.last = len(page.Rows) == 0 || s.place >= int64(page.Total) && (page.Total > 0 || len(page.Rows) < stepRows)
	return err
}

// readOn reads the list on from the last row that was read, and returns what comes behind it. A row
// may leave the list meanwhile (what was paid is returned), and those behind it move up: so each page
// begins with the last row of the one before, and where it does not, that one is looked for.
func (s *step) readOn(ctx context.Context, read func(context.Context, provider.RegisterQuery) (provider.RegisterPage, error)) (page provider.RegisterPage, rows []provider.RegisterRow, err error) {
	if s.place > registerMost {
		return page, nil, &provider.Error{Kind: provider.KindInvalid, Message: "the company's list does not end"}
	}
	from := func(offset int64) error {
		q := provider.RegisterQuery{From: s.begins.Add(-margin), To: s.ends.Add(margin), Offset: int(offset), Limit: stepRows}
		err := s.g.call(ctx, s.m, pay.Payment{}, "register", func(ctx context.Context) (err error) {
			page, err = read(ctx, q)
			return err
		})
		s.place = offset + int64(len(page.Rows))
		return err
	}
	if s.r.Place == 0 || s.r.PlaceID == "" {
		err = from(s.r.Place)
		return page, page.Rows, err
	}
	last := func(r provider.RegisterRow) bool { return heardRef(r.Ref) == s.r.PlaceID }
	if err = from(s.r.Place - 1); err == nil && (len(page.Rows) == 0 || !last(page.Rows[0])) {
		err = from(max(0, s.r.Place-stepRows))
	}
	if err != nil {
		return page, nil, err
	}
	// Where it left the list itself, all are read again: what is known counts once.
	rows = page.Rows[slices.IndexFunc(page.Rows, last)+1:]
	if len(rows) == 0 && s.place <= s.r.Place {
		page.Rows = nil // nothing comes behind it
	}
	return page, rows, nil
}

// readFile compares the next part of an uploaded file.
func (s *step) readFile(ctx context.Context) error {
	return s.g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.Differences(ctx, s.r.ID, "", -1, "", stepRows)
		if err != nil {
			return err
		}
		s.judged, s.passed = nil, nil
		for _, d := range rows {
			keep, err := s.judge(ctx, tx, &d, nil)
			if err != nil {
				return err
			}
			if !keep {
				d.Verdict, d.OurID, d.Ours = pay.VerdictMatched, "", nil // forgotten with those, and not counted
				s.passed = append(s.passed, d)
				continue
			}
			s.judged = append(s.judged, d)
		}
		s.place += int64(len(rows))
		s.last = len(rows) < stepRows
		return nil
	})
}

// judge compares one of the company's payments with ours. keep false: it is of another day, or no
// money moved on either side.
func (s *step) judge(ctx context.Context, tx *store.Tx, d *pay.Difference, names func(pay.Payment, string) bool) (keep bool, err error) {
	p, err := s.paymentOf(ctx, tx, d.Ref, d.Order)
	money := d.Theirs.State == pay.Paid || d.Theirs.State == pay.Refunded
	switch {
	case errors.Is(err, store.ErrNotFound):
		d.Verdict, d.Note = pay.VerdictOnlyTheirs, "our book has no such payment"
		return money && s.in(d.Theirs.At), nil
	case err != nil:
		return false, err
	}
	d.InvoiceID = p.InvoiceID
	if names == nil {
		names = func(p pay.Payment, ref string) bool { return ref == "" || p.Ref == "" || p.Ref == ref }
	}
	if !names(p, d.Ref) {
		d.Verdict, d.Note = pay.VerdictOnlyTheirs, "another transaction of the same order; ours is "+first(p.Ref, "not known there")
		return money && s.in(d.Theirs.At), nil
	}
	if !s.in(d.Theirs.At) && !s.in(p.PaidAt) {
		return false, nil
	}
	if ours := p.State == pay.Paid || p.State == pay.Refunded; !money && !ours && (p.State != pay.Unknown || d.Theirs.State == pay.Created) {
		return false, nil
	}
	d.OurID, d.Ours = p.ID, standingOf(p)
	compare(d)
	return true, nil
}

// paymentOf finds our payment by the company's id, or by how it names our side: by the payment's
// own id, or by its invoice's id or pay number.
func (s *step) paymentOf(ctx context.Context, tx *store.Tx, ref, order string) (p pay.Payment, err error) {
	if err = store.ErrNotFound; ref != "" {
		p, err = tx.PaymentByRef(ctx, s.r.MerchantID, ref)
	}
	if !errors.Is(err, store.ErrNotFound) || order == "" {
		return p, err
	}
	if id.Valid(order) {
		if p, err = tx.Payment(ctx, order); err == nil && p.MerchantID == s.r.MerchantID {
			return p, nil
		}
	}
	inv, err := tx.InvoiceByAccount(ctx, s.r.BusinessID, order)
	if err != nil {
		return p, err
	}
	if p, err = tx.LivePayment(ctx, inv.ID); err == nil && p.MerchantID != s.r.MerchantID {
		err = store.ErrNotFound
	}
	return p, err
}

func standingOf(p pay.Payment) *pay.Standing {
	amount := p.Captured
	if amount == 0 {
		amount = p.Amount
	}
	return &pay.Standing{Amount: amount, State: p.State, At: p.PaidAt}
}

// judgePayout compares one of the company's payouts with ours.
func (s *step) judgePayout(ctx context.Context, tx *store.Tx, d *pay.Difference) (keep bool, err error) {
	p, err := tx.PayoutByRef(ctx, s.r.MerchantID, d.Ref)
	if errors.Is(err, store.ErrNotFound) && id.Valid(d.Order) {
		p, err = tx.Payout(ctx, d.Order)
		if err == nil && (p.MerchantID != s.r.MerchantID || p.Ref != "" && p.Ref != d.Ref) {
			err = store.ErrNotFound
		}
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		d.Verdict, d.Note = pay.VerdictOnlyTheirs, "our book has no such payout"
		return d.Theirs.State == pay.Paid && s.in(d.Theirs.At), nil
	case err != nil:
		return false, err
	case !s.in(d.Theirs.At) && !s.in(p.DoneAt):
		return false, nil
	}
	d.OurID, d.Ours = p.ID, payoutStanding(p)
	compare(d)
	return true, nil
}

// payoutStanding is a payout in the words of payments: paid is one that arrived.
func payoutStanding(p pay.Payout) *pay.Standing {
	state := map[pay.MoveState]pay.State{pay.MoveSucceeded: pay.Paid, pay.MoveFailed: pay.Failed, pay.MoveCreated: pay.Created}[p.State]
	if state == "" {
		state = pay.Unknown
	}
	return &pay.Standing{Amount: p.Amount, State: state, At: p.DoneAt}
}

// compare says whether both sides agree.
func compare(d *pay.Difference) {
	var notes []string
	if d.Theirs.Amount != d.Ours.Amount {
		notes = append(notes, fmt.Sprintf("the amount: %s there, %s here", d.Theirs.Amount.Words(), d.Ours.Amount.Words()))
	}
	if d.Theirs.State != d.Ours.State {
		notes = append(notes, fmt.Sprintf("the status: %s there, %s here", d.Theirs.State, d.Ours.State))
	}
	d.Verdict, d.Note = pay.VerdictMatched, strings.Join(notes, "; ")
	if len(notes) > 0 {
		d.Verdict = pay.VerdictDifferent
	}
}

// readOurs looks for the payments of the day that the company's list did not name, and asks the
// company of each: a list may be filtered by another time than ours.
func (s *step) readOurs(ctx context.Context) error {
	paid := func(p pay.Payment) time.Time { return p.PaidAt }
	return s.askEach(ctx, (*store.Tx).PaymentsOfDay, paid, func(pay.Difference) bool { return true })
}

// readUnpaid asks a company without a list of those that came to nothing here too, or whose end is not
// known: its money may have moved. Of the rest nobody needs to hear.
func (s *step) readUnpaid(ctx context.Context) error {
	if s.r.Way != pay.ByAsking {
		s.last = true
		return nil
	}
	made := func(p pay.Payment) time.Time { return p.CreatedAt }
	return s.askEach(ctx, (*store.Tx).UnpaidOfDay, made, func(d pay.Difference) bool {
		return d.Theirs != nil && (d.Theirs.State == pay.Paid || d.Theirs.State == pay.Held)
	})
}

type ofDay func(tx *store.Tx, ctx context.Context, merchantID string, to time.Time, afterMs int64, afterID string, limit int) ([]pay.Payment, error)

// askEach asks of the next of our own payments, in the order of when, and lists what tells something.
func (s *step) askEach(ctx context.Context, list ofDay, when func(pay.Payment) time.Time, tells func(pay.Difference) bool) error {
	var payments []pay.Payment
	seen := map[string]bool{}
	err := s.g.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		payments, err = list(tx, ctx, s.r.MerchantID, s.ends, s.place, s.placeID, stepRows)
		for _, p := range payments {
			if err == nil {
				seen[p.ID], err = tx.DifferenceOf(ctx, s.r.ID, p.ID)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	began := time.Now()
	for i, p := range payments {
		at := when(p)
		if !seen[p.ID] && !at.Before(s.begins) {
			d := s.difference(pay.KindPayment, ourSeq+at.UnixMilli())
			d.Ref, d.InvoiceID, d.OurID, d.Ours = "", p.InvoiceID, p.ID, standingOf(p)
			if err := s.askOf(ctx, &d, p); err != nil {
				if i > 0 && s.place != s.r.Place {
					return nil // what was found so far stands; this one comes again
				}
				return err
			}
			if tells(d) {
				s.found = append(s.found, d)
			}
		}
		s.place, s.placeID = at.UnixMilli(), p.ID
		if time.Since(began) > stepTime {
			return nil
		}
	}
	s.last = len(payments) < stepRows
	return nil
}

// askOf asks the company of one payment. Where it cannot be asked, or a file is its word, the
// payment is ours alone.
func (s *step) askOf(ctx context.Context, d *pay.Difference, p pay.Payment) error {
	d.Verdict, d.Note = pay.VerdictOnlyOurs, "the file does not name it"
	if s.r.Way == pay.ByFile {
		return nil
	}
	report, err := s.g.inquire(ctx, p, provider.Question{
		Ref: p.Ref, PaymentID: p.ID, InvoiceID: p.InvoiceID, Op: provider.OpCharge, Amount: p.Amount, SentAt: p.CreatedAt, Payment: p, Meta: p.Meta,
	})
	e, _ := errors.AsType[*provider.Error](err)
	switch {
	case errors.Is(err, errCannotAsk):
		d.Note = p.Provider + " cannot be asked of it"
	case e != nil && e.Kind == provider.KindInvalid, errors.Is(err, provider.ErrPuzzled):
		d.Note = p.Provider + " does not tell of it: " + heardNote(err.Error())
	case err != nil:
		return err
	case !report.Found:
		d.Note = p.Provider + " does not know it"
	default:
		o := report.Outcome
		if d.Theirs = (&pay.Standing{Amount: o.Amount, State: o.State, At: o.At}); o.Amount == 0 {
			d.Theirs.Amount = d.Ours.Amount
		}
		compare(d)
	}
	return nil
}

// readOurPayouts is readOurs for payouts that arrived.
func (s *step) readOurPayouts(ctx context.Context) error {
	if s.r.Way == pay.ByFile { // a file has payments
		s.last = true
		return nil
	}
	var payouts []pay.Payout
	seen := map[string]bool{}
	err := s.g.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		payouts, err = tx.PayoutsOfDay(ctx, s.r.MerchantID, s.ends, s.place, s.placeID, stepRows)
		for _, p := range payouts {
			if err == nil {
				seen[p.ID], err = tx.DifferenceOf(ctx, s.r.ID, p.ID)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	began := time.Now()
	for _, p := range payouts {
		if !seen[p.ID] && !p.DoneAt.Before(s.begins) {
			d := s.difference(pay.KindPayout, ourSeq+p.DoneAt.UnixMilli())
			d.OurID, d.Ours = p.ID, payoutStanding(p)
			if err := s.askOfPayout(ctx, &d, p); err != nil {
				if s.place != s.r.Place {
					return nil
				}
				return err
			}
			s.found = append(s.found, d)
		}
		s.place, s.placeID = p.DoneAt.UnixMilli(), p.ID
		if time.Since(began) > stepTime {
			return nil
		}
	}
	s.last = len(payouts) < stepRows
	return nil
}

func (s *step) askOfPayout(ctx context.Context, d *pay.Difference, p pay.Payout) error {
	d.Verdict = pay.VerdictOnlyOurs
	report, err := s.g.inquirePayout(ctx, p)
	e, _ := errors.AsType[*provider.Error](err)
	switch {
	case errors.Is(err, errCannotAsk):
		d.Note = p.Provider + " cannot be asked of it"
	case e != nil && e.Kind == provider.KindInvalid:
		d.Note = p.Provider + " does not tell of it: " + heardNote(err.Error())
	case err != nil:
		return err
	case !report.Found:
		d.Note = p.Provider + " does not know it"
	default:
		theirs := p
		theirs.State = report.Move.State
		d.Theirs = payoutStanding(theirs)
		if d.Theirs.At = report.Move.At; report.Move.Amount != 0 {
			d.Theirs.Amount = report.Move.Amount
		}
		compare(d)
	}
	return nil
}
