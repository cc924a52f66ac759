package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// Every field of an account, a link, a session and a count comes back as it was written.
func TestStaffRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var p store.Staff
		fill(&p, 1)
		p.Role, p.Recovery = "refunds", []string{"aa", "bb"}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i, want := range []bool{true, false} { // an address has one account
				if ok, err := tx.InsertStaff(ctx, p); err != nil || ok != want {
					t.Errorf("insert %d: %v %v", i, ok, err)
				}
			}
			changed := p
			fill(&changed, 2)
			changed.ID, changed.Email, changed.CreatedAt = p.ID, p.Email, p.CreatedAt // whose it is stays
			changed.Role, changed.Recovery = "owner", []string{}
			p = changed
			return tx.SaveStaff(ctx, p)
		})
		var e store.Enrolment
		fill(&e, 3)
		e.StaffID = p.ID
		var session store.Session
		fill(&session, 4)
		session.StaffID = p.ID
		var tries store.Tries
		fill(&tries, 5)
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.PutEnrolment(ctx, store.Enrolment{StaffID: p.ID, Hash: "earlier", EndsAt: noon}); err != nil {
				return err
			}
			if err := tx.PutEnrolment(ctx, e); err != nil { // the earlier link is no more
				return err
			}
			if _, err := tx.Enrolment(ctx, "earlier"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the earlier link: %v", err)
			}
			if err := tx.InsertSession(ctx, session); err != nil {
				return err
			}
			if fresh, err := tx.LockTries(ctx, tries.Subject); err != nil || fresh.Failures != 0 {
				t.Errorf("a new count: %+v %v", fresh, err)
			}
			return tx.SaveTries(ctx, tries)
		})
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			byID, err := tx.LockStaff(ctx, p.ID)
			same(t, "account", byID, p)
			if err != nil {
				return err
			}
			byEmail, err := tx.StaffByEmail(ctx, p.Email)
			same(t, "account by address", byEmail, p)
			if err != nil {
				return err
			}
			for _, read := range []func(context.Context) ([]store.Staff, error){tx.AllStaff, tx.LockAllStaff} {
				all, err := read(ctx)
				if err != nil {
					return err
				}
				same(t, "all accounts", all, []store.Staff{p})
			}
			link, err := tx.Enrolment(ctx, e.Hash)
			same(t, "link", link, e)
			if err != nil {
				return err
			}
			kept, err := tx.Session(ctx, session.Hash)
			same(t, "session", kept, session)
			if err != nil {
				return err
			}
			counted, err := tx.LockTries(ctx, tries.Subject)
			same(t, "count", counted, tries)
			return err
		})
	})
}

// A session is touched forwards only, and ends by its hash, its person or its time; a count by its
// subject or its time.
func TestWhatEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, who := range []string{"a", "b"} {
				if _, err := tx.InsertStaff(ctx, store.Staff{ID: who, Email: who, Role: "viewer"}); err != nil {
					return err
				}
			}
			for hash, who := range map[string]string{"a1": "a", "a2": "a", "b1": "b", "b2": "b"} {
				ends := noon.Add(time.Hour)
				if hash == "b2" {
					ends = noon.Add(-time.Hour)
				}
				if err := tx.InsertSession(ctx, store.Session{Hash: hash, StaffID: who, CreatedAt: noon, SeenAt: noon, EndsAt: ends}); err != nil {
					return err
				}
			}
			if err := tx.TouchSession(ctx, "a1", noon.Add(time.Minute)); err != nil {
				return err
			}
			if err := tx.TouchSession(ctx, "a1", noon); err != nil {
				return err
			}
			got, err := tx.Session(ctx, "a1")
			same(t, "seen", got.SeenAt, noon.Add(time.Minute))
			if err != nil {
				return err
			}
			for i, want := range []bool{true, false} {
				if ok, err := tx.EndSession(ctx, "a2"); err != nil || ok != want {
					t.Errorf("end %d: %v %v", i, ok, err)
				}
			}
			if err := tx.EndSessionsBefore(ctx, noon); err != nil {
				return err
			}
			if err := tx.EndSessionsOf(ctx, "a"); err != nil {
				return err
			}
			left := ""
			for _, hash := range []string{"a1", "a2", "b1", "b2"} {
				if _, err := tx.Session(ctx, hash); err == nil {
					left += hash
				}
			}
			same(t, "left", left, "b1")

			for _, subject := range []string{"x", "y", "z"} {
				if _, err := tx.LockTries(ctx, subject); err != nil {
					return err
				}
				at := noon
				if subject == "y" {
					at = noon.Add(-time.Hour)
				}
				if err := tx.SaveTries(ctx, store.Tries{Subject: subject, Failures: 3, At: at}); err != nil {
					return err
				}
			}
			if err := tx.ForgetTries(ctx, "x"); err != nil {
				return err
			}
			if err := tx.ForgetTriesBefore(ctx, noon); err != nil {
				return err
			}
			for subject, want := range map[string]int64{"x": 0, "y": 0, "z": 3} {
				got, err := tx.LockTries(ctx, subject)
				if err != nil {
					return err
				}
				same(t, "failures of "+subject, got.Failures, want)
			}
			return nil
		})
	})
}

