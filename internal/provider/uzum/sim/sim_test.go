package sim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// now is the moment of the reference's first message.
var now = time.UnixMilli(1698361456728)

// shop is a server that answers each call with what the test wrote down.
type shop struct {
	answers map[string]string // by operation: HTTP status, a space, the body; TRANS stands for the transId
	heard   []*http.Request
	bodies  []string
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.heard, s.bodies = append(s.heard, r), append(s.bodies, string(body))
	var sent struct {
		TransID string `json:"transId"`
	}
	_ = json.Unmarshal(body, &sent)
	var status int
	answer := s.answers[path.Base(r.URL.Path)]
	_, _ = fmt.Sscan(answer, &status)
	_, text, _ := strings.Cut(answer, " ")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, strings.ReplaceAll(text, "TRANS", sent.TransID))
}

// good are the answers of a faultless shop to one payment.
func good() map[string]string {
	return map[string]string{
		"check":   `200 {"serviceId":101202,"timestamp":1698361456728,"status":"OK","data":{"amount":{"value":"25000"}}}`,
		"create":  `200 {"serviceId":101202,"transId":"TRANS","status":"CREATED","transTime":1698361456728,"amount":2500000}`,
		"confirm": `200 {"serviceId":101202,"transId":"TRANS","status":"CONFIRMED","confirmTime":1698361456729,"amount":2500000}`,
		"status":  `200 {"serviceId":101202,"transId":"TRANS","status":"CONFIRMED","transTime":1698361456728,"confirmTime":1698361456729,"reverseTime":null,"data":{},"amount":2500000}`,
		"reverse": `200 {"serviceId":101202,"transId":"TRANS","status":"REVERSED","reverseTime":1698361456730,"amount":2500000}`,
	}
}

const link = "https://www.uzumbank.uz/open-service?serviceId=101202&order_id=O1&amount=2500000"

