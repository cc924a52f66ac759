package till

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chorsu/chorsu/internal/till/terminal"
	"github.com/chorsu/chorsu/internal/till/terminal/arcus2"
	"github.com/chorsu/chorsu/internal/till/terminal/fbox"
	"github.com/chorsu/chorsu/internal/till/terminal/process"
	"github.com/chorsu/chorsu/internal/till/terminal/sim"
	"github.com/chorsu/chorsu/internal/till/terminal/zvt"
)

// driverNames are what a terminal's driver may be.
var driverNames = []string{"sim", "zvt", "arcus2", "fbox", "process"}

// device is a pinpad as the agent holds it: one operation at a time, from whichever endpoint.
type device struct {
	key     string                     // two endpoints with the same key are one device
	leads   []string                   // the endpoints that lead to it
	drivers map[string]terminal.Driver // by endpoint: an operation may have another number for each

	mu sync.Mutex // held by the operation, or the report, that is using it

	// left is when we last left off in the middle of an operation: when its line broke, or, for
	// those of an earlier run, when this one began.
	left time.Time

	// What stood last in the device's own journal; asked for anew after each start and whenever
	// somebody else may have used the device.
	base struct {
		known          bool
		receipt, trace string
	}
	text struct {
		sync.Mutex
		shows string // to the cashier
	}
	under struct { // the operation that it is at
		sync.Mutex
		id      string // ours; "": none
		stopped bool   // a person has asked to stop it
	}
}

// by is the driver for an endpoint's operations: also for one that led to the device once.
func (d *device) by(endpoint string) terminal.Driver {
	if driver, ok := d.drivers[endpoint]; ok {
		return driver
	}
	return d.drivers[d.leads[0]]
}

// atWork says whether a program that outlived its agent is at the device.
func (d *device) atWork(endpoint string) bool {
	lasting, ok := d.by(endpoint).(terminal.Lasting)
	return ok && lasting.AtWork()
}

func (d *device) Show(text string) {
	d.text.Lock()
	defer d.text.Unlock()
	d.text.shows = text
}

func (d *device) shows() string {
	d.text.Lock()
	defer d.text.Unlock()
	return d.text.shows
}

// openDriver makes the driver of a terminal. endpoint is xumo or uzcard.
func openDriver(ctx context.Context, endpoint string, t Terminal, client *http.Client, now func() time.Time, log *slog.Logger) (terminal.Driver, error) {
	switch t.Driver {
	case "sim":
		options := map[string]string{"style": map[string]string{"xumo": sim.HUMO, "uzcard": sim.UzCard}[endpoint]}
		for k, v := range t.Options {
			options[k] = v
		}
		return sim.Open(options, now)
	case "zvt":
		return zvt.Open(t.Address, t.Options, now)
	case "arcus2":
		return arcus2.Open(t.Options)
	case "fbox":
		return fbox.Open(t.Address, endpoint, t.Options, client)
	case "process":
		return process.Open(ctx, t.Options, log)
	}
	return nil, fmt.Errorf("there is no driver %q", t.Driver)
}

// deviceKey names the device itself, however it is spelled: two spellings would be two devices, and
// two operations on it at once. What else the options say may change from one start to the next, and
// what is unknown at the device stays unknown.
func deviceKey(endpoint string, t Terminal) string {
	switch t.Driver {
	case "zvt":
		return "zvt|" + hostKey(t.Address)
	case "arcus2":
		return "arcus2|" + folderKey(t.Options["dir"])
	case "fbox":
		scheme, rest, _ := strings.Cut(strings.TrimRight(t.Address, "/"), "://")
		host, path, _ := strings.Cut(rest, "/")
		return "fbox|" + strings.ToLower(scheme) + "://" + hostKey(host) + "/" + path + "|" + codeOr(t.Options["endpoint"], endpoint)
	case "process":
		return "process|" + t.Options["path"] + "|" + t.Options["args"]
	}
	return endpoint + "|" + t.Driver // a simulated device is nobody else's
}

// folderKey is a folder without detours.
func folderKey(dir string) string {
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if runtime.GOOS == "windows" {
		dir = strings.ToLower(dir)
	}
	return dir
}

// hostKey is host:port in one spelling. No name is looked up: the network may be away.
func hostKey(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = address, ""
	}
	if host = strings.ToLower(strings.Trim(host, "[]")); host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	if n, err := strconv.Atoi(port); err == nil {
		port = strconv.Itoa(n)
	}
	return net.JoinHostPort(host, port)
}

// openDevices opens the terminals. Options.Terminals, where given, replaces a driver: a test's.
func (a *Agent) openDevices(ctx context.Context) error {
	byKey := map[string]*device{}
	for _, endpoint := range []string{"xumo", "uzcard"} {
		t, ok := a.o.Config.Terminals[endpoint]
		given := a.o.Terminals[endpoint]
		if !ok && given == nil {
			continue
		}
		key := deviceKey(endpoint, t)
		if given != nil {
			key = endpoint + "|given"
		}
		d := byKey[key]
		if d == nil {
			d = &device{key: key, drivers: map[string]terminal.Driver{}, left: a.now()}
			byKey[key] = d
		}
		if err := a.openEndpoint(ctx, d, endpoint, t, given); err != nil {
			return fmt.Errorf("terminals.%s: %w", endpoint, err)
		}
		a.devices[endpoint] = d
	}
	return nil
}

// openEndpoint leads an endpoint to a device. With the very same settings as the other endpoint it
// has the same driver.
func (a *Agent) openEndpoint(ctx context.Context, d *device, endpoint string, t Terminal, driver terminal.Driver) (err error) {
	if driver == nil && len(d.leads) > 0 && reflect.DeepEqual(a.o.Config.Terminals[d.leads[0]], t) {
		d.drivers[endpoint], d.leads = d.drivers[d.leads[0]], append(d.leads, endpoint)
		return nil
	}
	if driver == nil {
		if driver, err = openDriver(ctx, endpoint, t, a.o.HTTP, a.now, a.log); err != nil {
			return err
		}
	}
	if c, ok := driver.(io.Closer); ok {
		a.closers = append(a.closers, c.Close)
	}
	d.drivers[endpoint], d.leads = driver, append(d.leads, endpoint)
	return nil
}
