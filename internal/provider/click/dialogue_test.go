package click_test

import (
	"bufio"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/click"
)

// start is when every dialogue begins: the minute of the reference's printed signatures.
var start = time.Date(2026, 1, 15, 10, 20, 30, 0, provider.Tashkent)

// newAccount opens the fixture of the dialogues: service 73438 with secret click-test-secret.
func newAccount(t testing.TB, b *book) provider.CallbackServer {
	t.Helper()
	acc, err := click.New().Open(provider.Credentials{
		MerchantID: "mer_7",
		Values:     map[string]string{"serviceId": "73438", "merchantId": "1001", "secretKey": "click-test-secret"},
	}, provider.Env{Now: func() time.Time { return b.now }, PayURL: click.New().Info().PayURL})
	if err != nil {
		t.Fatal(err)
	}
	return acc.(provider.CallbackServer)
}

// post sends a form to the account, as CLICK does, and returns the answer's body.
func post(t testing.TB, s provider.CallbackServer, d provider.Desk, body string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeCallback(w, r, d)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("HTTP %d, %q", w.Code, w.Header().Get("Content-Type"))
	}
	return strings.TrimSpace(w.Body.String())
}

// TestDialogues plays testdata/*.dialogue. A line that begins with > is what CLICK posts, and
// the line with < after it what we must answer, byte for byte. A line with = sets the scene or
// looks at it:
//
//	= invoice ID TIYIN     there is such an unpaid invoice
//	= status ID STATUS     somebody else has made it so
//	= clock DURATION       so much time passes
//	= broken yes|no        the database is down
//	= state REF STATE      the attempt must stand so
//	= attempts N           there must be so many
//	= alarms N             so many alarms must stand
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/*.dialogue")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".dialogue"), func(t *testing.T) { play(t, file) })
	}
}

func play(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := newBook(start)
	acc := newAccount(t, b)
	got, asked := "", false
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case "", "#":
		case ">":
			if asked {
				t.Fatalf("line %d: the last answer was not looked at", n)
			}
			got, asked = post(t, acc, b, rest), true
		case "<":
			if !asked || got != rest {
				t.Errorf("line %d: answered\n  %s\nwant\n  %s", n, got, rest)
			}
			asked = false
		case "=":
			scene(t, b, n, strings.Fields(rest))
		default:
			t.Fatalf("line %d: %q", n, lines.Text())
		}
	}
	if asked {
		t.Fatal("the last answer was not looked at")
	}
}

func scene(t *testing.T, b *book, line int, args []string) {
	t.Helper()
	want, got := "", ""
	switch args[0] {
	case "invoice":
		amount, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		b.invoice(args[1], pay.Tiyin(amount))
	case "status":
		b.invoices[args[1]].Status = pay.Status(args[2])
	case "clock":
		d, err := time.ParseDuration(args[1])
		if err != nil {
			t.Fatal(err)
		}
		b.now = b.now.Add(d)
	case "broken":
		b.broken = nil
		if args[1] == "yes" {
			b.broken = errors.New("database is down")
		}
	case "state":
		want = args[2]
		if p := b.payments[args[1]]; p != nil {
			got = string(p.State)
		}
	case "attempts":
		want, got = args[1], strconv.Itoa(len(b.payments))
	case "alarms":
		want, got = args[1], strconv.Itoa(len(b.alarms))
	default:
		t.Fatalf("line %d: %q", line, args)
	}
	if got != want {
		t.Errorf("line %d: %v: is %s", line, args, got)
	}
}
