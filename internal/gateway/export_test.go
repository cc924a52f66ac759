package gateway

var Tidy = tidy

// HoldArrivals keeps arrivals from being written until release: those that come meanwhile are
// written together. waiting counts them.
func HoldArrivals(g *Gateway) (waiting func() int, release func()) {
	leads, released := make(chan struct{}), make(chan struct{})
	go g.arrivals.join(try{}, func([]try) []error {
		close(leads)
		<-released
		return []error{nil}
	})
	<-leads
	return g.arrivals.count, func() { close(released) }
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
