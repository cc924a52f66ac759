package payme_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// TestDialogues plays each file of testdata: what Payme says, and what we must answer, value
// for value. The clock stands at 1700000000000 until the file moves it, and our payments are
// pay-1, pay-2 and so on.
//
//	# a remark
//	invoice ID AMOUNT     an order of that many tiyin
//	option NAME           a merchant's option, before the first call
//	advance 12h0m0.001s   the clock goes on
//	> {…}                 Payme's call
//	< {…}                 our answer; without the messages of an error, which another test reads
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/*.dialogue")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no dialogues", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".dialogue"), func(t *testing.T) { play(t, name) })
	}
}

func play(t *testing.T, name string) {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := newStand(t, nil)
	var answer said
	asked, answered := 0, 0
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		word, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		switch word {
		case "", "#":
		case "invoice":
			id, sum, _ := strings.Cut(rest, " ")
			amount, err := strconv.ParseInt(sum, 10, 64)
			if err != nil {
				t.Fatalf("line %d: %v", n, err)
			}
			s.invoice(id, pay.Tiyin(amount))
		case "option":
			if rest != "refuseLateCancel" {
				t.Fatalf("line %d: no option %q", n, rest)
			}
			s = newStand(t, func(c *provider.Credentials) { c.Options.RefuseLateCancel = true })
		case "advance":
			d, err := time.ParseDuration(rest)
			if err != nil {
				t.Fatalf("line %d: %v", n, err)
			}
			s.advance(d)
		case ">":
			answer = send(t, "POST", s.url, paymeHeader(), rest)
			asked++
		case "<":
			answered++
			if got, want := plain(t, answer), parse(t, n, rest); !cmp.Equal(got, want) {
				t.Errorf("line %d:\n%s", n, cmp.Diff(want, got))
			}
		default:
			t.Fatalf("line %d: no word %q", n, word)
		}
	}
	if err := lines.Err(); err != nil || asked == 0 || asked != answered {
		t.Errorf("%d calls, %d answers, %v", asked, answered, err)
	}
}

// plain is an answer as a dialogue writes it.
func plain(t *testing.T, a said) map[string]any {
	out := map[string]any{"id": parseValue(t, 0, string(a.ID))}
	if a.Result != nil {
		out["result"] = a.Result
		return out
	}
	failure := map[string]any{"code": float64(a.Error.Code)}
	if a.Error.Data != "" {
		failure["data"] = a.Error.Data
	}
	out["error"] = failure
	return out
}

func parse(t *testing.T, line int, text string) map[string]any {
	out, _ := parseValue(t, line, text).(map[string]any)
	return out
}

func parseValue(t *testing.T, line int, text string) (out any) {
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("line %d: %v", line, err)
	}
	return out
}
