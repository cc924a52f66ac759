package admin_test

import (
	"context"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/admin"
	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/staff"
)

// register makes a merchant with a company's sample credentials.
func (p *program) register(name string) (id string) {
	p.Helper()
	for _, x := range app.Plugins() {
		if x.Provider.Info().Name == name {
			m, err := p.Gateway.SaveMerchant(p.Context(), gateway.MerchantInput{Source: "shop", Business: "namuna", Provider: name, Credentials: x.Sample}, gateway.Idem{})
			must(p.T, err)
			return m.Value.ID
		}
	}
	p.Fatalf("there is no %s", name)
	return ""
}

// A merchant of every company can be added by its form, with its sample, and is shown without its
// secrets; changed with the secrets left empty it keeps them; turned off and on.
func TestEveryCompanyHasAForm(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	b.want(b.get("/admin/merchants/new"), 200, "At which provider?")
	for _, x := range app.Plugins() {
		info := x.Provider.Info()
		form := b.get("/admin/merchants/new?provider=" + info.Name)
		values := url.Values{"provider": {info.Name}, "source": {"shop"}, "business": {"namuna"}, "displayName": {"Namuna & oʻgʻil"}, "o.refundEvents": {"on"}, "o.ownTin": {"123456789"}, "o.callbackFrom": {"10.0.0.0/8, 192.0.2.1/32"}}
		secret := ""
		for _, f := range info.Fields {
			b.want(form, 200, `name="c.`+f.Key+`"`)
			values.Set("c."+f.Key, x.Sample[f.Key])
			if f.Secret {
				secret = x.Sample[f.Key]
			}
		}
		got := b.post("/admin/merchants", b.proved(values))
		if got.status != 303 || !strings.HasSuffix(got.to, "?did=saved") {
			t.Fatalf("%d %s %s", got.status, got.to, got.body)
		}
		at := strings.TrimSuffix(got.to, "?did=saved")
		id := strings.TrimPrefix(at, "/admin/merchants/")
		card := b.get(got.to)
		b.want(card, 200, "Saved", "Namuna &amp; oʻgʻil", "123456789", "10.0.0.0/8 192.0.2.1/32")
		edit := b.get(at + "/edit")
		b.want(edit, 200, `value="Namuna &amp; oʻgʻil"`)
		if secret == "" {
			b.want(card, 200, "wants no credentials")
		} else if b.want(card, 200, "kept, not shown"); strings.Contains(card.body, secret) || strings.Contains(edit.body, secret) {
			t.Error("a page shows the secret")
		}

		// The secrets stay; what the form does not tick goes.
		for _, f := range info.Fields {
			if f.Secret {
				values.Set("c."+f.Key, "")
			}
		}
		values.Del("o.refundEvents")
		values.Set("source", "another")
		values.Set("version", version(edit))
		if got := b.post(at, b.proved(values)); got.status != 303 {
			t.Fatalf("%d %s", got.status, got.text())
		}
		m, err := p.Gateway.Merchant(t.Context(), id)
		must(t, err)
		if m.Options.RefundEvents || m.Source != "shop" {
			t.Errorf("%+v", m)
		}
		credit, said, err := p.Gateway.CheckCredentials(t.Context(), id)
		if _, asks := info.Account.(provider.CredentialChecker); err != nil || asks && credit != gateway.CreditGood || !asks && credit != gateway.CreditNone {
			t.Errorf("after the change the credentials are %s, %q, %v", credit, said, err)
		}
		for _, turn := range []string{"off", "on"} {
			if got := b.post(at+"/active", url.Values{"active": {turn}}); got.status != 303 || got.to != at+"?did="+turn {
				t.Errorf("%s: %+v", turn, got)
			}
			if m, err := p.Gateway.Merchant(t.Context(), id); err != nil || m.Active != (turn == "on") {
				t.Errorf("%s: %v %v", turn, m.Active, err)
			}
		}
		p.audited("merchant.added", "merchant.seen", "merchant.seen", "merchant.changed", "merchant.off", "merchant.on")
	}
	list := b.get("/admin/merchants")
	b.want(list, 200)
	if n := strings.Count(list.body, `<td data-label="Merchant">`); n != len(app.Plugins()) {
		t.Errorf("%d merchants are listed", n)
	}
	b.want(b.get("/admin/merchants?provider=click&active=on&source=shop&business=namuna"), 200, "Namuna")
	b.want(b.get("/admin/merchants?active=off"), 200, "nothing of the kind")
	b.want(b.get("/admin/merchants?active=x"), 200, "not understood")
	b.want(b.get("/admin/merchants?cursor=x"), 400)
}