// The log comes back as it was written, newest first, by each filter.
func TestAuditRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var all []store.AuditEntry
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			all = nil
			for i := range 5 {
				var e store.AuditEntry
				fill(&e, i+1)
				e.Seq = int64(i + 1)
				if i == 3 {
					e.Who, e.What, e.Subject = "w", "x", "s"
				}
				all = append(all, e)
				if err := tx.InsertAudit(ctx, e); err != nil {
					return err
				}
			}
			head, err := tx.LockAuditHead(ctx)
			if head != "" || err != nil {
				t.Errorf("the head of an empty log: %q %v", head, err)
			}
			return tx.PutAuditHead(ctx, "5:x")
		})
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			in, err := tx.AuditFrom(ctx, 2, 3)
			same(t, "in order", in, all[1:4])
			if err != nil {
				return err
			}
			if head, err := tx.AuditHead(ctx); head != "5:x" || err != nil {
				t.Errorf("head %q %v", head, err)
			}
			for _, f := range []store.AuditFilter{{Who: "w"}, {What: "x"}, {Subject: "s"}, {From: all[3].At, To: all[4].At}} {
				got, err := tx.Audit(ctx, f, store.Page{})
				if err != nil {
					return err
				}
				same(t, "filtered", got, all[3:4])
			}
			got, err := tx.Audit(ctx, store.AuditFilter{}, store.Page{Limit: 1, AfterAt: all[4].At.UnixMilli(), AfterID: all[4].ID})
			same(t, "the second page", got, []store.AuditEntry{all[3], all[2]})
			return err
		})
	})
}

// The schema itself keeps the log as it was written, whatever SQL a program runs.
func TestTheAuditLogIsAppendOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := store.AuditEntry{Seq: 1, ID: "1", At: noon, What: "x.y", MAC: "m"}
		update(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertAudit(ctx, e) })
		forbidden := []string{`UPDATE audit_log SET detail = 'nothing'`, `UPDATE audit_log SET mac = mac`, `DELETE FROM audit_log`, `DELETE FROM audit_log WHERE seq = 1`}
		if s.Postgres() {
			forbidden = append(forbidden, `TRUNCATE audit_log`)
		} else {
			forbidden = append(forbidden, `INSERT OR REPLACE INTO audit_log (seq, id, created_at, staff_id, who, address, what, subject, detail, mac) VALUES (1, '2', 0, '', '', '', '', '', '', '')`)
		}
		for _, statement := range forbidden {
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, statement)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertAudit(ctx, e) }); err == nil {
			t.Error("two entries have one number")
		}
		view(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.AuditFrom(ctx, 1, 10)
			same(t, "log", got, []store.AuditEntry{e})
			return err
		})
	})
}

// A role that nobody knows cannot be stored.
func TestUnknownRole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InsertStaff(ctx, store.Staff{ID: "1", Email: "1", Role: "god"})
			return err
		})
		if err == nil {
			t.Error("it was written")
		}
	})
}
