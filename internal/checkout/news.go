package checkout

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/id"
)

// How pages learn what is new: one goroutine looks at every watched invoice in turn, once a
// second each as long as there are few and never more than looksPerSecond in all. However many
// people look at one invoice, it is looked at once; a thousand invoices are looked at every five
// seconds each. It asks the database and not the use cases' own process, so that it sees what
// another process on the same PostgreSQL has done.
const (
	lookEvery      = time.Second
	looksPerSecond = 200
	lookTimeout    = 5 * time.Second
	streamTime     = 50 * time.Second // then the browser comes back by itself; below the server's write timeout
	maxStreams     = 5000             // beyond it a page asks by itself every few seconds
	maxPerInvoice  = 50
)

type news struct {
	state func(ctx context.Context, invoiceID string) (string, error)

	mu      sync.Mutex
	viewers map[string]map[chan string]bool // by invoice
	streams int
	running bool
	closed  bool
	stop    chan struct{}
}

func newNews(state func(context.Context, string) (string, error)) *news {
	return &news{state: state, viewers: map[string]map[chan string]bool{}, stop: make(chan struct{})}
}

// join returns a channel on which the invoice's state is told after every look; ok is false
// where there are too many streams already, or the program is stopping.
func (n *news) join(invoiceID string) (states chan string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.streams >= maxStreams || len(n.viewers[invoiceID]) >= maxPerInvoice {
		return nil, false
	}
	states = make(chan string, 1)
	if n.viewers[invoiceID] == nil {
		n.viewers[invoiceID] = map[chan string]bool{}
	}
	n.viewers[invoiceID][states] = true
	n.streams++
	if !n.running {
		n.running = true
		go n.run()
	}
	return states, true
}

func (n *news) leave(invoiceID string, states chan string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.viewers[invoiceID][states] {
		delete(n.viewers[invoiceID], states)
		n.streams--
	}
	if len(n.viewers[invoiceID]) == 0 {
		delete(n.viewers, invoiceID)
	}
}

// watched are the invoices that somebody looks at; none ends the run.
func (n *news) watched() (ids []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id := range n.viewers {
		ids = append(ids, id)
	}
	n.running = len(ids) > 0 && !n.closed
	if !n.running {
		return nil
	}
	return ids
}

// run looks round after round, until nobody watches or the program stops.
func (n *news) run() {
	pace := time.NewTimer(0)
	defer pace.Stop()
	for ids := n.watched(); ids != nil; ids = n.watched() {
		gap := max(lookEvery/time.Duration(len(ids)), time.Second/looksPerSecond)
		for _, invoiceID := range ids {
			select {
			case <-pace.C:
			case <-n.stop:
				return
			}
			pace.Reset(gap)
			n.look(invoiceID)
		}
	}
}

// look reads one invoice's state and tells it. A look that fails tells nothing: the next one
// does.
func (n *news) look(invoiceID string) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	state, err := n.state(ctx, invoiceID)
	if err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for states := range n.viewers[invoiceID] {
		select {
		case <-states: // a slow reader wants the newest only
		default:
		}
		states <- state
	}
}

func (n *news) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.closed = true
		close(n.stop)
	}
}

// stream tells a page by server-sent events what the invoice's state is, after every look.
func (c *Checkout) stream(w http.ResponseWriter, r *http.Request) {
	invoiceID := r.PathValue("id")
	w.Header().Set("Cache-Control", "no-store")
	if !id.Valid(invoiceID) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	first, err := c.state(r.Context(), invoiceID) // also: no stream about what there is not
	if err != nil {
		status := http.StatusServiceUnavailable
		if isNotFound(err) {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		return
	}
	states, ok := c.news.join(invoiceID)
	if !ok {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer c.news.leave(invoiceID, states)
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
	end := time.NewTimer(streamTime)
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
		case <-c.news.stop:
			return
		}
	}
}
