package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/inbox"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/sandbox"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// receivers is how many machines of apps there are: the outbox sends eight webhooks at a time
// to one.
const receivers = 3

// street is everything around the gateway, which outlives it: the companies with their books,
// the apps' receivers with their log, and the public address behind which one or several
// processes serve.
type street struct {
	t     *testing.T
	dsn   string
	clock *sandbox.Clock
	box   *sandbox.Sandbox
	in    *inbox.Inbox
	front *front
	env   map[string]string

	boxURL    string
	notifyURL []string
}

func newStreet(t *testing.T, dsn string) *street {
	s := &street{t: t, dsn: dsn, clock: sandbox.NewClock(time.Now), front: newFront()}
	s.in = inbox.New(inbox.Options{Secrets: []string{webhookSecret}, Now: s.clock.Now, Keep: 1_000_000})

	var companies http.Handler
	boxServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { companies.ServeHTTP(w, r) }))
	public := httptest.NewServer(s.front)
	s.boxURL = boxServer.URL
	var err error
	s.box, err = sandbox.New(sandbox.Options{BaseURL: s.boxURL, Companies: app.Companies(app.Plugins()), Clock: s.clock, Inbox: s.in})
	if err != nil {
		t.Fatal(err)
	}
	companies = s.box
	t.Cleanup(func() {
		s.front.close()
		s.in.Close()
		public.CloseClientConnections()
		boxServer.CloseClientConnections()
		public.Close()
		boxServer.Close()
	})
	for range receivers {
		srv := httptest.NewServer(http.HandlerFunc(s.receive))
		t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
		s.notifyURL = append(s.notifyURL, srv.URL+"/hook")
	}
	s.env = map[string]string{
		"PORT": "0", "HOST": "127.0.0.1", "DATABASE_URL": dsn, "PUBLIC_URL": public.URL,
		"SERVICE_API_KEY": apiKey, "WEBHOOK_SIGNING_SECRET": webhookSecret, "MASTER_KEY": masterKey,
		"RATE_LIMIT_PER_MINUTE": "0", "NOTIFY_ALLOW_PRIVATE": "true", "ALLOW_SANDBOX": "true",
		"WEBHOOK_RETRIES": "100ms,200ms,500ms", "LOG_LEVEL": "info", "LOG_FORMAT": "json",
	}
	for _, p := range app.Plugins() {
		info := p.Provider.Info()
		for _, v := range [][2]string{{info.BaseURLEnv, info.BaseURL}, {info.PayURLEnv, info.PayURL}} {
			if v[0] != "" {
				s.env[v[0]] = app.SandboxAddress(s.boxURL, p.Played(), v[1])
			}
		}
	}
	return s
}

// receive takes a webhook, and while it does that counts as in flight.
func (s *street) receive(w http.ResponseWriter, r *http.Request) {
	s.front.deliver(func() { s.in.ServeHTTP(w, r) })
}

// slowDown makes refunds take a while, so that a kill meets them.
func (s *street) slowDown() {
	for name, steps := range map[string][]string{"multicard": {"payment.refund", "payment.partial"}, "click": {"payment.reversal"}} {
		sim, w, _ := s.box.Simulator(name)
		for _, step := range steps {
			if !slices.Contains(sim.Info().Steps, step) {
				s.t.Fatalf("%s has no step %s", name, step)
			}
			w.Faults.Set(late(step, 60*time.Millisecond))
		}
	}
}

// online are the companies that a buyer can be sent to.
func online() []app.Plugin {
	return slices.DeleteFunc(app.Online(), func(p app.Plugin) bool {
		_, ok := p.Provider.Info().Account.(provider.Checkouter)
		return !ok
	})
}

