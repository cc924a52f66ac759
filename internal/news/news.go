// Package news tells open pages that something is new, by server-sent events.
//
// One goroutine looks at every watched subject in turn, once a second each as long as there are
// few and never more than PerSecond in all. However many people look at one subject, it is
// looked at once; a thousand subjects are looked at every five seconds each. It asks the database
// and not the use cases' own process, so that it sees what another process on the same PostgreSQL
// has done.
package news

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// The bounds of a board.
const (
	PerSecond  = 200              // looks, in all
	StreamTime = 50 * time.Second // then the browser comes back by itself; below the server's write timeout

	lookEvery     = time.Second
	lookTimeout   = 5 * time.Second
	maxStreams    = 5000 // beyond it a page asks by itself every few seconds
	maxPerSubject = 50
)

// Board is who watches what.
type Board struct {
	state func(ctx context.Context, subject string) (string, error)

	mu      sync.Mutex
	viewers map[string]map[chan string]bool // by subject
	streams int
	running bool
	closed  bool
	stop    chan struct{}
}

// New returns a board on which state says how a subject stands: a text that differs whenever a
// page about it would. It must be closed when the program stops taking requests.
func New(state func(ctx context.Context, subject string) (string, error)) *Board {
	return &Board{state: state, viewers: map[string]map[chan string]bool{}, stop: make(chan struct{})}
}

// join returns a channel on which the subject's state is told after every look; ok is false
// where there are too many streams already, or the program is stopping.
func (n *Board) join(subject string) (states chan string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.streams >= maxStreams || len(n.viewers[subject]) >= maxPerSubject {
		return nil, false
	}
	states = make(chan string, 1)
	if n.viewers[subject] == nil {
		n.viewers[subject] = map[chan string]bool{}
	}
	n.viewers[subject][states] = true
	n.streams++
	if !n.running {
		n.running = true
		go n.run()
	}
	return states, true
}

func (n *Board) leave(subject string, states chan string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.viewers[subject][states] {
		delete(n.viewers[subject], states)
		n.streams--
	}
	if len(n.viewers[subject]) == 0 {
		delete(n.viewers, subject)
	}
}

// watched are the subjects that somebody looks at; none ends the run.
func (n *Board) watched() (ids []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for subject := range n.viewers {
		ids = append(ids, subject)
	}
	n.running = len(ids) > 0 && !n.closed
	if !n.running {
		return nil
	}
	return ids
}

// run looks round after round, until nobody watches or the program stops.
func (n *Board) run() {
	pace := time.NewTimer(0)
	defer pace.Stop()
	for ids := n.watched(); ids != nil; ids = n.watched() {
		gap := max(lookEvery/time.Duration(len(ids)), time.Second/PerSecond)
		for _, subject := range ids {
			select {
			case <-pace.C:
			case <-n.stop:
				return
			}
			pace.Reset(gap)
			n.look(subject)
		}
	}
}

// look reads one subject's state and tells it. A look that fails tells nothing: the next one
// does.
func (n *Board) look(subject string) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	state, err := n.state(ctx, subject)
	if err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for states := range n.viewers[subject] {
		select {
		case <-states: // a slow reader wants the newest only
		default:
		}
		states <- state
	}
}

// Close ends every stream, so that none holds up a stop.
func (n *Board) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.closed = true
		close(n.stop)
	}
}

// Serve tells a page by server-sent events how a subject stands: first, which the caller has just
// read, and then after every look.
func (n *Board) Serve(w http.ResponseWriter, r *http.Request, subject, first string) {
	states, ok := n.join(subject)
	if !ok {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer n.leave(subject, states)
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("X-Accel-Buffering", "no") // a proxy must not hold it back
	out := http.NewResponseController(w)
	say := func(format string, args ...any) bool {
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && out.Flush() == nil
	}
	if !say("retry: 1500\ndata: %s\n\n", first) {
		return
	}
	end := time.NewTimer(StreamTime)
	defer end.Stop()
	for {
		select {
		case state := <-states:
			if !say("data: %s\n\n", state) {
				return
			}
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		case <-n.stop:
			return
		}
	}
}
