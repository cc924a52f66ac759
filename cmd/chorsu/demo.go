package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/webhook"
)

// demoCmd proves the main job: everything that `up` starts, driven over HTTP by an app and a
// buyer, on free ports, in a temporary folder, without the internet.
type demoCmd struct {
	Keep bool `help:"Go on serving afterwards."`
	JSON bool `help:"Print JSON at the end instead of lines."`
}

func (demoCmd) Examples() string {
	return `  chorsu demo
  chorsu demo --keep               look around afterwards
  chorsu demo --json
`
}

// demoTime bounds the whole of it.
const demoTime = 55 * time.Second

func (c *demoCmd) Run(ctx context.Context, con *console) (err error) {
	dir, err := os.MkdirTemp("", "chorsu-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cfg, from, err := demoSettings(dir)
	if err != nil {
		return err
	}
	ln, err := listen(cmp.Or(cfg.Host, "127.0.0.1"), 0)
	if err != nil {
		return err
	}
	// What goes wrong is told by the steps; the log is for those who keep it running.
	log := slog.New(slog.DiscardHandler)
	if c.Keep {
		log = logger(con, cfg)
	}
	a, err := startTest(ctx, cfg, from, ln, app.Options{Logger: log, Version: programVersion()})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- a.Serve(serving, ln, true) }()
	defer func() {
		stop()
		err = errors.Join(err, <-served, a.Close(context.WithoutCancel(ctx)))
	}()

	lines := con.out
	if c.JSON {
		lines = io.Discard
	}
	d := newDemo(lines, con.terminal, a, localURL(ln))
	failed := d.run(ctx)
	if c.JSON {
		if err := printJSON(con, map[string]any{"ok": !failed, "steps": d.steps}); err != nil {
			return err
		}
	}
	if c.Keep && ctx.Err() == nil {
		fmt.Fprintf(con.err, "\nStill serving at %s (x-api-key: %s). Sandbox: %s/sandbox/. Ctrl-C ends it and removes everything.\n", a.Config.PublicURL, d.key, a.Config.PublicURL)
		<-ctx.Done()
	}
	if failed {
		return errors.New("a step did not hold: see above")
	}
	return nil
}

// demoSettings are the defaults, whatever stands in the environment or in a .env nearby but for HOST,
// with fresh keys and a database in dir.
func demoSettings(dir string) (config.Config, config.Origins, error) {
	given := map[string]string{
		"DATABASE_URL":           "sqlite:" + filepath.Join(dir, "chorsu.db"),
		"SERVICE_API_KEY":        newAPIKey(),
		"WEBHOOK_SIGNING_SECRET": webhook.NewSecret(),
		"MASTER_KEY":             seal.NewKey(),
		"ACCEPT_CARD_DATA":       "true", // the sandbox's cards: one company has no page of its own
	}
	if host, ok := os.LookupEnv("HOST"); ok {
		given["HOST"] = host
	}
	return config.Load(func(name string) (string, bool) { v, ok := given[name]; return v, ok }, "")
}

// demo is one run. Everything it does goes over HTTP, as an app and a buyer would do it.
type demo struct {
	app *app.App
	api apiClient
	key string

	out      io.Writer
	terminal bool
	steps    []step
	seen     int // webhooks up to this one were looked at
}

// step is one line.
type step struct {
	Provider string `json:"provider"`
	Name     string `json:"step"`
	OK       bool   `json:"ok"`
	Detail   string `json:"detail"`
	Millis   int64  `json:"ms"`
}

func newDemo(out io.Writer, terminal bool, a *app.App, url string) *demo {
	key := string(a.Config.APIKeys[0])
	return &demo{app: a, api: newAPIClient(url, key), key: key, out: out, terminal: terminal}
}

