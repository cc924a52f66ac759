package storetest

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// Trips counts how often a client waits for PostgreSQL's answer: what is sent before anything
// comes back is one trip, be it one statement or ten. The distance to the server, not the
// machine, decides what one costs.
type Trips struct {
	count    atomic.Int64
	told     sync.Once
	notified chan struct{}
}

// Count is the number of trips so far. Those of the connection that tells other processes of work
// are left out from the first telling on: nobody waits for it; and so are the pool's pings, which depend on
// the machine's speed.
func (c *Trips) Count() int64 { return c.count.Load() }

// Notified is closed when other processes were first told of work.
func (c *Trips) Notified() <-chan struct{} { return c.notified }

// CountTrips gives another address of the PostgreSQL database at dsn, by which trips are counted.
func CountTrips(t testing.TB, dsn string) (through string, c *Trips) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, address := "tcp", u.Host
	if dir := u.Query().Get("host"); dir != "" {
		network, address = "unix", filepath.Join(dir, ".s.PGSQL.5432")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	c = &Trips{notified: make(chan struct{})}
	go func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			go c.pass(client, network, address)
		}
	}()
	u.Host = ln.Addr().String()
	u.RawQuery = "sslmode=disable"
	return u.String(), c
}

// pass carries one connection. It ends when either side does.
func (c *Trips) pass(client net.Conn, network, address string) {
	defer client.Close()
	server, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer server.Close()
	var answered atomic.Bool
	answered.Store(true)
	go func() {
		io.Copy(client, watched{server, func([]byte) { answered.Store(true) }})
		client.Close()
	}()
	telling := false
	io.Copy(server, watched{client, func(sent []byte) {
		if bytes.Contains(sent, []byte("pg_notify")) {
			telling = true
			c.told.Do(func() { close(c.notified) })
		}
		if bytes.Contains(sent, []byte("-- ping")) { // the pool's own: of a connection that nobody had for a second
			return
		}
		if answered.Swap(false) && !telling {
			c.count.Add(1)
		}
	}})
}

// watched shows what is read from it.
type watched struct {
	io.Reader
	saw func([]byte)
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.saw(p[:n])
	}
	return n, err
}
