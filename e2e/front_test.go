package e2e

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// front is the gateway's public address. It hands requests to the processes behind it, in turn;
// while there is none they wait, as connections do at a port that is about to be opened again.
// It knows what is in flight, and so what a kill met.
type front struct {
	mu         sync.Mutex
	changed    *sync.Cond
	targets    []*target
	turn       int
	closing    bool
	hurried    bool
	deliveries int // webhooks that a receiver has and did not answer
	held       bool
}

// target is one process.
type target struct {
	proxy    *httputil.ReverseProxy
	inFlight int // requests that it has and did not answer
	dead     bool
	cut      int // those of them that it never answered, since it died
}

func newFront() *front {
	f := &front{}
	f.changed = sync.NewCond(&f.mu)
	return f
}

// serve hands requests to these addresses from now on.
func (f *front) serve(urls ...string) []*target {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.targets = nil
	for _, at := range urls {
		u, err := url.Parse(at)
		if err != nil {
			panic(err)
		}
		t := &target{proxy: httputil.NewSingleHostReverseProxy(u)}
		t.proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 256}
		t.proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {
			f.mu.Lock()
			if t.dead {
				t.cut++
			}
			f.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		f.targets = append(f.targets, t)
	}
	f.changed.Broadcast()
	return f.targets
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := f.begin()
	if t == nil {
		panic(http.ErrAbortHandler)
	}
	defer f.end(t)
	t.proxy.ServeHTTP(w, r)
}

func (f *front) begin() *target {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.targets) == 0 && !f.closing && !f.hurried {
		f.changed.Wait()
	}
	if len(f.targets) == 0 {
		return nil
	}
	f.turn++
	t := f.targets[f.turn%len(f.targets)]
	t.inFlight++
	f.changed.Broadcast()
	return t
}

func (f *front) end(t *target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.inFlight--
	f.changed.Broadcast()
}

// deliver counts a webhook as in flight while act takes it, and before that while a kill is
// being waited for.
func (f *front) deliver(act func()) {
	f.mu.Lock()
	f.deliveries++
	f.changed.Broadcast()
	for f.held && !f.closing {
		f.changed.Wait()
	}
	f.mu.Unlock()
	act()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deliveries--
	f.changed.Broadcast()
}

// strike lets the street go on for notBefore, then holds the receivers' answers back until so
// much is in flight, and kills at that instant. It returns how many deliveries were in flight
// then; -1, and nobody is killed, if it never came to that.
func (f *front) strike(t *target, requests, deliveries int, notBefore time.Duration, kill func()) int {
	var early, late = true, false
	begin := time.AfterFunc(notBefore, func() { f.set(&early, false) })
	defer begin.Stop()
	limit := time.AfterFunc(2*time.Minute, func() { f.set(&late, true) })
	defer limit.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.held = false; f.changed.Broadcast() }()
	for early || t.inFlight < requests || f.deliveries < deliveries {
		if late {
			return -1
		}
		f.held = !early
		f.changed.Wait()
	}
	t.dead = true
	for i, other := range f.targets {
		if other == t {
			f.targets = append(f.targets[:i:i], f.targets[i+1:]...)
			break
		}
	}
	kill()
	return f.deliveries
}

// cut is how many requests a dead target never answered.
func (f *front) cut(t *target) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t.inFlight > 0 {
		f.changed.Wait()
	}
	return t.cut
}

// hurry lets requests that wait for a process go away, and close for ever.
func (f *front) hurry() { f.set(&f.hurried, true) }
func (f *front) calm()  { f.set(&f.hurried, false) }
func (f *front) close() { f.set(&f.closing, true) }

func (f *front) set(what *bool, to bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*what = to
	f.changed.Broadcast()
}
