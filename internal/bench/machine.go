package bench

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/store/bare"
)

// Machine is what the figures were measured on.
type Machine struct {
	Processor string    `json:"processor"`
	Cores     int       `json:"cores"`
	Memory    int64     `json:"memory"` // bytes; 0: not known
	System    string    `json:"system"`
	Program   string    `json:"program"` // its version
	At        time.Time `json:"at"`

	LoadBefore float64 `json:"loadBefore"` // the load average of one minute; 0: not known
	LoadAfter  float64 `json:"loadAfter"`
}

// thisMachine asks the system. What it does not tell is left out.
func thisMachine(o Options) Machine {
	m := Machine{
		Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH + ", " + runtime.Version(),
		At: time.Now(), LoadBefore: loadAverage(), Program: "chorsu " + o.Version,
	}
	m.Processor = fmt.Sprintf("%d × %s", m.Cores, field("/proc/cpuinfo", "model name"))
	if kb, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.Memory = kb << 10
	}
	if o.Program == "" {
		m.Program += ", gateway and load in one process"
	}
	return m
}

// field is the first value of a name in one of the kernel's files of "name: value"; "" where the
// system has no such file.
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseFloat(first, 64)
	return n
}

// machineLimits measures the disk and net/http.
func (r *run) machineLimits(ctx context.Context, dir string) error {
	if err := r.syncs(ctx, dir); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go srv.Serve(ln)
	defer srv.Close()
	r.http = map[int]float64{}
	for _, n := range r.connections() {
		c := newClient("http://" + ln.Addr().String())
		s, err := closed(ctx, n, r.o.Each, timed(func(ctx context.Context, _ int) error {
			return c.get(ctx, "/", nil)
		}))
		if err != nil {
			return err
		}
		r.http[n] = s.rate()
		r.add(Figure{What: "net/http with an empty handler", Connections: n, Value: s.rate(), Unit: "requests/s", P50: s.p50, P99: s.p99})
	}
	return nil
}

// connections are those of POST invoice and those of everything else.
func (r *run) connections() []int {
	for _, n := range r.o.Connections {
		if n == busy {
			return r.o.Connections
		}
	}
	return append([]int{busy}, r.o.Connections...)
}

// syncs measures how often a page that was appended to a file can be synced to the disk.
func (r *run) syncs(ctx context.Context, dir string) error {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	s, err := closed(ctx, 1, r.o.Each, timed(func(context.Context, int) error {
		if _, err := f.Write(page); err != nil {
			return err
		}
		return f.Sync()
	}))
	if err != nil {
		return err
	}
	r.add(Figure{What: "4 kB appended to a file and synced", Connections: 1, Value: s.rate(), Unit: "syncs/s", P50: s.p50, P99: s.p99})
	return nil
}

// databaseLimits measures the rows of a payment without the gateway.
func (r *run) databaseLimits(ctx context.Context, dsn string) error {
	most := busy
	for _, n := range r.o.Connections {
		most = max(most, n)
	}
	db, err := bare.Open(ctx, dsn, min(most, 64)) // more connections of PostgreSQL than that wait for each other
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Prepare(ctx); err != nil {
		return err
	}
	r.bare = map[int]float64{}
	for _, n := range r.connections() {
		s, err := closed(ctx, n, r.o.Each, timed(func(ctx context.Context, _ int) error { return db.Payment(ctx) }))
		if err != nil {
			return err
		}
		r.bare[n] = s.rate()
		r.add(Figure{What: "a payment's rows in plain SQL, no gateway", Connections: n, Value: s.rate(), Unit: "transactions/s", P50: s.p50, P99: s.p99})
	}
	return nil
}
