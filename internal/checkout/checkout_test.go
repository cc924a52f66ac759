package checkout

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/news"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

const invoiceID = "0190b5a0-7c1e-7000-8000-000000000001"

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// book is a gateway with one invoice.
type book struct {
	mu      sync.Mutex
	inv     gateway.Invoice
	links   []gateway.Link
	start   func(provider string) (gateway.Link, error)
	err     error
	looks   int
	started []string

	paid   []gateway.PayInput
	codes  []string
	answer error // to a charge, a code, or a wish for another
}

func (b *book) Pay(_ context.Context, in gateway.PayInput, _ gateway.Idem) (out gateway.Saved[gateway.Invoice], err error) {
	b.paid = append(b.paid, in)
	return out, b.answer
}

func (b *book) ConfirmPay(_ context.Context, _, code string, _ gateway.Idem) (out gateway.Saved[gateway.Invoice], err error) {
	b.codes = append(b.codes, code)
	return out, b.answer
}

func (b *book) ResendCode(_ context.Context, in gateway.PayInput, _ gateway.Idem) (out gateway.Saved[gateway.Invoice], err error) {
	b.paid = append(b.paid, in)
	return out, b.answer
}

func (b *book) Invoice(_ context.Context, id string) (gateway.Invoice, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looks++
	if b.err != nil {
		return gateway.Invoice{}, b.err
	}
	if id != b.inv.ID {
		return gateway.Invoice{}, &pay.Error{Code: pay.CodeNotFound, Reason: "invoice_not_found"}
	}
	return b.inv, nil
}

func (b *book) Links(ctx context.Context, id string) (gateway.Invoice, []gateway.Link, error) {
	inv, err := b.Invoice(ctx, id)
	return inv, b.links, err
}

func (b *book) Start(ctx context.Context, id, provider string) (gateway.Link, error) {
	if _, err := b.Invoice(ctx, id); err != nil {
		return gateway.Link{}, err
	}
	b.started = append(b.started, provider)
	return b.start(provider)
}

func (b *book) set(change func(*gateway.Invoice)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.inv)
}

func newBook() *book {
	vat := 12
	return &book{
		inv: gateway.Invoice{Invoice: pay.Invoice{
			ID: invoiceID, Business: "biz_42", SourceInvoiceID: "10452", PayNumber: "4102773195", Amount: 15_000_000,
			Status: pay.StatusPending, ReturnURL: "https://shop.uz/done?a=1&b=2", ErrorURL: "namuna://failed",
			ExpiresAt: now.Add(time.Hour), CreatedAt: now,
			Lines: []pay.ReceiptLine{{Name: "Palov <osh>", Qty: 2 * pay.One, Price: 7_500_000, Total: 15_000_000, VAT: &vat}},
		}},
		links: []gateway.Link{
			{Provider: "multicard", Title: "Multicard", DisplayName: "Namuna — multicard"},
			{Provider: "payme", Title: "Payme", DisplayName: "Namuna — payme", URL: "https://checkout.paycom.uz/abc"},
			{Provider: "uzum", Title: "Uzum Bank", DisplayName: "Namuna — uzum", URL: "https://www.uzumbank.uz/open-service?x=1", Deeplink: "uzum://pay?order=1"},
		},
		start: func(string) (gateway.Link, error) {
			return gateway.Link{Provider: "multicard", URL: "https://mesh.multicard.uz/invoice/1"}, nil
		},
	}
}

func newCheckout(b *book) *Checkout {
	return New(Options{Gateway: b, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)})
}

const (
	phoneAgent   = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36"
	desktopAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120 Safari/537.36"
)

func open(t *testing.T, b *book, target, agent string, head ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("User-Agent", agent)
	for i := 0; i+1 < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	newCheckout(b).ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}