// run takes every provider through its steps and says whether one of them failed.
func (d *demo) run(ctx context.Context) (failed bool) {
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	began := time.Now()
	fmt.Fprintf(d.out, "A business, its buyers and every payment company, on this machine. No money moves, nothing leaves it.\n\n")
	paid := map[string]string{} // provider → invoice
	var names []string
	for _, p := range app.Online() {
		info := p.Provider.Info()
		names = append(names, info.Name)
		if invoice, ok := d.payment(ctx, p); ok {
			paid[info.Name] = invoice
		}
	}
	d.refund(ctx, paid)
	for _, s := range d.steps {
		failed = failed || !s.OK
	}
	if failed {
		fmt.Fprintf(d.out, "\nNot every step held, after %s.\n", time.Since(began).Round(time.Millisecond))
		return true
	}
	fmt.Fprintf(d.out, "\nEvery step held: %d companies paid (%s), one refund, every webhook signed and verified, in %s.\n",
		len(names), strings.Join(names, ", "), time.Since(began).Round(time.Millisecond))
	return false
}

// payment registers the business with one provider, and has a buyer pay one invoice there.
func (d *demo) payment(ctx context.Context, p app.Plugin) (invoice string, ok bool) {
	name := p.Provider.Info().Name
	_, hasPage := p.Provider.Info().Account.(provider.Checkouter)
	ok = d.step(name, "registered", func() (string, error) {
		var m struct{ ID, CallbackURL string }
		err := d.api.call(ctx, "POST", "/api/merchants", map[string]any{
			"source": "demo", "businessId": "choyxona", "provider": name, "credentials": p.Sample, "displayName": "Choyxona",
		}, &m)
		return "callbacks come to " + m.CallbackURL, err
	})
	var inv struct{ ID, CheckoutURL, Status string }
	ok = ok && d.step(name, "invoice", func() (string, error) {
		err := d.api.call(ctx, "POST", "/api/invoices", map[string]any{
			"source": "demo", "businessId": "choyxona", "provider": name, "sourceInvoiceId": "order-" + name,
			"amount": 15_000_000, "notifyUrl": d.inbox(), "lang": "uz",
			"ofd": []map[string]any{{
				"qty": 1, "price": 15_000_000, "total": 15_000_000, "mxik": "06401004002000000",
				"package_code": "1506113", "name": "Palov", "vat": 12,
			}},
		}, &inv)
		return "150 000 soʻm: " + inv.CheckoutURL, err
	})
	if ok && !hasPage { // its buyers enter their card on our page, or in the app
		ok = d.byCard(ctx, name, inv.ID)
		return inv.ID, ok && d.told(ctx, name, inv.ID, "paid")
	}
	ok = ok && d.step(name, "buyer pays", func() (string, error) {
		var rep struct {
			Ref, State string
			Exchanges  []struct{ Step string }
			Problems   []string
		}
		err := d.api.call(ctx, "POST", "/sandbox/control/providers/"+name+"/act", map[string]any{"kind": "pay", "link": inv.CheckoutURL}, &rep)
		if err == nil && (rep.State != "paid" || len(rep.Problems) > 0) {
			err = fmt.Errorf("the company says %q and objects to %q", rep.State, rep.Problems)
		}
		return fmt.Sprintf("the company's own book says %s (%s), after %d calls to us", rep.State, rep.Ref, len(rep.Exchanges)), err
	})
	ok = ok && d.told(ctx, name, inv.ID, "paid")
	return inv.ID, ok
}

// The sandbox's card and code of the company that has no page.
const (
	demoCard = "8601312960622192"
	demoCode = "253890"
)

