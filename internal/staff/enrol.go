package staff

import (
	"context"
	"errors"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// Issuer is what authenticators call us.
const Issuer = "Chorsu"

// Invitation is what an enrolment link's page shows.
type Invitation struct {
	Email        string
	KeepPassword bool   // the present password is asked for, not a new one
	Secret       string // of the authenticator, for typing
	URI          string // the same, for the QR
	Sealed       string // the same, for the form: Enrol wants it back
}

// String keeps the secret out of logs; GoString out of %#v too.
func (i Invitation) String() string   { return "an invitation of " + i.Email }
func (i Invitation) GoString() string { return i.String() }

// Invitation reads what a link is for, with a secret that nobody has seen before: whoever opened
// the link earlier (a mail program, say) knows nothing of the authenticator that it will make. One
// that is used, over or of a disabled account is not found.
func (o *Office) Invitation(ctx context.Context, token string) (in Invitation, err error) {
	e, s, err := o.readEnrolment(ctx, token)
	if err != nil {
		return in, err
	}
	return o.invitation(e, s, newSecret())
}

// SameInvitation is the invitation whose form was sent, once more: what was scanned stays.
func (o *Office) SameInvitation(ctx context.Context, token, sealed string) (in Invitation, err error) {
	e, s, err := o.readEnrolment(ctx, token)
	if err != nil {
		return in, err
	}
	secret, err := o.unsealed(e, sealed)
	if err != nil {
		return in, err
	}
	return o.invitation(e, s, secret)
}

func (o *Office) invitation(e store.Enrolment, s store.Staff, secret []byte) (in Invitation, err error) {
	in = Invitation{Email: s.Email, KeepPassword: e.KeepPassword, Secret: string(secret), URI: totpURI(string(secret), s.Email, Issuer)}
	in.Sealed, err = o.o.Seal.Seal(formRow(e), secret)
	return in, err
}

// formRow is what a form's secret is sealed for: this link, and no other.
func formRow(e store.Enrolment) string { return "enrolment/" + e.Hash }

// unsealed is the secret of a form that this link's page has shown.
func (o *Office) unsealed(e store.Enrolment, sealed string) ([]byte, error) {
	if len(sealed) > 1000 {
		sealed = ""
	}
	secret, err := o.o.Seal.Open(formRow(e), sealed)
	if err != nil {
		return nil, fault("form_old", "this form is not one of ours; open the link again")
	}
	return secret, nil
}

func (o *Office) readEnrolment(ctx context.Context, token string) (e store.Enrolment, s store.Staff, err error) {
	err = o.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		e, s, err = o.enrolment(ctx, tx, token, tx.Staff)
		return err
	})
	return e, s, err
}

func (o *Office) enrolment(ctx context.Context, tx *store.Tx, token string, read func(context.Context, string) (store.Staff, error)) (e store.Enrolment, s store.Staff, err error) {
	e, err = tx.Enrolment(ctx, hashToken(token))
	if errors.Is(err, store.ErrNotFound) || err == nil && !o.now().Before(e.EndsAt) {
		return e, s, noInvitation()
	}
	if err != nil {
		return e, s, err
	}
	if s, err = read(ctx, e.StaffID); err == nil && !s.Active {
		err = noInvitation()
	}
	return e, s, err
}

func noInvitation() error {
	return &pay.Error{Code: pay.CodeNotFound, Reason: "link_over", Message: "this link was used already, or is older than a day"}
}

// Enrol uses a link: the password and the first code of the authenticator count from now on, and
// the recovery codes that it gives are not shown again. The person is signed in: both were just
// proved. A wrong code leaves the link as it is, and is noted. Where the present password is asked
// for, tries are counted as those to sign in.
func (o *Office) Enrol(ctx context.Context, link string, a Attempt) (recovery []string, token string, err error) {
	e, s, err := o.readEnrolment(ctx, link)
	if err != nil {
		return nil, "", err
	}
	secret, err := o.unsealed(e, a.Sealed)
	if err != nil {
		return nil, "", err
	}
	by := Actor{ID: s.ID, Who: s.Email, Address: a.Address}
	password := bounded(a.Password)
	var hash string
	var locks []string
	if e.KeepPassword {
		var account store.Staff
		if account, locks, err = o.try(ctx, s.Email, a.Network); err != nil {
			return nil, "", err
		}
		ok, err := o.hashing.check(ctx, account.Password, password)
		if err != nil {
			return nil, "", err
		}
		if !ok {
			return nil, "", o.notEnrolled(ctx, by, "password", locks, fault("password_wrong", "this is not the account's password"))
		}
		hash = account.Password
	} else {
		if err := fitPassword(a.Password, s.Email); err != nil {
			return nil, "", err
		}
		if hash, err = o.hashing.make(ctx, password); err != nil {
			return nil, "", err
		}
	}
	step, ok := checkTOTP(string(secret), digits(a.Code), 0, o.now())
	if !ok {
		return nil, "", o.notEnrolled(ctx, by, "code", locks, fault("code_wrong", "this is not the code that the authenticator shows now"))
	}
	codes, hashes := newRecovery()
	err = o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		e, s, err := o.enrolment(ctx, tx, link, tx.LockStaff)
		if err != nil {
			return err
		}
		if e.KeepPassword && s.Password != hash {
			return noInvitation()
		}
		// Of two that use the link at once, one does.
		if ok, err := tx.DeleteEnrolment(ctx, s.ID); err != nil || !ok {
			return errors.Join(err, noInvitation())
		}
		sealed, err := o.o.Seal.Seal(TOTPRow(s.ID), secret)
		if err != nil {
			return err
		}
		s.Password, s.TOTP, s.TOTPStep, s.Recovery, s.PowerSince = hash, sealed, step, hashes, o.now()
		if err := tx.SaveStaff(ctx, s); err != nil {
			return err
		}
		if err := tx.EndSessionsOf(ctx, s.ID); err != nil {
			return err
		}
		if e.KeepPassword {
			if err := o.letOff(ctx, tx, s.Email, a.Network); err != nil {
				return err
			}
		}
		if err := o.knows(ctx, tx, s.Email, a.Network); err != nil {
			return err
		}
		if token, err = o.begin(ctx, tx, s.ID, a.Address); err != nil {
			return err
		}
		return o.append(ctx, tx, by, "staff.enrolled", s.ID, "")
	})
	if err != nil {
		return nil, "", err
	}
	return codes, token, nil
}

