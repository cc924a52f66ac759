package devices

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/till/terminal/arcus2/sim"
	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
)

// The steps of the program of ARCUS 2.
const (
	arcusRun  = "arcus2.run"  // lost_before: it does nothing; lost_after: no files; half_body: an empty rc.out; late: it takes its time
	arcusUndo = "arcus2.undo" // lost_before: it takes the operation back by itself; lost_after: it tries to, and does not know
)

// arcusFaults is what the program does wrong then.
var arcusFaults = []struct {
	step  string
	kind  simulator.Kind
	fault sim.Fault
}{
	{arcusRun, simulator.LostBefore, sim.Idle}, {arcusRun, simulator.LostAfter, sim.WriteNothing}, {arcusRun, simulator.HalfBody, sim.EmptyResult},
	{arcusUndo, simulator.LostBefore, sim.AutoCancel}, {arcusUndo, simulator.LostAfter, sim.HalfCancel},
}

// arcusPinpad is an UzCard pinpad behind the program, which asks for each run here.
type arcusPinpad struct {
	pinpad
	world *simulator.World
}

// NewArcus2 makes the pinpad.
func NewArcus2(w *simulator.World) simulator.Simulator {
	d, err := device.NewDevice(device.UzCard, "", w.Now)
	if err != nil {
		panic(err) // it has no file to fail on
	}
	return &arcusPinpad{pinpad{device: d, now: w.Now, info: simulator.Info{
		Name: "arcus2", Title: "UzCard pinpad, ARCUS 2", Actions: hands, Steps: []string{arcusRun, arcusUndo},
	}}, w}
}

// ran is what the program is to leave.
type ran struct {
	Files sim.Files `json:"files"`
}

func (p *arcusPinpad) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var args []string
	if r.URL.Path != "/run" || r.Method != http.MethodPost {
		nothingHere(w, "the program of ARCUS 2 asks here: chorsu arcus2-tool")
		return
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&args); err != nil {
		http.Error(w, "a list of arguments is wanted", http.StatusBadRequest)
		return
	}
	if f, late := p.world.Faults.Take(arcusRun, simulator.Late); late {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		<-timer.C // a till that gave up has not stopped the pinpad
	}
	files, _, err := sim.Do(p.device, args, p.fault())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(ran{files})
}

func (p *arcusPinpad) fault() sim.Fault {
	for _, f := range arcusFaults {
		if _, strikes := p.world.Faults.Take(f.step, f.kind); strikes {
			return f.fault
		}
	}
	return ""
}

// maxRun bounds what the sandbox may answer to the program.
const maxRun = 1 << 20

// Arcus2Tool is the program: it has the pinpad at an address of the sandbox do what args ask for, and
// leaves the files in dir.
func Arcus2Tool(ctx context.Context, client *http.Client, address, dir string, args []string) error {
	body, err := json.Marshal(args)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(address, "/")+"/run", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var got ran
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox answers HTTP %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxRun)).Decode(&got); err != nil {
		return fmt.Errorf("the sandbox's answer: %w", err)
	}
	return sim.Write(dir, got.Files)
}
