package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
)

// gateway is the program under measurement, while it serves.
type gateway struct {
	*client
	pid   int           // 0: in this process
	ready time.Duration // from its start until it said so itself
	stop  func() error
	kill  func() // as a power cut does; stop then has nothing to do. nil in this process
}

// startTime is how long a gateway may take to be ready, and to stop.
const startTime = time.Minute

// start starts the gateway on a database, and returns when it is ready.
func (r *run) start(ctx context.Context, dsn string, s *street, worker bool) (*gateway, error) {
	settings := s.settings(dsn)
	began := time.Now()
	g, err := (*gateway)(nil), error(nil)
	if r.o.Program == "" {
		g, err = startInside(ctx, settings, worker)
	} else {
		g, err = startProgram(ctx, r.o.Program, r.o.Dir, settings, worker)
	}
	if err != nil {
		return nil, fmt.Errorf("start the gateway: %w", err)
	}
	g.key = settings["SERVICE_API_KEY"]
	for {
		if err = g.get(ctx, "/readyz", nil); err == nil {
			break
		}
		if time.Since(began) > startTime || ctx.Err() != nil {
			return nil, errors.Join(fmt.Errorf("the gateway is not ready: %w", err), g.stop())
		}
		time.Sleep(time.Millisecond)
	}
	g.ready = time.Since(began)
	return g, nil
}

// with runs f on a gateway that is started for it and stopped after it.
func (r *run) with(ctx context.Context, dsn string, s *street, worker bool, f func(*gateway) error) error {
	g, err := r.start(ctx, dsn, s, worker)
	if err != nil {
		return err
	}
	return errors.Join(f(g), g.stop())
}

// startProgram runs the program as a process of its own.
func startProgram(ctx context.Context, program, dir string, settings map[string]string, worker bool) (*gateway, error) {
	cmd := exec.CommandContext(ctx, program, "serve")
	if !worker {
		cmd.Args = append(cmd.Args, "--no-worker")
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = startTime
	for name, value := range settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	// It reads .env in its working folder; there must be none.
	empty, err := os.MkdirTemp(dir, "chorsu-bench-")
	if err != nil {
		return nil, err
	}
	cmd.Dir = empty
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	address, last, read := make(chan string, 1), &lastLine{}, make(chan struct{})
	go func() {
		defer close(read)
		defer close(address)
		lines := bufio.NewReader(io.TeeReader(log, last))
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			var said struct{ Msg, Address string }
			if json.Unmarshal(line, &said) == nil && said.Msg == "serving" {
				address <- said.Address
				break
			}
		}
		io.Copy(last, log) // a log that nobody reads would stop it
	}()
	dead := false
	kill := func() {
		dead = true
		cmd.Process.Kill()
		<-read
		cmd.Wait()
	}
	stop := func() error {
		defer os.RemoveAll(empty)
		if dead {
			return nil
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		<-read // to the end of its log, which is its own end
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("the gateway ended with %w: %s", err, last.text())
		}
		return nil
	}
	at, ok := <-address
	if !ok {
		return nil, errors.Join(errors.New("it did not serve"), stop())
	}
	return &gateway{client: newClient("http://" + at), pid: cmd.Process.Pid, stop: stop, kill: kill}, nil
}

// lastLine keeps the end of what is written to it.
type lastLine struct{ end []byte }

func (l *lastLine) Write(p []byte) (int, error) {
	l.end = append(l.end, p...)
	if over := len(l.end) - 500; over > 0 {
		l.end = append([]byte(nil), l.end[over:]...)
	}
	return len(p), nil
}

// text is the last line. Nothing may be writing any more.
func (l *lastLine) text() string {
	lines := strings.Split(strings.TrimSpace(string(l.end)), "\n")
	return lines[len(lines)-1]
}

// startInside runs the gateway in this process, so that one profile shows it.
func startInside(ctx context.Context, settings map[string]string, worker bool) (*gateway, error) {
	cfg, _, err := config.Load(func(name string) (string, bool) { v, ok := settings[name]; return v, ok }, "")
	if err != nil {
		return nil, err
	}
	a, err := app.New(ctx, cfg, app.Options{Logger: app.NewLogger(io.Discard, cfg, false)})
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, a.Close(ctx))
	}
	serving, end := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- a.Serve(serving, ln, worker) }()
	return &gateway{client: newClient("http://" + ln.Addr().String()), stop: func() error {
		end()
		return errors.Join(<-served, a.Close(context.WithoutCancel(ctx)))
	}}, nil
}

// memory is what the gateway's process has in memory now, in bytes; 0: not known.
func (g *gateway) memory() int64 {
	kb, err := strconv.ParseInt(strings.TrimSuffix(field(fmt.Sprintf("/proc/%d/status", g.pid), "VmRSS"), " kB"), 10, 64)
	if g.pid == 0 || err != nil {
		return 0
	}
	return kb << 10
}

// processor is the processor time that the gateway's process has taken; 0: not known.
func (g *gateway) processor() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.pid))
	if g.pid == 0 || err != nil {
		return 0
	}
	// Behind the name in parentheses: state, and then user and system time as the 12th and 13th.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	const tick = 10 * time.Millisecond // Linux counts in hundredths for programs, whatever its clock
	return time.Duration(user+system) * tick
}

// ─── The client of everything here ─────────────────────────────────────────────────────────

// client asks one server, and keeps its connections.
type client struct {
	base, key string
	http      *http.Client
}

func newClient(base string) *client {
	return &client{base: base, http: &http.Client{
		Timeout:   startTime,
		Transport: &http.Transport{MaxIdleConnsPerHost: 512, MaxIdleConns: 512},
	}}
}

func (c *client) get(ctx context.Context, path string, out any) error {
	_, err := c.call(ctx, http.MethodGet, path, nil, nil, out)
	return err
}

// post sends in as JSON under the API's key, and reads the data of the envelope into out.
func (c *client) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var envelope struct{ Data json.RawMessage }
	if _, err := c.call(ctx, http.MethodPost, path, map[string]string{"Content-Type": "application/json"}, body, &envelope); err != nil {
		return err
	}
	return json.Unmarshal(envelope.Data, out)
}

// call makes one request. Whatever is not answered with 2xx is an error.
func (c *client) call(ctx context.Context, method, path string, header map[string]string, body []byte, out any) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.key != "" {
		req.Header.Set("x-api-key", c.key)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, answer)
	}
	if out != nil {
		err = json.Unmarshal(answer, out)
	}
	return answer, err
}
