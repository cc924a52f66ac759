package devices

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

func newWorld(now *time.Time) *simulator.World {
	return &simulator.World{Now: func() time.Time { return *now }, Faults: &simulator.Faults{}}
}

// A link that an amount broke comes back by itself; a cable that a person holds does not.
func TestCable(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	z, err := ListenZVT("127.0.0.1:0", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	p := z.New(newWorld(&now))
	after := func(d time.Duration) bool {
		p.Tick(t.Context())
		now = now.Add(d)
		p.Tick(t.Context())
		return z.device.Down()
	}
	z.device.Pull(true)
	if !after(9*time.Second) || after(time.Second) {
		t.Error("the link does not come back after 10 seconds")
	}
	for _, c := range []struct {
		kind string
		down bool
	}{{"pull", true}, {"plug", false}} {
		if _, err := p.Act(t.Context(), simulator.Action{Kind: c.kind}); err != nil || after(time.Hour) != c.down {
			t.Errorf("%s: %v, down %v", c.kind, err, z.device.Down())
		}
	}
	if _, err := p.Act(t.Context(), simulator.Action{Kind: "sale", Amount: 50000}); err != nil || len(p.Books()) != 1 {
		t.Errorf("%v %v", err, p.Books())
	}
	if p = z.New(newWorld(&now)); len(p.Books()) != 0 {
		t.Error("a reset forgets nothing")
	}
}

// What the program of ARCUS 2 leaves, by fault.
func TestArcus2Faults(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	w := newWorld(&now)
	p := NewArcus2(w)
	srv := httptest.NewServer(p)
	defer srv.Close()
	for _, c := range []struct {
		step  string
		kind  simulator.Kind
		files []string
		sold  int
	}{
		{"", "", []string{"cheq.out", "rc.out"}, 1},
		{arcusRun, simulator.LostBefore, nil, 0},
		{arcusRun, simulator.LostAfter, nil, 1},
		{arcusRun, simulator.HalfBody, []string{"cheq.out", "rc.out"}, 1},
		{arcusRun, simulator.Late, []string{"cheq.out", "rc.out"}, 1},
		{arcusUndo, simulator.LostBefore, []string{"auto_can.out", "can_rc.out", "cheq.out", "rc.out"}, 0},
		{arcusUndo, simulator.LostAfter, []string{"auto_can.out", "can_rc.out", "cheq.out", "rc.out"}, 0},
	} {
		w.Faults.Set(simulator.Fault{Step: c.step, Kind: c.kind, Times: 1})
		paid := func() (n int) {
			for _, e := range p.Books() {
				if e.State == "paid" {
					n++
				}
			}
			return n
		}
		before, dir := paid(), t.TempDir()
		if err := Arcus2Tool(t.Context(), srv.Client(), srv.URL, dir, []string{"/o1", "/a50000", "/c860"}); err != nil {
			t.Errorf("%s %s: %v", c.step, c.kind, err)
		}
		list, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, path := range list {
			files = append(files, filepath.Base(path))
		}
		if !slices.Equal(files, c.files) || paid()-before != c.sold {
			t.Errorf("%s %s: %v, %d sold", c.step, c.kind, files, paid()-before)
		}
		if b, _ := os.ReadFile(filepath.Join(dir, "rc.out")); c.kind == "" && string(b[:min(3, len(b))]) != "000" {
			t.Errorf("rc.out is %q", b)
		}
	}
}

// The program writes its four files and no other, whatever the sandbox says.
func TestArcus2ToolWritesNothingElse(t *testing.T) {
	dir := t.TempDir()
	for _, says := range []string{`{"files":{"../x":"AA=="}}`, `{"files":{"rc.out":"AA==","run.sh":"AA=="}}`, `[]`, `{"files":{"rc.out":7}}`} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(says)) }))
		if err := Arcus2Tool(t.Context(), srv.Client(), srv.URL, dir, nil); err == nil {
			t.Errorf("%s is taken", says)
		}
		srv.Close()
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("%v", list)
	}
}
