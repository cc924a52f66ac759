package devices

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
	"github.com/chorsu/chorsu/internal/till/terminal/zvt/sim"
)

// The steps of a ZVT pinpad's money command. lost_before pulls the cable before the pinpad's
// message, lost_after after it and before the till's acknowledgement.
const (
	zvtCommand = "zvt.command" // 80 00 00, which says that the command was heard
	zvtResult  = "zvt.result"  // 04 0F: the bank has said yes
	zvtSlip    = "zvt.slip"    // 06 D1, line by line: the cable is pulled in the middle
	zvtEnd     = "zvt.end"     // 06 0F: all is acknowledged
)

// points is which fault strikes at which point.
var points = map[sim.Cut]struct {
	step  string
	kinds []simulator.Kind
}{
	sim.Before80:    {zvtCommand, []simulator.Kind{simulator.LostBefore}},
	sim.After80:     {zvtCommand, []simulator.Kind{simulator.LostAfter}},
	sim.Before040F:  {zvtResult, []simulator.Kind{simulator.LostBefore}},
	sim.After040F:   {zvtResult, []simulator.Kind{simulator.LostAfter}},
	sim.DuringPrint: {zvtSlip, []simulator.Kind{simulator.LostBefore, simulator.LostAfter, simulator.HalfBody}},
	sim.Before060F:  {zvtEnd, []simulator.Kind{simulator.LostBefore, simulator.LostAfter, simulator.HalfBody}},
}

// ZVT is a pinpad on a port of its own. The port outlives a reset of the sandbox.
type ZVT struct {
	device *device.Device
	term   *sim.Terminal
	world  atomic.Pointer[simulator.World]
}

// ListenZVT switches a pinpad on at host:port.
func ListenZVT(address string, now func() time.Time) (*ZVT, error) {
	z := &ZVT{}
	z.world.Store(&simulator.World{Now: now})
	var err error
	if z.device, err = device.NewDevice(device.HUMO, "", func() time.Time { return z.world.Load().Now() }); err != nil {
		return nil, err
	}
	if z.term, err = sim.Listen(address, z.device); err != nil {
		return nil, err
	}
	z.term.Pull(z.pulled)
	return z, nil
}

// Address is where it listens.
func (z *ZVT) Address() string { return z.term.Address() }

// Close switches it off.
func (z *ZVT) Close() { z.term.Close() }

// pulled says whether a fault pulls the cable at a point.
func (z *ZVT) pulled(at sim.Cut) bool {
	faults, p := z.world.Load().Faults, points[at]
	if at == sim.Before80 {
		if f, late := faults.Take(zvtCommand, simulator.Late); late {
			time.Sleep(f.Delay)
		}
	}
	_, strikes := faults.Take(p.step, p.kinds...)
	return strikes
}

// New makes the pinpad new in a world of the sandbox.
func (z *ZVT) New(w *simulator.World) simulator.Simulator {
	z.world.Store(w)
	z.device.Forget()
	return &zvtPinpad{pinpad{device: z.device, now: w.Now, info: simulator.Info{
		Name: "zvt", Title: "HUMO pinpad, ZVT at " + z.Address(), Actions: hands, Steps: []string{zvtCommand, zvtResult, zvtSlip, zvtEnd},
	}}}
}

type zvtPinpad struct{ pinpad }

func (p *zvtPinpad) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	nothingHere(w, p.info.Title+": it speaks ZVT there, and nothing here")
}