// Every setting that a company reads can be made by the form; what the form does not know stays.
func TestEveryOptionHasAField(t *testing.T) {
	offered := map[string]bool{"testKey": true}
	for _, name := range admin.OptionNames() {
		offered[name] = true
	}
	for _, x := range app.Plugins() {
		for _, name := range x.Provider.Info().Options {
			if !offered[name] {
				t.Errorf("%s reads %s, and the form has no field for it", x.Provider.Info().Name, name)
			}
		}
	}
	p := start(t)
	b := p.as(staff.Owner)
	id := p.register("click")
	m, err := p.Gateway.PatchMerchant(t.Context(), id, gateway.MerchantPatch{Options: &pay.Options{Fiscalise: true, RefundEvents: true, OwnTIN: "123456789"}})
	must(t, err)
	form := url.Values{"o.fiscalise": {"on"}, "o.ownTin": {"987654321"}}
	plain, err := p.Gateway.PlainCredentials(t.Context(), id)
	must(t, err)
	for key, value := range plain {
		form.Set("c."+key, value)
	}
	form.Set("version", version(b.get("/admin/merchants/"+id+"/edit")))
	if got := b.post("/admin/merchants/"+id, b.proved(form)); got.status != 303 {
		t.Fatalf("%d %s", got.status, got.text())
	}
	p.audited("merchant.seen", "merchant.changed")
	log, _, err := p.Office.Log(t.Context(), staff.Filter{What: "merchant.changed"}, 1, "")
	must(t, err)
	if want := "refundEvents on → off, ownTin 123456789 → 987654321"; len(log) != 1 || log[0].Detail != want {
		t.Errorf("the log says %+v, not %s", log, want)
	}
	if m, err = p.Gateway.Merchant(t.Context(), id); err != nil || !m.Options.Fiscalise || m.Options.RefundEvents || m.Options.OwnTIN != "987654321" {
		t.Errorf("%+v %v", m.Options, err)
	}
}

// What is wrong is said at once, typed values stay but the secrets, and nothing is saved or noted.
func TestMerchantFormFaults(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	got := b.post("/admin/merchants", url.Values{
		"provider": {"payme"}, "source": {""}, "business": {"b\x01"}, "c.merchantId": {"5e730e8e0b852a417aa49ceb"}, "c.key": {"the secret that was typed"},
		"testKey": {"the test key that was typed"}, "o.mode": {"god"}, "o.accountField": {"a b"}, "o.ownTin": {"12"}, "o.callbackFrom": {"10.0.0.0/99"},
	})
	b.want(got, 422, "5e730e8e0b852a417aa49ceb", "source", "businessId", "options.mode", "options.accountField", "options.ownTin", "options.callbackFrom")
	if strings.Contains(got.body, "that was typed") {
		t.Error("a secret is sent back")
	}
	b.want(b.post("/admin/merchants", url.Values{"provider": {"payme"}, "source": {"s"}, "business": {"b"}}), 422, "credentials.merchantId", "credentials.key")
	if got := b.post("/admin/merchants", url.Values{"provider": {"nobody"}}); got.status != 303 {
		t.Errorf("an unknown company: %d", got.status)
	}
	b.want(b.get("/admin/merchants"), 200, "nothing of the kind")
	p.audited("staff.enrolled", "list.seen")

	id := p.register("payme")
	b.want(b.post("/admin/merchants/"+id, url.Values{"version": {"1"}, "c.merchantId": {""}}), 422, "credentials.merchantId")
	b.want(b.get("/admin/merchants/01975f2e-6a09-7bf0-9a1b-00505680eaf6"), 404)
	b.want(b.get("/admin/merchants/nobody"), 404)
}

// Payme's second key comes, stays and goes by the form, and is never shown.
func TestTestKey(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	id := p.register("payme")
	at := "/admin/merchants/" + id
	plain, err := p.Gateway.PlainCredentials(t.Context(), id)
	must(t, err)
	for _, c := range []struct {
		more url.Values
		has  bool
	}{
		{url.Values{"testKey": {"the-test-key"}}, true}, {url.Values{}, true}, {url.Values{"dropTestKey": {"yes"}}, false},
	} {
		c.more.Set("c.merchantId", plain["merchantId"])
		mode := "test"
		if !c.has {
			mode = "live"
		}
		c.more.Set("o.mode", mode)
		c.more.Set("version", version(b.get(at+"/edit")))
		if c.more.Has("testKey") || c.more.Has("dropTestKey") {
			b.want(b.post(at, c.more), 422, "password or the code is wrong")
			c.more = b.proved(c.more)
		}
		if got := b.post(at, c.more); got.status != 303 {
			t.Fatalf("%d %s", got.status, got.text())
		}
		m, err := p.Gateway.Merchant(t.Context(), id)
		must(t, err)
		if m.HasTestKey != c.has || (m.Options.Mode == "test") != c.has {
			t.Errorf("%+v", m)
		}
		if got := b.get(at); strings.Contains(got.body, "the-test-key") {
			t.Error("the test key is shown")
		}
	}
}

