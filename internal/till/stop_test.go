package till_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/till"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/terminal"
	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
)

const (
	stoppedSale = `{"amount":50000,"operation_id":"op"}`
	stopIt      = "/payment/operations/op/cancel"
)

// A pinpad is asked to stop while the buyer looks for the card: it does, and takes the next sale.
func TestStopBeforeTheCard(t *testing.T) {
	asked := make(chan struct{}, 1)
	var driver *device.Driver
	s := newShop(t, func(o *till.Options) {
		driver = o.Terminals["xumo"].(*device.Driver)
		driver.Card = func(ctx context.Context) error {
			asked <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}
	})
	sold := make(chan answer, 1)
	go func() { sold <- s.post("/payment/xumo", stoppedSale) }()
	<-asked
	a := s.post(stopIt, "{}")
	if !a.Success || a.Data["asked"] != true || a.Data["id"] == "" || a.Data["state"] != "in_progress" {
		t.Error(a.raw)
	}
	if a := <-sold; a.code() != "992" {
		t.Error(a.raw)
	}
	if op := s.operation("op"); op["state"] != "declined" || op["code"] != "992" || s.humo.Runs() != 0 {
		t.Errorf("%v, %d runs", op, s.humo.Runs())
	}
	if again := s.post(stopIt, "{}"); again.Success || again.Error.Code != 104 {
		t.Errorf("what is over: %s", again.raw)
	}
	driver.Card = nil
	if a := s.post("/payment/xumo", `{"amount":10000}`); !a.Success {
		t.Errorf("the next sale: %s", a.raw)
	}
}

// Over ZVT: the wish is heard when there is something to give up, and the terminal says what came of
// it.
func TestStopOverZVT(t *testing.T) {
	for name, c := range map[string]struct {
		at    string // the wish comes at this message
		card  bool   // the buyer's card is there at once
		code  string
		state journal.State
		total int64
	}{
		"before anything is sent":  {"> 06 20", true, "992", journal.NotStarted, 0},
		"before the card is asked": {"< 04 FF", false, "992", journal.Declined, 0},
		"the card is asked for":    {"> 80 00 00", false, "992", journal.Declined, 0},
		"the bank has said yes":    {"< 04 0F", true, "", journal.Approved, 50000},
		"the slip is printed":      {"< 06 D1", true, "", journal.Approved, 50000},
	} {
		t.Run(name, func(t *testing.T) {
			s, d, term := zvtShop(t)
			if !c.card {
				term.Card = make(chan struct{})
			}
			selling, done := strings.HasPrefix(c.at, "> 06 20"), false
			term.Watch = func(message string) {
				if strings.HasPrefix(message, "> 06 01") {
					selling = true // what passed before was the question for the last transaction
				}
				if prompted := c.at != "> 80 00 00" || slices.Contains(term.Wire(), "< 04 FF 01 0A"); selling && !done && prompted && strings.HasPrefix(message, c.at) {
					done = true
					if a := s.post(stopIt, "{}"); !a.Success || a.Data["asked"] != true {
						t.Error(a.raw)
					}
				}
			}
			a := s.post("/payment/xumo", stoppedSale)
			if op := s.last(); a.code() != c.code || op.State != c.state || d.Total() != c.total || !done {
				t.Errorf("%s, %+v, the device holds %d\n%s", a.raw, op, d.Total(), strings.Join(term.Wire(), "\n"))
			}
			if sent := slices.ContainsFunc(term.Wire(), func(m string) bool { return strings.HasPrefix(m, "> 06 01") }); sent != (c.state != journal.NotStarted) {
				t.Errorf("sent: %v", sent)
			}
		})
	}
}

// What cannot be asked to stop says so, and goes on.
func TestWhatDoesNotStop(t *testing.T) {
	began, end := make(chan struct{}), make(chan struct{})
	s := newShop(t, func(o *till.Options) {
		o.Terminals["uzcard"] = &stubborn{Driver: o.Terminals["uzcard"], began: began, end: end}
	})
	sold := make(chan answer, 1)
	go func() { sold <- s.post("/payment/uzcard", stoppedSale) }()
	<-began
	s.want(s.post(stopIt, "{}"), `{"data":null,"error":{"code":109,"message":"UZKARD_ERROR","data":"902"},"is_success":false}`)
	close(end)
	if a := <-sold; !a.Success {
		t.Error(a.raw)
	}
	s.post("/payment/one_qr/create", `{"external_id":"1","amount":"5","operation_id":"qr"}`)
	for id, code := range map[string]int{"qr": 104, "nobody": 105} {
		if a := s.post("/payment/operations/"+id+"/cancel", "{}"); a.Error == nil || a.Error.Code != code {
			t.Errorf("%s: %s", id, a.raw)
		}
	}
}

// stubborn is a pinpad that cannot be asked to stop.
type stubborn struct {
	terminal.Driver
	began, end chan struct{}
}

func (d *stubborn) Caps() terminal.Caps { return terminal.Caps{} }

func (d *stubborn) Run(ctx context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	close(d.began)
	<-d.end
	return d.Driver.Run(ctx, op, p)
}
