package staff

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

const password = "choyxona oldidagi chinor"

// fixture is an office with a clock to set.
type fixture struct {
	*testing.T
	*Office
	mu   sync.Mutex
	time time.Time
}

func each(t *testing.T, f func(t *testing.T, x *fixture)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) { f(t, newFixture(t, s)) })
}

func newFixture(t *testing.T, s *store.Store) *fixture {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	x := &fixture{T: t, time: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	x.Office = New(Options{Store: s, Seal: box, Hashing: Cost{Memory: 64, Passes: 1}, Now: func() time.Time {
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.time
	}})
	return x
}

func (x *fixture) wait(d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.time = x.time.Add(d)
}

// someone is an enrolled person with the authenticator and the recovery codes that they hold.
type someone struct {
	Person
	x        *fixture
	secret   string
	recovery []string
	token    string
}

func (x *fixture) enrolled(email string, role Role) *someone {
	x.Helper()
	p, link, err := x.Add(x.Context(), CommandLine, email, role)
	x.must(err)
	s := &someone{Person: p, x: x}
	s.enrol(link, password)
	return s
}

func (s *someone) enrol(link, password string) {
	s.x.Helper()
	in, err := s.x.Invitation(s.x.Context(), link)
	s.x.must(err)
	s.secret = in.Secret
	s.recovery, s.token, err = s.x.Enrol(s.x.Context(), link, Attempt{Password: password, Code: s.code(), Sealed: in.Sealed, Address: "192.0.2.1", Network: "192.0.2.1"})
	s.x.must(err)
}

// sure is the actor once they have typed their password and a code again.
func (s *someone) sure() Actor {
	by := s.By("192.0.2.1")
	by.sure = true
	return by
}

func (s *someone) code() string {
	s.x.Helper()
	code, err := totp.GenerateCodeCustom(s.secret, s.x.now(), totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	s.x.must(err)
	return code
}

// attempt is one to sign in that succeeds, unless something in it is changed.
func (s *someone) attempt() Attempt {
	return Attempt{Email: s.Email, Password: password, Code: s.code(), Address: "192.0.2.1", Network: "192.0.2.1"}
}

func (x *fixture) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// reason fails the test unless err is a refusal for a reason.
func (x *fixture) reason(what string, err error, want string) {
	x.Helper()
	if e, ok := errors.AsType[*pay.Error](err); !ok || e.Reason != want {
		x.Errorf("%s: %v, not %s", what, err, want)
	}
}

func (x *fixture) log() (whats []string) {
	x.Helper()
	list, _, err := x.Log(x.Context(), Filter{}, 100, "")
	x.must(err)
	for _, e := range list {
		whats = append([]string{e.What}, whats...)
	}
	return whats
}

func TestRoles(t *testing.T) {
	for i, have := range Roles {
		for j, least := range Roles {
			if have.May(least) != (i >= j) {
				t.Errorf("%s, %s", have, least)
			}
		}
	}
	if Role("").May(Viewer) || Role("god").May(Viewer) || Owner.May("god") || Owner.May("") {
		t.Error("what is no role may something")
	}
}

// From the link to a session, and what stands in the log of it.
func TestEnrolAndSignIn(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		p, link, err := x.Add(ctx, CommandLine, "  Dilnoza@Namuna.uz ", Owner)
		x.must(err)
		if p.Email != "dilnoza@namuna.uz" || p.Enrolled || !p.Active {
			t.Errorf("%+v", p)
		}
		s := &someone{Person: p, x: x}
		in, err := x.Invitation(ctx, link)
		x.must(err)
		s.secret = in.Secret
		for _, want := range []string{"otpauth://totp/Chorsu:dilnoza@namuna.uz?", "secret=" + in.Secret, "issuer=Chorsu"} {
			if !strings.Contains(strings.ReplaceAll(in.URI, "%40", "@"), want) && !strings.Contains(strings.ReplaceAll(in.URI, "%3A", ":"), want) {
				t.Errorf("the QR holds %s, not %s", in.URI, want)
			}
		}
		// What is wrong leaves the link as it is.
		for _, c := range []struct{ password, code, reason string }{
			{"short", s.code(), "password_length"}, {strings.Repeat("x1y2z", 41), s.code(), "password_length"},
			{"aaaaaaaaaaaaaa", s.code(), "password_weak"}, {"dilnoza-2026!", s.code(), "password_weak"}, {"MyPassword-55", s.code(), "password_weak"},
			{password, "", "code_wrong"}, {password, "000000", "code_wrong"}, {password, "12345", "code_wrong"},
		} {
			_, _, err := x.Enrol(ctx, link, Attempt{Password: c.password, Code: c.code, Sealed: in.Sealed})
			x.reason(c.password+" "+c.code, err, c.reason)
		}
		recovery, token, err := x.Enrol(ctx, link, Attempt{Password: password, Code: s.code()[:3] + " " + s.code()[3:], Sealed: in.Sealed})
		x.must(err)
		if len(recovery) != 10 {
			t.Errorf("%d recovery codes", len(recovery))
		}
		if got, err := x.Session(ctx, token, false); err != nil || got.ID != p.ID || !got.Enrolled || got.Recovery != 10 {
			t.Errorf("%+v %v", got, err)
		}
		_, err = x.Invitation(ctx, link)
		x.reason("the link, once more", err, "link_over")
		_, _, err = x.Enrol(ctx, link, Attempt{Password: password, Code: s.code(), Sealed: in.Sealed})
		x.reason("the link, used once more", err, "link_over")

		// The code that enrolled is good no more; the next one is, once.
		_, _, err = x.SignIn(ctx, s.attempt())
		x.reason("the code that enrolled", err, "refused")
		x.wait(30 * time.Second)
		again, got, err := x.SignIn(ctx, s.attempt())
		if err != nil || again == token || got.ID != p.ID || got.SignedInAt.IsZero() {
			t.Errorf("%+v %v", got, err)
		}
		_, _, err = x.SignIn(ctx, s.attempt())
		x.reason("the same code again", err, "refused")
		want := "[staff.added staff.not_enrolled staff.not_enrolled staff.not_enrolled staff.enrolled session.refused session.begun session.refused]"
		if got := fmt.Sprint(x.log()); got != want {
			t.Errorf("the log: %s", got)
		}
	})
}

