package multicard_test

import (
	"bufio"
	"bytes"
	"context"
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

// A dialogue file holds what passes on the wire, in order:
//
//	! who acts, or how our book stands at first
//	> a request: method and path, then its body
//	< its answer: the status, then its body
//	= what came of it
//
// Lines that begin with # are for the reader.
type dialogue struct {
	does      string
	exchanges []exchange
	result    string
}

type exchange struct{ request, body, status, answer string }

func readDialogue(t *testing.T, file string) dialogue {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var d dialogue
	was := ""
	for s := bufio.NewScanner(f); s.Scan(); {
		mark, line, _ := strings.Cut(s.Text(), " ")
		last := len(d.exchanges) - 1
		switch {
		case mark == "!":
			d.does = line
		case mark == ">" && was != ">":
			d.exchanges = append(d.exchanges, exchange{request: line})
		case mark == ">":
			d.exchanges[last].body += line
		case mark == "<" && was != "<":
			d.exchanges[last].status = line
		case mark == "<":
			d.exchanges[last].answer += line
		case mark == "=":
			d.result += line
		case mark != "#" && mark != "":
			t.Fatalf("%s: a line begins with %q", file, mark)
		}
		was = mark
	}
	return d
}

func dialogues(t *testing.T, folder string, f func(*testing.T, dialogue)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.dialogue"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues in %s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".dialogue"), func(t *testing.T) { f(t, readDialogue(t, file)) })
	}
}

// sameJSON compares two texts as JSON where both are, else as they stand.
func sameJSON(a, b string) string {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return cmp.Diff(strings.TrimSpace(a), strings.TrimSpace(b))
	}
	return cmp.Diff(x, y)
}

// ─── Our calls ────────────────────────────────────────────────────────────────────────────

var noon = time.Date(2024, 12, 14, 9, 35, 2, 0, time.UTC)

func TestCallsWordForWord(t *testing.T) {
	dialogues(t, "calls", func(t *testing.T, d dialogue) {
		next := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if next == len(d.exchanges) {
				t.Errorf("a call too many: %s %s", r.Method, r.URL)
				return
			}
			x := d.exchanges[next]
			next++
			body, _ := io.ReadAll(r.Body)
			if got := r.Method + " " + r.URL.String(); got != x.request {
				t.Errorf("sent %s, want %s", got, x.request)
			}
			if diff := sameJSON(x.body, string(body)); diff != "" {
				t.Errorf("%s: the body differs (- wanted, + sent):\n%s", x.request, diff)
			}
			if want := "Bearer t0"; r.URL.Path != "/auth" && r.Header.Get("Authorization") != want {
				t.Errorf("%s: Authorization is %q", x.request, r.Header.Get("Authorization"))
			}
			status, err := strconv.Atoi(x.status)
			if err != nil {
				t.Fatal(err)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, x.answer)
		}))
		defer server.Close()
		account, err := openAt(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		if diff := sameJSON(d.result, act(t, account, d.does)); diff != "" {
			t.Errorf("the outcome differs (- wanted, + got):\n%s", diff)
		}
		if next != len(d.exchanges) {
			t.Errorf("%d calls of %d were made", next, len(d.exchanges))
		}
	})
}