var hiddenVersion = regexp.MustCompile(`name="version" value="([0-9]+)"`)

// version is which state of a merchant a form was drawn for.
func version(form page) string {
	if m := hiddenVersion.FindStringSubmatch(form.body); m != nil {
		return m[1]
	}
	return ""
}

// Whoever adds a merchant that is there already changes nothing of it, and is led to it.
func TestAddingChangesNobody(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	id := p.register("payme")
	before, err := p.Gateway.PlainCredentials(t.Context(), id)
	must(t, err)
	form := url.Values{"provider": {"payme"}, "source": {"shop"}, "business": {"namuna"}, "c.merchantId": {"5e730e8e0b852a417aa49cec"}, "c.key": {"the-secret-that-was-typed"}}
	b.want(b.post("/admin/merchants", form), 422, "password or the code is wrong", "5e730e8e0b852a417aa49cec")
	got := b.post("/admin/merchants", b.proved(form))
	b.want(got, 409, "at this provider already", `href="/admin/merchants/`+id+`/edit"`)
	if strings.Contains(got.body, "that-was-typed") {
		t.Error("the secret is sent back")
	}
	if after, err := p.Gateway.PlainCredentials(t.Context(), id); err != nil || after["merchantId"] != before["merchantId"] {
		t.Errorf("%v becomes %v, %v", before, after, err)
	}
	p.audited("staff.not_proved", "merchant.added", "merchant.added.not_done")
	list, _, err := p.Office.Log(t.Context(), staff.Filter{What: "merchant.added"}, 5, "")
	must(t, err)
	if len(list) != 1 || list[0].Detail != "payme shop/namuna: merchantId, key" {
		t.Errorf("%+v", list)
	}
}

// Whatever is changed of a merchant but its name asks for the proof: a test mode alone would take test
// cards for money.
func TestEverySettingAsksForTheProof(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	asked := 0
	for _, name := range []string{"payme", "uzum", "click", "multicard", "paysys"} {
		id, key := p.register(name), "the-test-key"
		if name == "payme" { // left there by its acceptance
			_, err := p.Gateway.PatchMerchant(t.Context(), id, gateway.MerchantPatch{TestKey: &key})
			must(t, err)
		}
		at := "/admin/merchants/" + id
		form := url.Values{"displayName": {"Another name"}, "version": {version(b.get(at + "/edit"))}}
		plain, err := p.Gateway.PlainCredentials(t.Context(), id)
		must(t, err)
		for key, value := range plain {
			form.Set("c."+key, value)
		}
		page := b.get(at + "/edit").body
		for field, value := range map[string]string{
			"mode": "test", "accountField": "order", "uzumAttribute": "attr", "amountUnit": "som", "partialRefund": "on", "partialReversal": "on", "refuseLateCancel": "on",
			"fiscalise": "on", "directCharge": "on", "reconcileNightly": "on", "refundEvents": "on", "ownTin": "123456789", "callbackFrom": "10.0.0.0/8",
		} {
			if !strings.Contains(page, `name="o.`+field+`"`) {
				continue
			}
			asked++
			changed := maps.Clone(form)
			changed.Set("o."+field, value)
			if field == "fiscalise" { // in whose name?
				changed.Set("o.ownTin", "123456789")
			}
			if got := b.post(at, changed); got.status != 422 || !strings.Contains(got.body, "password or the code is wrong") {
				t.Errorf("%s of %s: %d %s", field, name, got.status, got.text())
			}
			b.wait(20 * time.Minute) // wrong proofs make wait
			b = p.as(staff.Owner)
		}
		if got := b.post(at, form); got.status != 303 {
			t.Errorf("the name of %s: %d %s", name, got.status, got.text())
		}
	}
	if asked < 20 {
		t.Errorf("only %d settings were tried", asked)
	}
}