// A phone's clock may be a step off; more is no code. A step that lies behind the one used is none.
func TestTheAuthenticatorsClock(t *testing.T) {
	secret := string(newSecret())
	now := time.Date(2026, 11, 21, 9, 0, 10, 0, time.UTC)
	at := func(d time.Duration) string {
		code, err := totp.GenerateCode(secret, now.Add(d))
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	for d, want := range map[time.Duration]bool{0: true, -30 * time.Second: true, 30 * time.Second: true, -60 * time.Second: false, 60 * time.Second: false} {
		step, ok := checkTOTP(secret, at(d), 0, now)
		if ok != want || ok && step != now.Add(d).Unix()/30 {
			t.Errorf("%s off: %v, step %d", d, ok, step)
		}
	}
	present := now.Unix() / 30
	if _, ok := checkTOTP(secret, at(0), present, now); ok {
		t.Error("a code is good twice")
	}
	if _, ok := checkTOTP(secret, at(-30*time.Second), present, now); ok {
		t.Error("an older code is good after a newer one")
	}
	if step, ok := checkTOTP(secret, at(30*time.Second), present, now); !ok || step != present+1 {
		t.Error("the next code is not good")
	}
	if _, ok := checkTOTP("not base32!", "123456", 0, now); ok {
		t.Error("a broken secret lets in")
	}
}

// The same answer for whatever is wrong, and a hash is made each time.
func TestEveryRefusalIsTheSame(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		good := x.enrolled("good@x.uz", Viewer)
		gone := x.enrolled("gone@x.uz", Viewer)
		_, _, err := x.Add(ctx, CommandLine, "new@x.uz", Viewer)
		x.must(err)
		x.must(x.Disable(ctx, CommandLine, gone.ID))
		x.wait(time.Minute)
		var said []string
		for name, change := range map[string]func(*Attempt){
			"no such account": func(a *Attempt) { a.Email = "nobody@x.uz" },
			"no address":      func(a *Attempt) { a.Email = "nobody" },
			"not enrolled":    func(a *Attempt) { a.Email = "new@x.uz" },
			"disabled":        func(a *Attempt) { a.Email, a.Code = gone.Email, gone.code() },
			"no password":     func(a *Attempt) { a.Password = "" },
			"wrong password":  func(a *Attempt) { a.Password += " " },
			"wrong code":      func(a *Attempt) { a.Code = "000000" },
			"long password":   func(a *Attempt) { a.Password = strings.Repeat("x", 1<<20) },
		} {
			a := good.attempt()
			change(&a)
			token, _, err := x.SignIn(ctx, a)
			x.reason(name, err, "refused")
			if token != "" {
				t.Errorf("%s lets in", name)
			}
			said = append(said, fmt.Sprint(err))
		}
		for _, s := range said {
			if s != said[0] {
				t.Errorf("two refusals differ: %q, %q", s, said[0])
			}
		}
		if _, _, err := x.SignIn(ctx, good.attempt()); err != nil {
			t.Errorf("the right ones: %v", err)
		}
	})
}

