package sim

import (
	"bytes"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

var begin = time.Date(2026, 1, 15, 5, 20, 30, 0, time.UTC)

// shop is a merchant whose answers a test writes.
type shop struct {
	t     *testing.T
	sim   *sim
	world *simulator.World
	now   time.Time

	mu       sync.Mutex
	got      []url.Values
	bodies   []string
	answer   func(n int, form url.Values) string // n counts from 1
	httpCode int
}

func newShop(t *testing.T, answer func(n int, form url.Values) string) *shop {
	t.Helper()
	s := &shop{t: t, now: begin, answer: answer, httpCode: 200}
	s.world = &simulator.World{Now: func() time.Time { return s.now }, HTTP: &http.Client{}, Faults: &simulator.Faults{}}
	s.sim = New(s.world).(*sim)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got, s.bodies = append(s.got, form), append(s.bodies, string(body))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(s.httpCode)
		_, _ = io.WriteString(w, s.answer(len(s.got), form))
	}))
	t.Cleanup(server.Close)
	if err := s.sim.AddAccount(simulator.Account{
		Credentials: map[string]string{"serviceId": "73438", "merchantId": "1001", "secretKey": "click-test-secret", "merchantUserId": "3333"},
		CallbackURL: server.URL,
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) act(kind string, params ...string) simulator.Report {
	s.t.Helper()
	a := simulator.Action{Kind: kind, Amount: 50000_00, Params: map[string]string{"account": "inv-1001"}}
	for i := 0; i+1 < len(params); i += 2 {
		a.Params[params[i]] = params[i+1]
	}
	a.Ref = a.Params["ref"]
	if kind == "set" {
		delete(a.Params, "account")
	}
	rep, err := s.sim.Act(s.t.Context(), a)
	if err != nil {
		s.t.Fatal(err)
	}
	return rep
}

// reply writes an answer that a strict CLICK has nothing against.
func reply(form url.Values, c code) string {
	ids := ""
	if c == 0 && form.Get("action") == "0" {
		ids = `"merchant_prepare_id":42,`
	}
	if c == 0 && form.Get("action") == "1" {
		ids = `"merchant_confirm_id":42,`
	}
	account, _ := json.Marshal(form.Get("merchant_trans_id"))
	return fmt.Sprintf(`{"click_trans_id":%s,"merchant_trans_id":%s,%s"error":%d,"error_note":%q}`, form.Get("click_trans_id"), account, ids, c, notes[c])
}

// always answers with the codes given, in turn, and then with the last one.
func always(codes ...code) func(int, url.Values) string {
	return func(n int, form url.Values) string { return reply(form, codes[min(n, len(codes))-1]) }
}

func TestSigns(t *testing.T) {
	for want, f := range map[string]fields{
		"62d05912ae8830368e487cfae1f5c2ef": {{"click_trans_id", "3647147957"}, {"service_id", "73438"}, {"merchant_trans_id", "inv-1001"}, {"amount", "50000"}, {"action", "0"}, {"sign_time", "2026-01-15 10:20:30"}},
		"9763d3550a61f17a050d02254f625b68": {{"click_trans_id", "3647147957"}, {"service_id", "73438"}, {"merchant_trans_id", "inv-1001"}, {"amount", "33139.73"}, {"action", "1"}, {"sign_time", "2026-01-15 10:20:35"}, {"merchant_prepare_id", "42"}},
	} {
		if got := f.signed("click-test-secret").get("sign_string"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestMessagesLookLikeCLICKs: field order and formats are those of a captured Complete.
func TestMessagesLookLikeCLICKs(t *testing.T) {
	s := newShop(t, always(0))
	rep := s.act("pay")
	if rep.State != paid || len(rep.Problems) > 0 || len(s.bodies) != 2 {
		t.Fatalf("%+v", rep)
	}
	want := []string{"click_trans_id", "service_id", "click_paydoc_id", "merchant_trans_id", "amount", "action", "sign_time", "error", "error_note", "merchant_prepare_id", "sign_string"}
	for i, pair := range strings.Split(s.bodies[1], "&") {
		if name, _, _ := strings.Cut(pair, "="); name != want[i] {
			t.Errorf("field %d is %s, want %s", i, name, want[i])
		}
	}
	if !strings.Contains(s.bodies[1], "&sign_time=2026-01-15+10%3A20%3A30&error=0&error_note=Success&merchant_prepare_id=42&") {
		t.Error(s.bodies[1])
	}
	if s.got[0].Has("merchant_prepare_id") || s.got[0].Get("amount") != "50000" || s.got[0].Get("click_trans_id") != s.got[1].Get("click_trans_id") {
		t.Errorf("%v", s.got[0])
	}
}

func TestReactsToPrepare(t *testing.T) {
	for _, x := range []struct {
		codes []code
		state string
		calls int
	}{
		{[]code{0, 0}, paid, 2},
		{[]code{-4}, refused, 1},      // nobody was debited; no Complete is sent
		{[]code{-9, -9}, refused, 2},  // a no is followed by a Complete that fails
		{[]code{-5, -5}, refused, 2},  //
		{[]code{-7, -6}, refused, 2},  //
		{[]code{0, -4}, paid, 2},      // with a problem: nothing was ever taken
		{[]code{0, -9}, cancelled, 2}, // the money goes back
		{[]code{0, -7}, suspended, 2}, //
	} {
		s := newShop(t, always(x.codes...))
		rep := s.act("pay")
		if rep.State != x.state || len(s.got) != x.calls {
			t.Errorf("%v: %s after %d calls", x.codes, rep.State, len(s.got))
		}
		if b := s.sim.Books()[0]; x.state == cancelled && b.Refunded != b.Amount {
			t.Errorf("%v: the money did not go back: %+v", x.codes, b)
		}
		if last := s.got[len(s.got)-1]; x.codes[0] < 0 && x.calls == 2 && (last.Get("action") != "1" || !strings.HasPrefix(last.Get("error"), "-")) {
			t.Errorf("%v: %v", x.codes, last)
		}
	}
	s := newShop(t, always(-5))
	s.act("set", "cancel_refused", "false")
	if rep := s.act("pay"); rep.State != refused || len(s.got) != 1 {
		t.Errorf("%+v", rep)
	}
}

// TestRepeatsWhatIsNotFinal: a minute apart, five times, then the staff.
func TestRepeatsWhatIsNotFinal(t *testing.T) {
	s := newShop(t, always(0, -7))
	rep := s.act("pay")
	for range 10 {
		s.now = s.now.Add(59 * time.Second)
		s.sim.Tick(t.Context())
		s.now = s.now.Add(time.Second)
		s.sim.Tick(t.Context())
		s.sim.Tick(t.Context())
	}
	if len(s.got) != 1+1+5 || s.sim.Books()[0].State != suspended {
		t.Fatalf("%d calls, %+v", len(s.got), s.sim.Books())
	}
	for _, form := range s.got[2:] {
		if form.Get("action") != "1" || form.Get("error") != "0" || form.Get("click_trans_id") != rep.Ref {
			t.Errorf("%v", form)
		}
	}
	s.answer = always(-4)
	if rep := s.act("retry", "ref", rep.Ref); rep.State != paid || len(rep.Problems) > 0 {
		t.Errorf("%+v", rep)
	}
	if _, err := s.sim.Act(t.Context(), simulator.Action{Kind: "retry", Ref: rep.Ref}); err == nil {
		t.Error("a decided payment was asked for again")
	}
}

func TestMayBeginAgainWithPrepare(t *testing.T) {
	for _, x := range []struct {
		again []code
		state string
		calls int
	}{
		{[]code{-4}, paid, 1},    // closed as successful, no Complete
		{[]code{0, 0}, paid, 2},  //
		{[]code{-5, 0}, paid, 2}, // the debit is there: the Complete comes without a mark
	} {
		s := newShop(t, always(0, -7))
		s.act("set", "repeat_from", "prepare")
		s.act("pay")
		s.got, s.answer = nil, always(x.again...)
		s.now = s.now.Add(time.Minute)
		s.sim.Tick(t.Context())
		if got := s.sim.Books()[0].State; got != x.state || len(s.got) != x.calls {
			t.Errorf("%v: %s after %d calls", x.again, got, len(s.got))
		}
		if last := s.got[len(s.got)-1]; x.calls == 2 && last.Get("error") != "0" {
			t.Errorf("%v: %v", x.again, last)
		}
	}
}

func TestLostAnswers(t *testing.T) {
	for _, step := range []string{stepPrepare, stepComplete} {
		for _, kind := range []simulator.Kind{simulator.LostBefore, simulator.LostAfter, simulator.HalfBody} {
			s := newShop(t, func(n int, form url.Values) string {
				if kind == simulator.LostAfter && form.Get("action") == "1" && n == 3 {
					return reply(form, -4) // it was taken the first time
				}
				return reply(form, 0)
			})
			s.world.Faults.Set(simulator.Fault{Step: step, Kind: kind, Times: 1})
			rep := s.act("pay")
			if rep.State == paid {
				t.Errorf("%s %s: paid without an answer", step, kind)
			}
			s.now = s.now.Add(time.Minute)
			s.sim.Tick(t.Context())
			if got := s.sim.Books()[0].State; got != paid {
				t.Errorf("%s %s: %s", step, kind, got)
			}
		}
	}
}

// TestPrepareThatIsNeverAnswered ends with a Complete that cannot name the merchant's id.
func TestPrepareThatIsNeverAnswered(t *testing.T) {
	s := newShop(t, always(-9))
	s.world.Faults.Set(simulator.Fault{Step: stepPrepare, Kind: simulator.LostBefore})
	s.act("pay")
	for range 6 {
		s.now = s.now.Add(time.Minute)
		s.sim.Tick(t.Context())
	}
	if len(s.got) != 1 || s.got[0].Get("action") != "1" || s.got[0].Get("merchant_prepare_id") != "" || s.got[0].Get("error") != "-9" || s.sim.Books()[0].State != refused {
		t.Errorf("%v %+v", s.got, s.sim.Books())
	}
}

// TestObjects: what a strict CLICK says to wrong answers.
func TestObjects(t *testing.T) {
	for name, x := range map[string]struct {
		prepare, complete string // "" is right; $T is the click_trans_id
		want              string
	}{
		"no JSON":               {`ok`, ``, "no JSON object"},
		"no error":              {`{"click_trans_id":$T}`, ``, "no JSON object with an error"},
		"error as text":         {`{"click_trans_id":$T,"merchant_trans_id":"inv-1001","merchant_prepare_id":1,"error":"0","error_note":"Success"}`, ``, "none of CLICK's"},
		"error of its own":      {`{"click_trans_id":$T,"merchant_trans_id":"inv-1001","error":-10,"error_note":"x"}`, ``, "none of CLICK's"},
		"note of its own":       {`{"click_trans_id":$T,"merchant_trans_id":"inv-1001","error":-5,"error_note":"No such order"}`, ``, "must read"},
		"trans id as text":      {`{"click_trans_id":"$T","merchant_trans_id":"inv-1001","merchant_prepare_id":1,"error":0,"error_note":"Success"}`, ``, "click_trans_id"},
		"another trans id":      {`{"click_trans_id":5,"merchant_trans_id":"inv-1001","merchant_prepare_id":1,"error":0,"error_note":"Success"}`, ``, "click_trans_id"},
		"another order":         {`{"click_trans_id":$T,"merchant_trans_id":"inv-1002","merchant_prepare_id":1,"error":0,"error_note":"Success"}`, ``, "merchant_trans_id"},
		"no prepare id":         {`{"click_trans_id":$T,"merchant_trans_id":"inv-1001","error":0,"error_note":"Success"}`, ``, "merchant_prepare_id"},
		"prepare id 0":          {`{"click_trans_id":$T,"merchant_trans_id":"inv-1001","merchant_prepare_id":0,"error":0,"error_note":"Success"}`, ``, "merchant_prepare_id"},
		"prepare id of 64 bits": {`{"click_trans_id":$T,"merchant_trans_id":"inv-1001","merchant_prepare_id":2147483648,"error":0,"error_note":"Success"}`, ``, "merchant_prepare_id"},
		"no confirm id":         {``, `{"click_trans_id":$T,"merchant_trans_id":"inv-1001","error":0,"error_note":"Success"}`, "merchant_confirm_id"},
		"sign check failed":     {`{"click_trans_id":$T,"merchant_trans_id":"inv-1001","error":-1,"error_note":"SIGN CHECK FAILED!"}`, ``, "right Prepare"},
		"not final":             {``, `{"click_trans_id":$T,"merchant_trans_id":"inv-1001","error":-2,"error_note":"Incorrect parameter amount"}`, "only 0, -4 and -9"},
		"paid by nothing":       {``, `{"click_trans_id":$T,"merchant_trans_id":"inv-1001","error":-4,"error_note":"Already paid"}`, "keeps the buyer's money"},
	} {
		s := newShop(t, func(_ int, form url.Values) string {
			text := x.prepare
			if form.Get("action") == "1" {
				text = x.complete
			}
			if text == "" {
				return reply(form, 0)
			}
			return strings.ReplaceAll(text, "$T", form.Get("click_trans_id"))
		})
		rep := s.act("pay")
		if all := strings.Join(rep.Problems, "\n"); !strings.Contains(all, x.want) {
			t.Errorf("%s: %q", name, rep.Problems)
		}
	}
	s := newShop(t, always(0))
	s.httpCode = 500
	if rep := s.act("pay"); len(rep.Problems) == 0 || !strings.Contains(rep.Problems[0], "HTTP status 500") {
		t.Errorf("%q", rep.Problems)
	}
}

func TestObjectsToRepeats(t *testing.T) {
	s := newShop(t, always(0))
	ref := s.act("pay").Ref
	if rep := s.act("repeat", "ref", ref); len(rep.Problems) != 1 || !strings.Contains(rep.Problems[0], "taken twice") {
		t.Errorf("%q", rep.Problems)
	}
	if rep := s.act("repeat", "ref", ref, "message", "prepare"); len(rep.Problems) != 1 || !strings.Contains(rep.Problems[0], "must be answered -4") {
		t.Errorf("%q", rep.Problems)
	}
	if rep := s.act("cancel", "ref", ref); len(rep.Problems) != 1 || !strings.Contains(rep.Problems[0], "must be answered -9") {
		t.Errorf("%q", rep.Problems)
	}
	s.answer = func(n int, form url.Values) string {
		return strings.Replace(reply(form, 0), ":42,", fmt.Sprintf(":%d,", n), 1)
	}
	ref = s.act("prepare").Ref
	if rep := s.act("repeat", "ref", ref, "message", "prepare"); len(rep.Problems) != 1 || !strings.Contains(rep.Problems[0], "in the repeat") {
		t.Errorf("%q", rep.Problems)
	}
	// A right merchant: one yes among twenty at once.
	s = newShop(t, always(0, 0, -4))
	ref = s.act("prepare").Ref
	s.world.Faults.Set(simulator.Fault{Step: stepComplete, Kind: simulator.Twice, Times: 1})
	if rep := s.act("complete", "ref", ref); rep.State != paid || len(rep.Problems) > 0 {
		t.Errorf("%+v", rep)
	}
	if rep := s.act("repeat", "ref", ref, "copies", "20"); len(rep.Exchanges) != 20 || len(rep.Problems) > 0 {
		t.Errorf("%d %q", len(rep.Exchanges), rep.Problems)
	}
}

func TestObjectsToTwoForOne(t *testing.T) {
	s := newShop(t, always(0))
	rep := s.act("pay_twice")
	if len(rep.Problems) != 1 || !strings.Contains(rep.Problems[0], "two attempts") {
		t.Errorf("%q", rep.Problems)
	}
}

// TestComposedFaults: messages that are wrong in themselves must be refused, and the right ones
// that follow are taken.
func TestComposedFaults(t *testing.T) {
	for _, x := range []struct {
		step    string
		kind    simulator.Kind
		careful code // the right answer
	}{
		{stepPrepare, simulator.WrongSignature, -1},
		{stepComplete, simulator.WrongSignature, -1},
		{stepPrepare, simulator.WrongAmount, -2},
		{stepComplete, simulator.WrongAmount, -2},
		{stepComplete, simulator.Reordered, -6},
	} {
		wrong := func(form url.Values) bool {
			f := fields{}
			for _, name := range messageFields {
				if form.Has(name) {
					f = append(f, [2]string{name, form.Get(name)})
				}
			}
			return f.signed("click-test-secret").get("sign_string") != form.Get("sign_string") ||
				form.Get("amount") != "50000" || form.Get("action") == "1" && form.Get("merchant_prepare_id") == "1"
		}
		careful := newShop(t, func(_ int, form url.Values) string {
			if strings.HasPrefix(form.Get("error"), "-") {
				return reply(form, -9)
			}
			if wrong(form) {
				return reply(form, x.careful)
			}
			return reply(form, 0)
		})
		careful.world.Faults.Set(simulator.Fault{Step: x.step, Kind: x.kind, Times: 1})
		rep := careful.act("pay")
		careful.now = careful.now.Add(time.Minute)
		careful.sim.Tick(t.Context())
		want := paid
		if x.step == stepPrepare {
			want = refused // its buyer was told no
		}
		if got := careful.sim.Books()[0].State; got != want || len(rep.Problems) > 0 {
			t.Errorf("%s %s: %s %q", x.step, x.kind, got, rep.Problems)
		}
		careless := newShop(t, always(0))
		careless.world.Faults.Set(simulator.Fault{Step: x.step, Kind: x.kind, Times: 1})
		if rep := careless.act("pay"); len(rep.Problems) == 0 {
			t.Errorf("%s %s: nothing to object to in a merchant that takes all", x.step, x.kind)
		}
	}
}

func TestAmountFormats(t *testing.T) {
	for format, want := range map[string][3]string{
		"raw":  {"50000.00", "50000.5", "50000"},
		"N":    {"50000", "50000.50", "50000"},
		"N.NN": {"50000.00", "50000.50", "50000.00"},
	} {
		for i, amount := range []string{"50000.00", "50000.5", "50000"} {
			s := newShop(t, always(0))
			s.act("set", "amount_format", format)
			if _, err := s.sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: "https://x/services/pay/?service_id=73438&merchant_id=1001&transaction_param=inv-1001&amount=" + amount}); err != nil {
				t.Fatal(err)
			}
			if got := s.got[0].Get("amount"); got != want[i] {
				t.Errorf("%s of %s: %s, want %s", format, amount, got, want[i])
			}
		}
	}
}

func TestLinksAreChecked(t *testing.T) {
	s := newShop(t, always(0))
	right := "service_id=73438&merchant_id=1001&transaction_param=inv-1001&amount=50000.00"
	for _, x := range []string{
		strings.Replace(right, "service_id=73438&", "", 1), strings.Replace(right, "merchant_id=1001&", "", 1),
		strings.Replace(right, "transaction_param=inv-1001&", "", 1), strings.Replace(right, "&amount=50000.00", "", 1),
		strings.Replace(right, "73438", "73439", 1), strings.Replace(right, "=1001&", "=1002&", 1),
		strings.Replace(right, "50000.00", "0", 1), strings.Replace(right, "50000.00", "-1", 1), strings.Replace(right, "50000.00", "1.001", 1),
	} {
		if _, err := s.sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: "https://x/services/pay?" + x}); err == nil {
			t.Errorf("%s: taken", x)
		}
	}
	if rep, err := s.sim.Act(t.Context(), simulator.Action{Kind: "abandon", Link: "https://x/?" + right + "&return_url=https%3A%2F%2Fshop"}); err != nil || rep.Returned != "https://shop" || len(s.got) > 0 {
		t.Errorf("%+v %v", rep, err)
	}
}

