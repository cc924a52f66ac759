package staff

import (
	"context"
	"errors"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// How long a session lasts.
const (
	SessionIdle = 30 * time.Minute // without a request
	SessionMost = 12 * time.Hour   // whatever happens: a working day
	seenEvery   = time.Minute      // how exactly the last request is written down
)

// Session gives the person whose browser holds token, as their account is at this moment: a role
// that was taken away counts at once. A watching request (a page that waits for news) does not
// keep the session alive.
func (o *Office) Session(ctx context.Context, token string, watching bool) (p Person, err error) {
	now := o.now()
	hash := hashToken(token)
	var touch bool
	err = o.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := tx.Session(ctx, hash)
		if errors.Is(err, store.ErrNotFound) {
			return signedOut()
		}
		if err != nil {
			return err
		}
		if !now.Before(s.EndsAt) || now.Sub(s.SeenAt) >= SessionIdle {
			return signedOut()
		}
		account, err := tx.Staff(ctx, s.StaffID)
		if err != nil {
			return err
		}
		p = o.person(account)
		if !p.Active || !p.Enrolled {
			return signedOut()
		}
		touch = !watching && now.Sub(s.SeenAt) >= seenEvery
		return nil
	})
	if err != nil || !touch {
		return p, err
	}
	return p, o.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.TouchSession(ctx, hash, now) })
}

// begin makes a session in the transaction of a sign-in, and takes those that are over away.
func (o *Office) begin(ctx context.Context, tx *store.Tx, staffID, address string) (token string, err error) {
	now := o.now()
	token = newToken()
	if err := tx.EndSessionsBefore(ctx, now); err != nil {
		return "", err
	}
	return token, tx.InsertSession(ctx, store.Session{
		Hash: hashToken(token), StaffID: staffID, Address: address, CreatedAt: now, SeenAt: now, EndsAt: now.Add(SessionMost),
	})
}

// SignOut ends the session of one browser.
func (o *Office) SignOut(ctx context.Context, by Actor, token string) error {
	return o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		ok, err := tx.EndSession(ctx, hashToken(token))
		if err != nil || !ok {
			return err
		}
		return o.append(ctx, tx, by, "session.ended", by.ID, "")
	})
}

// SignOutEverywhere ends all sessions of the one who asks.
func (o *Office) SignOutEverywhere(ctx context.Context, by Actor) error {
	return o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.EndSessionsOf(ctx, by.ID); err != nil {
			return err
		}
		return o.append(ctx, tx, by, "session.all_ended", by.ID, "")
	})
}

// Browser is one session, as its person sees it.
type Browser struct {
	Address        string
	SignedIn, Seen time.Time
	This           bool // the one that asks
}

// Browsers lists where a person is signed in.
func (o *Office) Browsers(ctx context.Context, staffID, token string) (list []Browser, err error) {
	now, this := o.now(), hashToken(token)
	err = o.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.SessionsOf(ctx, staffID)
		list = nil
		for _, s := range rows {
			if now.Before(s.EndsAt) && now.Sub(s.SeenAt) < SessionIdle {
				list = append(list, Browser{Address: s.Address, SignedIn: s.CreatedAt, Seen: s.SeenAt, This: s.Hash == this})
			}
		}
		return err
	})
	return list, err
}

func signedOut() error {
	return &pay.Error{Code: pay.CodeUnauthorized, Reason: "signed_out", Message: "nobody is signed in"}
}