// After five failures at an account from one address, whoever is there waits, longer each time,
// whether there is such an account or not; being right does not help until then.
func TestLockOut(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		s := x.enrolled("a@x.uz", Viewer)
		x.wait(time.Minute)
		for _, email := range []string{s.Email, "nobody@x.uz"} {
			wrong := Attempt{Email: email, Password: "wrong", Network: "192.0.2.9"}
			var waits []time.Duration
			for i := range 9 {
				_, _, err := x.SignIn(ctx, wrong)
				if i < 5 {
					x.reason(fmt.Sprint(email, " try ", i), err, "refused")
					if i < 4 {
						continue
					}
				}
				_, _, err = x.SignIn(ctx, wrong)
				x.reason(fmt.Sprint(email, " locked ", i), err, "locked")
				e, _ := errors.AsType[*pay.Error](err)
				waits = append(waits, e.RetryAfter)
				x.wait(e.RetryAfter)
			}
			if fmt.Sprint(waits) != "[30s 1m0s 2m0s 4m0s 8m0s]" {
				t.Errorf("%s waits %v", email, waits)
			}
		}
		// Locked: the right password and code do not help from there, and use no code up.
		wrong := Attempt{Email: s.Email, Password: "wrong", Network: "192.0.2.9"}
		_, _, err := x.SignIn(ctx, wrong)
		x.reason("one more", err, "refused")
		right := s.attempt()
		right.Network = wrong.Network
		_, _, err = x.SignIn(ctx, right)
		x.reason("the right ones from there", err, "locked")
		x.wait(longestWait)
		right.Code = s.code()
		if _, _, err := x.SignIn(ctx, right); err != nil {
			t.Errorf("after the wait: %v", err)
		}
		_, _, err = x.SignIn(ctx, wrong)
		x.reason("the count began anew", err, "refused")
	})
}

// What guessing leaves in the log: each try that was looked at, also at an address that has no
// account, but not what was typed; and the beginning of a lock-out, once, where the try that began it
// failed. What is written for an account and for none is the same.
func TestGuessingLeavesATrace(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		s := x.enrolled("a@x.uz", Viewer)
		x.wait(time.Minute)
		trace := func(f func()) (out []string) {
			t.Helper()
			had := len(x.log())
			f()
			list, _, err := x.Log(ctx, Filter{}, 100, "")
			x.must(err)
			for _, e := range list[:len(list)-had] {
				if strings.Contains(fmt.Sprint(e), "nobody") {
					t.Errorf("the log has what was typed: %+v", e)
				}
				out = append([]string{e.What + " " + e.Who + " " + e.Address + " " + e.Subject + " " + e.Detail}, out...)
			}
			return out
		}
		wrong := func(email, network string, n int) func() {
			return func() {
				for range n {
					_, _, _ = x.SignIn(ctx, Attempt{Email: email, Password: "wrong", Address: "192.0.2.9", Network: network})
				}
			}
		}
		var want []string
		for range freeTriesPair {
			want = append(want, "session.refused unknown 192.0.2.9  password")
		}
		want = append(want, "session.locked unknown 192.0.2.9  the account from this address")
		if got := trace(wrong("nobody@x.uz", "n1", freeTriesPair+3)); !slices.Equal(got, want) { // those that must wait are not looked at
			t.Errorf("without an account: %q", got)
		}
		known := func(line string) string {
			return strings.Replace(strings.Replace(line, "unknown", s.Email, 1), "192.0.2.9 ", "192.0.2.9 "+s.ID, 1)
		}
		for i := range want {
			want[i] = known(want[i])
		}
		if got := trace(wrong(s.Email, "n2", freeTriesPair+3)); !slices.Equal(got, want) {
			t.Errorf("with one: %q", got)
		}
		x.wait(firstWait)
		if got := trace(wrong(s.Email, "n2", 2)); len(got) != 1 { // its wait goes on: no news
			t.Errorf("after the wait: %q", got)
		}
		// The last free try lets in: nobody was locked out.
		got := trace(func() {
			wrong(s.Email, "n3", freeTriesPair-1)()
			a := s.attempt()
			a.Network = "n3"
			if _, _, err := x.SignIn(ctx, a); err != nil {
				t.Error(err)
			}
		})
		if len(got) != freeTriesPair || strings.Contains(fmt.Sprint(got), "locked") {
			t.Errorf("who is let in was locked out: %q", got)
		}
		// An open browser is guessed at, too.
		got = trace(func() {
			for range freeTriesPair {
				_, _ = x.Confirm(ctx, s.By("192.0.2.9"), Proof{Password: "wrong", Network: "n4"})
			}
		})
		if len(got) != freeTriesPair+1 || !strings.HasPrefix(got[freeTriesPair], "session.locked "+s.Email) {
			t.Errorf("at an open browser: %q", got)
		}
	})
}

