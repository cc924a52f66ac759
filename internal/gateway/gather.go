package gateway

import (
	"errors"
	"sync"
)

// gather has what comes at about the same time done together: while one lot is under way, the next
// gathers. Who comes alone waits for nobody. There is no goroutine behind it: one of those who wait
// does the work of all.
type gather[T any] struct {
	most int // of one lot

	mu      sync.Mutex
	busy    bool
	waiting []*place[T]
}

// place is where one waits, for his turn to lead a lot or for the end of another's.
type place[T any] struct {
	item T
	turn chan struct{} // he leads
	end  chan error
}

// errCutOff is the end for those whose leader has panicked.
var errCutOff = errors.New("the transaction that was shared with others was cut off")

// join hands over item, and returns how it ended once do has run with it: in another's goroutine,
// perhaps, by the do that came with that. do gives an end for each of the items, in their order.
func (g *gather[T]) join(item T, do func([]T) []error) error {
	p := &place[T]{item, make(chan struct{}), make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, p)
	leads := !g.busy
	g.busy = true
	g.mu.Unlock()
	if !leads {
		select {
		case err := <-p.end:
			return err
		case <-p.turn:
		}
	}
	g.lead(do)
	return <-p.end
}

// lead does what has gathered, tells those who wait for it, and passes the turn on.
func (g *gather[T]) lead(do func([]T) []error) {
	g.mu.Lock()
	n := min(len(g.waiting), g.most)
	lot := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	g.mu.Unlock()

	items := make([]T, n)
	for i, p := range lot {
		items[i] = p.item
	}
	var ends []error
	defer func() { // also when do panics
		for i, p := range lot {
			if ends == nil {
				p.end <- errCutOff
			} else {
				p.end <- ends[i]
			}
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.waiting) > 0 {
			close(g.waiting[0].turn)
		} else {
			g.busy = false
		}
	}()
	ends = do(items)
}
