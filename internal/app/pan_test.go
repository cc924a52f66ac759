package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/app"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// Card numbers are pushed through every flow that takes one, with an acquirer that answers, refuses,
// and fails in every way it can, and then looked for: in the database's files, in the log at its
// most talkative, in the traces, the metrics, the pages, every answer of the API, and every webhook. A
// crash dump is searched in e2e.

// cardShop is a business with both acquirers, and an app that keeps every answer it was given.
type cardShop struct {
	*running
	orders  int
	answers bytes.Buffer
}

func (s *cardShop) ask(method, path string, body any) map[string]any {
	s.Helper()
	if body == nil {
		return s.send(method, path, "application/json", "")
	}
	text, _ := json.Marshal(body)
	return s.send(method, path, "application/json", string(text))
}

func (s *cardShop) send(method, path, kind, body string) map[string]any {
	s.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("x-api-key", apiKey)
	req.Header.Set("Content-Type", kind)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	got, _ := io.ReadAll(res.Body)
	fmt.Fprintln(&s.answers, res.Header, string(got))
	var out struct{ Data map[string]any }
	_ = json.Unmarshal(got, &out)
	return out.Data
}

func (s *cardShop) invoice(provider string, more map[string]any) string {
	s.Helper()
	s.orders++
	body := map[string]any{
		"source": "s", "businessId": "b", "sourceInvoiceId": fmt.Sprint("o-", s.orders), "amount": 500_000, "notifyUrl": s.url + "/sandbox/inbox/shop",
	}
	if provider != "" {
		body["provider"] = provider
	}
	for k, v := range more {
		body[k] = v
	}
	id, _ := s.ask("POST", "/api/invoices", body)["id"].(string)
	if id == "" {
		s.Fatalf("no invoice was made for %q", provider)
	}
	return id
}

// flows pushes one card through everything.
func (s *cardShop) flows(provider string, card acquirerCard) {
	s.Helper()
	who := map[string]any{"source": "s", "businessId": "b", "provider": provider}
	with := func(more map[string]any) map[string]any {
		for k, v := range who {
			more[k] = v
		}
		return more
	}
	byCard := map[string]any{"method": "card", "card": map[string]any{"number": card.number, "expiry": card.expiry}, "phone": "998907702150", "save": true}
	bound, _ := s.ask("POST", "/api/cards", with(map[string]any{"number": card.number, "expiry": card.expiry, "phone": "998907702150"}))["id"].(string)
	s.ask("POST", "/api/cards/"+bound+"/resend", map[string]any{"number": card.number, "expiry": card.expiry, "phone": "998907702150"})
	s.ask("POST", "/api/cards/"+bound+"/confirm", map[string]any{"otp": "000000"})
	s.ask("POST", "/api/cards/"+bound+"/confirm", map[string]any{"otp": card.code})
	s.ask("POST", "/api/cards/check", with(map[string]any{"number": card.number}))
	s.ask("POST", "/api/cards/check-owner", with(map[string]any{"number": card.number, "pinfl": "31105892514010"}))
	for _, more := range []map[string]any{nil, {"capture": "manual"}} {
		invoice := s.invoice(provider, more)
		s.ask("POST", "/api/invoices/"+invoice+"/pay", byCard)
		s.ask("POST", "/api/invoices/"+invoice+"/resend", map[string]any{"card": byCard["card"], "phone": "998907702150"})
		s.ask("POST", "/api/invoices/"+invoice+"/confirm", map[string]any{"otp": card.code})
		s.ask("POST", "/api/invoices/"+invoice+"/capture", nil)
		s.ask("POST", "/api/refunds", map[string]any{"invoiceId": invoice, "amount": 1000, "cardPan": card.number, "reason": "karta bilan", "ofd": []any{}})
		s.ask("POST", "/api/refunds", map[string]any{"invoiceId": invoice, "cardPan": card.number})
		s.ask("GET", "/api/invoices/"+invoice+"/timeline", nil)
		s.ask("POST", "/api/invoices/"+invoice+"/cancel", nil)
	}
	token := s.invoice(provider, nil)
	s.ask("POST", "/api/invoices/"+token+"/pay", map[string]any{"method": "card_token", "cardId": bound})
	s.ask("POST", "/api/invoices/"+token+"/confirm", map[string]any{"otp": card.code})

	s.orders++
	made := s.ask("POST", "/api/payouts", with(map[string]any{"sourcePayoutId": fmt.Sprint("p-", s.orders), "amount": 100_000, "card": map[string]any{"number": card.number}}))
	if payout, _ := made["id"].(string); made["next"] != nil { // a twin of one whose answer was lost would wait for it
		s.ask("POST", "/api/payouts/"+payout+"/confirm", map[string]any{"otp": card.code})
		s.ask("GET", "/api/payouts/"+payout+"/timeline", nil)
	}

	page := s.invoice("", nil)
	typed := url.Values{"number": {card.number[:4] + " " + card.number[4:]}, "expiry": {card.expiry[2:] + "/" + card.expiry[:2]}, "phone": {"907702150"}}
	for _, path := range []string{"/card", "/resend", "/code"} {
		s.send("POST", "/pay/"+page+path, "application/x-www-form-urlencoded", typed.Encode())
	}
	s.send("POST", "/pay/"+page+"/code", "application/x-www-form-urlencoded", "otp="+card.code)
	s.ask("GET", "/pay/"+page+"?by=card", nil)
	s.ask("GET", "/api/invoices/"+page+"/timeline", nil)
	// Where it does not belong.
	s.register(card)
	s.ask("POST", "/api/invoices/"+page+"/pay", map[string]any{"method": "card", "number": card.number})
	s.ask("GET", "/api/cards/"+card.number, nil)
	s.ask("GET", "/pay/"+card.number, nil)
	s.send("POST", "/api/cards", "application/json", `{"number":"`+card.number)
}