// Somebody elsewhere cannot lock a person out: neither from one address, nor, where the person has
// signed in before, from a thousand. Guesses from a thousand addresses are held up all the same.
func TestNobodyIsLockedOutFromElsewhere(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		s := x.enrolled("a@x.uz", Owner)
		signIn := func(where, network string) {
			t.Helper()
			x.wait(30 * time.Second)
			a := s.attempt()
			a.Network = network
			if _, _, err := x.SignIn(ctx, a); err != nil {
				t.Errorf("%s: %v", where, err)
			}
		}
		guess := func(n int, network string) {
			t.Helper()
			for range n {
				if _, _, err := x.SignIn(ctx, Attempt{Email: s.Email, Password: "wrong", Network: network}); err == nil {
					t.Fatal("a guess is right")
				}
			}
		}
		guess(3*freeTriesAccount, "192.0.2.9")
		signIn("a new place", "198.51.100.1")
		for i := range freeTriesAccount {
			guess(1, fmt.Sprint("203.0.113.", i))
		}
		_, _, err := x.SignIn(ctx, Attempt{Email: s.Email, Password: "wrong", Network: "203.0.113.200"})
		x.reason("one address more", err, "locked")
		signIn("where they enrolled", "192.0.2.1")
		for i := range freeTriesAccount {
			guess(1, fmt.Sprint("203.0.113.", i))
		}
		signIn("where they signed in once", "198.51.100.1")

		// What is known of a place is forgotten when nobody comes from there.
		x.wait(knownFor + time.Minute)
		for i := range freeTriesAccount {
			guess(1, fmt.Sprint("203.0.113.", i))
		}
		a := s.attempt()
		a.Network = "198.51.100.1"
		_, _, err = x.SignIn(ctx, a)
		x.reason("a place of two months ago", err, "locked")
	})
}

// Whoever opened a link before knows nothing of the authenticator that is made by it: each opening
// shows another secret, and a form is good for the link that showed it.
func TestALinkShowsASecretOnce(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		p, link, err := x.Add(ctx, CommandLine, "a@x.uz", Viewer)
		x.must(err)
		first, err := x.Invitation(ctx, link)
		x.must(err)
		second, err := x.Invitation(ctx, link)
		x.must(err)
		if first.Secret == second.Secret || first.Sealed == second.Sealed || strings.Contains(first.Sealed, first.Secret) {
			t.Error("two openings show the same secret, or the form tells it")
		}
		_, other, err := x.Add(ctx, CommandLine, "b@x.uz", Viewer)
		x.must(err)
		_, err = x.SameInvitation(ctx, other, first.Sealed)
		x.reason("the form of another link", err, "form_old")
		again, err := x.SameInvitation(ctx, link, second.Sealed)
		if err != nil || again.Secret != second.Secret || again.Email != "a@x.uz" {
			t.Errorf("the same form again: %+v %v", again, err)
		}
		s := &someone{Person: p, x: x, secret: first.Secret}
		for what, sealed := range map[string]string{"no form": "", "rubbish": "x", "too long": strings.Repeat("x", 2000)} {
			_, _, err := x.Enrol(ctx, link, Attempt{Password: password, Code: s.code(), Sealed: sealed})
			x.reason(what, err, "form_old")
		}
		_, _, err = x.Enrol(ctx, link, Attempt{Password: password, Code: s.code(), Sealed: second.Sealed})
		x.reason("the code of the first opening in the second's form", err, "code_wrong")
		s.secret = second.Secret
		_, _, err = x.Enrol(ctx, link, Attempt{Password: password, Code: s.code(), Sealed: second.Sealed})
		x.must(err)
		x.wait(time.Minute)
		if _, _, err := x.SignIn(ctx, s.attempt()); err != nil {
			t.Error(err)
		}
	})
}

// Whoever gives power to somebody types their password and a code again, and nobody takes their own
// authenticator away.
func TestPowerNeedsAProof(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		owner, other := x.enrolled("o@x.uz", Owner), x.enrolled("a@x.uz", Viewer)
		by := owner.By("192.0.2.1")
		_, _, err := x.Add(ctx, by, "new@x.uz", Owner)
		x.reason("adding", err, "proof_missing")
		_, err = x.ResetTOTP(ctx, by, other.ID, true)
		x.reason("an authenticator", err, "proof_missing")
		x.reason("a role", x.SetRole(ctx, by, other.ID, Owner), "proof_missing")
		x.reason("letting in again", x.Enable(ctx, by, other.ID), "proof_missing")
		x.reason("the limit", x.SetRefundLimit(ctx, by, 0), "proof_missing")

		x.wait(time.Minute)
		for what, p := range map[string]Proof{"no proof": {}, "no code": {Password: password}, "another password": {Password: "x", Code: owner.code()}, "another's code": {Password: password, Code: other.code()}} {
			got, err := x.Confirm(ctx, by, p)
			x.reason(what, err, "proof_wrong")
			if x.SetRefundLimit(ctx, got, 0) == nil {
				t.Errorf("%s is enough", what)
			}
		}
		p := Proof{Password: password, Code: owner.code(), Network: "192.0.2.1"}
		sure, err := x.Confirm(ctx, by, p)
		x.must(err)
		_, err = x.Confirm(ctx, by, p)
		x.reason("the same code again", err, "proof_wrong")
		if _, err := x.Session(ctx, owner.token, false); err != nil {
			t.Errorf("the proof signs out: %v", err)
		}
		_, err = x.ResetTOTP(ctx, sure, owner.ID, false)
		x.reason("one's own", err, "own_authenticator")
		_, err = x.ResetTOTP(ctx, sure, other.ID, false)
		x.must(err)
		x.must(x.SetRole(ctx, sure, other.ID, Support))
	})
}

