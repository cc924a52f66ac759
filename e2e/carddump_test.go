package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a process writes when it dies at the worst moment, with cards' numbers in its memory, one in
// every flow that takes one, does not show them. This is the text that Go prints; an image of the memory (a core file) does
// hold it, which is why docs/card-data.md has core files switched off.
func TestCrashTextHoldsNoCardNumber(t *testing.T) {
	cards := map[string]string{ // by what stands in the dump of each flow
		"(*Gateway).BindCard": "8600533364098829", "(*server).payInvoice": "8600537975432319", "(*Checkout).charge": "8600530182633043",
		"(*Gateway).CreatePayout": "8600534839548620", "(*Gateway).CheckCard": "8600537547447464",
	}
	asked, answer := make(chan string, len(cards)), make(chan struct{})
	acquirer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth" {
			fmt.Fprint(w, `{"token":"a.b.c","role":"dev","expiry":"2099-01-01 00:00:00"}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		for flow, pan := range cards {
			if strings.Contains(r.URL.Path+string(body), pan) {
				asked <- flow
			}
		}
		<-answer
	}))
	defer acquirer.Close()
	defer close(answer)

	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	// No core file: the limit is the shell's, and the program inherits it.
	cmd := exec.Command("/bin/sh", "-c", `ulimit -c 0; exec "$0" serve`, path)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{
		"GOTRACEBACK=crash", "PORT=0", "HOST=127.0.0.1", "DATABASE_URL=sqlite:" + cmd.Dir + "/chorsu.db", "PUBLIC_URL=https://pay.example.uz",
		"SERVICE_API_KEY=" + apiKey, "WEBHOOK_SIGNING_SECRET=" + webhookSecret, "MASTER_KEY=" + masterKey, "ACCEPT_CARD_DATA=true",
		"MULTICARD_URL=" + acquirer.URL, "ALLOW_SANDBOX=true", "NOTIFY_ALLOW_PRIVATE=true", "LOG_LEVEL=debug",
	}
	var text bytes.Buffer
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd, log: &tail{}, gone: make(chan struct{}), listening: make(chan string, 1)}
	go func() {
		p.read(io.TeeReader(stderr, &text))
		io.Copy(&text, stderr) // lines of any length
		cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(p.kill)
	select {
	case at := <-p.listening:
		p.url = "http://" + at
	case <-p.gone:
		t.Fatalf("the program did not start:\n%s", p.log)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	post := func(path, kind, body string) (id string, err error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, strings.NewReader(body))
		if err != nil {
			return "", err
		}
		req.Header.Set("x-api-key", apiKey)
		req.Header.Set("Content-Type", kind)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		got, _ := io.ReadAll(res.Body)
		var made struct{ Data struct{ ID string } }
		json.Unmarshal(got, &made)
		if res.StatusCode >= 300 {
			return "", fmt.Errorf("%s: %d %s", path, res.StatusCode, got)
		}
		return made.Data.ID, nil
	}
	const who = `"source":"s","businessId":"b"`
	make := func(path, body string) string {
		t.Helper()
		id, err := post(path, "application/json", `{`+who+body+`}`)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	make("/api/merchants", `,"provider":"multicard","credentials":{"applicationId":"rhmt_test","secret":"Pw18axeBFo8V7NamKHXX","storeId":"6"}`)
	order := `,"sourceInvoiceId":"%s","amount":500000,"notifyUrl":"http://127.0.0.1:1/"`
	byAPI, byForm := make("/api/invoices", fmt.Sprintf(order, "1")), make("/api/invoices", fmt.Sprintf(order, "2"))
	multicard := `{` + who + `,"provider":"multicard",`
	for flow, ask := range map[string][3]string{
		"(*Gateway).BindCard":     {"/api/cards", "json", multicard + `"number":"%s","expiry":"2912","phone":"998901234567"}`},
		"(*server).payInvoice":    {"/api/invoices/" + byAPI + "/pay", "json", `{"method":"card","card":{"number":"%s","expiry":"2912"},"phone":"998901234567"}`},
		"(*Checkout).charge":      {"/pay/" + byForm + "/card", "x-www-form-urlencoded", "number=%s&expiry=12%%2F29&phone=998901234567"},
		"(*Gateway).CreatePayout": {"/api/payouts", "json", multicard + `"sourcePayoutId":"1","amount":500000,"card":{"number":"%s"},"confirm":false}`},
		"(*Gateway).CheckCard":    {"/api/cards/check", "json", multicard + `"number":"%s"}`},
	} {
		go post(ask[0], "application/"+ask[1], fmt.Sprintf(ask[2], cards[flow]))
	}
	for seen := map[string]bool{}; len(seen) < len(cards); { // each number is in the program's memory, and its call is under way
		select {
		case flow := <-asked:
			seen[flow] = true
		case <-ctx.Done():
			t.Fatalf("the acquirer was asked for %v only:\n%s", seen, p.log)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	<-p.gone
	dump := text.String()
	for _, want := range []string{"SIGABRT", "goroutine "} {
		if !strings.Contains(dump, want) {
			t.Errorf("the dump lacks %q:\n%.2000s", want, dump)
		}
	}
	for flow, pan := range cards {
		if !strings.Contains(dump, flow) {
			t.Errorf("nothing of %s stands in the dump", flow)
		}
		for _, spelt := range []string{pan, pan[6:], fmt.Sprintf("%x", pan)} {
			if strings.Contains(dump, spelt) {
				t.Errorf("the dump holds the number of %s as %q", flow, spelt)
			}
		}
	}
}
