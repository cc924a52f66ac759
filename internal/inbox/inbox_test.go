package inbox_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/chorsu/chorsu/internal/inbox"
)

const secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// post sends body as our documents say that a webhook is signed, with the Standard Webhooks
// library's own signer for the second scheme.
func post(t *testing.T, url, event, body string, change func(http.Header)) *http.Response {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := wh.Sign(event, now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	req, _ := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	req.Header.Set("X-Payment-Signature", "sha256="+hex.EncodeToString(m.Sum(nil)))
	req.Header.Set("X-Payment-Event", "invoice.updated")
	req.Header.Set("X-Payment-Id", "inv-1")
	req.Header.Set("X-Payment-Event-Id", event)
	req.Header.Set("webhook-id", event)
	req.Header.Set("webhook-timestamp", "1795251600")
	req.Header.Set("webhook-signature", sig)
	if change != nil {
		change(req.Header)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res
}

func start(t *testing.T) (*inbox.Inbox, string) {
	in := inbox.New(inbox.Options{Secrets: []string{"an older one", secret}, Now: func() time.Time { return now }})
	srv := httptest.NewServer(in)
	t.Cleanup(func() { in.Close(); srv.Close() })
	return in, srv.URL + "/inbox/shop"
}

func TestVerifies(t *testing.T) {
	if now.Unix() != 1795251600 {
		t.Fatalf("the timestamp in post must be %d", now.Unix())
	}
	for _, c := range []struct {
		name   string
		change func(http.Header)
		want   string // a problem; "" for none
	}{
		{"as signed", nil, ""},
		{"no founding signature", func(h http.Header) { h.Del("X-Payment-Signature") }, "X-Payment-Signature does not hold"},
		{"founding signature of another body", func(h http.Header) { h.Set("X-Payment-Signature", "sha256="+strings.Repeat("ab", 32)) }, "X-Payment-Signature does not hold"},
		{"no standard signature", func(h http.Header) { h.Del("webhook-signature") }, "webhook-signature does not hold"},
		{"another version", func(h http.Header) {
			h.Set("webhook-signature", strings.Replace(h.Get("webhook-signature"), "v1,", "v2,", 1))
		}, "webhook-signature does not hold"},
		{"a second signature before it", func(h http.Header) { h.Set("webhook-signature", "v1,AAAA "+h.Get("webhook-signature")) }, ""},
		{"another id", func(h http.Header) { h.Set("webhook-id", "evt-x") }, "webhook-id and X-Payment-Event-Id differ"},
		{"no id", func(h http.Header) { h.Del("webhook-id") }, "webhook-id is missing"},
		{"an old timestamp", func(h http.Header) { h.Set("webhook-timestamp", "1795251299") }, "webhook-timestamp is more than 5 minutes from this clock"},
		{"a timestamp in words", func(h http.Header) { h.Set("webhook-timestamp", "now") }, "webhook-timestamp is not a number of seconds"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, url := start(t)
			post(t, url, "evt-1", `{"status":"paid"}`, c.change)
			got := in.Messages("shop", 0)
			if len(got) != 1 {
				t.Fatalf("%d messages, want 1", len(got))
			}
			problems := strings.Join(got[0].Problems, "; ")
			if got[0].Verified != (c.want == "") || !strings.Contains(problems, c.want) {
				t.Errorf("verified %v, problems %q, want %q", got[0].Verified, problems, c.want)
			}
		})
	}
}

func TestRepeatsAreMarked(t *testing.T) {
	in, url := start(t)
	post(t, url, "evt-1", `{"status":"paid"}`, nil)
	post(t, url, "evt-1", `{"status":"paid"}`, nil)
	post(t, url, "evt-1", `{"status":"refunded"}`, nil)
	got := in.Messages("shop", 0)
	if got[0].Again || !got[1].Again || got[1].Differs || !got[2].Differs {
		t.Errorf("again and differs are %v %v, %v %v, %v %v", got[0].Again, got[0].Differs, got[1].Again, got[1].Differs, got[2].Again, got[2].Differs)
	}
	if n := len(in.Messages("other", 0)); n != 0 {
		t.Errorf("another box has %d messages", n)
	}
	if n := len(in.Messages("", got[0].Seq)); n != 2 {
		t.Errorf("%d messages after the first, want 2", n)
	}
}

func TestScriptedAnswers(t *testing.T) {
	in, url := start(t)
	in.Script("shop", inbox.Answer{Status: 500, Times: 2}, inbox.Answer{Status: 410})
	for i, want := range []int{500, 500, 410, 200} {
		if res := post(t, url, "evt-1", `{}`, nil); res.StatusCode != want {
			t.Errorf("answer %d is %d, want %d", i, res.StatusCode, want)
		}
	}
}

func TestHangingAnswerEndsWithTheSender(t *testing.T) {
	in, url := start(t)
	in.Script("shop", inbox.Answer{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	done := make(chan error, 1)
	go func() { _, err := http.DefaultClient.Do(req); done <- err }()
	got := in.Wait(t.Context(), "shop", 0, func(m []inbox.Message) bool { return len(m) == 1 })
	if got[0].Answered != 0 {
		t.Errorf("a message that gets no answer says %d", got[0].Answered)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("the sender got an answer")
	}
}

func TestKeepsTheNewest(t *testing.T) {
	in := inbox.New(inbox.Options{Keep: 2})
	for _, body := range []string{"1", "2", "3"} {
		in.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/shop", strings.NewReader(body)))
	}
	got := in.Messages("", 0)
	if len(got) != 2 || got[0].Raw != "2" || got[1].Seq != 3 {
		t.Errorf("kept %+v", got)
	}
}

func TestRefusesWhatIsNoWebhook(t *testing.T) {
	_, url := start(t)
	for _, c := range []struct {
		method, url string
		body        io.Reader
		want        int
	}{
		{http.MethodGet, url, nil, http.StatusMethodNotAllowed},
		{http.MethodPost, url + "/", nil, http.StatusNotFound},
		{http.MethodPost, url + "%20x", nil, http.StatusNotFound},
		{http.MethodPost, url, strings.NewReader(strings.Repeat("x", 1<<20+1)), http.StatusBadRequest},
	} {
		req, _ := http.NewRequest(c.method, c.url, c.body)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.url, res.StatusCode, c.want)
		}
	}
}

// FuzzVerify: no header and no body makes the receiver panic, and none that was not signed
// verifies.
func FuzzVerify(f *testing.F) {
	f.Add("sha256=00", "evt-1", "1795251600", "v1,AAAA v1, v2,x", []byte(`{}`))
	f.Add("sha256", "", "-1", "v1", []byte(nil))
	f.Add("", "\x00", "9223372036854775808", " ", []byte("\xff"))
	f.Fuzz(func(t *testing.T, founding, id, stamp, trio string, body []byte) {
		h := http.Header{"X-Payment-Signature": {founding}, "Webhook-Id": {id}, "X-Payment-Event-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {trio}}
		if problems := inbox.Verify([]string{secret}, h, body, now); len(problems) == 0 {
			t.Errorf("verified: %q %q %q %q %q", founding, id, stamp, trio, body)
		}
	})
}

// A replay is heard as the same event, and both of its signatures hold, also long after the first
// time.
func TestReplay(t *testing.T) {
	at := now
	in := inbox.New(inbox.Options{Secrets: []string{secret, "an older one"}, Now: func() time.Time { return at }})
	srv := httptest.NewServer(in)
	t.Cleanup(func() { in.Close(); srv.Close() })
	post(t, srv.URL+"/inbox/shop", "evt-1", `{"status":"paid"}`, nil)
	at = now.Add(12 * time.Hour)
	if status, err := in.Replay(t.Context(), 1, ""); status != 200 || err != nil {
		t.Fatalf("%d %v", status, err)
	}
	heard := make(chan string, 1)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard <- strings.Join(inbox.Verify([]string{secret}, r.Header, body, at), ";") + string(body)
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(app.Close)
	if status, err := in.Replay(t.Context(), 1, app.URL); status != http.StatusTeapot || err != nil {
		t.Errorf("the app's answer is %d %v", status, err)
	}
	if got := <-heard; got != `{"status":"paid"}` {
		t.Errorf("the app heard %s", got)
	}
	got := in.Messages("shop", 0)
	if len(got) != 2 || !got[1].Verified || !got[1].Again || got[1].Differs || got[1].EventID != "evt-1" {
		t.Errorf("kept: %+v", got)
	}
	for _, bad := range []struct {
		seq int
		to  string
	}{{7, ""}, {1, "ftp://127.0.0.1/"}, {1, "://"}, {1, "http://192.0.2.1/"}} {
		if _, err := in.Replay(t.Context(), bad.seq, bad.to); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}