// Whoever is given power is not one of the two persons that something above the limit takes until a day
// has passed, however they got it: else an owner's account that was taken over would make its own
// second person. What gives no power takes none away.
func TestASecondPersonIsNotMadeInADay(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		is := func(when, id string, want bool) {
			t.Helper()
			people, err := x.People(ctx)
			x.must(err)
			for _, p := range people {
				if p.ID == id && p.New != want {
					t.Errorf("%s: new is %v, until %s", when, p.New, p.CountsFrom)
				}
			}
		}
		invited, _, err := x.Add(ctx, CommandLine, "invited@x.uz", Owner)
		x.must(err)
		x.wait(2 * LimitDelay)
		is("not enrolled", invited.ID, true)

		s := x.enrolled("a@x.uz", Support)
		was := s.CreatedAt
		is("enrolled", s.ID, true)
		x.wait(LimitDelay - time.Second)
		is("within the day", s.ID, true)
		x.wait(time.Second)
		is("a day later", s.ID, false)
		if p, err := x.Find(ctx, s.Email); err != nil || !p.CountsFrom.Equal(was.Add(LimitDelay)) {
			t.Errorf("%+v %v", p, err)
		}

		in := s.attempt()
		if _, p, err := x.SignIn(ctx, in); err != nil || p.New {
			t.Errorf("signing in: %+v %v", p, err)
		}
		x.must(x.SetRole(ctx, CommandLine, s.ID, Support))
		is("the same role", s.ID, false)
		x.must(x.SetRole(ctx, CommandLine, s.ID, Viewer))
		is("a lesser role", s.ID, false)
		x.must(x.Enable(ctx, CommandLine, s.ID))
		is("let in, who was in", s.ID, false)
		x.must(x.Disable(ctx, CommandLine, s.ID))
		is("shut out", s.ID, false)
		for _, c := range []struct {
			what  string
			power func() error
		}{
			{"being let in again", func() error { return x.Enable(ctx, CommandLine, s.ID) }},
			{"a higher role", func() error { return x.SetRole(ctx, CommandLine, s.ID, Refunds) }},
			{"another authenticator", func() error {
				link, err := x.ResetTOTP(ctx, CommandLine, s.ID, true)
				s.enrol(link, password)
				return err
			}},
			{"another authenticator with the same password", func() error {
				link, err := x.ResetTOTP(ctx, CommandLine, s.ID, false)
				s.enrol(link, password)
				return err
			}},
		} {
			x.must(c.power())
			is(c.what, s.ID, true)
			x.wait(LimitDelay)
			is(c.what+", a day later", s.ID, false)
		}
	})
}

// One address that tries many accounts waits too; another is not held up by it.
func TestLockOutOfAnAddress(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		s := x.enrolled("a@x.uz", Viewer)
		for i := range freeTriesAddress {
			_, _, err := x.SignIn(ctx, Attempt{Email: fmt.Sprintf("%d@x.uz", i), Password: "x", Network: "192.0.2.9"})
			x.reason(fmt.Sprint(i), err, "refused")
		}
		x.wait(time.Second)
		right := s.attempt()
		right.Network = "192.0.2.9"
		_, _, err := x.SignIn(ctx, right)
		x.reason("the right ones from there", err, "locked")
		x.wait(30 * time.Second)
		right = s.attempt()
		if _, _, err := x.SignIn(ctx, right); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		// What is right does not wash the address clean for its guesses.
		x.wait(30 * time.Second)
		right = s.attempt()
		right.Network = "192.0.2.9"
		_, _, err = x.SignIn(ctx, right)
		x.must(err)
		_, _, err = x.SignIn(ctx, Attempt{Email: "b@x.uz", Password: "x", Network: "192.0.2.9"})
		x.reason("the next guess", err, "locked")
		// From an address that has to wait, nobody else's account is locked either.
		for range 2 * freeTriesAccount {
			_, _, err := x.SignIn(ctx, Attempt{Email: s.Email, Password: "x", Network: "192.0.2.9"})
			x.reason("guesses at an account", err, "locked")
		}
		x.wait(30 * time.Second)
		if _, _, err := x.SignIn(ctx, s.attempt()); err != nil {
			t.Errorf("from elsewhere, after those: %v", err)
		}
	})
}

// A hundred guesses at once are a hundred: no more of them are looked at than are free.
func TestGuessesAtOnceAreCounted(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		s := x.enrolled("a@x.uz", Viewer)
		var mu sync.Mutex
		looked := 0
		var racers sync.WaitGroup
		for range 30 {
			racers.Go(func() {
				_, _, err := x.SignIn(t.Context(), Attempt{Email: s.Email, Password: "wrong", Network: "192.0.2.9"})
				e, ok := errors.AsType[*pay.Error](err)
				if !ok {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if e.Reason != "locked" {
					looked++
				}
			})
		}
		racers.Wait()
		if looked > freeTriesAccount {
			t.Errorf("%d guesses were looked at", looked)
		}
	})
}