// register uploads a company's file of a day with the number where it does not belong.
func (s *cardShop) register(card acquirerCard) {
	s.Helper()
	const head = "provider_id,order,amount,time,status\n"
	for _, file := range []string{
		"foreign,,5000,2026-05-12 15:00:00,paid," + card.number + "\n", // the names are missing
		head + "foreign,,5000,2026-05-12 15:00:00,paid," + card.number + "\n",
		head + "foreign,," + card.number + ",2026-05-12 15:00:00,paid\n",
		head + "foreign,,5000," + card.number + ",paid\n",
		head + "foreign,,5000,2026-05-12 15:00:00," + card.number + "\n",
	} {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		for _, field := range [][2]string{{"source", "s"}, {"businessId", "b"}, {"provider", "payme"}, {"date", "2026-05-12"}} {
			w.WriteField(field[0], field[1])
		}
		part, _ := w.CreateFormFile("file", "register.csv")
		io.WriteString(part, file)
		w.Close()
		s.send("POST", "/api/reconciliations", w.FormDataContentType(), form.String())
	}
}

type acquirerCard struct{ number, expiry, code string }

func TestNoCardNumberAnywhere(t *testing.T) {
	var spans buffer
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(&spans, r.Body) }))
	defer collector.Close()
	dsn := storetest.DSN(t, storetest.SQLite)
	r := start(t, map[string]string{
		"ACCEPT_CARD_DATA": "true", "RATE_LIMIT_PER_MINUTE": "0", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "DATABASE_URL": dsn,
	})
	s := &cardShop{running: r}
	for _, p := range app.Plugins() {
		if name := p.Provider.Info().Name; name == "multicard" || name == "paysys" || name == "payme" {
			if got := s.ask("POST", "/api/merchants", map[string]any{"source": "s", "businessId": "b", "provider": name, "credentials": p.Sample}); got["id"] == nil {
				t.Fatalf("%s is not registered: %v", name, got)
			}
		}
	}
	acquirers := map[string][]acquirerCard{
		"multicard": {{"8600533364098829", "2806", "112233"}, {"8600000000000051", "2812", "112233"}, {"8600000000000056", "2812", "112233"}, {"8600000000000064", "2812", "112233"}},
		"paysys":    {{"8601312960622192", "2812", "253890"}, {"8600000000000007", "2812", "253890"}, {"8600000000000031", "2812", "253890"}, {"9860000000000000", "2812", "253890"}},
	}
	for provider, cards := range acquirers {
		_, world, _ := r.app.Sandbox.Simulator(provider)
		for _, kind := range []simulator.Kind{"", simulator.LostBefore, simulator.LostAfter, simulator.Error500, simulator.Error500After, simulator.HalfBody} {
			for _, card := range cards {
				r.app.Clock.Advance(5 * time.Minute)
				if kind != "" {
					for _, step := range cardSteps[provider] {
						world.Faults.Set(simulator.Fault{Step: step, Kind: kind, Times: 1})
					}
				}
				s.flows(provider, card)
				world.Faults.Clear("")
			}
		}
	}
	_, metrics := r.get("/metrics")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	files := databaseFiles(t, dsn)
	var webhooks strings.Builder
	for _, m := range r.app.Inbox.Messages("", 0) {
		fmt.Fprintln(&webhooks, m.Header, m.Raw)
	}
	places := map[string]string{"the webhooks": webhooks.String(), "the log": r.log.String(), "the traces": spans.String(), "the metrics": metrics, "the answers": s.answers.String(), "the database": files}
	for place, want := range map[string]string{"the log": "provider call failed", "the traces": "/api/invoices", "the metrics": "chorsu_", "the answers": "860053******8829", "the webhooks": "860053******8829", "the database": "860053******8829"} {
		if !strings.Contains(places[place], want) {
			t.Errorf("%s was not filled: no %q in %d bytes", place, want, len(places[place]))
		}
	}
	for _, cards := range acquirers {
		for _, card := range cards {
			for place, text := range places {
				for _, spelt := range []string{card.number, card.number[:4] + " " + card.number[4:], card.number[:4] + "+" + card.number[4:], card.number[6:]} {
					if strings.Trim(spelt, "0") == "" {
						continue // the end of a card of the sandbox that is like any other number
					}
					if i := strings.Index(text, spelt); i >= 0 {
						t.Errorf("%s holds %s: …%q", place, spelt, text[max(0, i-200):min(len(text), i+40)])
					}
				}
			}
		}
	}
	// Codes of six digits may stand by chance in an id; as a field's value they may not.
	for _, code := range []string{`"112233"`, `"253890"`} {
		for place, text := range places {
			if strings.Contains(text, code) {
				t.Errorf("%s holds a code", place)
			}
		}
	}
}

// cardSteps are the calls that carry a number, or come right after it.
var cardSteps = map[string][]string{
	"multicard": {"card.add", "card.check", "card.pinfl", "payment.create", "payment.confirm", "payment.partial", "payment.refund", "payout.create", "payout.confirm"},
	"paysys":    {"paysys.card_registration", "paysys.card_confirm", "pam.prepare_payment", "pam.confirm_payment", "pam.payment", "hold.confirm", "transaction.reverse"},
}

// databaseFiles are the bytes of a SQLite database and of what stands beside it.
func databaseFiles(t *testing.T, dsn string) string {
	t.Helper()
	names, err := filepath.Glob(strings.TrimPrefix(dsn, "sqlite:") + "*")
	if err != nil || len(names) == 0 {
		t.Fatalf("the database has no files: %v", err)
	}
	var all strings.Builder
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}
