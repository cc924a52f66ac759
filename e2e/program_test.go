// Package e2e runs whole flows against the real program: it is built, started, killed and
// started again, with every company's simulator, the apps' receivers and the buyers around it.
package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The keys of every gateway in these tests.
const (
	apiKey        = "e2e-key-0123456789abcdef"
	webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	masterKey     = "e2e:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// binary is the program, built once for all tests of this package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "chorsu-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "chorsu")
	out, err := exec.Command("go", "build", "-o", path, "../cmd/chorsu").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if code, played := play(os.Args[1:]); played {
		os.Exit(code)
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// program is one running `chorsu serve`.
type program struct {
	cmd  *exec.Cmd
	url  string        // where it listens
	log  *tail         // the end of what it wrote
	gone chan struct{} // closed when the process has ended

	listening chan string // told where, once it does
}

// serve starts `chorsu serve` with these settings and nothing of this process's own, and waits
// until it listens.
func serve(t *testing.T, env map[string]string) *program {
	t.Helper()
	return start(t, env, "serve")
}

// start starts a command of the program that listens, and waits until it does.
func start(t *testing.T, env map[string]string, command string) *program {
	t.Helper()
	p := launch(t, env, command)
	select {
	case at := <-p.listening:
		p.url = "http://" + at
	case <-p.gone:
		t.Fatalf("the program did not start:\n%s", p.log)
	case <-time.After(time.Minute):
		t.Fatalf("the program does not listen after a minute:\n%s", p.log)
	}
	return p
}

// launch starts a command of the program.
func launch(t *testing.T, env map[string]string, args ...string) *program {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir() // no .env
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd, log: &tail{}, gone: make(chan struct{}), listening: make(chan string, 1)}
	go func() {
		p.read(stderr)
		cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(p.kill)
	return p
}

// read follows the log, and tells the address when it is there.
func (p *program) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.log.add(lines.Text())
		var e struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &e) == nil && (e.Msg == "serving" || e.Msg == "the till is open") {
			p.listening <- e.Address
		}
	}
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *program) kill() {
	p.cmd.Process.Kill()
	<-p.gone
}

// stop ends it as an operator would, and returns its exit code.
func (p *program) stop(t *testing.T) int {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
	case <-time.After(time.Minute):
		t.Fatalf("the program does not stop:\n%s", p.log)
	}
	return p.cmd.ProcessState.ExitCode()
}

// runProgram runs a command of the program that ends by itself, and returns its exit code and
// all that it wrote.
func runProgram(t *testing.T, env map[string]string, args ...string) (code int, out string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = t.TempDir()
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	text, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// oneLine: somebody who reads the terminal gets one line and not a heap.
func oneLine(out string) bool {
	out = strings.TrimSpace(out)
	return out != "" && !strings.Contains(out, "\n")
}

// tail keeps the last lines of a log.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines = append(t.lines, line); len(t.lines) > 50 {
		t.lines = t.lines[1:]
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

// await looks again and again until ok, for at most a limit that a working program never needs.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	limit := time.After(2 * time.Minute)
	for !ok() {
		select {
		case <-every.C:
		case <-limit:
			t.Fatalf("%s: not after two minutes", what)
		}
	}
}

// answer decodes the data of the API's envelope.
func answer(res *http.Response, into any) error {
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	var envelope struct {
		Data json.RawMessage
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return fmt.Errorf("HTTP %d, no envelope: %s", res.StatusCode, body)
	}
	return json.Unmarshal(envelope.Data, into)
}

// late is a fault that slows a step down, so that work is under way when the process dies.
func late(step string, d time.Duration) simulator.Fault {
	return simulator.Fault{Step: step, Kind: simulator.Late, Delay: d}
}