// One code at once from two browsers lets one in.
func TestACodeIsGoodOnce(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		s := x.enrolled("a@x.uz", Viewer)
		x.wait(time.Minute)
		a := s.attempt()
		var in sync.Map
		var racers sync.WaitGroup
		for i := range 4 {
			racers.Go(func() {
				if token, _, err := x.SignIn(t.Context(), a); err == nil {
					in.Store(i, token)
				}
			})
		}
		racers.Wait()
		n := 0
		in.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("%d were let in", n)
		}
	})
}

func TestRecoveryCodes(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		s := x.enrolled("a@x.uz", Viewer)
		a := s.attempt()
		for i, code := range []string{s.recovery[3], strings.ToLower(strings.ReplaceAll(s.recovery[7], "-", " "))} {
			a.Code = code
			if _, p, err := x.SignIn(ctx, a); err != nil || p.Recovery != 9-i {
				t.Errorf("%d: %d are left, %v", i, p.Recovery, err)
			}
			_, _, err := x.SignIn(ctx, a)
			x.reason("once more", err, "refused")
		}
		by := s.By("192.0.2.1")
		_, err := x.NewRecovery(ctx, by, Proof{Password: password, Code: "000000"})
		x.reason("without a code", err, "proof_wrong")
		x.wait(time.Minute)
		codes, err := x.NewRecovery(ctx, by, Proof{Password: password, Code: s.code()})
		if err != nil || len(codes) != 10 {
			t.Fatalf("%d codes, %v", len(codes), err)
		}
		a.Code = s.recovery[0]
		_, _, err = x.SignIn(ctx, a)
		x.reason("an earlier code", err, "refused")
		a.Code = codes[0]
		if _, _, err := x.SignIn(ctx, a); err != nil {
			t.Errorf("a new code: %v", err)
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		s := x.enrolled("a@x.uz", Viewer)
		owner := x.enrolled("o@x.uz", Owner)
		signIn := func() string {
			t.Helper()
			x.wait(30 * time.Second)
			token, _, err := x.SignIn(ctx, s.attempt())
			x.must(err)
			return token
		}
		alive := func(token string) bool {
			t.Helper()
			_, err := x.Session(ctx, token, false)
			if err != nil {
				x.reason("session", err, "signed_out")
			}
			return err == nil
		}
		if alive("") || alive("x") || alive(hashToken(s.token)) {
			t.Error("what is no token counts")
		}
		// Idle: each request puts it off, a page that only watches does not.
		token := signIn()
		for range 3 {
			x.wait(SessionIdle - time.Minute)
			if !alive(token) {
				t.Fatal("it ended while it was used")
			}
		}
		x.wait(SessionIdle - time.Minute)
		if _, err := x.Session(ctx, token, true); err != nil {
			t.Errorf("watching: %v", err)
		}
		x.wait(time.Minute)
		if alive(token) {
			t.Error("watching kept it alive")
		}
		// Whatever happens, after a working day.
		token = signIn()
		for range 2 * SessionMost / SessionIdle {
			x.wait(SessionIdle/2 - time.Second)
			alive(token)
		}
		if !alive(token) {
			t.Fatal("it ended early")
		}
		x.wait(time.Minute)
		if alive(token) {
			t.Error("it lives longer than a day's work")
		}
		for what, end := range map[string]func(token string) error{
			"signing out":            func(token string) error { return x.SignOut(ctx, s.By(""), token) },
			"signing out everywhere": func(string) error { return x.SignOutEverywhere(ctx, s.By("")) },
			"a new password": func(string) error {
				x.wait(30 * time.Second)
				return x.ChangePassword(ctx, s.By(""), Proof{Password: password, Code: s.code()}, password)
			},
			"new recovery codes": func(string) error {
				x.wait(30 * time.Second)
				_, err := x.NewRecovery(ctx, s.By(""), Proof{Password: password, Code: s.code()})
				return err
			},
			"a lesser role": func(string) error {
				x.must(x.SetRole(ctx, owner.sure(), s.ID, Refunds))
				token := signIn()
				if !alive(token) {
					return errors.New("not signed in")
				}
				return x.SetRole(ctx, owner.sure(), s.ID, Viewer)
			},
			"disabling": func(string) error {
				defer func() { x.must(x.Enable(ctx, owner.sure(), s.ID)) }()
				return x.Disable(ctx, owner.By(""), s.ID)
			},
			"a new authenticator": func(string) error {
				link, err := x.ResetTOTP(ctx, owner.sure(), s.ID, false)
				if err == nil {
					defer s.enrol(link, password)
				}
				return err
			},
		} {
			token := signIn()
			if !alive(token) {
				t.Fatalf("%s: not signed in", what)
			}
			x.must(end(token))
			if alive(token) {
				t.Errorf("%s leaves the session", what)
			}
		}
	})
}