func bankFor(t *testing.T, s *shop) simulator.Simulator {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	b := New(&simulator.World{Now: func() time.Time { return now }, HTTP: http.DefaultClient, Faults: &simulator.Faults{}})
	err := b.AddAccount(simulator.Account{
		Credentials: map[string]string{"serviceId": "101202", "login": "shop", "password": "s3cret"},
		CallbackURL: server.URL + "/cb/",
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMessages compares what is sent with the reference's fields.
func TestMessages(t *testing.T) {
	s := &shop{answers: good()}
	b := bankFor(t, s)
	r, err := b.Act(t.Context(), simulator.Action{Kind: "pay", Link: link})
	if err != nil || len(r.Problems) > 0 || r.State != "paid" {
		t.Fatal(err, r.State, r.Problems)
	}
	for _, kind := range []string{"status", "refund"} {
		if _, err := b.Act(t.Context(), simulator.Action{Kind: kind, Ref: r.Ref}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		`{"params":{"order_id":"O1"},"serviceId":101202,"timestamp":1698361456728}`,
		`{"amount":2500000,"params":{"order_id":"O1"},"serviceId":101202,"timestamp":1698361456728,"transId":"TRANS"}`,
		`{"cardType":2,"paymentSource":"UZCARD","phone":"998901234567","processingReferenceNumber":"000","serviceId":101202,"tariff":null,"timestamp":1698361456728,"transId":"TRANS"}`,
		`{"serviceId":101202,"timestamp":1698361456728,"transId":"TRANS"}`,
		`{"serviceId":101202,"timestamp":1698361456728,"transId":"TRANS"}`,
	}
	if len(s.bodies) != len(want) {
		t.Fatalf("sent %q", s.bodies)
	}
	for i, operation := range []string{"check", "create", "confirm", "status", "reverse"} {
		if got := strings.ReplaceAll(s.bodies[i], r.Ref, "TRANS"); got != want[i] {
			t.Errorf("%s says %s, want %s", operation, got, want[i])
		}
		h := s.heard[i]
		if h.Method != "POST" || h.URL.Path != "/cb/"+operation || h.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s is %s %s, %s", operation, h.Method, h.URL.Path, h.Header.Get("Content-Type"))
		}
		if h.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("shop:s3cret")) {
			t.Errorf("%s is authorised by %q", operation, h.Header.Get("Authorization"))
		}
	}
}

// TestProblems: what a strict company objects to is found, and what it tolerates is not.
func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name, operation, answer string
		problem                 string // "": none
	}{
		{"faultless", "check", good()["check"], ""},
		{"a number for a code", "check", `400 {"serviceId":101202,"timestamp":1698361456728,"status":"FAILED","errorCode":10008}`, ""},
		{"further fields", "confirm", `200 {"serviceId":101202,"transId":"TRANS","status":"CONFIRMED","confirmTime":1698361456729,"transTime":1698361456728,"amount":2500000}`, ""},
		{"an error with HTTP 200", "check", `200 {"serviceId":101202,"timestamp":1698361456728,"status":"FAILED","errorCode":"10008"}`, "warning: check: an error came with HTTP 200"},
		{"an error with HTTP 500", "check", `500 {"serviceId":101202,"timestamp":1698361456728,"status":"FAILED","errorCode":"99999"}`, "check: an error came with HTTP 500"},
		{"an error that is not FAILED", "check", `400 {"status":"OK","errorCode":"10008"}`, `check: an error says status "OK"`},
		{"another call's code", "check", `400 {"status":"FAILED","errorCode":"10016"}`, `check: errorCode "10016" is not in this call's catalogue`},
		{"not JSON", "check", `200 OK`, "check: the answer is not a JSON object"},
		{"a list", "check", `200 []`, "check: the answer is not a JSON object"},
		{"two objects", "check", good()["check"] + "{}", "check: the answer is not a JSON object"},
		{"seconds", "check", `200 {"serviceId":101202,"timestamp":1698361456,"status":"OK","data":{"amount":{"value":"25000"}}}`, "check: timestamp 1698361456 is not a time in milliseconds"},
		{"another service", "check", `200 {"serviceId":1,"timestamp":1698361456728,"status":"OK","data":{"amount":{"value":"25000"}}}`, "check: serviceId 101202 is not echoed"},
		{"tiyin for soum", "check", `200 {"serviceId":101202,"timestamp":1698361456728,"status":"OK","data":{"amount":{"value":"2500000"}}}`, "check: the app shows 250000000 tiyin, and the link asks for 2500000"},
		{"no sum", "check", `200 {"serviceId":101202,"timestamp":1698361456728,"status":"OK","data":{"amount":{"value":"25 000"}}}`, `check: data.amount.value "25 000" is not a sum in soum`},
		{"no sum beside the link's", "check", `200 {"serviceId":101202,"timestamp":1698361456728,"status":"OK","data":{}}`, ""},
		{"a bare value", "check", `200 {"serviceId":101202,"timestamp":1698361456728,"status":"OK","data":{"amount":{"value":"25000"},"fio":"X"}}`, "check: data.fio has no text as its value"},
		{"no data", "check", `200 {"serviceId":101202,"timestamp":1698361456728,"status":"OK"}`, "check: data is not an object"},
		{"HTTP 201", "create", `201 {"serviceId":101202,"transId":"TRANS","status":"CREATED","transTime":1698361456728,"amount":2500000}`, "create: HTTP 201 without an errorCode"},
		{"no transId", "create", `200 {"serviceId":101202,"status":"CREATED","transTime":1698361456728,"amount":2500000}`, "create: transId"},
		{"another amount", "create", `200 {"serviceId":101202,"transId":"TRANS","status":"CREATED","transTime":1698361456728,"amount":25000}`, "create: amount 2500000 is answered with 25000"},
		{"an amount in quotes", "create", `200 {"serviceId":101202,"transId":"TRANS","status":"CREATED","transTime":1698361456728,"amount":"2500000"}`, "create: amount 2500000 is answered with 2500000"},
		{"an unknown word", "confirm", `200 {"serviceId":101202,"transId":"TRANS","status":"PAID","confirmTime":1698361456729,"amount":2500000}`, `confirm: status "PAID" is not one of [CONFIRMED]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &shop{answers: good()}
			s.answers[c.operation] = c.answer
			r, err := bankFor(t, s).Act(t.Context(), simulator.Action{Kind: "pay", Link: link})
			if err != nil {
				t.Fatal(err)
			}
			found := ""
			if len(r.Problems) > 0 {
				found = r.Problems[0]
			}
			if !strings.HasPrefix(found, c.problem) || (c.problem == "") != (found == "") {
				t.Errorf("found %q, want %q", r.Problems, c.problem)
			}
		})
	}
}

// TestStatusProblems: moments that change, and moments that should not be there.
func TestStatusProblems(t *testing.T) {
	for name, c := range map[string]struct{ status, problem string }{
		"another transTime":     {`200 {"serviceId":101202,"transId":"TRANS","status":"CONFIRMED","transTime":1698361456727,"confirmTime":1698361456729,"reverseTime":null,"data":{},"amount":2500000}`, "status: transTime was 1698361456728 and is now 1698361456727"},
		"another confirmTime":   {`200 {"serviceId":101202,"transId":"TRANS","status":"CONFIRMED","transTime":1698361456728,"confirmTime":1698361456730,"reverseTime":null,"data":{},"amount":2500000}`, "status: confirmTime was 1698361456729 and is now 1698361456730"},
		"a reverse that is not": {`200 {"serviceId":101202,"transId":"TRANS","status":"CONFIRMED","transTime":1698361456728,"confirmTime":1698361456729,"reverseTime":1698361456729,"data":{},"amount":2500000}`, "status: reverseTime must be null"},
		"no reverseTime":        {`200 {"serviceId":101202,"transId":"TRANS","status":"CONFIRMED","transTime":1698361456728,"confirmTime":1698361456729,"data":{},"amount":2500000}`, "status: reverseTime must be null"},
		"lost money":            {`200 {"serviceId":101202,"transId":"TRANS","status":"FAILED","transTime":1698361456728,"confirmTime":null,"reverseTime":null,"data":{},"amount":2500000}`, `status: "FAILED"  for a transaction that is paid`},
		"forgotten":             {`400 {"transId":"TRANS","status":"FAILED","errorCode":"10014"}`, `status: "FAILED" 10014 for a transaction that is paid`},
	} {
		s := &shop{answers: good()}
		b := bankFor(t, s)
		paid, err := b.Act(t.Context(), simulator.Action{Kind: "pay", Link: link})
		if err != nil {
			t.Fatal(err)
		}
		s.answers["status"] = c.status
		r, err := b.Act(t.Context(), simulator.Action{Kind: "status", Ref: paid.Ref})
		if err != nil || len(r.Problems) != 1 || !strings.HasPrefix(r.Problems[0], c.problem) {
			t.Errorf("%s: %v %q, want %q", name, err, r.Problems, c.problem)
		}
	}
}

// TestProbeFindsAnOpenDoor: a shop that takes everything is told so for each thing it took.
func TestProbeFindsAnOpenDoor(t *testing.T) {
	s := &shop{answers: good()}
	r, err := bankFor(t, s).Act(t.Context(), simulator.Action{Kind: "probe", Link: link})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(r.Problems, "\n")
	for _, misuse := range []string{
		"check without a password", "create with a wrong password", "GET in place of POST", "broken JSON",
		"check for another service", "create without transId", "check of no order", "create of one unit more",
		"create of a hundredth", "confirm without transId", "confirm of nothing", "reverse of nothing", "status of nothing",
	} {
		if !strings.Contains(all, misuse+": answered with") {
			t.Errorf("%q went unnoticed", misuse)
		}
	}
}

// TestTenStatusQuestions: no more and no fewer, and then Uzum knows that it does not know.
func TestTenStatusQuestions(t *testing.T) {
	s := &shop{answers: good()}
	s.answers["confirm"] = `502 upstream`
	s.answers["status"] = `400 {"transId":"TRANS","status":"FAILED","errorCode":"99999"}`
	r, err := bankFor(t, s).Act(t.Context(), simulator.Action{Kind: "pay", Link: link})
	if err != nil || r.State != "suspended" {
		t.Fatal(err, r.State)
	}
	asked := 0
	for _, x := range r.Exchanges {
		if x.Step == "status" {
			asked++
		}
	}
	if asked != 10 {
		t.Errorf("asked %d times", asked)
	}
}

func TestAccountsAreChecked(t *testing.T) {
	b := New(&simulator.World{Now: time.Now, HTTP: http.DefaultClient, Faults: &simulator.Faults{}})
	for _, a := range []simulator.Account{
		{}, {Credentials: map[string]string{"serviceId": "x", "login": "a", "password": "b"}, CallbackURL: "http://x"},
		{Credentials: map[string]string{"serviceId": "1", "login": "a", "password": "b"}},
		{Credentials: map[string]string{"serviceId": "1", "login": "a"}, CallbackURL: "http://x"},
	} {
		if b.AddAccount(a) == nil {
			t.Errorf("%+v is taken", a)
		}
	}
}