func TestSuiteFindsFaults(t *testing.T) {
	script := []code{-1, -5, 0, -1, -2, 0, -4, -9, 0, -6, 0, 0, -9, -9, -9}
	s := newShop(t, always(script...))
	if rep := s.act("suite", "orders", "a,b,c"); rep.State != "15 of 15" || len(rep.Problems) > 0 || len(rep.Exchanges) != 15 {
		t.Errorf("%s %q", rep.State, rep.Problems)
	}
	script[7] = -4 // as the official samples answer
	s = newShop(t, always(script...))
	if rep := s.act("suite", "orders", "a,b,c"); rep.State != "14 of 15" || len(rep.Problems) != 1 || !strings.HasPrefix(rep.Problems[0], "case 8:") {
		t.Errorf("%s %q", rep.State, rep.Problems)
	}
}

func TestPage(t *testing.T) {
	s := newShop(t, always(0))
	server := httptest.NewServer(s.sim)
	defer server.Close()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	link := server.URL + "/services/pay/?service_id=73438&merchant_id=1001&transaction_param=%3Cb%3E&amount=50000.00&return_url="
	get, err := browser.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(get.Body)
	if get.StatusCode != 200 || !bytes.Contains(body, []byte("&lt;b&gt;")) || bytes.Contains(body, []byte("<b>")) {
		t.Errorf("%d %s", get.StatusCode, body)
	}
	for back, want := range map[string]string{"https://shop.uz/x?a=1": "https://shop.uz/x?a=1", "myapp://done": "myapp://done", "javascript:alert(1)": "", "": ""} {
		res, err := browser.PostForm(link+url.QueryEscape(back), url.Values{"do": {"pay"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("%q: sent to %q", back, got)
		}
	}
	if n := len(s.sim.Books()); n != 4 || s.sim.Books()[0].State != paid {
		t.Errorf("%+v", s.sim.Books())
	}
	for path, want := range map[string]int{"/services/pay?service_id=1": 400, "/services/pay/x": 404, "/": 404} {
		res, err := browser.Get(server.URL + path)
		if err != nil || res.StatusCode != want {
			t.Errorf("%s: %v %v", path, res.StatusCode, err)
		}
	}
}

func TestMerchantAPIAtTheDoor(t *testing.T) {
	s := newShop(t, always(0))
	for _, x := range []struct {
		method, path, accept string
		want                 int
	}{
		{"GET", "/v2/merchant/payment/status/73438/1", "application/json", 401},
		{"POST", "/v2/merchant/payment/status/73438/1", "application/json", 403},
		{"GET", "/v2/merchant/payment/reversal/73438/1", "application/json", 403},
		{"GET", "/v2/merchant/payment/status/73438/1", "text/html", 406},
		{"GET", "/v2/merchant/payment/status/73438", "application/json", 404},
		{"GET", "/v2/merchant/payment/nothing/73438/1", "application/json", 404},
		{"GET", "/v1/merchant/payment/status/73438/1", "application/json", 404},
		{"POST", "/v2/merchant/payment/ofd_data/submit_items", "application/json", 400},
	} {
		r := httptest.NewRequest(x.method, x.path, strings.NewReader("{"))
		r.Header.Set("Accept", x.accept)
		r.Header.Set("Content-Type", x.accept)
		w := httptest.NewRecorder()
		s.sim.ServeHTTP(w, r)
		if w.Code != x.want || !strings.Contains(w.Body.String(), "error_code") {
			t.Errorf("%s %s: %d %s", x.method, x.path, w.Code, w.Body)
		}
	}
}

// TestRestartMintsNewIDs: a gateway that lives longer than its sandbox must not meet an id
// twice.
func TestRestartMintsNewIDs(t *testing.T) {
	first := newShop(t, always(0))
	a := first.act("pay").Ref
	second := newShop(t, always(0))
	second.now = begin.Add(time.Millisecond)
	if b := second.act("pay").Ref; b <= a {
		t.Errorf("%s after %s", b, a)
	}
}

// TestPartsNeverExceedThePayment: what is returned never exceeds what was paid.
func TestPartsNeverExceedThePayment(t *testing.T) {
	s := newShop(t, always(0))
	ref := s.act("pay").Ref
	for _, amount := range []int64{1, 49999_99, 1, 50000_00, 0} {
		_, err := s.sim.Act(t.Context(), simulator.Action{Kind: "refund", Ref: ref, Amount: amount})
		b := s.sim.Books()[0]
		if b.Refunded > b.Amount || (b.Refunded == b.Amount) != (b.State == refunded) {
			t.Fatalf("%d: %+v %v", amount, b, err)
		}
	}
	if b := s.sim.Books()[0]; b.State != refunded {
		t.Errorf("%+v", b)
	}
}

func TestEveryActionIsKnown(t *testing.T) {
	s := newShop(t, always(0))
	for _, kind := range s.sim.Info().Actions {
		if _, err := s.sim.Act(t.Context(), simulator.Action{Kind: kind}); err != nil && strings.Contains(err.Error(), "no action") {
			t.Error(err)
		}
	}
	if _, err := s.sim.Act(t.Context(), simulator.Action{Kind: "dance"}); err == nil {
		t.Error("it dances")
	}
}

func TestSettingsHaveNames(t *testing.T) {
	s := newShop(t, always(0))
	for name, values := range map[string][2]string{
		"amount_format": {"N", "X"}, "repeats": {"1", "-1"}, "repeat_every": {"1s", "1"}, "repeat_from": {"prepare", "x"},
		"cancel_refused": {"false", "x"}, "auth_skew": {"1s", "x"}, "partial_reversal": {"false", "x"},
		"uzcard_refuses": {"true", "x"}, "reversed_status": {"-2", "x"}, "receipt_after": {"-1", "x"},
	} {
		if err := s.sim.change(name, values[0]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.sim.change(name, values[1]); err == nil {
			t.Errorf("%s took %q", name, values[1])
		}
	}
	want := Settings{
		AmountFormat: "N", Repeats: 1, RepeatEvery: time.Second, RepeatFrom: "prepare", AuthSkew: time.Second,
		UzcardRefuses: true, ReversedStatus: -2, ReceiptAfter: -1,
	}
	if err := s.sim.change("colour", "red"); err == nil || s.sim.settings() != want {
		t.Errorf("%+v %v", s.sim.settings(), err)
	}
}

// TestSend: any message, and what must be answered to it.
func TestSend(t *testing.T) {
	for name, x := range map[string]struct {
		params   []string
		answered code
		problems int
		field    string // of what arrived
		value    string
	}{
		"a Prepare":        {[]string{"expect", "0"}, 0, 0, "action", "0"},
		"another field":    {[]string{"amount", "1e3", "expect", "-8"}, -8, 0, "amount", "1e3"},
		"a field left out": {[]string{"omit", "sign_time,error", "expect", "-8"}, -8, 0, "sign_time", ""},
		"wrongly signed":   {[]string{"sign", "wrong", "expect", "-1"}, -1, 0, "sign_string", strings.Repeat("0", 32)},
		"signed as given":  {[]string{"sign_string", "abc", "expect", "-1"}, -1, 0, "sign_string", "abc"},
		"a Complete":       {[]string{"action", "1", "merchant_prepare_id", "7", "expect", "-6"}, -6, 0, "merchant_prepare_id", "7"},
		"taken by mistake": {[]string{"sign", "wrong", "expect", "-1"}, 0, 1, "", ""},
		"JSON":             {[]string{"as", "json", "expect", "-8"}, -8, 0, "amount", ""},
		"nothing":          {[]string{"as", "empty", "expect", "-8"}, -8, 0, "amount", ""},
		"GET":              {[]string{"as", "get", "expect", "-8"}, -8, 0, "amount", ""},
	} {
		s := newShop(t, func(_ int, form url.Values) string {
			return fmt.Sprintf(`{"error":%d,"error_note":%q}`, x.answered, notes[x.answered])
		})
		rep := s.act("send", x.params...)
		if len(rep.Problems) != x.problems || rep.State != fmt.Sprint(int(x.answered)) {
			t.Errorf("%s: %s %q", name, rep.State, rep.Problems)
		}
		if x.field != "" && s.got[0].Get(x.field) != x.value {
			t.Errorf("%s: %s is %q", name, x.field, s.got[0].Get(x.field))
		}
	}
}

// ask calls the Merchant API as the fixture's merchant does.
func (s *shop) ask(method, path, body string) (int, string) {
	r := httptest.NewRequest(method, "/v2/merchant/"+path, strings.NewReader(body))
	sum := sha1.Sum([]byte(fmt.Sprint(s.now.Unix()) + "click-test-secret"))
	r.Header["Auth"] = []string{fmt.Sprintf("3333:%x:%d", sum, s.now.Unix())}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.sim.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestMerchantAPIAnswers(t *testing.T) {
	s := newShop(t, always(0))
	s.act("pay")
	paydoc := fmt.Sprint(s.sim.order[0].paydoc)
	for _, x := range []struct{ method, path, body, want string }{
		{"GET", "payment/status/73438/" + paydoc, "", `{"error_code":0,"error_note":"Success","payment_id":` + paydoc + `,"payment_status":2}`},
		{"GET", "payment/status_by_mti/73438/inv-1001/2026-01-15", "", `"merchant_trans_id":"inv-1001"`},
		{"GET", "payment/status_by_mti/73438/inv-1001", "", `"payment_id":` + paydoc},
		{"GET", "payment/status_by_mti/73438/inv-1001/2026-01-14", "", `"error_code":-16`},
		{"GET", "payment/status/73438/5", "", `"error_code":-16`},
		{"GET", "payment/status/73438/x", "", `"error_code":-9102`},
		{"GET", "payment/status/999/" + paydoc, "", `"error_code":-12`}, // another's service
		{"DELETE", "payment/partial_reversal/73438/" + paydoc + "/50000.01", "", `"error_code":-9006`},
		{"DELETE", "payment/partial_reversal/73438/" + paydoc + "/0", "", `"error_code":-9102`},
		{"DELETE", "payment/partial_reversal/73438/" + paydoc + "/1.001", "", `"error_code":-9102`},
		{"DELETE", "payment/partial_reversal/73438/" + paydoc + "/0.5", "", `"error_code":0`},
		{"DELETE", "payment/reversal/73438/" + paydoc, "", `"error_code":-9004`}, // a part is gone
		{"POST", "payment/ofd_data/submit_qrcode", `{"service_id":73438,"payment_id":` + paydoc + `,"qrcode":"https://x/"}`, `"error_code":-9007`},
		{"POST", "payment/ofd_data/submit_qrcode", `{"service_id":73438,"payment_id":` + paydoc + `,"link":"x"}`, `"error_code":-9102`},
		{"GET", "payment/ofd_data/73438/" + paydoc, "", `{"paymentId":` + paydoc + `,"qrCodeURL":""}`},
	} {
		if _, got := s.ask(x.method, x.path, x.body); !strings.Contains(got, x.want) {
			t.Errorf("%s %s: %s", x.method, x.path, got)
		}
	}
	s.act("set", "partial_reversal", "false")
	if _, got := s.ask("DELETE", "payment/partial_reversal/73438/"+paydoc+"/1", ""); !strings.Contains(got, "-9005") {
		t.Error(got)
	}
	failed := s.act("refuse").Ref
	if _, got := s.ask("DELETE", fmt.Sprintf("payment/reversal/73438/%d", s.sim.attempts[parse(t, failed)].paydoc), ""); !strings.Contains(got, "-9001") {
		t.Error(got)
	}
}

func parse(t *testing.T, ref string) int64 {
	t.Helper()
	var n int64
	if _, err := fmt.Sscan(ref, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestItemsAreChecked: one right order, and each of its fields made wrong.
func TestItemsAreChecked(t *testing.T) {
	s := newShop(t, always(0))
	s.act("pay")
	right := fmt.Sprintf(`{"service_id":73438,"payment_id":%d,"items":[{"Name":"Test dona","SPIC":"06401004002000000","PackageCode":"1506113",`+
		`"GoodPrice":5000000,"Price":5000000,"Amount":1,"VAT":535714,"VATPercent":12,"CommissionInfo":{"TIN":"123456789"}}],`+
		`"received_ecash":0,"received_cash":0,"received_card":5000000}`, s.sim.order[0].paydoc)
	if _, got := s.ask("POST", "payment/ofd_data/submit_items", right); !strings.Contains(got, `"error_code":0`) {
		t.Fatal(got)
	}
	for _, x := range [][2]string{
		{`"Test dona"`, `""`},
		{`"Test dona"`, `"` + strings.Repeat("x", 64) + `"`},
		{`"06401004002000000"`, `"6401004002000000"`},
		{`"06401004002000000"`, `6401004002000000`},
		{`"1506113"`, `""`},
		{`"Price":5000000,"Am`, `"Am`},
		{`"Price":5000000,"Am`, `"Price":50000,"Am`}, // soum
		{`"Amount":1,`, `"Amount":0,`},
		{`"Amount":1,`, `"Amount":0.5,`},
		{`"VAT":535714,`, ``},
		{`"VATPercent":12,`, ``},
		{`{"TIN":"123456789"}`, `{}`},
		{`{"TIN":"123456789"}`, `{"TIN":"123456789","PINFL":"12345678901234"}`},
		{`"Amount":1,`, `"Amount":1,"Labels":["` + strings.Repeat("x", 22) + `"],`},
		{`"Amount":1,`, `"Amount":1,"Colour":"red",`},
		{`"Amount":1,`, `"Amount":1,"Discount":1,`},
		{`"received_card":5000000`, `"received_card":50000`},
		{`"received_cash":0,`, ``},
		{`"received_cash":0,`, `"received_cash":1,`},
		{`"items":[{`, `"items":[],"x":[{`},
		{`"payment_id":`, `"payment_id":9`},
	} {
		body := strings.Replace(right, x[0], x[1], 1)
		if _, got := s.ask("POST", "payment/ofd_data/submit_items", body); body == right || strings.Contains(got, `"error_code":0`) {
			t.Errorf("%s for %s: %s", x[1], x[0], got)
		}
	}
}
