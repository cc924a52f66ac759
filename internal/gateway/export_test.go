package gateway

var Tidy = tidy

// HoldArrivals keeps arrivals from being written until release: those that come meanwhile are
// written together. waiting counts them.
func HoldArrivals(g *Gateway) (waiting func() int, release func()) { return hold(&g.arrivals, try{}) }

// HoldLines keeps workers from reading what is to be sent until release, in the same way.
func HoldLines(g *Gateway) (waiting func() int, release func()) { return hold(&g.lines, &asked{}) }

func hold[T any](g *gather[T], item T) (waiting func() int, release func()) {
	leads, released := make(chan struct{}), make(chan struct{})
	go g.join(item, func([]T) []error {
		close(leads)
		<-released
		return []error{nil}
	})
	<-leads
	return g.count, func() { close(released) }
}

func (g *gather[T]) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// PanicOfArrivals has a leader of arrivals panic.
func PanicOfArrivals(g *Gateway) {
	defer func() { recover() }()
	g.arrivals.join(try{}, func([]try) []error { panic("leader") })
}

// BoundStatements has statements be no longer than most.
func (g *Gateway) BoundStatements(most int) { g.statementMost = most }
