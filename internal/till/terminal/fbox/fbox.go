// Package fbox drives a pinpad that hangs on an F-Box, by handing the call over. The box tells
// its last slip and no more, so that what is unknown here stays so until a person has looked.
package fbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/till/fbox"
	"github.com/chorsu/chorsu/internal/till/terminal"
)

// Driver is one of the box's two pinpads.
type Driver struct {
	box      fbox.Client
	endpoint string // xumo or uzcard
	ring     *http.Client
}

// Open makes a driver. address is the box's base address; endpoint, xumo or uzcard, is an option
// too where it is not the till's own.
func Open(address, endpoint string, options map[string]string, client *http.Client) (*Driver, error) {
	for key, value := range options {
		if key != "endpoint" {
			return nil, fmt.Errorf("option %q is not known", key)
		}
		endpoint = value
	}
	if endpoint != "xumo" && endpoint != "uzcard" {
		return nil, errors.New("endpoint must be xumo or uzcard")
	}
	if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
		return nil, errors.New("address must be the box's http or https address")
	}
	return &Driver{box: fbox.Client{URL: address, HTTP: client}, endpoint: endpoint, ring: client}, nil
}

// Caps: no Last.
func (d *Driver) Caps() terminal.Caps {
	return terminal.Caps{Void: true, Return: true, Close: true, Shift: true}
}

// Probe opens the box's address.
func (d *Driver) Probe(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, d.box.URL, nil)
	if err != nil {
		return err
	}
	res, err := d.ring.Do(req)
	if err == nil {
		res.Body.Close()
	}
	return err
}

// slip is the box's answer to all of a pinpad's calls.
type slip struct {
	Message string  `json:"message"`
	RRN     *string `json:"ppt_id"`
}

// Run hands the operation over. operation_id is ours: a box that is an agent like this one knows
// the call again, and others ignore it.
func (d *Driver) Run(ctx context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	body := map[string]any{"amount": int64(op.Amount), "operation_id": op.ID}
	if op.Kind != terminal.Sale {
		ref := op.RRN
		if ref == "" {
			ref = op.Receipt
		}
		body["request_id"], body["is_return"] = ref, true
	}
	if err := p.Sent(); err != nil {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	a, err := d.box.Call(ctx, "/payment/"+d.endpoint, body)
	r := d.read(op.Kind, a, err)
	r.Amount = op.Amount
	return r
}

// read says what the box's answer means. A refusal whose code is not of the list is Unknown.
func (d *Driver) read(kind terminal.Kind, a fbox.Answer, err error) terminal.Result {
	if lost, ok := errors.AsType[*fbox.Lost](err); ok && lost.NotSent {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	if err != nil {
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, err.Error())
	}
	if !a.Success {
		return refusal(kind, a.Error)
	}
	var s slip
	if err := json.Unmarshal(a.Data, &s); err != nil || s.Message == "" && s.RRN == nil {
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, "the box said yes, and not what to")
	}
	r := terminal.Result{Outcome: terminal.Approved, Code: terminal.CodeOK, Slip: terminal.Clean(s.Message)}
	r.Receipt = terminal.ReceiptOn(r.Slip) // a cancellation names the sale by it
	if s.RRN != nil {
		r.RRN = *s.RRN
	}
	return r
}

func refusal(kind terminal.Kind, e *fbox.Error) terminal.Result {
	switch {
	case e == nil:
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, "the box said no, and not why")
	case (e.Code == 108 || e.Code == 109) && len(e.Data) == 3:
		r := terminal.Failed(terminal.Classify(kind, e.Data), e.Data, e.Message)
		if r.Outcome == terminal.Approved {
			r.Outcome = terminal.Unknown // a yes inside a no
		}
		return r
	case e.Code == 104 || e.Code == 102:
		return terminal.Failed(terminal.NotStarted, "902", e.Message) // a bad argument, a box not set up
	}
	return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, fmt.Sprintf("%d %s %s", e.Code, e.Message, e.Data))
}

// Last is not to be had: see Caps.
func (d *Driver) Last(context.Context) (terminal.Record, error) {
	return terminal.Record{}, errors.New("fbox: the box tells its last slip and no more")
}

// Report asks for one.
func (d *Driver) Report(ctx context.Context, kind terminal.ReportKind) terminal.Result {
	path := "/payment/" + d.endpoint + "_shortreport/"
	if kind == terminal.ReportClose {
		path = "/payment/" + d.endpoint + "_close"
	}
	a, err := d.box.Call(ctx, path, nil)
	r := d.read(terminal.Sale, a, err)
	if kind == terminal.ReportClose && r.Code == terminal.CodeDiffers {
		r.Outcome, r.Slip = terminal.Approved, differs
	}
	return r
}

// differs stands for the report of a closing that the box calls an error, and whose text it keeps.
const differs = "Сверка итогов: итоги не совпали (095)\n"

// Cancel does nothing: the box has no such call.
func (d *Driver) Cancel(context.Context) error { return nil }
