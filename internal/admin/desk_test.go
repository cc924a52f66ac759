package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/store"
)

// shop registers a business at every provider and gives what makes an invoice of it.
func (p *program) shop(providers ...string) {
	p.Helper()
	for _, plugin := range app.Plugins() {
		name := plugin.Provider.Info().Name
		for _, want := range providers {
			if want == name {
				p.api("POST", "/api/merchants", map[string]any{"source": "shop", "businessId": "namuna", "provider": name, "credentials": plugin.Sample, "displayName": "Namuna"})
			}
		}
	}
}

// api calls the program as an app does, and gives the answer's data.
func (p *program) api(method, path string, body any) map[string]any {
	p.Helper()
	text, err := json.Marshal(body)
	must(p.T, err)
	req, err := http.NewRequestWithContext(p.Context(), method, p.url+path, strings.NewReader(string(text)))
	must(p.T, err)
	req.Header.Set("x-api-key", apiKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	must(p.T, err)
	defer res.Body.Close()
	var answer struct {
		Status bool
		Data   map[string]any
	}
	must(p.T, json.NewDecoder(res.Body).Decode(&answer))
	if !answer.Status {
		p.Fatalf("%s %s: %v", method, path, answer.Data)
	}
	return answer.Data
}

// invoice makes an invoice of the shop, whose webhooks are answered by that path of the sandbox.
func (p *program) invoice(order string, soum int64, more ...any) string {
	p.Helper()
	body := map[string]any{"source": "shop", "businessId": "namuna", "provider": "payme", "sourceInvoiceId": order, "amount": soum * 100, "notifyUrl": p.url + "/sandbox/inbox/shop"}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return p.api("POST", "/api/invoices", body)["id"].(string)
}

// paidByClick is an invoice that the sandbox's buyer has paid.
func (p *program) paidByClick(order string, soum int64) string {
	p.Helper()
	return p.paidBy("click", order, soum)
}

// paidBy is one that was paid through another company.
func (p *program) paidBy(company, order string, soum int64) string {
	p.Helper()
	made := p.api("POST", "/api/invoices", map[string]any{
		"source": "shop", "businessId": "namuna", "provider": company, "sourceInvoiceId": order, "amount": soum * 100, "notifyUrl": p.url + "/sandbox/inbox/shop",
	})
	theirs, _, _ := p.Sandbox.Simulator(company)
	report, err := theirs.Act(p.Context(), simulator.Action{Kind: "pay", Link: made["checkoutUrl"].(string)})
	if err != nil || report.State != "paid" {
		p.Fatalf("not paid: %+v %v", report, err)
	}
	return made["id"].(string)
}

// workOff does what is due, and what falls due in the next minutes.
func (p *program) workOff() {
	p.Helper()
	for range 8 {
		if _, err := p.Runner.RunDue(p.Context()); err != nil {
			p.Fatal(err)
		}
		p.wait(20 * time.Second)
	}
}

// follow loads the page that an action leads to.
func (b *browser) follow(got page) page {
	b.Helper()
	if got.status != http.StatusSeeOther {
		b.Fatalf("it leads nowhere: %d %s", got.status, got.body)
	}
	return b.get(got.to)
}

// listen reads a stream of news until the test ends.
func (b *browser) listen(path string) <-chan string {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), "GET", b.url+path, nil)
	must(b.T, err)
	req.Header.Set("Accept", "text/event-stream")
	res, err := b.http.Do(req)
	must(b.T, err)
	if res.StatusCode != http.StatusOK {
		b.Fatalf("the stream answers %d", res.StatusCode)
	}
	out := make(chan string, 100)
	go func() {
		defer close(out)
		defer res.Body.Close()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				out <- data
			}
		}
	}()
	return out
}

// Everybody sees an invoice in each language; what it says is what the book says.
func TestTheInvoiceTellsWhatHappened(t *testing.T) {
	p := start(t)
	p.shop("payme")
	id := p.invoice("10452", 150_000, "metadata", map[string]string{"buyerPhone": "+998901234567"})
	viewer := p.as(staff.Viewer)
	for lang, says := range map[string]string{"uz": "Toʻlov kutilmoqda", "ru": "Ожидается оплата", "en": "Waiting for"} {
		got := viewer.get("/admin/invoices/" + id + "?lang=" + lang)
		if lang == "uz" {
			says = "toʻlovi kutilmoqda"
		}
		viewer.want(got, 200, says, id, "10452", "+998 90 ***-**-67")
		if strings.Contains(got.body, "901234567") {
			t.Error("the whole telephone number is shown")
		}
	}
	viewer.want(viewer.get("/admin/invoices/01975f2e-6a09-7bf0-9a1b-00505680eaf6"), 404)
	viewer.want(viewer.get("/admin/invoices/x"), 404)
	p.audited("invoice.seen", "invoice.seen")
}

