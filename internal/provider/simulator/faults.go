package simulator

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Kind is a way in which a step goes wrong.
type Kind string

// The faults. Those marked (composed) change the message itself: the simulator asks for them
// with Take when it composes one; Call and Serve do the others.
const (
	Late           Kind = "late"            // the message or the answer is held back for Fault.Delay
	Twice          Kind = "twice"           // the company sends the message twice, at the same time
	LostBefore     Kind = "lost_before"     // the message is lost: the receiver never sees it
	LostAfter      Kind = "lost_after"      // the receiver acts, and its answer is lost
	Error500       Kind = "500"             // the company answers 500 without acting
	Error500After  Kind = "500_after"       // it acts, and answers 500
	HalfBody       Kind = "half_body"       // the message or the answer breaks off in the middle
	Reordered      Kind = "reordered"       // (composed) this message overtakes the one before it
	WrongSignature Kind = "wrong_signature" // (composed)
	WrongAmount    Kind = "wrong_amount"    // (composed) one tiyin, or one unit of the wire, more
	ExpiredToken   Kind = "expired_token"   // (composed) the company no longer knows the token
	ClockSkew      Kind = "clock_skew"      // (composed) the company's clock is off by Fault.Delay
)

// Kinds lists every fault.
var Kinds = []Kind{Late, Twice, LostBefore, LostAfter, Error500, Error500After, HalfBody, Reordered, WrongSignature, WrongAmount, ExpiredToken, ClockSkew}

// Fault is set on one step of one company.
type Fault struct {
	Step  string        `json:"step"`
	Kind  Kind          `json:"kind"`
	Times int           `json:"times"` // how often it strikes; 0: until it is cleared
	Delay time.Duration `json:"delay,omitempty"`
}

// Faults are the faults set on one company's steps. The zero value has none.
type Faults struct {
	mu   sync.Mutex
	list []Fault
}

// Set adds a fault; Clear removes those of a step, or all of them with "".
func (f *Faults) Set(x Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, x)
}

// Clear removes the faults of a step, or all of them with "".
func (f *Faults) Clear(step string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = slices.DeleteFunc(f.list, func(x Fault) bool { return step == "" || x.Step == step })
}

// List returns the faults that are set.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.list)
}

// Take returns the first fault set on step, among kinds if any are given, and counts it as struck.
func (f *Faults) Take(step string, kinds ...Kind) (Fault, bool) {
	if f == nil {
		return Fault{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, x := range f.list {
		if x.Step != step || len(kinds) > 0 && !slices.Contains(kinds, x.Kind) {
			continue
		}
		if x.Times == 1 {
			f.list = slices.Delete(f.list, i, i+1)
		} else if x.Times > 1 {
			f.list[i].Times--
		}
		return x, true
	}
	return Fault{}, false
}

// maxAnswer bounds what a company reads of one answer.
const maxAnswer = 1 << 20

// Call sends one message from the company to the gateway, with the faults of its step, and
// returns what happened, in order: one exchange, or two with Twice. An exchange whose Status
// is 0 brought no answer.
func (w *World) Call(ctx context.Context, step, method, url string, header http.Header, body []byte) []Exchange {
	f, _ := w.Faults.Take(step, Late, Twice, LostBefore, LostAfter, HalfBody)
	switch f.Kind {
	case Late:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	case LostBefore:
		return []Exchange{{Step: step, Request: method + " " + url + "\n" + string(body), Fault: f.Kind}}
	case HalfBody:
		body = body[:len(body)/2]
	case Twice:
		out := make([]Exchange, 2)
		var wg sync.WaitGroup
		for i := range out {
			wg.Go(func() { out[i] = w.send(ctx, step, method, url, header, body, f.Kind) })
		}
		wg.Wait()
		return out
	}
	return []Exchange{w.send(ctx, step, method, url, header, body, f.Kind)}
}

func (w *World) send(ctx context.Context, step, method, url string, header http.Header, body []byte, k Kind) Exchange {
	x := Exchange{Step: step, Request: method + " " + url + "\n" + string(body), Fault: k}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		x.Answer = err.Error()
		return x
	}
	for key, values := range header {
		req.Header[key] = values
	}
	res, err := w.HTTP.Do(req)
	if err != nil {
		x.Answer = err.Error()
		return x
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if k == LostAfter || err != nil {
		return x
	}
	x.Status, x.Answer = res.StatusCode, string(answer)
	return x
}

// Serve answers one of our calls to the company, with the faults of its step.
func (w *World) Serve(step string, rw http.ResponseWriter, r *http.Request, act http.HandlerFunc) {
	f, _ := w.Faults.Take(step, Late, LostBefore, LostAfter, Error500, Error500After, HalfBody)
	switch f.Kind {
	case Late:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	case LostBefore:
		panic(http.ErrAbortHandler)
	case Error500:
		http.Error(rw, "simulated failure", http.StatusInternalServerError)
		return
	}
	if f.Kind != LostAfter && f.Kind != Error500After && f.Kind != HalfBody {
		act(rw, r)
		return
	}
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	act(rec, r)
	switch f.Kind {
	case LostAfter:
		panic(http.ErrAbortHandler)
	case Error500After:
		http.Error(rw, "simulated failure", http.StatusInternalServerError)
	case HalfBody:
		full := rec.body.Bytes()
		rw.Header().Set("Content-Type", rec.header.Get("Content-Type"))
		rw.Header().Set("Content-Length", strconv.Itoa(len(full)))
		rw.WriteHeader(rec.status)
		rw.Write(full[:len(full)/2])
		panic(http.ErrAbortHandler)
	}
}

// recorder keeps an answer that the other side is not to see, or only half of it.
type recorder struct {
	header http.Header
	status int
	begun  bool
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if !r.begun {
		r.status, r.begun = status, true
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.begun = true
	return r.body.Write(p)
}