// Who is paid changes by a fresh proof only; what a form shows that is stale overwrites nobody's work.
func TestTwoOwnersChangeOneMerchant(t *testing.T) {
	p := start(t)
	first, second := p.as(staff.Owner), p.as(staff.Owner)
	at := "/admin/merchants/" + p.register("payme")
	form := func(b *browser, name string) url.Values {
		return url.Values{"version": {version(b.get(at + "/edit"))}, "displayName": {name}, "c.merchantId": {"5e730e8e0b852a417aa49cec"}}
	}
	firsts, seconds := form(first, "First"), form(second, "Second")
	first.want(first.post(at, firsts), 422, "password or the code is wrong") // another account is paid
	if got := first.post(at, first.proved(firsts)); got.status != 303 {
		t.Fatalf("%d %s", got.status, got.text())
	}
	second.want(second.post(at, second.proved(seconds)), 409, "has changed meanwhile", `value="First"`)
	seconds.Del("version")
	second.want(second.post(at, second.proved(seconds)), 409, "has changed meanwhile")
	if got := second.post(at, form(second, "Second")); got.status != 303 { // only a name: no proof
		t.Errorf("%d %s", got.status, got.text())
	}
	again := form(second, "Second")
	again.Set("o.callbackFrom", "10.0.0.0/8")
	second.want(second.post(at, again), 422, "password or the code is wrong") // whom we believe
}

// The list of what is left is computed from what was seen.
func TestGoLive(t *testing.T) {
	p := start(t)
	b := p.as(staff.Viewer)
	id := p.register("payme")
	at := "/admin/merchants/" + id
	steps := func() (done, left int) {
		t.Helper()
		got := b.get(at)
		b.want(got, 200, "Going live", "Endpoint URL", "/api/callbacks/payme/"+id)
		return strings.Count(got.body, `<li class="paid">`), strings.Count(got.body, `<li class="expired">`)
	}
	if done, left := steps(); done != 3 || left != 4 {
		t.Errorf("at first %d are done, %d left", done, left)
	}
	b.want(b.get(at), 200, "Payme has not called us yet", "it calls us")
	if strings.Contains(b.get(at).body, "/check") {
		t.Error("a viewer is offered to try the credentials")
	}

	inv, err := p.Gateway.CreateInvoice(t.Context(), gateway.InvoiceInput{
		Source: "shop", Business: "namuna", Provider: "payme", SourceInvoiceID: "1", Amount: 500_000, NotifyURL: p.url + "/sandbox/inbox/shop",
	}, gateway.Idem{})
	must(t, err)
	sim, _, _ := p.Sandbox.Simulator("payme")
	rep, err := sim.Act(t.Context(), simulator.Action{Kind: "pay", Link: inv.Value.CheckoutURL})
	if err != nil || rep.State != string(pay.Paid) {
		t.Fatalf("%+v %v", rep, err)
	}
	p.flush()
	if done, left := steps(); done != 5 || left != 2 {
		t.Errorf("after a payment %d are done, %d left", done, left)
	}
	b.want(b.get(at), 200, "Payme last called: 21 Nov 2026", "HTTP 200")
	p.work(func() bool { done, _ := steps(); return done == 6 })
}

// Every word of the audit log that a page writes has its translation: what a reader sees is never
// the program's own word.
func TestAuditWordsAreTranslated(t *testing.T) {
	p := start(t)
	b := p.as(staff.Owner)
	id := p.register("multicard")
	for _, path := range []string{"/admin/merchants/" + id, "/admin/merchants/" + id + "/edit", "/admin/staff/" + b.person.ID, "/admin/audit"} {
		b.want(b.get(path), 200)
	}
	b.want(b.post("/admin/merchants/"+id+"/check", nil), 200, "takes these credentials")
	b.post("/admin/merchants/"+id+"/active", url.Values{"active": {"off"}})
	b.post("/admin/audit/verify", nil)
	got := b.get("/admin/audit")
	cells := regexp.MustCompile(`(?s)<td data-label="What">\s*([^<]*?)\s*<`).FindAllStringSubmatch(got.body, -1)
	if len(cells) < 8 {
		t.Fatalf("%d entries", len(cells))
	}
	for _, c := range cells {
		if regexp.MustCompile(`^[a-z_]+\.[a-z_]+$`).MatchString(c[1]) {
			t.Errorf("%s has no translation", c[1])
		}
	}
}

// flush writes down what passed between us and the companies, which is otherwise done in batches.
func (p *program) flush() {
	p.Helper()
	must(p.T, p.App.FlushEvidence(context.WithoutCancel(p.Context())))
}

// work runs the outbox until something holds.
func (p *program) work(until func() bool) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Runner.Run(ctx) }()
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for !until() {
		select {
		case <-every.C:
		case <-ctx.Done():
			p.Fatal("it does not come to hold")
		}
	}
	cancel()
	must(p.T, <-ended)
}