// act does what a dialogue's first line says, and writes down what came of it.
func act(t *testing.T, a provider.Account, does string) string {
	t.Helper()
	vat := 12
	ctx := context.Background()
	p := pay.Payment{
		ID: paymentID, Ref: "e60d8ebc-b9fe-11ef-b159-005056b4367d", Amount: 500000, Captured: 500000,
		State: pay.Paid, CreatedAt: noon, Card: pay.Card{PaymentSystem: "uzcard"},
	}
	var got any
	var err error
	switch does {
	case "checkout":
		p.Ref = ""
		got, err = a.(provider.CheckoutCaller).Checkout(ctx, pay.Invoice{
			Amount: 500000, Lang: "ru", ReturnURL: "https://shop.uz/ok", ErrorURL: "myapp://failed", ExpiresAt: noon.Add(time.Hour),
			Lines: []pay.ReceiptLine{{Qty: 2000, Price: 250000, Total: 500000, MXIK: "06401004002000000", PackageCode: "1506113", Name: "Choy", VAT: &vat}},
			Split: []pay.SplitPart{{Type: "account", Amount: 400000, Recipient: "f6339f31-6a09-11f0-9a1b-00505680eaf6", Details: "Ulush"}},
		}, p)
	case "checkout of a bare invoice":
		p.Ref = ""
		got, err = a.(provider.CheckoutCaller).Checkout(ctx, pay.Invoice{Amount: 500000}, p)
	case "cancel":
		p.State = pay.Created
		got, err = a.(provider.CheckoutCaller).CancelCheckout(ctx, p)
	case "refund the whole":
		got, err = a.(provider.Refunder).Refund(ctx, provider.RefundOrder{Payment: p, Amount: 500000, Whole: true})
	case "refund a part":
		got, err = a.(provider.Refunder).Refund(ctx, provider.RefundOrder{Payment: p, Amount: 200000, CardPAN: "8600010000001234", Lines: []byte(
			`[{"name":"Бензин","mxik":"02710001003000000","package_code":1282118,"price":300000,"qty":1,"total":300000,"vat":12,"units":241092}]`)})
	case "inquire":
		got, err = a.(provider.Inquirer).Inquire(ctx, provider.Question{PaymentID: p.ID, Op: provider.OpCheckout, Payment: p})
	case "fiscal link of a refund":
		err = a.(provider.ReceiptSender).SendReceipt(ctx, p, pay.Receipt{Kind: "refund", URL: "https://ofd.soliq.uz/check?t=UZ170703100597&r=6013&c=20231201160732&s=025561534771"})
	default:
		t.Fatalf("nobody can %q", does)
	}
	switch x := got.(type) {
	case provider.Link:
		got = map[string]string{"url": x.URL, "deeplink": x.Deeplink, "ref": x.Ref, "meta": string(x.Meta)}
	case provider.Outcome:
		got = plain(x)
	case provider.MoveOutcome:
		got = map[string]string{"state": string(x.State), "code": x.Code, "note": x.Note, "at": at(x.At)}
	case provider.Report:
		m := plain(x.Outcome)
		m["found"], m["shows"], m["refunded"] = x.Found, x.Shows, x.Refunded
		got = m
	}
	if e, ok := err.(*provider.Error); ok {
		got = map[string]any{"kind": e.Kind, "code": e.Code, "message": e.Message, "notSent": e.NotSent}
	} else if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func plain(o provider.Outcome) map[string]any {
	return map[string]any{
		"state": o.State, "ref": o.Ref, "at": at(o.At), "amount": o.Amount, "card": o.Card.MaskedPAN, "ps": o.Card.PaymentSystem,
		"code": o.Code, "note": o.Note, "receipt": o.ReceiptURL,
	}
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ─── Their calls ──────────────────────────────────────────────────────────────────────────

func TestCallbacksWordForWord(t *testing.T) {
	dialogues(t, "callbacks", func(t *testing.T, d dialogue) {
		state, lang, _ := strings.Cut(d.does, " ")
		book := newDesk(pay.State(state), lang)
		if state == "broken" {
			book = newDesk(pay.Created, "")
			book.broken = true
		}
		account, err := openAt("http://127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range d.exchanges {
			status, answer := callback(account, book, x.request, x.body)
			if fmt.Sprint(status) != x.status {
				t.Errorf("answered %d, want %s", status, x.status)
			}
			if diff := sameJSON(x.answer, answer); diff != "" {
				t.Errorf("the answer differs (- wanted, + given):\n%s", diff)
			}
		}
		got := string(book.payment.State)
		for _, a := range book.alarms {
			got += ", alarm: " + a
		}
		if got != d.result {
			t.Errorf("the payment ends as %q, want %q", got, d.result)
		}
	})
}

// A payment that we found paid by asking, and whose callback then names the invoice's uuid.
func TestTheInvoicesUUIDCountsForItsPayment(t *testing.T) {
	account, err := openAt("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	const invoice = "f6339f31-6a09-11f0-9a1b-00505680eaf6"
	book := newDesk(pay.Paid, "")
	book.payment.Meta = []byte(`{"invoice":"` + invoice + `","store":6}`)
	named := book.payment
	named.Ref = invoice
	body, err := json.Marshal(successOf(named, 20000))
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := callback(account, book, "POST /", string(body)); status != 200 || answer != `{"success":true}` {
		t.Errorf("answered %d %s", status, answer)
	}
}

func TestCallbacksArePosted(t *testing.T) {
	account, err := openAt("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		if status, _ := callback(account, newDesk(pay.Created, ""), method+" /", "{}"); status != http.StatusMethodNotAllowed {
			t.Errorf("%s was answered %d", method, status)
		}
	}
}

func callback(a provider.Account, d provider.Desk, request, body string) (int, string) {
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, path, bytes.NewReader([]byte(body)))
	w := httptest.NewRecorder()
	a.(provider.CallbackServer).ServeCallback(w, r, d)
	return w.Code, w.Body.String()
}