// byCard charges a card of the sandbox by our own call, with the code that its owner is sent.
func (d *demo) byCard(ctx context.Context, name, invoice string) bool {
	ok := d.step(name, "card entered", func() (string, error) {
		var p struct {
			Next string
			Otp  struct{ PhoneMasked string }
		}
		err := d.api.call(ctx, "POST", "/api/invoices/"+invoice+"/pay", map[string]any{
			"method": "card", "card": map[string]any{"number": demoCard, "expiry": "2912"}, "phone": "998907702150",
		}, &p)
		if err == nil && p.Next != "otp" {
			err = fmt.Errorf("no code was sent, next is %q", p.Next)
		}
		return "a code was sent to " + p.Otp.PhoneMasked, err
	})
	return ok && d.step(name, "buyer pays", func() (string, error) {
		var i struct{ Status string }
		err := d.api.call(ctx, "POST", "/api/invoices/"+invoice+"/confirm", map[string]any{"otp": demoCode}, &i)
		if err == nil && i.Status != "paid" {
			err = fmt.Errorf("the invoice is %q", i.Status)
		}
		return "the code is right: " + i.Status, err
	})
}

// refund returns one paid invoice's money: Multicard's, whose API can, or the first other that
// can.
func (d *demo) refund(ctx context.Context, paid map[string]string) {
	for _, name := range []string{"multicard", "click"} {
		invoice, ok := paid[name]
		if !ok {
			continue
		}
		ok = d.step(name, "refund", func() (string, error) {
			var r struct{ ID, Status string }
			err := d.api.call(ctx, "POST", "/api/refunds", map[string]any{"invoiceId": invoice, "reason": "the buyer changed their mind"}, &r)
			if err == nil && r.Status != "succeeded" {
				err = fmt.Errorf("the refund is %q", r.Status)
			}
			return "all of it: " + r.Status, err
		})
		if ok {
			d.told(ctx, name, invoice, "refunded")
		}
		return
	}
	d.step("", "refund", func() (string, error) { return "", errors.New("no company that can refund was paid") })
}

// told waits for the webhook that says so, and looks at the invoice.
func (d *demo) told(ctx context.Context, name, invoice, status string) bool {
	return d.step(name, "webhook", func() (string, error) {
		for {
			var got struct {
				Items []struct {
					Seq       int
					EventID   string
					PaymentID string
					Verified  bool
					Problems  []string
					Body      struct{ Status string }
				}
			}
			path := fmt.Sprintf("/sandbox/control/inbox/demo?wait=10s&after=%d", d.seen)
			if err := d.api.call(ctx, "GET", path, nil, &got); err != nil {
				return "", err
			}
			if len(got.Items) == 0 {
				return "", errors.New("no webhook came within 10 s")
			}
			for _, m := range got.Items {
				d.seen = m.Seq
				if m.PaymentID != invoice {
					continue
				}
				if !m.Verified || m.Body.Status != status {
					return "", fmt.Errorf("the webhook says %q, verified %v: %s", m.Body.Status, m.Verified, strings.Join(m.Problems, "; "))
				}
				var inv struct{ Status string }
				if err := d.api.call(ctx, "GET", "/api/invoices/"+invoice, nil, &inv); err != nil {
					return "", err
				}
				if inv.Status != status {
					return "", fmt.Errorf("the webhook says %q and the invoice %q", status, inv.Status)
				}
				return fmt.Sprintf("%s: both signatures verified (event %s)", status, m.EventID), nil
			}
		}
	})
}

func (d *demo) inbox() string { return string(d.app.Config.PublicURL) + "/sandbox/inbox/demo" }

// step runs one and prints its line.
func (d *demo) step(provider, name string, f func() (string, error)) bool {
	began := time.Now()
	detail, err := f()
	s := step{Provider: provider, Name: name, OK: err == nil, Detail: detail, Millis: time.Since(began).Milliseconds()}
	mark := "ok    "
	if err != nil {
		s.Detail, mark = err.Error(), "FAILED"
	}
	if d.terminal {
		mark = "\x1b[32m✓\x1b[0m"
		if err != nil {
			mark = "\x1b[31m✗\x1b[0m"
		}
	}
	d.steps = append(d.steps, s)
	fmt.Fprintf(d.out, "  %s %-10s %-11s %s\n", mark, provider, name, s.Detail)
	return s.OK
}