// Looking at the same thing again and again is one line of the log.
func TestAPageThatDrawsItselfAnewIsLookedAtOnce(t *testing.T) {
	p := startWith(t, map[string]string{"TRUSTED_PROXIES": "127.0.0.1/32"})
	p.shop("payme")
	id := p.invoice("1", 1000)
	viewer := p.as(staff.Viewer)
	for range 5 {
		viewer.want(viewer.get("/admin/invoices/"+id), 200)
	}
	for range 5 { // the same session from elsewhere is another look
		viewer.want(viewer.do("GET", "/admin/invoices/"+id, nil, "X-Forwarded-For", "198.51.100.7"), 200)
	}
	list, _, err := p.Office.Log(p.Context(), staff.Filter{}, 50, "")
	must(t, err)
	n := 0
	for _, e := range list {
		if e.What == "invoice.seen" && e.Subject == id {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d entries", n)
	}
}

func TestCancelAndNotify(t *testing.T) {
	p := start(t)
	p.shop("payme")
	id := p.invoice("1", 1000)
	support := p.as(staff.Support)
	support.want(support.post("/admin/invoices/"+id+"/notify", nil), 409, "Nothing has happened yet")
	was := url.Values{"was": {"pending"}}
	support.want(support.post("/admin/invoices/"+id+"/cancel", nil), 422, "form is stale")
	got := support.post("/admin/invoices/"+id+"/cancel", was)
	if got.status != 303 || got.to != "/admin/invoices/"+id+"?done=cancel" {
		t.Fatalf("%d %s", got.status, got.to)
	}
	support.want(support.get(got.to), 200, "The invoice was cancelled", "cancelled by "+support.person.Email)
	if again := support.post("/admin/invoices/"+id+"/cancel", was); again.status != 303 || again.to != got.to {
		t.Errorf("pressed twice: %d %s", again.status, again.to)
	}
	other := p.as(staff.Support)
	other.want(other.post("/admin/invoices/"+id+"/cancel", was), 409, "has changed meanwhile")
	other.want(other.post("/admin/invoices/"+id+"/cancel", url.Values{"was": {"cancelled"}}), 409, "present state does not allow")
	if got := support.post("/admin/invoices/"+id+"/notify", nil); got.status != 303 {
		t.Errorf("%d", got.status)
	}
	p.audited("invoice.told", "invoice.told.not_done", "invoice.seen", "invoice.cancelled", "invoice.cancelled.not_done", "invoice.cancelled",
		"invoice.cancelled", "invoice.cancelled.not_done", "staff.added", "staff.enrolled",
		"invoice.cancelled", "invoice.cancelled.not_done", "invoice.seen", "invoice.cancelled", "invoice.cancelled.not_done", "invoice.told")
	viewer := p.as(staff.Viewer)
	if body := viewer.get("/admin/invoices/" + id).body; strings.Contains(body, "/notify") || strings.Contains(body, "/cancel") {
		t.Error("a viewer is offered what a viewer may not")
	}
}

// Who was shown an invoice that waits for its buyer and gives it up does not release a hold that was
// made meanwhile. The page that says so can be drawn anew, though its address takes forms only.
func TestAStaleCancelReleasesNoHold(t *testing.T) {
	p := start(t)
	p.shop("payme")
	invoice := p.invoice("1", 1000)
	money := p.as(staff.Refunds)
	at := "/admin/invoices/" + invoice
	page := money.get(at)
	money.want(page, 200, `name="was" value="pending"`, `data-here=""`)
	p.book(func(ctx context.Context, tx *store.Tx) error {
		inv, err := tx.Invoice(ctx, invoice)
		if err != nil {
			return err
		}
		inv.Status = pay.StatusHeld
		return tx.SaveInvoice(ctx, inv)
	})
	money.want(money.post(at+"/cancel", url.Values{"was": {"pending"}}), 409, "has changed meanwhile", `name="was" value="held"`, `data-here="`+at+`"`)
	p.book(func(ctx context.Context, tx *store.Tx) error {
		inv, err := tx.Invoice(ctx, invoice)
		if err == nil && inv.Status != pay.StatusHeld {
			t.Errorf("it is %s", inv.Status)
		}
		return err
	})
	list, _, err := p.Office.Log(p.Context(), staff.Filter{What: "invoice.cancelled.not_done"}, 5, "")
	must(t, err)
	if len(list) != 1 || list[0].Subject != invoice || list[0].Detail != "changed_meanwhile" {
		t.Errorf("%+v", list)
	}
}

// Money that is held is given back by whoever may return money: it cannot be held again.
func TestWhoMayReleaseAHold(t *testing.T) {
	p := start(t)
	p.shop("payme")
	invoice := p.invoice("1", 1000)
	p.book(func(ctx context.Context, tx *store.Tx) error {
		inv, err := tx.Invoice(ctx, invoice)
		if err != nil {
			return err
		}
		inv.Status = pay.StatusHeld
		return tx.SaveInvoice(ctx, inv)
	})
	at := "/admin/invoices/" + invoice
	support, money := p.as(staff.Support), p.as(staff.Refunds)
	if page := support.get(at); strings.Contains(page.body, "/cancel") {
		t.Error("support is offered to release a hold")
	}
	support.want(support.post(at+"/cancel", url.Values{"was": {"held"}}), 403)
	p.audited("access.refused")
	money.want(money.get(at), 200, "Release the hold", `name="was" value="held"`)
	// The book knows of no payment behind it: it is the gateway that says so, and not the door.
	money.want(money.post(at+"/cancel", url.Values{"was": {"held"}}), 409, "present state does not allow")
}

var hiddenKey = regexp.MustCompile(`name="key" value="([^"]+)"`)

// A refund asks for a reason, then whether it is meant, and is made once however often its last
// button is pressed; above the limit another person confirms.
func TestRefundOnThePages(t *testing.T) {
	p := start(t)
	p.shop("click")
	id := p.paidByClick("1", 150_000)
	money := p.as(staff.Refunds)
	page := money.get("/admin/invoices/" + id + "/refund")
	money.want(page, 200, "150 000")
	key := hiddenKey.FindStringSubmatch(page.body)[1]
	form := url.Values{"key": {key}, "amount": {"150 000"}, "why": {""}}
	at := "/admin/invoices/" + id + "/refund"
	money.want(money.post(at, form), 422, "Say why.")
	form.Set("why", "came broken")
	form.Set("amount", "150 001")
	money.want(money.post(at, form), 422, "no more than is left")
	form.Set("amount", "150 000")
	sure := money.post(at, form)
	money.want(sure, 200, "the money goes back at once", "came broken")
	if again := hiddenKey.FindStringSubmatch(sure.body)[1]; again != key {
		t.Error("the key does not go along")
	}
	form.Set("sure", "yes")
	var to string
	for range 3 {
		got := money.post(at, form)
		if got.status != 303 || to != "" && got.to != to {
			t.Fatalf("%d %s after %s: %s", got.status, got.to, to, got.body)
		}
		to = got.to
	}
	money.want(money.get(to), 200, "was returned", "came broken", money.person.Email)
	if refunds := p.api("GET", "/api/refunds/by-invoice/"+id, nil)["items"].([]any); len(refunds) != 1 {
		t.Errorf("%d refunds", len(refunds))
	}
}

// Where a company's API cannot return money, the page says in the reader's language where it is done.
func TestWhereARefundIsMadeInstead(t *testing.T) {
	p := start(t)
	p.shop("payme", "uzum")
	money := p.as(staff.Refunds)
	for _, plugin := range app.Plugins() {
		info := plugin.Provider.Info()
		if info.Name != "payme" && info.Name != "uzum" {
			continue
		}
		at := "/admin/invoices/" + p.paidBy(info.Name, info.Name, 150_000) + "/refund"
		for lang, says := range map[string]string{"uz": info.RefundHint.UZ, "ru": info.RefundHint.RU, "en": info.RefundHint.EN} {
			if page := money.get(at + "?lang=" + lang); !strings.Contains(html.UnescapeString(page.body), says) {
				t.Errorf("%s, %s: %s", info.Name, lang, page.text())
			}
		}
	}
}

func TestASecondPersonConfirms(t *testing.T) {
	p := start(t)
	p.shop("click")
	id := p.paidByClick("1", 150_000)
	first, second := p.as(staff.Refunds), p.as(staff.Refunds)
	must(t, p.Office.SetRefundLimit(p.Context(), staff.CommandLine, 100_000_00))
	at := "/admin/invoices/" + id + "/refund"
	page := first.get(at)
	first.want(page, 200, "above it a second person confirms")
	form := url.Values{"key": hiddenKey.FindStringSubmatch(page.body)[1:2], "amount": {"150 000"}, "why": {"came broken"}}
	first.want(first.post(at, form), 200, "a second person will confirm it")
	form.Set("sure", "yes")
	got := first.post(at, form)
	first.want(first.get(got.to), 200, "waits for a second person", "another person confirms")
	if list, _, err := p.Office.Log(t.Context(), staff.Filter{What: "refund.made"}, 5, ""); err != nil || len(list) > 0 {
		t.Errorf("the log says that it was made: %+v %v", list, err)
	}
	p.audited("refund.asked", "refund.waits")
	approval := regexp.MustCompile(`/admin/approvals/([^/]+)/refuse`).FindStringSubmatch(first.get("/admin/invoices/" + id).body)[1]
	first.want(first.post("/admin/approvals/"+approval+"/confirm", nil), 403, "Whoever asked cannot confirm")
	support := p.as(staff.Support)
	support.want(support.post("/admin/approvals/"+approval+"/confirm", nil), 403)
	second.want(second.get("/admin/"), 200, "wait for a second person: 1", first.person.Email)
	fresh := p.newcomer(staff.Owner)
	fresh.want(fresh.post("/admin/approvals/"+approval+"/confirm", nil), 409, "each with a right that is a day old")
	second.want(second.get("/admin/"), 200, `action="/admin/approvals/`+approval+`/confirm"`, "Confirm: return 150\u00a0000\u00a0soum")
	if body := first.get("/admin/").body; strings.Contains(body, "/confirm") {
		t.Error("whoever asked is offered to confirm")
	}
	got = second.post("/admin/approvals/"+approval+"/confirm", nil)
	p.audited("refund.confirmed", "refund.made")
	second.want(second.get(got.to), 200, "was returned")
	if got := second.post("/admin/approvals/"+approval+"/confirm", nil); got.status != 303 {
		t.Errorf("pressed again: %d", got.status)
	}
	if refunds := p.api("GET", "/api/refunds/by-invoice/"+id, nil)["items"].([]any); len(refunds) != 1 {
		t.Errorf("%d refunds", len(refunds))
	}
	second.want(second.post("/admin/approvals/"+approval+"/refuse", nil), 409)
}

// What two persons agreed on and that was not made is taken back by the button that refuses what waits.
func TestAConfirmedRefundIsTakenBackOnThePages(t *testing.T) {
	p := start(t)
	p.shop("click")
	invoice := p.paidByClick("1", 150_000)
	first, second := p.as(staff.Refunds), p.as(staff.Refunds)
	approval := id.New()
	p.book(func(ctx context.Context, tx *store.Tx) error {
		inv, err := tx.Invoice(ctx, invoice)
		if err != nil {
			return err
		}
		a := store.Approval{
			ID: approval, BusinessID: inv.BusinessID, InvoiceID: inv.ID, Amount: 100, Reason: "broken", State: store.ApprovalWaiting,
			AskedBy: first.person.Email, CreatedAt: p.now(), ExpiresAt: p.now().Add(time.Hour),
		}
		if _, err := tx.InsertApproval(ctx, a); err != nil {
			return err
		}
		a.State, a.DecidedBy, a.DecidedAt = store.ApprovalConfirmed, second.person.Email, p.now()
		_, err = tx.DecideApproval(ctx, a) // and the company could not be reached
		return err
	})
	at := "/admin/approvals/" + approval
	page := second.get("/admin/invoices/" + invoice)
	second.want(page, 200, "the provider could not be reached", at+"/confirm", at+"/refuse")
	if got := second.post(at+"/refuse", nil); got.status != 303 {
		t.Fatalf("%d %s", got.status, got.text())
	}
	first.want(first.post(at+"/confirm", nil), 409)
	if body := first.get("/admin/invoices/" + invoice).body; strings.Contains(body, at) {
		t.Error("it is offered still")
	}
	if refunds := p.api("GET", "/api/refunds/by-invoice/"+invoice, nil)["items"].([]any); len(refunds) != 0 {
		t.Errorf("%d refunds", len(refunds))
	}
}

// A refund is noted before it is made, and then what came of it: a lost answer is no refund yet.
func TestARefundsOutcomeIsNoted(t *testing.T) {
	p := start(t)
	p.shop("click")
	_, world, _ := p.Sandbox.Simulator("click")
	money := p.as(staff.Refunds)
	for order, c := range map[string]struct {
		fault simulator.Kind
		want  []string
	}{
		"lost": {simulator.LostAfter, []string{"refund.asked", "refund.pending"}},
		"made": {"", []string{"refund.asked", "refund.made"}},
	} {
		at := "/admin/invoices/" + p.paidByClick(order, 150_000) + "/refund"
		if c.fault != "" {
			world.Faults.Set(simulator.Fault{Step: "payment.reversal", Kind: c.fault, Times: 1})
		}
		form := url.Values{"key": hiddenKey.FindStringSubmatch(money.get(at).body)[1:2], "amount": {"150 000"}, "why": {"came broken"}, "sure": {"yes"}}
		if got := money.post(at, form); got.status != 303 {
			t.Fatalf("%d %s", got.status, got.text())
		}
		p.audited(c.want...)
	}
}

// The text for a provider's support has the newest messages, however long the timeline is, and says
// where it is cut.
func TestTheTextForSupport(t *testing.T) {
	p := start(t)
	p.shop("click")
	invoice := p.paidByClick("1", 150_000)
	p.book(func(ctx context.Context, tx *store.Tx) error {
		inv, err := tx.Invoice(ctx, invoice)
		if err != nil {
			return err
		}
		var many []store.Message
		for i := range 120 {
			many = append(many, store.Message{ID: id.New(), BusinessID: inv.BusinessID, InvoiceID: invoice, At: p.now().Add(time.Duration(i) * time.Second), Direction: "out", Step: fmt.Sprintf("status-%03d", i), Status: 200})
		}
		return tx.InsertMessages(ctx, many)
	})
	text := p.as(staff.Viewer).get("/admin/invoices/" + invoice).body
	text = text[strings.Index(text, `<pre id="support"`):]
	for want, there := range map[string]bool{"status-119": true, "status-020": true, "status-019": false, "The newest messages only: 100": true} {
		if strings.Contains(text, want) != there {
			t.Errorf("%s stands there: %v", want, !there)
		}
	}
}

// An owner who is alone, and whoever they let in, do not make each other's second person within the
// day: neither asks and the other confirms, nor the other way round. The pages say from when.
func TestASecondPersonIsADayInPower(t *testing.T) {
	p := start(t)
	p.shop("click")
	invoice := p.paidByClick("1", 150_000)
	must(t, p.Office.SetRefundLimit(p.Context(), staff.CommandLine, 100_000_00))
	owner := p.as(staff.Owner)
	at := "/admin/invoices/" + invoice
	form := func(b *browser) url.Values {
		return url.Values{"key": hiddenKey.FindStringSubmatch(b.get(at + "/refund").body)[1:2], "amount": {"150 000"}, "why": {"came broken"}}
	}
	asked := form(owner)
	owner.want(owner.post(at+"/refund", asked), 200, "Nobody but you could confirm")

	second := p.newcomer(staff.Refunds) // at 14:00 of Tashkent
	owner.want(owner.get("/admin/staff/"+second.person.ID), 200, "above the limit their word counts from 22 Nov 2026, 14:00")
	second.want(second.get(at+"/refund"), 200, "Above the limit you may ask from 22 Nov 2026, 14:00")
	try := form(second)
	second.want(second.post(at+"/refund", try), 409, "you may ask from 22 Nov 2026, 14:00")
	try.Set("sure", "yes")
	second.want(second.post(at+"/refund", try), 409, "each with a right that is a day old")
	small := "/admin/invoices/" + p.paidByClick("2", 50_000) + "/refund" // below the limit one person is enough
	try.Set("amount", "50 000")
	try["key"] = hiddenKey.FindStringSubmatch(second.get(small).body)[1:2]
	second.want(second.follow(second.post(small, try)), 200, "was returned")

	owner.want(owner.post(at+"/refund", asked), 200, "The first will be "+second.person.Email+", from 22 Nov 2026, 14:00")
	asked.Set("sure", "yes")
	got := owner.post(at+"/refund", asked)
	owner.want(owner.get(got.to), 200, "another person confirms", "from 22 Nov 2026, 14:00", "The request ends before that")
	page := second.get(at)
	second.want(page, 200, "You may confirm from 22 Nov 2026, 14:00")
	if strings.Contains(page.body, "/confirm\"") {
		t.Error("who is new is offered to confirm")
	}
	approval := regexp.MustCompile(`/admin/approvals/([^/]+)/refuse`).FindStringSubmatch(page.body)[1]
	second.want(second.post("/admin/approvals/"+approval+"/confirm", nil), 409, "each with a right that is a day old")
	p.audited("refund.confirmed", "refund.confirmed.not_done")
	if refunds := p.api("GET", "/api/refunds/by-invoice/"+invoice, nil)["items"].([]any); len(refunds) != 0 {
		t.Errorf("%d refunds", len(refunds))
	}
	second.wait(staff.LimitDelay)
	if people, err := p.Office.People(p.Context()); err != nil || people[0].New || people[1].New {
		t.Errorf("%+v %v", people, err)
	}
}

// A delivery that is stuck says why, and is sent again: one, the selected, all.
func TestStuckDeliveriesAreRetried(t *testing.T) {
	p := start(t)
	p.shop("payme")
	var mu sync.Mutex
	mended, arrived := false, map[string]bool{}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !mended {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		arrived[r.URL.Path] = true
	}))
	t.Cleanup(app.Close)
	for i := range 3 {
		id := p.invoice(fmt.Sprint("stuck-", i), 1000, "notifyUrl", app.URL+"/"+fmt.Sprint(i))
		p.api("POST", "/api/invoices/"+id+"/cancel", map[string]any{})
	}
	p.workOff()
	viewer := p.as(staff.Viewer)
	page := viewer.get("/admin/stuck")
	viewer.want(page, 200, "stuck-0", "knows no such address (404)")
	if strings.Contains(page.body, "checkbox") {
		t.Error("a viewer is offered to send again")
	}
	support := p.as(staff.Support)
	page = support.get("/admin/stuck")
	events := regexp.MustCompile(`name="one" value="([^"]+)"`).FindAllStringSubmatch(page.body, -1)
	if len(events) != 3 {
		t.Fatalf("%d rows", len(events))
	}
	support.want(support.follow(support.post("/admin/stuck", url.Values{"one": {events[0][1]}})), 200, "Events being sent again: 1")
	support.want(support.follow(support.post("/admin/stuck", url.Values{"event": {events[1][1], events[2][1], "x"}})), 200, "Events being sent again: 2")
	support.want(support.follow(support.post("/admin/stuck", url.Values{})), 200, "Nothing was selected")
	support.want(support.get("/admin/stuck"), 200, "Everything has arrived") // they are on their way again
	p.workOff()
	support.want(support.follow(support.post("/admin/stuck", url.Values{"all": {"yes"}, "since": {"day"}})), 200, "All of them are being sent again")
	p.workOff()
	support.want(support.get("/admin/"), 200, "Events not delivered: 3")

	mu.Lock()
	mended = true
	mu.Unlock()
	come := func(n int) { // at once: later they would come of themselves
		t.Helper()
		for range 4 {
			_, err := p.Runner.RunDue(t.Context())
			must(t, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(arrived) != n {
			t.Errorf("%d events have arrived, not %d", len(arrived), n)
		}
	}
	support.follow(support.post("/admin/stuck", url.Values{"one": {events[0][1]}}))
	come(1)
	today, narrowed := p.now().In(pay.Tashkent).Format(time.DateOnly), "/admin/stuck?done=all&from=2026-11-20&to=2026-11-20"
	if got := support.post("/admin/stuck", url.Values{"all": {"yes"}, "from": {"2026-11-20"}, "to": {"2026-11-20"}}); got.to != narrowed {
		t.Errorf("it leads to %s, not %s", got.to, narrowed)
	}
	come(1) // none of them was made on that day
	support.want(support.get("/admin/stuck?from="+today), 200, `name="from" value="`+today+`"`)
	support.want(support.post("/admin/stuck", url.Values{"all": {"yes"}, "from": {"tomorrow"}}), 400)
	if got := support.post("/admin/stuck", url.Values{"event": {events[1][1]}, "from": {today}}); got.to != "/admin/stuck?done=1&from="+today {
		t.Errorf("it leads to %s", got.to)
	}
	come(2)
	support.follow(support.post("/admin/stuck", url.Values{"all": {"yes"}, "from": {today}, "to": {today}}))
	come(3)
	support.want(support.get("/admin/stuck"), 200, "Everything has arrived")
}

// What was pasted is found and said; a card's number gets no further than the form.
func TestSearchOnThePages(t *testing.T) {
	p := start(t)
	p.shop("payme")
	id := p.invoice("order 77", 123_456)
	viewer := p.as(staff.Viewer)
	got := viewer.post("/admin/search", url.Values{"q": {"123 456 soʻm"}})
	if got.status != 303 {
		t.Fatal(got.status)
	}
	viewer.want(viewer.get(got.to), 200, "/admin/invoices/"+id, "amount", "order 77")
	got = viewer.post("/admin/search", url.Values{"q": {"8600 0691 9540 6311"}})
	if strings.Contains(got.to, "9540") {
		t.Errorf("it leads to %s", got.to)
	}
	viewer.want(viewer.get(got.to), 200, "card ending in", "Nothing was found")
	if got := viewer.get("/admin/search?q=8600+0691+9540+6311"); got.status != 303 {
		t.Errorf("a whole number stays in the address: %d", got.status)
	}
	list, _, err := p.Office.Log(p.Context(), staff.Filter{}, 50, "")
	must(t, err)
	for _, e := range list {
		if strings.Contains(e.Detail, "9540") {
			t.Errorf("the audit log holds the number: %s", e.Detail)
		}
	}
}

// Each list narrows, sorts, goes on by its cursor, and comes as a file of the same rows.
func TestLists(t *testing.T) {
	p := start(t)
	p.shop("payme")
	for i := range 60 {
		p.invoice(fmt.Sprintf("order-%02d", i), int64(1000+i))
		p.wait(time.Second)
	}
	viewer := p.as(staff.Viewer)
	rows := func(path string) []string {
		t.Helper()
		got := viewer.get(path)
		viewer.want(got, 200)
		var out []string
		for _, m := range regexp.MustCompile(`>(order-\d\d)</a>`).FindAllStringSubmatch(got.body, -1) {
			out = append(out, m[1])
		}
		return out
	}
	first := viewer.get("/admin/invoices?order=largest")
	next := strings.ReplaceAll(regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(first.body)[1], "&amp;", "&")
	if got := rows("/admin/invoices?order=largest"); len(got) != 50 || got[0] != "order-59" {
		t.Errorf("the largest first: %v", got)
	}
	if got := rows(next); len(got) != 10 || got[0] != "order-09" || got[9] != "order-00" {
		t.Errorf("its second page: %v", got)
	}
	if got := rows("/admin/invoices?sum=1+005"); len(got) != 1 || got[0] != "order-05" {
		t.Errorf("by amount: %v", got)
	}
	if got := rows("/admin/invoices?state=paid"); len(got) != 0 {
		t.Errorf("paid: %v", got)
	}
	if got := rows("/admin/invoices?via=payme&state=pending&order=oldest&from=2026-11-21&to=2026-11-21"); len(got) != 50 || got[0] != "order-00" {
		t.Errorf("narrowed: %v", got)
	}
	if got := rows("/admin/invoices?from=2026-11-22"); len(got) != 0 {
		t.Errorf("tomorrow: %v", got)
	}
	viewer.want(viewer.get("/admin/invoices?state=nonsense"), 200, "A filter is not understood")
	viewer.want(viewer.get("/admin/invoices?cursor=nonsense"), 400)
	var receivers []any // by which all events are never looked through
	p.Store.Observe(func(_ *store.Tx, query string, args []any) {
		if strings.Contains(query, "SUBSTR(e.notify_url") && !strings.Contains(query, "e.stuck_at > 0") {
			receivers = append(receivers, args...)
		}
	})
	for _, path := range []string{"/admin/deliveries?receiver=https://shop.uz/hook", "/admin/deliveries.csv?receiver=https://shop.uz/hook&state=delivered", "/admin/stuck?receiver=https://shop.uz/hook"} {
		viewer.want(viewer.get(path), 200)
	}
	p.Store.Observe(nil)
	if len(receivers) > 0 {
		t.Errorf("all events were looked through for %v", receivers)
	}
	for _, path := range []string{"/admin/refunds", "/admin/deliveries", "/admin/stuck", "/admin/refunds?state=unknown&order=largest", "/admin/deliveries?state=stuck&order=oldest"} {
		viewer.want(viewer.get(path), 200)
	}
	file := viewer.get("/admin/invoices.csv?order=largest")
	viewer.want(file, 200, "order-59", "order-00", "1059.00,105900")
	if !strings.HasPrefix(file.body, "\uFEFF") || strings.Count(file.body, "\r\n") != 61 {
		t.Errorf("%d lines", strings.Count(file.body, "\r\n"))
	}
	if kind := file.head.Get("Content-Type"); kind != "text/csv; charset=utf-8" {
		t.Error(kind)
	}
	viewer.want(viewer.get("/admin/invoices.csv?lang=ru"), 200, "Счёт,", ",1059.00,105900,") // an English machine, whatever the page
	viewer.want(viewer.do("GET", "/admin/invoices.csv?lang=en", nil, "Accept-Language", "ru-RU,en;q=0.5"), 200, "Invoice;", ";1059,00;105900;")
	viewer.want(viewer.get("/admin/invoices.csv?from=x"), 400)
	viewer.want(viewer.get("/admin/refunds.csv"), 200)
	viewer.want(viewer.get("/admin/deliveries.csv"), 200)
	p.audited("list.exported", "list.exported")
}

// A page is told when the book changes, and only who is signed in is told.
func TestLive(t *testing.T) {
	p := start(t)
	p.shop("payme")
	id := p.invoice("1", 1000)
	viewer := p.as(staff.Viewer)
	for _, path := range []string{"/admin/live/x", "/admin/live/01975f2e-6a09-7bf0-9a1b-00505680eaf6"} {
		viewer.want(viewer.get(path), 404)
	}
	events := viewer.listen("/admin/live/" + id)
	before := <-events
	p.api("POST", "/api/invoices/"+id+"/cancel", map[string]any{})
	for after := range events {
		if after != before {
			return
		}
	}
	t.Error("the stream ends without the news")
}

// book changes the book past the use cases, as a company's strange answer would have.
func (p *program) book(change func(ctx context.Context, tx *store.Tx) error) {
	p.Helper()
	must(p.T, p.Store.Update(p.Context(), change))
}

// lostRefund is a refund of an invoice's payment whose answer was lost.
func (p *program) lostRefund(invoiceID string, amount pay.Tiyin) (r pay.Refund) {
	p.Helper()
	p.book(func(ctx context.Context, tx *store.Tx) error {
		live, err := tx.LivePayment(ctx, invoiceID)
		if err != nil {
			return err
		}
		if r, err = live.StartRefund(amount); err != nil {
			return err
		}
		r.ID, r.CreatedAt, r.SentAt, r.State = id.New(), p.now(), p.now(), pay.MoveUnknown
		if _, err := tx.InsertRefund(ctx, r); err != nil {
			return err
		}
		return tx.SavePayment(ctx, live)
	})
	return r
}

// An unknown outcome is decided for what the page was drawn for, with a reason, by whoever may; a
// refund above the limit by two.
func TestDecideOnThePages(t *testing.T) {
	p := start(t)
	p.shop("click")
	invoice := p.paidByClick("1", 150_000)
	lost := p.lostRefund(invoice, 40_000_00)
	must(t, p.Office.SetRefundLimit(p.Context(), staff.CommandLine, 10_000_00))
	at := "/admin/invoices/" + invoice
	money, second, support := p.as(staff.Refunds), p.as(staff.Refunds), p.as(staff.Support)
	if page := support.get(at); strings.Contains(page.body, `/decide"`) {
		t.Error("support is offered to decide")
	}
	support.want(support.post(at+"/decide", url.Values{"happened": {"no"}}), 403)
	page := money.get(at)
	money.want(page, 200, "This waits for your decision", `name="subject" value="`+lost.ID+`"`)
	form := url.Values{"subject": {lost.ID}, "key": {hiddenKey.FindStringSubmatch(page.body)[1]}, "why": {"the cabinet shows none of 8600069195406311"}, "happened": {"no"}}
	but := func(name, value string) url.Values {
		out := url.Values{}
		maps.Copy(out, form)
		out.Set(name, value)
		return out
	}
	for says, form := range map[string]url.Values{
		"Say why (up to": but("why", " "), "Say whether it happened": but("happened", "perhaps"), "This form is stale": but("subject", ""), "form is stale": but("key", "x"),
	} {
		money.want(money.post(at+"/decide", form), 422, says)
	}
	stale := id.New()
	money.want(money.post(at+"/decide", but("subject", stale)), 409, "unknown any more")
	got := money.post(at+"/decide", form)
	if got.status != 303 || !strings.Contains(got.to, "done=asked") {
		t.Fatalf("%d %s", got.status, got.to)
	}
	money.want(money.get(got.to), 200, "A second person is needed", "another person confirms", "was not returned. The reason: the cabinet shows none of 860006******6311")
	approval := regexp.MustCompile(`/admin/approvals/([^/]+)/refuse`).FindStringSubmatch(money.get(at).body)[1]
	money.want(money.post("/admin/approvals/"+approval+"/confirm", nil), 403)
	second.want(second.get(at), 200, "Confirm that it was not returned")
	got = second.post("/admin/approvals/"+approval+"/confirm", nil)
	second.want(second.get(got.to), 200, "confirmed by "+second.person.Email)

	lost = p.lostRefund(invoice, 5_000_00)
	form.Set("subject", lost.ID)
	form.Set("happened", "yes")
	got = money.post(at+"/decide", form)
	money.want(money.get(got.to), 200, "The decision was written down")
	items := p.api("GET", "/api/refunds/by-invoice/"+invoice, nil)["items"].([]any)
	if len(items) != 2 {
		t.Errorf("%d refunds", len(items))
	}
	list, _, err := p.Office.Log(p.Context(), staff.Filter{What: "invoice.decided"}, 50, "")
	must(t, err)
	for _, e := range list {
		if strings.Contains(e.Detail, "9540") {
			t.Errorf("the audit log holds the number: %s", e.Detail)
		}
	}
}

// An alarm that no asking ends is ended by a person's word, once, with a reason.
func TestAcknowledgeOnThePages(t *testing.T) {
	p := start(t)
	p.shop("click")
	invoice := p.paidByClick("1", 150_000)
	at := "/admin/invoices/" + invoice
	money, support := p.as(staff.Refunds), p.as(staff.Support)
	money.want(money.post(at+"/acknowledge", url.Values{"why": {"seen"}}), 409, "unknown any more")
	p.book(func(ctx context.Context, tx *store.Tx) error {
		inv, err := tx.Invoice(ctx, invoice)
		if err != nil {
			return err
		}
		return tx.InsertAlarm(ctx, pay.Alarm{ID: id.New(), BusinessID: inv.BusinessID, InvoiceID: inv.ID, Kind: pay.AttentionProvider, Message: "click speaks of something else", CreatedAt: p.now()})
	})
	support.want(support.get(at), 200, "click speaks of something else")
	support.want(support.post(at+"/acknowledge", url.Values{"why": {"seen"}}), 403)
	form := url.Values{"why": {"asked them: card 8600069195406311"}, "seen": seen(money.get(at))}
	money.want(money.post(at+"/acknowledge", url.Values{"why": {""}, "seen": form["seen"]}), 422, "Say why")
	got := money.post(at+"/acknowledge", form)
	if got.status != 303 || got.to != at+"?done=alarm" {
		t.Fatalf("%d %s", got.status, got.to)
	}
	page := money.get(got.to)
	if money.want(page, 200, "asked them: card 860006******6311"); strings.Contains(page.body, "/acknowledge") || strings.Contains(page.body, "9540") {
		t.Error("the alarm stands still, or a card's number is shown")
	}
	p.audited("invoice.seen", "access.refused", "alarm.ended", "alarm.ended.not_done", "alarm.ended")
}

// seen are the alarms that a page shows, as its form says.
func seen(page page) (ids []string) {
	for _, found := range regexp.MustCompile(`name="seen" value="([^"]+)"`).FindAllStringSubmatch(page.body, -1) {
		ids = append(ids, found[1])
	}
	return ids
}

// Who ends an alarm ends what the page showed: one that has come since, of the same kind, stands.
func TestAnAlarmThatWasNotSeenStands(t *testing.T) {
	p := start(t)
	p.shop("click")
	invoice := p.paidByClick("1", 150_000)
	payout := p.lostPayout(p.register("multicard"), "salary-7")
	for at, about := range map[string]pay.Alarm{
		"/admin/invoices/" + invoice: {BusinessID: "b", InvoiceID: invoice},
		"/admin/payouts/" + payout:   {BusinessID: "b", PayoutID: payout},
	} {
		comes := func(message string) {
			p.book(func(ctx context.Context, tx *store.Tx) error {
				a := about
				a.ID, a.Kind, a.Message, a.CreatedAt = id.New(), pay.AttentionProvider, message, p.now()
				return tx.InsertAlarm(ctx, a)
			})
		}
		money, other := p.as(staff.Refunds), p.as(staff.Refunds)
		comes("the receipt failed")
		form := url.Values{"why": {"they will send it"}, "seen": seen(money.get(at))}
		comes("the money was taken a second time")
		money.want(money.post(at+"/acknowledge", form), 409, "has changed meanwhile", "the receipt failed", "the money was taken a second time")
		money.want(money.post(at+"/acknowledge", url.Values{"why": {"no ids"}}), 409, "has changed meanwhile")
		page := other.get(at)
		other.want(page, 200, "the receipt failed", "the money was taken a second time", "/acknowledge")
		if got := other.post(at+"/acknowledge", url.Values{"why": {"it goes back"}, "seen": seen(page)}); got.status != 303 {
			t.Errorf("both seen: %d", got.status)
		}
		if page := other.get(at); strings.Contains(page.body, "/acknowledge") {
			t.Errorf("%s: an alarm stands that was ended", at)
		}
	}
}

// A fiscal receipt that failed for good is sent again by a button that stands there only then.
func TestRetryReceiptOnThePages(t *testing.T) {
	p := start(t)
	p.shop("click")
	invoice := p.paidByClick("1", 150_000)
	at := "/admin/invoices/" + invoice
	support, viewer := p.as(staff.Support), p.as(staff.Viewer)
	support.want(support.post(at+"/receipt", nil), 409, "unknown any more")
	p.book(func(ctx context.Context, tx *store.Tx) error {
		live, err := tx.LivePayment(ctx, invoice)
		if err != nil {
			return err
		}
		live.Fiscal = pay.FiscalFailed
		return tx.SavePayment(ctx, live)
	})
	viewer.want(viewer.post(at+"/receipt", nil), 403)
	support.want(support.get(at), 200, `action="`+at+`/receipt"`)
	support.want(support.get("/admin/"), 200, `action="`+at+`/receipt"`)
	got := support.post(at+"/receipt", nil)
	if got.status != 303 || got.to != at+"?done=receipt" {
		t.Fatalf("%d %s", got.status, got.to)
	}
	if again := support.post(at+"/receipt", nil); again.status != 303 || again.to != got.to {
		t.Errorf("pressed twice: %d %s", again.status, again.to)
	}
	p.audited("invoice.seen", "access.refused", "inbox.seen", "receipt.retried", "receipt.retried", "receipt.retried.not_done")
	p.wait(2 * time.Minute)
	support.want(support.post(at+"/receipt", nil), 409, "unknown any more") // that is no second press
}

// A refund's form has a key of its own from the start; one without is drawn anew and makes nothing.
func TestARefundFormWithoutItsKey(t *testing.T) {
	p := start(t)
	p.shop("click")
	invoice := p.paidByClick("1", 150_000)
	money := p.as(staff.Refunds)
	for _, key := range []string{"", "x"} {
		got := money.post("/admin/invoices/"+invoice+"/refund", url.Values{"key": {key}, "amount": {"1 000"}, "why": {"x"}, "sure": {"yes"}})
		if money.want(got, 422, "was stale"); !id.Valid(hiddenKey.FindStringSubmatch(got.body)[1]) {
			t.Error("the form that is drawn anew has no key")
		}
	}
	if items := p.api("GET", "/api/refunds/by-invoice/"+invoice, nil)["items"].([]any); len(items) != 0 {
		t.Errorf("%d refunds", len(items))
	}
}

// The timeline is told in the reader's language, with what people and companies said as they did.
func TestTheTimelineIsTranslated(t *testing.T) {
	p := start(t)
	p.shop("click")
	invoice := p.paidByClick("1", 150_000)
	must(t, p.Gateway.Decide(t.Context(), gateway.Decision{InvoiceID: invoice, Subject: p.lostRefund(invoice, 100_00).ID, Happened: true, Who: "a@namuna.uz", Why: "seen there"}))
	b := p.as(staff.Viewer)
	for lang, says := range map[string][]string{
		"en": {"made by shop", "click took the money", "decided by a@namuna.uz: seen there"},
		"ru": {"создано: shop", "click: деньги списаны", "решение: a@namuna.uz: seen there"},
		"uz": {"yaratdi: shop", "click pulni oldi", "qaror: a@namuna.uz: seen there"},
	} {
		b.want(b.get("/admin/invoices/"+invoice+"?lang="+lang), 200, says...)
	}
}

// Where a part needs the lines of a receipt, the form says so and offers the whole.
func TestAPartThatNeedsLines(t *testing.T) {
	p := start(t)
	p.shop("multicard")
	made := p.api("POST", "/api/invoices", map[string]any{
		"source": "shop", "businessId": "namuna", "provider": "multicard", "sourceInvoiceId": "1", "amount": 150_000_00, "notifyUrl": p.url + "/sandbox/inbox/shop",
	})
	multicard, _, _ := p.Sandbox.Simulator("multicard")
	report, err := multicard.Act(t.Context(), simulator.Action{Kind: "pay", Link: made["checkoutUrl"].(string)})
	if err != nil || report.State != "paid" {
		t.Fatalf("not paid: %+v %v", report, err)
	}
	money := p.as(staff.Refunds)
	at := "/admin/invoices/" + made["id"].(string) + "/refund"
	page := money.get(at)
	money.want(page, 200, "For a part Multicard wants the lines of the new receipt", `type="hidden" name="amount"`)
	form := url.Values{"key": {hiddenKey.FindStringSubmatch(page.body)[1]}, "amount": {"1 000"}, "why": {"x"}}
	money.want(money.post(at, form), 422, "wants the lines of the new receipt")
}