// register makes the business known to each of them, through the gateway that serves.
func (s *street) register() {
	s.t.Helper()
	for _, p := range online() {
		name := p.Provider.Info().Name
		var m struct{ CallbackURL string }
		status, err := s.call("POST", "/api/merchants", "", map[string]any{
			"source": "app", "businessId": "biz", "provider": name, "credentials": p.Sample,
		}, &m)
		if err != nil || status >= 300 {
			s.t.Fatalf("register %s: %d %v", name, status, err)
		}
		if err := s.box.AddAccount(name, simulator.Account{Credentials: p.Sample, CallbackURL: m.CallbackURL}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// call asks the gateway once, however long that takes. An error means that no whole answer came.
func (s *street) call(method, path, key string, in, out any) (status int, err error) {
	return s.ask(&http.Client{Timeout: time.Minute}, method, path, key, in, out)
}

func (s *street) ask(c *http.Client, method, path, key string, in, out any) (status int, err error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.env["PUBLIC_URL"]+path, body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("x-api-key", apiKey)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, answer(res, out)
}

// client is that of an app that insists: impatient, since a repeat may have to wait for a request that died.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}, Timeout: 2 * time.Second}

// ─── Buyers and apps ───────────────────────────────────────────────────────────────────────

// acks is what the gateway said yes to: it must be true for ever.
type acks struct {
	mu       sync.Mutex
	invoices map[string]bool   // ids
	refunds  map[string]string // Idempotency-Key → refund id
	wrong    []string
}

func newAcks() *acks {
	return &acks{invoices: map[string]bool{}, refunds: map[string]string{}}
}

func (a *acks) complain(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.wrong) < 20 {
		a.wrong = append(a.wrong, fmt.Sprintf(format, args...))
	}
}

// shop is one buyer after another at one till, until ctx ends: an invoice, a payment, and now
// and then a refund, each request repeated under its key until it is answered.
func (s *street) shop(ctx context.Context, seed uint64, n int, a *acks) {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	plugins := online()
	for i := 0; ctx.Err() == nil; i++ {
		p := plugins[r.IntN(len(plugins))]
		name := p.Provider.Info().Name
		order := fmt.Sprintf("order-%d-%d-%d", seed, n, i)
		var inv struct{ ID, CheckoutURL, Status string }
		status, ok := s.insist(ctx, "POST", "/api/invoices", order, map[string]any{
			"source": "app", "businessId": "biz", "provider": name, "sourceInvoiceId": order,
			"amount": 100 * (1000 + r.IntN(900_000)), "notifyUrl": s.notifyURL[r.IntN(len(s.notifyURL))],
		}, &inv)
		if !ok || status == http.StatusConflict { // the first request died, and is not yet known to have
			continue
		}
		if status >= 300 {
			a.complain("invoice %s: %d", order, status)
			continue
		}
		a.mu.Lock()
		a.invoices[inv.ID] = true
		a.mu.Unlock()
		sim, _, _ := s.box.Simulator(name)
		rep, err := sim.Act(context.WithoutCancel(ctx), simulator.Action{Kind: "pay", Link: inv.CheckoutURL})
		if err != nil {
			a.complain("%s: pay %s: %v", name, inv.CheckoutURL, err)
			continue
		}
		if rep.State != "paid" || r.IntN(3) > 0 {
			continue
		}
		s.refund(ctx, name, inv.ID, order, r, a)
	}
}

// refund asks for the money back, whole or in part where the company can, and asks again until
// there is an answer. The same key must always be the same refund.
func (s *street) refund(ctx context.Context, name, invoice, order string, r *rand.Rand, a *acks) {
	body := map[string]any{"invoiceId": invoice}
	if name == "multicard" && r.IntN(2) == 0 {
		body["amount"] = 10_000
		body["ofd"] = []map[string]any{{"qty": 1, "price": 10_000, "total": 10_000, "mxik": "06401004002000000", "package_code": "1506113", "name": "Non", "vat": 0}}
	}
	key := "refund-" + order
	for range 2 { // the second is a repeat
		var ref struct{ ID, Status string }
		status, ok := s.insist(ctx, "POST", "/api/refunds", key, body, &ref)
		switch {
		case !ok:
			return
		case status == http.StatusUnprocessableEntity: // this company's API cannot
			return
		case status == http.StatusConflict: // the first request still runs, or its outcome is not known yet
			return
		case status >= 300:
			a.complain("refund of %s: %d", invoice, status)
			return
		}
		a.mu.Lock()
		if had, ok := a.refunds[key]; ok && had != ref.ID {
			a.wrong = append(a.wrong, fmt.Sprintf("key %s made refunds %s and %s", key, had, ref.ID))
		}
		a.refunds[key] = ref.ID
		a.mu.Unlock()
	}
}

// insist repeats a request under its key until an answer comes. ok false: none came. A repeat
// of a request that died with its process is answered only when that one's lease has ended, so
// an app that has others to serve goes on.
func (s *street) insist(ctx context.Context, method, path, key string, in, out any) (status int, ok bool) {
	for range 3 {
		if ctx.Err() != nil {
			break
		}
		status, err := s.ask(client, method, path, key, in, out)
		if err == nil && status != http.StatusInternalServerError {
			return status, true
		}
	}
	return 0, false
}

// open lets n tills shop until the returned function closes them and waits for them.
func (s *street) open(n int, seed uint64, a *acks) (close func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { s.shop(ctx, seed, i, a) })
	}
	return func() { cancel(); s.front.hurry(); all.Wait(); s.front.calm() }
}

