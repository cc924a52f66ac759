// Package till is the agent beside a cash register: it answers the local API that tills in
// Uzbekistan are written for, takes the money through wallets, terminals and shown QR codes, and
// keeps a journal that a power cut cannot confuse.
//
// An operation is written before anybody is touched; what comes of it is written before it is
// told; and what is not known is a state of its own, which ends only by asking or by a person. The
// order of the files: config.go what there is, request.go what tills send, server.go who may call
// and what, wallet.go, pinpad.go, shown.go and uzqr.go the ways to pay, settle.go the way out of
// unknown, link.go the reports to the gateway, page.go the cashier's page.
package till

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/till/fbox"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
)

// Options are what an agent is made of.
type Options struct {
	Config    Config
	Journal   *journal.Journal
	Providers []provider.Provider // the wallets' adapters are found among them by name
	HTTP      *http.Client        // for the companies, the box and the gateway
	Now       func() time.Time
	Logger    *slog.Logger
	Version   string

	Address string // where it listens, as host:port: what a Host header may name
	Token   string // TILL_TOKEN; "": none is asked for

	Terminals map[string]terminal.Driver // by endpoint; replaces what the configuration says

	// Pause is how long the agent waits between two questions within one call; 0: 2 s.
	Pause time.Duration
}

// Agent is the till.
type Agent struct {
	o       Options
	j       *journal.Journal
	now     func() time.Time
	log     *slog.Logger
	wallets map[string]wallet // by endpoint
	scan    provider.Account  // nil: Scan2pay is not set up
	box     *fbox.Client      // nil: UzQR is not set up
	devices map[string]*device
	closers []func() error
	link    *link // nil: works alone

	life context.Context // operations end with the agent, not with the call that began them
	end  context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex               // held while an operation begins, or is decided about
	running map[string]chan struct{} // by our id; closed when the operation is done
	asking  map[string]chan struct{} // by our id; closed when its company's answer is written
	missing map[string]time.Time     // by our id: when its company first said in this run that it has no such payment
	wakes   []chan struct{}          // of each chore: there is something to do

	unsaved struct { // what came of operations, and could not be written, by our id
		sync.Mutex
		ops map[string]journal.Operation
	}
	asked asked // about shown QRs, by those who look at them
}

// wallet is a company behind an endpoint.
type wallet struct {
	provider string
	account  provider.Account
}

// New makes an agent over its journal, and puts in order what a crash left behind. Nothing is sent
// anywhere before Run.
func New(ctx context.Context, o Options) (*Agent, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Pause == 0 {
		o.Pause = 2 * time.Second
	}
	a := &Agent{
		o: o, j: o.Journal, now: o.Now, log: slog.New(discreet{o.Logger.Handler()}), wallets: map[string]wallet{}, devices: map[string]*device{},
		running: map[string]chan struct{}{}, asking: map[string]chan struct{}{}, missing: map[string]time.Time{}, asked: asked{},
	}
	a.unsaved.ops = map[string]journal.Operation{}
	for range a.chores() {
		a.wakes = append(a.wakes, make(chan struct{}, 1))
	}
	a.life, a.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := a.open(ctx); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *Agent) open(ctx context.Context) error {
	if err := a.openWallets(); err != nil {
		return err
	}
	if a.o.Config.UzQR != nil {
		a.box = &fbox.Client{URL: a.o.Config.UzQR.URL, HTTP: a.o.HTTP}
	}
	if err := a.openDevices(ctx); err != nil {
		return err
	}
	if g := a.o.Config.Gateway; g != nil {
		a.link = &link{a: a, url: g.URL, code: g.Pairing}
	}
	return a.recover(ctx)
}

// openWallets opens an account for each of the shop's companies.
func (a *Agent) openWallets() error {
	for name, values := range a.o.Config.Wallets {
		company := walletProviders[name]
		if name == viaMulticard {
			company = viaMulticardProvider
		}
		account, err := a.account(company, values)
		if err != nil {
			return fmt.Errorf("wallets.%s: %w", name, err)
		}
		if _, ok := account.(provider.QRCharger); !ok {
			return fmt.Errorf("wallets.%s: %s takes no scanned codes", name, company)
		}
		if name != viaMulticard {
			a.wallets[name] = wallet{company, account}
			continue
		}
		for _, e := range walletEndpoints {
			a.wallets[e] = wallet{company, account}
		}
	}
	if s := a.o.Config.Scan2pay; s != nil {
		account, err := a.account("scan2pay", map[string]string{"url": s.URL})
		if err != nil {
			return fmt.Errorf("scan2pay: %w", err)
		}
		a.scan = account
	}
	return nil
}

