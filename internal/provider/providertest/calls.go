package providertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// PlayCalls plays dialogues of the calls that we make: what must be sent, to the letter, what the
// company answers, and what must come of it. One dialogue a file; a line begins with
//
//	#   a remark
//	at  the time, RFC 3339
//	do  charge, inquire, refund or receipt, with {"id","amount","code","ref","captured","sentAt","url","cashbox"}
//	>   METHOD PATH and the body, which is compared as JSON
//	h   a header of that request: NAME VALUE
//	<   STATUS and the body that is answered
//	=   what comes of it; only what is named there is compared
func PlayCalls(t *testing.T, folder string, open func(env provider.Env) (provider.Account, error)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.dialogue"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues in %s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".dialogue"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			(&dialogue{t: t, open: open}).play(string(text))
		})
	}
}

type dialogue struct {
	t    *testing.T
	open func(provider.Env) (provider.Account, error)

	now     time.Time
	account provider.Account
	does    string
	want    []exchange // what is still to be said
}

type exchange struct {
	line, method, path, body string
	headers                  [][2]string
	status                   int
	answer                   string
}

// deed is what a "do" line asks for.
type deed struct {
	ID       string    `json:"id"`
	Amount   pay.Tiyin `json:"amount"`
	Captured pay.Tiyin `json:"captured"`
	Code     string    `json:"code"`
	Cashbox  string    `json:"cashbox"`
	Ref      string    `json:"ref"`
	Op       string    `json:"op"`
	SentAt   time.Time `json:"sentAt"`
	URL      string    `json:"url"`
}

func (d *dialogue) play(text string) {
	srv := httptest.NewServer(http.HandlerFunc(d.hear))
	defer srv.Close()
	var err error
	d.account, err = d.open(provider.Env{HTTP: &http.Client{}, Now: func() time.Time { return d.now }, BaseURL: srv.URL})
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		mark, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch mark {
		case "", "#":
		case "at":
			if d.now, err = time.Parse(time.RFC3339, rest); err != nil {
				d.t.Fatal(err)
			}
		case "do":
			d.does, d.want = rest, nil
		case ">":
			method, rest, _ := strings.Cut(rest, " ")
			path, body, _ := strings.Cut(rest, " ")
			d.want = append(d.want, exchange{line: line, method: method, path: path, body: body})
		case "h":
			name, value, _ := strings.Cut(rest, " ")
			last := &d.want[len(d.want)-1]
			last.headers = append(last.headers, [2]string{name, value})
		case "<":
			status, answer, _ := strings.Cut(rest, " ")
			last := &d.want[len(d.want)-1]
			if last.status, err = strconv.Atoi(status); err != nil {
				d.t.Fatal(err)
			}
			last.answer = answer
		case "=":
			d.judge(rest)
		default:
			d.t.Fatalf("nothing is known of %q", line)
		}
	}
}

// hear is the company: it wants the next request of the file, and answers as that says.
func (d *dialogue) hear(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || len(d.want) == 0 {
		d.t.Errorf("%s: nobody expected %s %s %s", d.does, r.Method, r.URL.RequestURI(), body)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	want := d.want[0]
	d.want = d.want[1:]
	if r.Method != want.method || r.URL.RequestURI() != want.path {
		d.t.Errorf("%s: said %s %s, want %s", d.does, r.Method, r.URL.RequestURI(), want.line)
	}
	if diff := cmp.Diff(value(want.body), value(string(body))); diff != "" {
		d.t.Errorf("%s: the body of %s %s (-want +said):\n%s", d.does, r.Method, r.URL.Path, diff)
	}
	for _, h := range want.headers {
		if got := strings.Join(r.Header[http.CanonicalHeaderKey(h[0])], ", "); got != h[1] {
			d.t.Errorf("%s: the header %s is %q, want %q", d.does, h[0], got, h[1])
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(want.status)
	io.WriteString(w, want.answer)
}

// value reads JSON with its numbers as they are written; what is none is the text.
func value(text string) (v any) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return strings.TrimSpace(text)
	}
	return v
}

// judge does what the last "do" line asks for, and compares what comes of it.
func (d *dialogue) judge(want string) {
	d.t.Helper()
	what, params, _ := strings.Cut(d.does, " ")
	var in deed
	dec := json.NewDecoder(bytes.NewReader([]byte(params)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		d.t.Fatalf("%s: %v", d.does, err)
	}
	got := d.do(what, in)
	expected, ok := value(want).(map[string]any)
	if !ok {
		d.t.Fatalf("%s: %q is no object", d.does, want)
	}
	for name, v := range expected {
		if fmt.Sprint(got[name]) != fmt.Sprint(v) {
			d.t.Errorf("%s: %s is %v, want %v (of %v)", d.does, name, got[name], v, got)
		}
	}
	if len(d.want) > 0 {
		d.t.Errorf("%s: never said %s", d.does, d.want[0].line)
	}
}

func (d *dialogue) do(what string, in deed) map[string]any {
	p := pay.Payment{
		ID: in.ID, InvoiceID: in.ID, Amount: in.Amount, Captured: in.Captured, Ref: in.Ref, State: pay.Unknown, Way: pay.WayQR,
		CreatedAt: d.now, Provider: "x",
	}
	ctx, out := d.t.Context(), map[string]any{}
	var err error
	switch what {
	case "charge":
		var o provider.Outcome
		o, err = d.account.(provider.QRCharger).ChargeQR(ctx, provider.QROrder{Payment: p, Invoice: pay.Invoice{ID: in.ID, Amount: in.Amount}, Code: in.Code, Cashbox: in.Cashbox,
			Journal: func(ref string, _ []byte) error { out["journal"] = ref; return nil }})
		tell(out, o)
	case "inquire":
		op := provider.Op(in.Op)
		if op == "" {
			op = provider.OpCharge
		}
		if in.SentAt.IsZero() {
			in.SentAt = d.now
		}
		var rep provider.Report
		rep, err = d.account.(provider.Inquirer).Inquire(ctx, provider.Question{
			Ref: in.Ref, PaymentID: in.ID, InvoiceID: in.ID, Op: op, Amount: in.Amount, SentAt: in.SentAt, Payment: p, Code: in.Code,
		})
		tell(out, rep.Outcome)
		out["found"], out["underway"], out["refunded"] = rep.Found, rep.Underway, rep.Refunded
	case "refund":
		p.State = pay.Paid
		var o provider.MoveOutcome
		o, err = d.account.(provider.Refunder).Refund(ctx, provider.RefundOrder{RefundID: "r", Payment: p, Amount: in.Amount, Whole: in.Amount == in.Captured})
		out["state"], out["code"], out["note"] = o.State, o.Code, o.Note
	case "receipt":
		var r pay.Receipt
		if r, err = pay.ParseReceiptLink(in.URL, d.now); err == nil {
			err = d.account.(provider.ReceiptSender).SendReceipt(ctx, p, r)
		}
	default:
		d.t.Fatalf("nobody can %q", what)
	}
	if e, ok := err.(*provider.Error); ok {
		out["error"], out["code"], out["message"] = string(e.Kind), e.Code, e.Message
	} else if err != nil {
		out["error"] = err.Error()
	}
	out["harmless"] = err != nil && provider.Harmless(err)
	return out
}

func tell(out map[string]any, o provider.Outcome) {
	out["state"], out["ref"], out["reason"], out["code"], out["note"] = o.State, o.Ref, o.Reason, o.Code, o.Note
	out["phone"], out["card"], out["amount"] = o.Phone, o.Card.MaskedPAN, int64(o.Amount)
}