func TestChoiceOnPhone(t *testing.T) {
	b := newBook()
	got, html := open(t, b, "/pay/"+invoiceID+"?lang=en", phoneAgent, "Cookie", "chorsu_way=uzum")
	if got.StatusCode != 200 || got.Header.Get("Cache-Control") != "no-store" || !strings.Contains(got.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Fatalf("%d %v", got.StatusCode, got.Header)
	}
	for _, want := range []string{
		"<span class=\"shop\">Namuna</span>", "150\u00a0000\u00a0soum", "Order 10452", "Palov &lt;osh&gt;", // the shop, the sum, the order, the items
		`href="https://checkout.paycom.uz/abc" data-way="payme"`,        // one tap opens the app
		`data-deeplink="uzum://pay?order=1"`,                            //
		`<button class="way" name="provider" value="multicard">`,        // its page is made when asked
		`<noscript><meta http-equiv="refresh" content="20"></noscript>`, //
		`data-watch="/pay/` + invoiceID + `"`, "last time", `lang="en"`, //
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(html, "class=\"qr\"") {
		t.Error("a phone cannot scan itself")
	}
	if strings.Index(html, ">Uzum Bank<") > strings.Index(html, ">Multicard<") {
		t.Error("the last used way is not first")
	}
}

func TestChoiceOnDesktop(t *testing.T) {
	b := newBook()
	got, html := open(t, b, "/pay/"+invoiceID+"?by=payme&lang=ru", desktopAgent)
	for _, want := range []string{`class="qr"`, "4102\u00a07731\u00a095", "Отсканируйте", "150\u00a0000\u00a0сум", `aria-current="true"`, "Открыть на этом компьютере"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if c := got.Cookies(); len(c) != 1 || c[0].Value != "payme" || c[0].Path != "/pay" {
		t.Errorf("cookies: %v", c)
	}
	if got, _ := open(t, b, "/pay/"+invoiceID+"?by=%3Cscript%3E", desktopAgent); len(got.Cookies()) != 0 {
		t.Error("a way that is not offered is remembered")
	}
	b.links = nil
	if _, html := open(t, b, "/pay/"+invoiceID, desktopAgent); !strings.Contains(html, "Hozircha bu hisobni") || !strings.Contains(html, "biz_42") {
		t.Error("a shop that has switched everything off")
	}
}

// Every scene, with the sentence that tells the truth about the money.
func TestScenes(t *testing.T) {
	attempt := func(s pay.State) *pay.Payment {
		return &pay.Payment{ID: "p", Provider: "payme", Ref: "r", State: s, Amount: 15_000_000, ExpiresAt: now.Add(12 * time.Hour)}
	}
	for _, c := range []struct {
		name   string
		change func(*gateway.Invoice)
		want   scene
		says   words.Text
		back   string
	}{
		{"nothing has begun", func(*gateway.Invoice) {}, choose, words.ChooseWay, ""},
		{"an attempt is open", func(i *gateway.Invoice) { i.Payment = attempt(pay.Created); i.Open = i.Payment }, waiting, words.CloseOK, ""},
		{"an older attempt is open", func(i *gateway.Invoice) { i.Payment = attempt(pay.Cancelled); i.Open = attempt(pay.Created) }, waiting, words.WaitTitle, ""},
		{"open beyond the invoice's time", func(i *gateway.Invoice) { i.Payment = attempt(pay.Created); i.Open = i.Payment; i.ExpiresAt = now }, waiting, words.WaitTitle, ""},
		{"the answer was lost", func(i *gateway.Invoice) {
			i.Payment = attempt(pay.Unknown)
			i.Open = i.Payment
			i.Attention = pay.AttentionUnknown
		}, unknown, words.UnknownText, "https://shop.uz"},
		{"another sum", func(i *gateway.Invoice) { i.Attention = pay.AttentionAmount }, unknown, words.UnknownText, "https://shop.uz"},
		{"debited, though it was cancelled", func(i *gateway.Invoice) { i.Status = pay.StatusCancelled; i.Attention = pay.AttentionProvider }, unknown, words.UnknownText, "https://shop.uz"},
		{"tried in vain", func(i *gateway.Invoice) { i.Payment = attempt(pay.Failed) }, choose, words.Text{UZ: "Payme: toʻlov oʻtmadi. Pul yechilmadi", RU: "Payme: платёж не прошёл. Деньги не списаны", EN: "Payme: the payment did not go through. No money was taken"}, ""},
		{"paid", func(i *gateway.Invoice) { i.Status, i.PaidAt = pay.StatusPaid, now; i.Payment = attempt(pay.Paid) }, paid, words.PaidText, "https://shop.uz/done?a=1&amp;b=2"},
		{"paid long ago", func(i *gateway.Invoice) {
			i.Status, i.PaidAt = pay.StatusPaid, now.Add(-time.Hour)
			i.Payment = attempt(pay.Paid)
		}, paid, words.PaidAlready, "https://shop.uz"},
		{"a part returned", func(i *gateway.Invoice) {
			i.Status, i.PaidAt, i.Payment = pay.StatusPaid, now, attempt(pay.Paid)
			i.Payment.Refunded = 5_000_000
		}, paid, words.Text{UZ: "Shundan 50\u00a0000\u00a0soʻm qaytarildi", RU: "возвращено 50\u00a0000\u00a0сум", EN: "50\u00a0000\u00a0soum of it was returned"}, "https://shop.uz"},
		{"held", func(i *gateway.Invoice) { i.Status = pay.StatusHeld; i.Payment = attempt(pay.Held) }, held, words.HeldText, "https://shop.uz"},
		{"refunded", func(i *gateway.Invoice) { i.Status = pay.StatusRefunded; i.Payment = attempt(pay.Refunded) }, refunded, words.RefundedText, "https://shop.uz"},
		{"failed", func(i *gateway.Invoice) { i.Status = pay.StatusFailed }, failed, words.FailedText, "namuna://failed"},
		{"cancelled by the shop", func(i *gateway.Invoice) { i.Status, i.EndedAt = pay.StatusCancelled, now }, cancelled, words.CancelledText, "namuna://failed"},
		{"released", func(i *gateway.Invoice) {
			i.Status = pay.StatusCancelled
			i.Payment = &pay.Payment{HeldAt: now, State: pay.Cancelled}
		}, released, words.ReleasedText, "namuna://failed"},
		{"ran out, not yet swept", func(i *gateway.Invoice) { i.ExpiresAt = now }, expired, words.ExpiredText, "namuna://failed"},
		{"ran out", func(i *gateway.Invoice) {
			i.Status, i.ExpiresAt, i.EndedAt = pay.StatusCancelled, now.Add(-time.Minute), now
		}, expired, words.ExpiredText, "namuna://failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBook()
			b.set(c.change)
			if got := sceneOf(b.inv, now); got != c.want {
				t.Fatalf("the scene is %s, want %s", got, c.want)
			}
			for _, l := range words.Langs {
				for _, agent := range []string{phoneAgent, desktopAgent} {
					_, html := open(t, b, "/pay/"+invoiceID+"?lang="+string(l), agent)
					if says := c.says.In(l); !strings.Contains(html, says) {
						t.Errorf("%s: the page does not say %q", l, says)
					}
					if c.back != "" && !strings.Contains(html, `href="`+c.back) {
						t.Errorf("%s: no way back to %s", l, c.back)
					}
					if pays := strings.Contains(html, `class="way"`); pays != (c.want == choose) {
						t.Errorf("%s: ways to pay are offered: %v", l, pays)
					}
					if watches := strings.Contains(html, "data-watch"); watches != moves(b.inv, now) {
						t.Errorf("%s: it watches: %v", l, watches)
					}
				}
			}
		})
	}
}

func TestReceipt(t *testing.T) {
	b := newBook()
	b.inv.Status, b.inv.PaidAt = pay.StatusPaid, now
	b.inv.Payment = &pay.Payment{Provider: "payme", State: pay.Paid, ReceiptURL: "https://ofd.soliq.uz/epi?t=1&r=2", Card: pay.Card{MaskedPAN: "860030******5959"}}
	_, html := open(t, b, "/pay/"+invoiceID, phoneAgent)
	for _, want := range []string{`href="https://ofd.soliq.uz/epi?t=1&amp;r=2"`, "860030******5959", "Fiskal chek", `class="qr"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, bad := range []string{"javascript:alert(1)", "data:text/html,x", "", "//x", "https:"} {
		b.inv.Payment.ReceiptURL = bad
		if _, html := open(t, b, "/pay/"+invoiceID, phoneAgent); strings.Contains(html, "Fiskal chek") {
			t.Errorf("%q is offered as a receipt", bad)
		}
		b.inv.ReturnURL = bad
		if _, html := open(t, b, "/pay/"+invoiceID, phoneAgent); strings.Contains(html, "alert(1)") || strings.Contains(html, "text/html,x") {
			t.Errorf("%q is offered as the way back", bad)
		}
	}
}

// A fiscal receipt comes after the money: the page waits for it, with and without the script, and
// no longer than it may be expected.
func TestAReceiptThatComesLater(t *testing.T) {
	at := func(since time.Duration, change func(*gateway.Invoice)) (state, html string) {
		b := newBook()
		b.inv.Status, b.inv.PaidAt = pay.StatusPaid, now.Add(-since)
		b.inv.Payment = &pay.Payment{ID: "p", Provider: "payme", Ref: "r", State: pay.Paid, Captured: b.inv.Amount}
		change(&b.inv)
		_, html = open(t, b, "/pay/"+invoiceID+"?lang=en", phoneAgent)
		return stateOf(b.inv, now), html
	}
	waits, html := at(time.Second, func(*gateway.Invoice) {})
	for _, want := range []string{"data-watch", "pay.js", `<noscript><meta http-equiv="refresh" content="15"></noscript>`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for name, c := range map[string]struct {
		since  time.Duration
		change func(*gateway.Invoice)
	}{
		"it came":         {time.Second, func(i *gateway.Invoice) { i.Payment.ReceiptURL = "https://ofd.soliq.uz/epi?t=1" }},
		"it failed":       {time.Second, func(i *gateway.Invoice) { i.Payment.Fiscal = pay.FiscalFailed }},
		"it never came":   {justPaid, func(*gateway.Invoice) {}},
		"it was returned": {time.Second, func(i *gateway.Invoice) { i.Status, i.Payment.State = pay.StatusRefunded, pay.Refunded }},
	} {
		state, html := at(c.since, c.change)
		if state == waits {
			t.Errorf("%s: a page that waits is not drawn anew", name)
		}
		if strings.Contains(html, "data-watch") || strings.Contains(html, "http-equiv") {
			t.Errorf("%s: it goes on waiting", name)
		}
	}
	if _, html := at(justPaid, func(*gateway.Invoice) {}); !strings.Contains(html, `data-said=""`) {
		t.Error("that nothing came is read out")
	}
	if part, _ := at(time.Second, func(i *gateway.Invoice) { i.Payment.Refunded = 100 }); part == waits {
		t.Error("a part that is returned is not shown")
	}
}

// Whatever the book says of an invoice, "no money was taken" never stands where a company says
// otherwise; what the book knows of the money stays as it is.
func TestNoMoneyWasTakenIsNeverGuessed(t *testing.T) {
	plain := map[pay.Status]scene{
		pay.StatusPending: choose, pay.StatusHeld: held, pay.StatusPaid: paid, pay.StatusRefunded: refunded, pay.StatusFailed: failed, pay.StatusCancelled: expired,
	}
	last := map[pay.Status]pay.State{
		pay.StatusPending: pay.Failed, pay.StatusHeld: pay.Held, pay.StatusPaid: pay.Paid, pay.StatusRefunded: pay.Refunded, pay.StatusFailed: pay.Failed, pay.StatusCancelled: pay.Cancelled,
	}
	denials := words.Text{UZ: "yechilmadi", RU: "не списаны", EN: "No money was taken"}
	for _, status := range pay.Statuses {
		for _, attention := range []pay.Attention{"", pay.AttentionUnknown, pay.AttentionAmount, pay.AttentionProvider, pay.AttentionRefundUnconfirmed} {
			want := plain[status]
			if attention != "" && status != pay.StatusPaid && status != pay.StatusRefunded {
				want = unknown
			}
			b := newBook()
			b.inv.Status, b.inv.Attention, b.inv.PaidAt, b.inv.EndedAt, b.inv.ExpiresAt = status, attention, now, now, now
			if status == pay.StatusPending {
				b.inv.EndedAt, b.inv.ExpiresAt = time.Time{}, now.Add(time.Hour)
			}
			b.inv.Payment = &pay.Payment{ID: "p", Provider: "payme", Ref: "r", State: last[status], Amount: b.inv.Amount}
			if got := sceneOf(b.inv, now); got != want {
				t.Errorf("%s with %q is %s, not %s", status, attention, got, want)
			}
			for _, l := range words.Langs {
				_, html := open(t, b, "/pay/"+invoiceID+"?lang="+string(l), phoneAgent)
				if denies := strings.Contains(html, denials.In(l)); denies && attention != "" {
					t.Errorf("%s with %q, %s: it says that no money was taken", status, attention, l)
				} else if ended := status == pay.StatusPending || status == pay.StatusFailed || status == pay.StatusCancelled; !denies && attention == "" && ended {
					t.Errorf("%s, %s: it does not say that no money was taken", status, l)
				}
				if want == unknown && !strings.Contains(html, words.UnknownText.In(l)) {
					t.Errorf("%s with %q, %s: it does not say that nobody knows", status, attention, l)
				}
				if returning := strings.Contains(html, words.PaidReturning.In(l)); returning != (status == pay.StatusPaid && attention == pay.AttentionRefundUnconfirmed) {
					t.Errorf("%s with %q, %s: a return of which nothing is known is told: %v", status, attention, l, returning)
				}
			}
		}
	}
}

// Only in test mode may the page be framed, and only by the sandbox beside it.
func TestFraming(t *testing.T) {
	for test, want := range map[bool]string{false: "DENY", true: "SAMEORIGIN"} {
		b := newBook()
		c := New(Options{Gateway: b, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler), Test: test})
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequest("GET", "/pay/"+invoiceID, nil))
		c.Close()
		if got := w.Header().Get("X-Frame-Options"); got != want || w.Code != 200 {
			t.Errorf("test %v: %d, %s", test, w.Code, got)
		}
	}
}

func TestNothingThere(t *testing.T) {
	for _, target := range []string{"/pay/", "/pay/x", "/pay/" + strings.Replace(invoiceID, "1", "2", 1), "/pay/" + invoiceID + "/x", "/pay/" + strings.ToUpper(invoiceID)} {
		got, html := open(t, newBook(), target, phoneAgent, "Accept-Language", "ru-RU,en;q=0.5")
		if got.StatusCode != 404 || !strings.Contains(html, words.NoBillTitle.RU) {
			t.Errorf("%s: %d", target, got.StatusCode)
		}
	}
	b := newBook()
	b.err = errors.New("the database is away: password=hunter2")
	got, html := open(t, b, "/pay/"+invoiceID+"?lang=en", phoneAgent)
	if got.StatusCode != 503 || !strings.Contains(html, "do not pay again") || strings.Contains(html, "hunter2") {
		t.Errorf("%d %s", got.StatusCode, html)
	}
}

func TestStart(t *testing.T) {
	post := func(b *book, site string) *http.Response {
		r := httptest.NewRequest("POST", "/pay/"+invoiceID+"?lang=ru", strings.NewReader(url.Values{"provider": {"multicard"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		newCheckout(b).ServeHTTP(w, r)
		return w.Result()
	}
	b := newBook()
	got := post(b, "same-origin")
	if got.StatusCode != 303 || got.Header.Get("Location") != "https://mesh.multicard.uz/invoice/1" || got.Cookies()[0].Value != "multicard" {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
	if got := post(b, "cross-site"); got.StatusCode != 403 || len(b.started) != 1 {
		t.Errorf("another site's form: %d, started %v", got.StatusCode, b.started)
	}
	for _, c := range []struct {
		err    error
		status int
		to     string
	}{
		{&pay.Error{Code: pay.CodeUpstream}, 303, "/pay/" + invoiceID + "?by=multicard&lang=ru&trouble=away"},
		{&pay.Error{Code: pay.CodeConflict, Reason: "payment_in_progress"}, 303, "/pay/" + invoiceID + "?by=multicard&lang=ru&trouble=busy"},
		{&pay.Error{Code: pay.CodeConflict, Reason: "not_payable"}, 303, "/pay/" + invoiceID + "?by=multicard&lang=ru"},
		{errors.New("the database is away"), 503, ""},
	} {
		b.start = func(string) (gateway.Link, error) { return gateway.Link{}, c.err }
		got := post(b, "same-origin")
		if got.StatusCode != c.status || got.Header.Get("Location") != c.to {
			t.Errorf("%v: %d to %s", c.err, got.StatusCode, got.Header.Get("Location"))
		}
	}
	_, html := open(t, b, "/pay/"+invoiceID+"?by=multicard&lang=ru&trouble=away", phoneAgent)
	if !strings.Contains(html, "Multicard сейчас не отвечает. Деньги не списаны") {
		t.Error("the trouble is not told")
	}
}

func TestShopName(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, "biz_42"},
		{[]string{"Choyxona", "Choyxona"}, "Choyxona"},
		{[]string{"Restoran A — multicard", "Restoran A — click", "Restoran A — payme"}, "Restoran A"},
		{[]string{"", "Namuna"}, "Namuna"},
		{[]string{"Ali", "Vali"}, "Ali"},
	} {
		var links []gateway.Link
		for _, n := range c.names {
			links = append(links, gateway.Link{DisplayName: n})
		}
		if got := shopName(newBook().inv, links); got != c.want {
			t.Errorf("%q: %q, want %q", c.names, got, c.want)
		}
	}
}

// The stream tells the state at once, and again when it changes; it ends when the program stops.
func TestStream(t *testing.T) {
	b := newBook()
	c := newCheckout(b)
	srv := httptest.NewServer(c)
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/pay/" + invoiceID + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return ""
	}
	first := next()
	if first == "" || first != stateOf(b.inv, now) {
		t.Fatalf("the first state is %q", first)
	}
	b.set(func(i *gateway.Invoice) { i.Status, i.PaidAt = pay.StatusPaid, now })
	for state := first; state == first; {
		if state = next(); state == "" {
			t.Fatal("the stream ended without the news")
		}
	}
	var polled struct{ State string }
	if r, err := http.Get(srv.URL + "/pay/" + invoiceID + "/state"); err != nil {
		t.Fatal(err)
	} else if err := json.NewDecoder(r.Body).Decode(&polled); err != nil || polled.State == first || polled.State == "" {
		t.Errorf("asking tells %q, %v", polled.State, err)
	}
	c.Close()
	if rest, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the stream does not end cleanly: %v after %q", err, rest)
	}
	for path, want := range map[string]int{"/pay/" + invoiceID + "/events": 503, "/pay/x/events": 404, "/pay/x/state": 404} {
		if r, err := http.Get(srv.URL + path); err != nil || r.StatusCode != want {
			t.Errorf("%s: %v %v", path, r, err)
		}
	}
}

// waiter is a page that waits: the stream's other end. It keeps the newest word.
type waiter struct {
	mu   sync.Mutex
	head http.Header
	last string
	told int
}

func (p *waiter) Header() http.Header { return p.head }
func (p *waiter) WriteHeader(int)     {}
func (p *waiter) Flush()              {}
func (p *waiter) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.Lines(string(b)) {
		if data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok {
			p.last = data
			p.told++
		}
	}
	return len(b), nil
}

// Many people wait, each before an invoice of their own, for five minutes, and come back
// whenever their stream ends. What that costs is counted in questions to the book: one for each
// opening, and never more than news.PerSecond besides, however many they are. When they are paid,
// all of them are told within two rounds.
func TestManyWaitingPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// More than the board looks at in a second; below what the race detector bears, which itself
		// dies now and then where over 255 goroutines live.
		const people, minutes = 230, 5
		b := newBook()
		all := &everyBook{book: b}
		c := New(Options{Gateway: all, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
		ctx, leave := context.WithCancel(t.Context())
		var sitting sync.WaitGroup
		pages := make([]*waiter, people)
		var opened atomic.Int64
		for i := range pages {
			p := &waiter{head: http.Header{}}
			pages[i] = p
			sitting.Go(func() {
				for ctx.Err() == nil {
					opened.Add(1)
					req := httptest.NewRequestWithContext(ctx, "GET", fmt.Sprintf("/pay/0190b5a0-7c1e-7000-8000-%012d/events", i), nil)
					c.ServeHTTP(p, req)
					select {
					case <-time.After(1500 * time.Millisecond): // the browser's retry
					case <-ctx.Done():
					}
				}
			})
		}
		time.Sleep(minutes * time.Minute)
		synctest.Wait()
		openings := int(opened.Load())
		if most := people * (1 + minutes*60/int(news.StreamTime/time.Second)); openings > most || openings < people*minutes {
			t.Errorf("%d openings in %d minutes", openings, minutes)
		}
		if asked := all.count(); asked > openings+minutes*60*news.PerSecond+2 || asked < minutes*60*news.PerSecond/2 {
			t.Errorf("the book was asked %d times, for %d openings", asked, openings)
		}
		before := pages[0].last
		b.set(func(inv *gateway.Invoice) { inv.Status, inv.PaidAt = pay.StatusPaid, time.Now() })
		time.Sleep(2*people*time.Second/news.PerSecond + 3*time.Second) // the round that runs, the next one, and whoever is just coming back
		synctest.Wait()
		for i, p := range pages {
			p.mu.Lock()
			if p.last == before || p.told == 0 {
				t.Errorf("page %d was not told", i)
			}
			p.mu.Unlock()
		}
		leave()
		sitting.Wait()
		asked := all.count()
		time.Sleep(time.Minute)
		synctest.Wait()
		if more := all.count() - asked; more > people {
			t.Errorf("%d questions after all had left", more)
		}
		c.Close()
	})
}

// everyBook has the book's one invoice under every id, and counts the questions.
type everyBook struct {
	*book
	asked atomic.Int64
}

func (b *everyBook) count() int { return int(b.asked.Load()) }

func (b *everyBook) Invoice(ctx context.Context, id string) (gateway.Invoice, error) {
	b.asked.Add(1)
	inv, err := b.book.Invoice(ctx, invoiceID)
	inv.ID = id
	return inv, err
}