// account opens a company's account by the values of the configuration.
func (a *Agent) account(company string, values map[string]string) (provider.Account, error) {
	for _, p := range a.o.Providers {
		if p.Info().Name != company {
			continue
		}
		c := provider.Credentials{MerchantID: "till", Values: map[string]string{}}
		for k, v := range values {
			if k != "url" {
				c.Values[k] = v
			}
		}
		if err := known(p.Info(), c.Values); err != nil {
			return nil, err
		}
		return p.Open(c, provider.Env{HTTP: a.o.HTTP, Now: a.now, BaseURL: values["url"]})
	}
	return nil, fmt.Errorf("this program has no %s", company)
}

func known(info provider.Info, values map[string]string) (err error) {
	left := map[string]bool{}
	for k := range values {
		left[k] = true
	}
	for _, f := range info.Fields {
		if delete(left, f.Key); f.Required && values[f.Key] == "" {
			err = errors.Join(err, fmt.Errorf("%s is required", f.Key))
		}
	}
	for k := range left {
		err = errors.Join(err, fmt.Errorf("%s is not known", k))
	}
	return err
}

// recover reads what the last run left in progress: what never left this machine was not started;
// of anything else it is not known what came of it. A shown QR goes on being shown.
func (a *Agent) recover(ctx context.Context) error {
	ops, err := a.j.Interrupted(ctx)
	if err != nil {
		return err
	}
	for i := range ops {
		if err := a.interrupted(ctx, &ops[i], "the agent was stopped"); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) interrupted(ctx context.Context, op *journal.Operation, why string) error {
	switch op.Stage {
	case journal.Asked:
		op.State, op.Code, op.Message = journal.NotStarted, "interrupted", why+" before anything was sent"
	default:
		op.State, op.Code, op.Message = journal.Unknown, terminal.CodeLinkLost, why+" before the answer came"
	}
	a.log.Warn("an operation was interrupted", "operation", op.ID, "endpoint", op.Endpoint, "stage", op.Stage, "state", op.State)
	return a.j.Save(ctx, op)
}

// mend writes what could not be written when it became known: the disk was full, say. What is in
// progress in the journal, and is done by nobody, is what it would be after a start.
func (a *Agent) mend(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unsaved.Lock()
	defer a.unsaved.Unlock()
	for id, op := range a.unsaved.ops {
		now, err := a.j.Get(ctx, id)
		switch {
		case err != nil || now == nil:
		case contradicts(now, &op):
			err = a.contradict(now, &op) // a person has decided meanwhile
		case !now.State.Final():
			op.Revision, op.Reported, op.ReceiptURL = now.Revision, now.Reported, now.ReceiptURL
			err = a.write(&op)
		}
		if err != nil {
			return // the others will fare no better
		}
		delete(a.unsaved.ops, id)
	}
	ops, err := a.j.Interrupted(ctx)
	if err != nil {
		a.log.Error("the journal cannot be read", "error", err)
		return
	}
	for i := range ops {
		if a.running[ops[i].ID] != nil {
			continue
		}
		if err := a.interrupted(ctx, &ops[i], "the journal could not be written"); err != nil {
			return
		}
	}
}

// Checked is one line of a check: a pinpad, and why it does not answer.
type Checked struct {
	Name string
	Err  error
}

// Check asks every pinpad whether it is there. It moves nothing.
func (a *Agent) Check(ctx context.Context) (out []Checked) {
	for _, endpoint := range []string{"xumo", "uzcard"} {
		if d := a.devices[endpoint]; d != nil {
			d.mu.Lock()
			out = append(out, Checked{endpoint, d.by(endpoint).Probe(ctx)})
			d.mu.Unlock()
		}
	}
	return out
}

// Close ends what is under way and lets go of the devices. The journal stays open: it is the
// caller's.
func (a *Agent) Close() error {
	a.end()
	a.work.Wait()
	a.unsaved.Lock()
	left := len(a.unsaved.ops)
	a.unsaved.Unlock()
	if left > 0 {
		a.mend(context.Background())
	}
	var err error
	for _, c := range a.closers {
		err = errors.Join(err, c())
	}
	return err
}

// Drain waits until no operation is under way, or ctx ends.
func (a *Agent) Drain(ctx context.Context) {
	done := make(chan struct{})
	go func() { a.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// maxOperation is the longest that one operation may take: tills wait 210 s.
const maxOperation = 200 * time.Second

// claim takes what an operation needs to itself, or refuses. It is asked before anything is
// written; release is called when the operation is done, and may be nil.
type claim func() (release func(), fail *failure)

// perform begins an operation, or finds the one that it repeats, and waits for its end. do does
// it, on the agent's own time: a till that hangs up changes nothing. The operation comes back as
// it then stands.
func (a *Agent) perform(ctx context.Context, op *journal.Operation, take claim, do func(context.Context, *journal.Operation)) (*journal.Operation, *failure) {
	done, twin, fail := a.begin(ctx, op, take, do)
	if fail != nil {
		return nil, fail
	}
	id := op.ID
	if twin != nil {
		if !twin.Same {
			return nil, badArgument("operation_id names another operation already")
		}
		id = twin.Operation.ID
	}
	if done != nil {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	now, err := a.after(ctx, id)
	if err != nil || now == nil {
		a.log.Error("the journal cannot be used", "operation", id, "error", err)
		return nil, refused(&journal.Operation{ID: id, Endpoint: op.Endpoint, State: journal.Unknown}) // it was begun
	}
	if twin != nil && now.State == journal.Unknown {
		a.settle(ctx, now)
		settled, err := a.after(ctx, id)
		if err != nil {
			return nil, refused(now)
		}
		now = settled
	}
	return now, nil
}

// after is an operation as it stands when nobody is at it any more. One that is in progress still, by
// the journal, could not be written: nothing that may be told is known of it.
func (a *Agent) after(ctx context.Context, id string) (*journal.Operation, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	op, err := a.j.Get(context.WithoutCancel(ctx), id)
	if op != nil && op.State == journal.InProgress && op.Stage != journal.Shown && a.running[op.ID] == nil {
		op.State = journal.Unknown
	}
	return op, err
}

func (a *Agent) begin(ctx context.Context, op *journal.Operation, take claim, do func(context.Context, *journal.Operation)) (done chan struct{}, twin *journal.Twin, fail *failure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if op.OperationID != "" {
		old, err := a.j.Get(ctx, op.OperationID)
		if err != nil {
			return nil, nil, a.broken(err)
		}
		if old != nil {
			return a.running[old.ID], &journal.Twin{Operation: *old, Same: old.Fingerprint == op.Fingerprint}, nil
		}
	}
	if a.life.Err() != nil {
		return nil, nil, a.broken(a.life.Err())
	}
	release := func() {}
	if take != nil {
		free, fail := take()
		if fail != nil {
			return nil, nil, fail
		}
		if free != nil {
			release = free
		}
	}
	op.ID = uuid.NewString()
	twin, err := a.j.Begin(ctx, op)
	if err != nil {
		release()
		return nil, nil, a.broken(err)
	}
	if twin != nil {
		release()
		return a.running[twin.Operation.ID], twin, nil
	}
	done = make(chan struct{})
	a.running[op.ID] = done
	a.work.Go(func() {
		ctx, stop := context.WithTimeout(a.life, maxOperation)
		defer stop()
		do(ctx, op)
		release()
		a.mu.Lock()
		delete(a.running, op.ID)
		a.mu.Unlock()
		close(done)
		a.nudge()
	})
	return done, nil, nil
}

// nudge has the background look at once.
func (a *Agent) nudge() {
	for _, wake := range a.wakes {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// save writes what came of an operation. Where that fails it is kept, and written as soon as it can
// be; until then, and after a crash, the operation is unknown.
func (a *Agent) save(op *journal.Operation) {
	result := *op
	if a.write(op) != nil {
		a.unsaved.Lock()
		defer a.unsaved.Unlock()
		a.unsaved.ops[op.ID] = result
	}
}

func (a *Agent) write(op *journal.Operation) error {
	if err := a.j.Save(a.life, op); err != nil {
		a.log.Error("the journal cannot be written", "operation", op.ID, "state", op.State, "error", err)
		return err
	}
	level := slog.LevelInfo
	if op.State == journal.Unknown {
		level = slog.LevelWarn
	}
	a.log.Log(a.life, level, "operation", "operation", op.ID, "endpoint", op.Endpoint, "kind", op.Kind, "amount", int64(op.Amount), "state", op.State, "code", op.Code)
	return nil
}