func TestResetTOTP(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		s := x.enrolled("a@x.uz", Viewer)
		link, err := x.ResetTOTP(ctx, CommandLine, s.ID, false)
		x.must(err)
		x.wait(time.Minute)
		_, _, err = x.SignIn(ctx, s.attempt())
		x.reason("with the authenticator that was taken away", err, "refused")
		a := s.attempt()
		a.Code = s.recovery[0]
		_, _, err = x.SignIn(ctx, a)
		x.reason("with a recovery code that was taken away", err, "refused")

		in, err := x.Invitation(ctx, link)
		x.must(err)
		if !in.KeepPassword || in.Secret == s.secret {
			t.Errorf("keeps the password: %v; the same secret: %v", in.KeepPassword, in.Secret == s.secret)
		}
		s.secret = in.Secret
		_, _, err = x.Enrol(ctx, link, Attempt{Password: "another long phrase", Code: s.code(), Sealed: in.Sealed, Network: "n"})
		x.reason("with another password", err, "password_wrong")
		_, _, err = x.Enrol(ctx, link, Attempt{Password: password, Code: s.code(), Sealed: in.Sealed, Network: "n"})
		x.must(err)

		// Forgotten too: a new password is set.
		link, err = x.ResetTOTP(ctx, CommandLine, s.ID, true)
		x.must(err)
		s.enrol(link, "yangi uzun ibora 2026")
		x.wait(time.Minute)
		_, _, err = x.SignIn(ctx, s.attempt())
		x.reason("with the forgotten password", err, "refused")

		// A link is good for a day.
		link, err = x.ResetTOTP(ctx, CommandLine, s.ID, false)
		x.must(err)
		x.wait(LinkLife)
		_, err = x.Invitation(ctx, link)
		x.reason("the next day", err, "link_over")
	})
}

// A password is guessed through an enrolment link no faster than at the sign-in.
func TestALinkDoesNotHelpGuessing(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		s := x.enrolled("a@x.uz", Viewer)
		link, err := x.ResetTOTP(t.Context(), CommandLine, s.ID, false)
		x.must(err)
		in, err := x.Invitation(t.Context(), link)
		x.must(err)
		for i := range freeTriesPair {
			_, _, err := x.Enrol(t.Context(), link, Attempt{Password: fmt.Sprint("guess number ", i), Sealed: in.Sealed, Network: "n"})
			x.reason(fmt.Sprint(i), err, "password_wrong")
		}
		_, _, err = x.Enrol(t.Context(), link, Attempt{Password: "guess", Sealed: in.Sealed, Network: "n"})
		x.reason("one more", err, "locked")
	})
}

func TestAccounts(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		for _, bad := range []string{"", "x", "Dilnoza <d@x.uz>", "d@x.uz, e@x.uz", "дилноза@x.uz", "a b@x.uz", strings.Repeat("a", 200) + "@x.uz"} {
			_, _, err := x.Add(ctx, CommandLine, bad, Viewer)
			x.reason(bad, err, "email_invalid")
		}
		_, _, err := x.Add(ctx, CommandLine, "a@x.uz", "god")
		x.reason("a role", err, "role_unknown")

		// Who was not enrolled yet gets a new link; the earlier one is no more.
		_, first, err := x.Add(ctx, CommandLine, "new@x.uz", Viewer)
		x.must(err)
		p, second, err := x.Add(ctx, CommandLine, "NEW@x.uz", Support)
		x.must(err)
		if p.Role != Support {
			t.Errorf("%+v", p)
		}
		_, err = x.Invitation(ctx, first)
		x.reason("the first link", err, "link_over")
		_, err = x.Invitation(ctx, second)
		x.must(err)
		// A disabled one cannot enrol.
		x.must(x.Disable(ctx, CommandLine, p.ID))
		_, err = x.Invitation(ctx, second)
		x.reason("of a disabled account", err, "link_over")

		one := x.enrolled("one@x.uz", Owner)
		_, _, err = x.Add(ctx, CommandLine, "one@x.uz", Viewer)
		x.reason("twice", err, "account_exists")
		by := one.sure()
		x.reason("the last owner", x.SetRole(ctx, by, one.ID, Viewer), "last_owner")
		x.reason("the last owner", x.Disable(ctx, by, one.ID), "last_owner")
		two := x.enrolled("two@x.uz", Owner)
		x.must(x.SetRole(ctx, two.sure(), one.ID, Refunds))
		x.reason("the last owner", x.Disable(ctx, by, two.ID), "last_owner")
		x.must(x.Disable(ctx, CommandLine, two.ID)) // who has a shell may
		x.reason("nobody", x.Disable(ctx, by, "nobody"), "account_not_found")
		_, err = x.ResetTOTP(ctx, by, two.ID, false)
		x.reason("of a disabled account", err, "account_disabled")

		people, err := x.People(ctx)
		x.must(err)
		var got []string
		for _, p := range people {
			got = append(got, fmt.Sprint(p.Email, " ", p.Role, " ", p.Active, " ", p.Enrolled))
		}
		want := "[new@x.uz support false false one@x.uz refunds true true two@x.uz owner false true]"
		if fmt.Sprint(got) != want {
			t.Errorf("%v", got)
		}
		if found, err := x.Find(ctx, " ONE@x.uz"); err != nil || found.ID != one.ID {
			t.Errorf("%+v %v", found, err)
		}
		_, err = x.Find(ctx, "nobody@x.uz")
		x.reason("nobody", err, "account_not_found")
	})
}

