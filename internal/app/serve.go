package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// The server's limits. Writing may take long where a request waits for its twin (20 s) or for
// a provider (20 s each for the call and for the inquiry before it).
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 75 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
	stopGrace         = 25 * time.Second // for requests and work that run when a stop comes
)

// Serve serves HTTP on ln (nil: none) and runs the outbox's work (worker) until ctx ends. Then
// it takes no more of either, lets what runs come to its end, hands the leases back, and
// returns nil. A program that serves must be closed afterwards.
func (a *App) Serve(ctx context.Context, ln net.Listener, worker bool) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var running sync.WaitGroup
	errs := make(chan error, 3)

	if ln != nil {
		srv := a.server()
		running.Go(func() {
			if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
				errs <- fmt.Errorf("serve HTTP: %w", err)
				stop()
			}
		})
		running.Go(func() {
			<-ctx.Done()
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
			defer cancel()
			if err := srv.Shutdown(grace); err != nil {
				errs <- fmt.Errorf("requests were cut off when stopping: %w", errors.Join(err, srv.Close()))
			}
		})
	}
	running.Go(func() { <-ctx.Done(); a.checkout.Close(); a.news.Close() }) // pages that wait do not hold up the stop
	if worker {
		running.Go(func() {
			if err := a.Runner.Run(ctx); err != nil {
				errs <- err
			}
		})
	}
	if a.Sandbox != nil {
		running.Go(func() { a.Sandbox.Run(ctx) })
		running.Go(func() { <-ctx.Done(); a.Inbox.Close() }) // answers that hang do not hold up the stop
	}
	running.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func (a *App) server() *http.Server {
	return Server(a.handler, a.log)
}

// Server is an HTTP server with the program's limits.
func Server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// providerTransport calls the companies: no proxy from the environment, and enough idle
// connections that a busy hour does not shake hands for each call.
func providerTransport() http.RoundTripper {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 20 * time.Second,
		MaxIdleConns:          200,
		MaxIdleConnsPerHost:   50,
		IdleConnTimeout:       90 * time.Second,
	}
}

// TillClient is what the till calls the companies, the box and the gateway with. It waits longer
// than the gateway's own: a box holds a question for two minutes.
func TillClient() *http.Client {
	t := providerTransport().(*http.Transport)
	t.ResponseHeaderTimeout = 0 // every call has a deadline of its own
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