// notEnrolled notes a try at a link that failed, and is its refusal.
func (o *Office) notEnrolled(ctx context.Context, by Actor, why string, locks []string, refusal error) error {
	if err := o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return o.refuse(ctx, tx, by, "staff.not_enrolled", why, locks)
	}); err != nil {
		return err
	}
	return refusal
}

// ─── What a person changes of their own account ────────────────────────────────────────────

// Proof is what is asked for again before one's own account is changed, or power is given to
// somebody, since a browser may be left open. Tries are counted as those to sign in.
type Proof struct {
	Password, Code string
	Network        string
}

// String keeps the password out of logs; GoString out of %#v too.
func (Proof) String() string   { return "a proof" }
func (Proof) GoString() string { return "a proof" }

// ChangePassword sets a person's own password and signs them out everywhere.
func (o *Office) ChangePassword(ctx context.Context, by Actor, p Proof, password string) error {
	if err := fitPassword(password, by.Who); err != nil {
		return err
	}
	hash, err := o.hashing.make(ctx, password)
	if err != nil {
		return err
	}
	return o.prove(ctx, by, p, func(ctx context.Context, tx *store.Tx, s *store.Staff) error {
		s.Password = hash
		if err := tx.EndSessionsOf(ctx, s.ID); err != nil {
			return err
		}
		return o.append(ctx, tx, by, "staff.password", s.ID, "")
	})
}

// NewRecovery makes new recovery codes in the place of all earlier ones, and signs the person out
// everywhere.
func (o *Office) NewRecovery(ctx context.Context, by Actor, p Proof) (codes []string, err error) {
	codes, hashes := newRecovery()
	err = o.prove(ctx, by, p, func(ctx context.Context, tx *store.Tx, s *store.Staff) error {
		s.Recovery = hashes
		if err := tx.EndSessionsOf(ctx, s.ID); err != nil {
			return err
		}
		return o.append(ctx, tx, by, "staff.recovery", s.ID, "")
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// Confirm gives the actor who may give power to others (add somebody, let somebody in again, change a
// role, take an authenticator away, set the limit, say where money goes), once their password and a fresh code are right.
func (o *Office) Confirm(ctx context.Context, by Actor, p Proof) (Actor, error) {
	err := o.prove(ctx, by, p, func(context.Context, *store.Tx, *store.Staff) error { return nil })
	by.sure = err == nil
	return by, err
}

// demand refuses whoever was not asked again. Who has a shell on the machine needs no proof.
func (by Actor) demand() error {
	if by.sure || by == CommandLine {
		return nil
	}
	return &pay.Error{Code: pay.CodeForbidden, Reason: "proof_missing", Message: "the password and a code are asked for again"}
}

// prove lets f change the account of the one who asks, once their password and a fresh code are
// right.
func (o *Office) prove(ctx context.Context, by Actor, p Proof, f func(context.Context, *store.Tx, *store.Staff) error) error {
	account, locks, err := o.try(ctx, by.Who, p.Network)
	if err != nil {
		return err
	}
	ok, err := o.hashing.check(ctx, account.Password, bounded(p.Password))
	if err != nil {
		return err
	}
	var proved bool
	err = o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		proved = false
		s, err := o.lock(ctx, tx, by.ID)
		if err != nil {
			return err
		}
		if !ok || s.Password != account.Password {
			return o.refuse(ctx, tx, by, "staff.not_proved", "password", locks)
		}
		if proved, _, err = o.useCode(&s, p.Code); err != nil {
			return err
		}
		if !proved {
			return o.refuse(ctx, tx, by, "staff.not_proved", "code", locks)
		}
		if err := f(ctx, tx, &s); err != nil {
			return err
		}
		if err := tx.SaveStaff(ctx, s); err != nil {
			return err
		}
		return o.letOff(ctx, tx, by.Who, p.Network)
	})
	if err == nil && !proved {
		err = fault("proof_wrong", "the password or the code is wrong")
	}
	return err
}

// TOTPRow is what an account's authenticator is sealed for. EnrolmentRow is what a link's was, when
// links still had one: it stands in databases until those links are over.
func TOTPRow(staffID string) string      { return "staff/" + staffID }
func EnrolmentRow(staffID string) string { return "enrolment/" + staffID }