// Two owners that take each other's role away at once leave one of them.
func TestTheLastOwnerStays(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		one, two := x.enrolled("one@x.uz", Owner), x.enrolled("two@x.uz", Owner)
		var racers sync.WaitGroup
		errs := make([]error, 2)
		racers.Go(func() { errs[0] = x.SetRole(t.Context(), one.sure(), two.ID, Viewer) })
		racers.Go(func() { errs[1] = x.SetRole(t.Context(), two.sure(), one.ID, Viewer) })
		racers.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("%v", errs)
		}
	})
}

// A lower limit counts at once; one that is raised or taken away counts a day later, and until then
// can be taken back.
func TestRefundLimit(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		ctx := t.Context()
		is := func(want, next pay.Tiyin) {
			t.Helper()
			got, err := x.RefundLimits(ctx)
			x.must(err)
			now, err := x.RefundLimit(ctx)
			x.must(err)
			if now != want || got.Now != want || got.Next != next {
				t.Errorf("%+v, not %d and then %d", got, want, next)
			}
		}
		is(0, 0)
		set := func(limit pay.Tiyin) { t.Helper(); x.must(x.SetRefundLimit(ctx, CommandLine, limit)) }
		set(50_000_000)
		is(50_000_000, 0)
		set(90_000_000)
		is(50_000_000, 90_000_000)
		x.wait(LimitDelay - time.Second)
		is(50_000_000, 90_000_000)
		x.wait(time.Second)
		is(90_000_000, 0)
		set(0) // taken away: nothing is higher
		is(90_000_000, 0)
		set(90_000_000) // and not, after all
		x.wait(LimitDelay)
		is(90_000_000, 0)
		set(100_000_000)
		x.wait(LimitDelay / 2)
		set(10_000_000)
		x.wait(LimitDelay)
		is(10_000_000, 0)
		set(0)
		x.wait(LimitDelay)
		is(0, 0)
		x.reason("less than nothing", x.SetRefundLimit(ctx, CommandLine, -1), "limit_invalid")
		x.reason("too much", x.SetRefundLimit(ctx, CommandLine, pay.MaxAmount+1), "limit_invalid")
		if got := len(x.log()); got != 7 {
			t.Errorf("%d entries", got)
		}
	})
}

// A password lives in no hash, and a hash of another cost is still checked.
func TestHashing(t *testing.T) {
	h := newHashing(Cost{Memory: 64, Passes: 1})
	hash, err := h.make(t.Context(), password)
	if err != nil || strings.Contains(hash, password) {
		t.Fatalf("%s %v", hash, err)
	}
	again, err := h.make(t.Context(), password)
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are equal")
	}
	dearer := newHashing(Cost{Memory: 128, Passes: 2})
	for _, c := range []struct {
		hash, password string
		want           bool
	}{{hash, password, true}, {again, password, true}, {hash, password + "x", false}, {hash, "", false}, {"", "", false}, {"", password, false}} {
		if ok, err := dearer.check(t.Context(), c.hash, c.password); err != nil || ok != c.want {
			t.Errorf("%v %v", ok, err)
		}
	}
	for _, bad := range []string{"x", "$argon2i$v=19$m=64,t=1,p=1$$", strings.Replace(hash, "m=64", "m=99999999", 1), strings.Replace(hash, "t=1", "t=0", 1), hash[:len(hash)-4]} {
		if _, err := h.check(t.Context(), bad, password); err == nil || strings.Contains(err.Error(), hash[30:]) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if c := recommended; c.Memory != 19*1024 || c.Passes != 2 {
		t.Errorf("the recommended cost is %+v", c)
	}
}

// Only so many hashes are made at once; who cannot wait is told to come back.
func TestHashingIsBounded(t *testing.T) {
	h := newHashing(Cost{Memory: 64, Passes: 1})
	for range hashTurns {
		h.turns <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.make(ctx, password)
	if e, ok := errors.AsType[*pay.Error](err); !ok || e.Reason != "busy" || e.RetryAfter == 0 {
		t.Errorf("%v", err)
	}
	<-h.turns
	if _, err := h.make(t.Context(), password); err != nil {
		t.Error(err)
	}
}

// Nothing that prints shows a secret.
func TestSecretsDoNotPrint(t *testing.T) {
	for _, v := range []any{Attempt{Password: password, Code: "123456"}, Proof{Password: password}, Invitation{Secret: password, URI: password}} {
		if text := fmt.Sprintf("%v %+v %#v %s", v, v, v, v); strings.Contains(text, password) {
			t.Error(text)
		}
	}
}
