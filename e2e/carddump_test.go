package e2e

import (
	"bytes"
	"context"
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

// What a process writes when it dies at the worst moment, with a card's number in its memory, does
// not show the number. This is the text that Go prints; an image of the memory (a core file) does
// hold it, which is why docs/card-data.md has core files switched off.
func TestCrashTextHoldsNoCardNumber(t *testing.T) {
	const pan = "8600533364098829"
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	acquirer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth" {
			fmt.Fprint(w, `{"token":"a.b.c","role":"dev","expiry":"2099-01-01 00:00:00"}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), pan) {
			asked <- struct{}{}
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

	post := func(ctx context.Context, path, body string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("x-api-key", apiKey)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		got, _ := io.ReadAll(res.Body)
		if res.StatusCode >= 300 {
			return fmt.Errorf("%s: %d %s", path, res.StatusCode, got)
		}
		return nil
	}
	err = post(t.Context(), "/api/merchants", `{"source":"s","businessId":"b","provider":"multicard","credentials":{"applicationId":"rhmt_test","secret":"Pw18axeBFo8V7NamKHXX","storeId":"6"}}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go post(ctx, "/api/cards", `{"source":"s","businessId":"b","provider":"multicard","number":"`+pan+`","expiry":"2912","phone":"998901234567"}`)
	select {
	case <-asked: // the number is in the program's memory, and its call is under way
	case <-ctx.Done():
		t.Fatalf("the acquirer was not asked:\n%s", p.log)
	}
	if err := cmd.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	<-p.gone
	dump := text.String()
	for _, want := range []string{"SIGABRT", "goroutine ", "BindCard"} {
		if !strings.Contains(dump, want) {
			t.Errorf("the dump lacks %q:\n%.2000s", want, dump)
		}
	}
	for _, spelt := range []string{pan, pan[6:], fmt.Sprintf("%x", pan)} {
		if strings.Contains(dump, spelt) {
			t.Errorf("the dump holds the number as %q", spelt)
		}
	}
}