// ─── Afterwards ────────────────────────────────────────────────────────────────────────────

// finish lets a gateway in this process, whose clock can be moved, bring everything to its end:
// leases of the dead run out, companies repeat what was not answered, what is unknown is asked.
func (s *street) finish() {
	s.t.Helper()
	cfg, _, err := config.Load(func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }, "")
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := app.New(s.t.Context(), cfg, app.Options{Now: s.clock.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Close(context.Background())
	srv := httptest.NewServer(a.Handler())
	defer srv.Close()
	s.front.serve(srv.URL)
	defer s.front.serve()

	for _, name := range []string{"multicard", "click"} {
		_, w, _ := s.box.Simulator(name)
		w.Faults.Clear("")
	}
	ctx := s.t.Context()
	for minute := range 300 {
		s.box.Tick(ctx)
		s.nudge()
		if err := a.Runner.RunSweeps(ctx); err != nil {
			s.t.Fatal(err)
		}
		if _, err := a.Runner.RunDue(ctx); err != nil {
			s.t.Fatal(err)
		}
		if minute > 60 && s.quiet() {
			return
		}
		s.clock.Advance(time.Minute)
	}
	for _, query := range []string{
		"SELECT w.kind, w.attempts, w.last_error, p.provider, r.state FROM work w LEFT JOIN refunds r ON r.id = w.subject LEFT JOIN payments p ON p.id IN (r.payment_id, w.subject)",
		"SELECT provider, ref FROM payments WHERE state = 'unknown'",
	} {
		s.t.Log(storetest.Rows(s.t, s.dsn, query))
	}
	s.t.Fatalf("five hours later all is not quiet; suspended: %s", s.suspended())
}

// nudge has the companies' staff repeat what a company does not repeat by itself (Uzum).
func (s *street) nudge() {
	for _, p := range online() {
		name := p.Provider.Info().Name
		sim, _, _ := s.box.Simulator(name)
		if !slices.Contains(sim.Info().Actions, "repeat") || name != "uzum" {
			continue
		}
		for _, e := range sim.Books() {
			if e.State == "suspended" {
				sim.Act(s.t.Context(), simulator.Action{Kind: "repeat", Ref: e.Ref, Params: map[string]string{"step": "confirm"}})
			}
		}
	}
}

// forAPerson are refunds that no question can settle: Click shows that a payment was reversed and
// never that it was not; Multicard shows nothing of a part. Their sums stay reserved and their
// invoices under attention, until a person has looked into the company's cabinet.
const forAPerson = `SELECT r.id FROM refunds r JOIN payments p ON p.id = r.payment_id
	WHERE r.state = 'unknown' AND (p.provider = 'click' OR p.provider = 'multicard' AND r.amount < p.captured)`

// quiet: no work is left, nothing is unknown, and no company waits for an answer.
func (s *street) quiet() bool {
	return storetest.Value(s.t, s.dsn, "SELECT COUNT(*) FROM work WHERE NOT (kind = 'refund' AND subject IN ("+forAPerson+"))") == "0" &&
		storetest.Value(s.t, s.dsn, "SELECT COUNT(*) FROM payments WHERE state = 'unknown'") == "0" &&
		s.suspended() == ""
}

// suspended lists what companies debited and have no answer for.
func (s *street) suspended() string {
	var out []string
	for _, p := range online() {
		sim, _, _ := s.box.Simulator(p.Provider.Info().Name)
		for _, e := range sim.Books() {
			if e.State == "suspended" {
				out = append(out, p.Provider.Info().Name+" "+e.Ref)
			}
		}
	}
	return strings.Join(out, ", ")
}

// audit compares the companies' books, the database and the receivers' log.
func (s *street) audit(a *acks) {
	s.t.Helper()
	for _, w := range a.wrong {
		s.t.Error(w)
	}
	s.auditBooks()
	s.auditAcks(a)
	s.auditWebhooks()
}

// auditBooks: every payment that a company counts as paid is ours, with the same sums, and the
// other way round; no invoice was paid twice.
func (s *street) auditBooks() {
	s.t.Helper()
	type row struct{ state, captured, refunded string }
	ours := map[string]row{}
	open := map[string]row{} // as it is if a refund that waits for a person did happen
	perInvoice := map[string]int{}
	for _, r := range storetest.Rows(s.t, s.dsn, `SELECT provider, COALESCE(ref, ''), state, captured, refunded, invoice_id, refunded + reserved, provider = 'multicard' AND reserved > 0 FROM payments`) {
		if r[2] == "paid" || r[2] == "refunded" {
			ours[r[0]+" "+r[1]] = row{r[2], r[3], r[4]}
			if r[7] == "1" || r[7] == "true" {
				open[r[0]+" "+r[1]] = row{r[2], r[3], r[6]}
			}
			if perInvoice[r[5]]++; perInvoice[r[5]] > 1 {
				s.t.Errorf("invoice %s was paid twice", r[5])
			}
		}
	}
	counted := map[string]int{}
	for _, p := range online() {
		name := p.Provider.Info().Name
		sim, _, _ := s.box.Simulator(name)
		for _, e := range sim.Books() {
			if e.State != "paid" && e.State != "refunded" {
				continue
			}
			counted[name]++
			key := name + " " + e.Ref
			want := row{e.State, fmt.Sprint(e.Amount), fmt.Sprint(e.Refunded)}
			if got, ok := ours[key]; !ok || got != want && open[key] != want {
				s.t.Errorf("%s: the company's book says %v, ours %v (there: %v)", key, want, got, ok)
			}
			delete(ours, key)
		}
	}
	for key, r := range ours {
		s.t.Errorf("%s: ours says %v, and the company knows of no payment", key, r)
	}
	s.t.Logf("paid, by the companies' books: %v", counted)
	if len(counted) < len(online()) {
		s.t.Error("not every company was paid at all")
	}
}

// auditAcks: what was answered with yes is there, and every refund's sum is in its payment.
func (s *street) auditAcks(a *acks) {
	s.t.Helper()
	there := map[string]bool{}
	for _, table := range []string{"invoices", "refunds"} {
		for _, r := range storetest.Rows(s.t, s.dsn, "SELECT id FROM "+table) {
			there[r[0]] = true
		}
	}
	for id := range a.invoices {
		if !there[id] {
			s.t.Errorf("invoice %s was acknowledged and is lost", id)
		}
	}
	for key, id := range a.refunds {
		if !there[id] {
			s.t.Errorf("refund %s (%s) was acknowledged and is lost", id, key)
		}
	}
	s.t.Logf("acknowledged: %d invoices, %d refunds", len(a.invoices), len(a.refunds))
	if len(a.refunds) == 0 {
		s.t.Error("no refund was made at all")
	}
	for _, r := range storetest.Rows(s.t, s.dsn, `SELECT p.id, p.refunded, p.reserved,
		SUM(CASE WHEN r.state = 'succeeded' THEN r.amount ELSE 0 END), SUM(CASE WHEN r.state = 'unknown' THEN r.amount ELSE 0 END)
		FROM payments p JOIN refunds r ON r.payment_id = p.id GROUP BY p.id, p.refunded, p.reserved`) {
		if r[1] != r[3] || r[2] != r[4] {
			s.t.Errorf("payment %s says %s tiyin returned and %s reserved, its refunds %s and %s", r[0], r[1], r[2], r[3], r[4])
		}
	}
	waiting := storetest.Rows(s.t, s.dsn, forAPerson)
	for _, r := range storetest.Rows(s.t, s.dsn, "SELECT id, state FROM refunds WHERE state NOT IN ('succeeded', 'failed') AND id NOT IN ("+forAPerson+")") {
		s.t.Errorf("refund %s is still %s", r[0], r[1])
	}
	for _, r := range storetest.Rows(s.t, s.dsn, "SELECT r.id FROM refunds r JOIN invoices i ON i.id = r.invoice_id WHERE r.state = 'unknown' AND i.attention = ''") {
		s.t.Errorf("refund %s waits for a person, and nobody is told", r[0])
	}
	s.t.Logf("refunds that only a person can settle: %d", len(waiting))
}

// auditWebhooks: every event arrived, verified, the same bytes each time, first arrivals in the
// order of the events; and a paid invoice's app was told so.
func (s *street) auditWebhooks() {
	s.t.Helper()
	arrived := map[string]int{}
	lastSeq := map[string]int{}
	again := 0
	seq := map[string]int{}
	for _, r := range storetest.Rows(s.t, s.dsn, "SELECT id, seq FROM events") {
		var n int
		fmt.Sscan(r[1], &n)
		seq[r[0]] = n
	}
	told := map[string]bool{}
	for _, m := range s.in.Messages("", 0) {
		if !m.Verified || m.Differs {
			s.t.Errorf("event %s: an app would refuse it: %v", m.EventID, m.Problems)
		}
		if arrived[m.EventID]++; arrived[m.EventID] > 1 {
			again++
			continue
		}
		var body struct{ SourceInvoiceID, Status string }
		if err := json.Unmarshal(m.Body, &body); err != nil {
			s.t.Error(err)
		}
		n, ok := seq[m.EventID]
		if !ok {
			s.t.Errorf("event %s arrived and is not in the database", m.EventID)
		}
		if n <= lastSeq[body.SourceInvoiceID] {
			s.t.Errorf("order %s: event %d came after %d", body.SourceInvoiceID, n, lastSeq[body.SourceInvoiceID])
		}
		lastSeq[body.SourceInvoiceID] = n
		told[m.PaymentID+" "+body.Status] = true
	}
	for id := range seq {
		if arrived[id] == 0 {
			s.t.Errorf("event %s never arrived", id)
		}
	}
	for _, r := range storetest.Rows(s.t, s.dsn, "SELECT id, status FROM invoices WHERE status IN ('paid', 'refunded')") {
		if !told[r[0]+" paid"] || !told[r[0]+" "+r[1]] {
			s.t.Errorf("invoice %s is %s, and its app was not told", r[0], r[1])
		}
	}
	s.t.Logf("%d events arrived, %d deliveries repeated one", len(arrived), again)
}
