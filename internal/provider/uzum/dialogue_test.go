package uzum_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
)

// TestDialogues plays the files of testdata/dialogues: what Uzum says, what we answer, to the
// letter. A line begins with
//
//	#  a remark
//	@  something that happens: "order ID AMOUNT STATUS", "option NAME VALUE", "wait DURATION",
//	   "database down", "database up"
//	>  a call: METHOD operation body
//	<  its answer: HTTP status and body
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/dialogues/*.dialogue")
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
	c := &clock{at: start}
	d := newDesk(c)
	options := pay.Options{}
	address, answer := "", ""
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		mark, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		switch mark {
		case "", "#":
		case "@":
			happen(t, rest, c, d, &options)
		case ">":
			if address == "" {
				address = serve(t, open(t, options, c), d).URL
			}
			method, rest, _ := strings.Cut(rest, " ")
			operation, body, _ := strings.Cut(rest, " ")
			r, err := http.NewRequest(method, address+"/"+operation, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth(credentials["login"], credentials["password"])
			answer = exchange(t, r)
		case "<":
			if diff := cmp.Diff(normal(t, rest), normal(t, answer)); diff != "" {
				t.Fatalf("%s:%d: (-want +got)\n%s\nthe answer: %s", file, n, diff, answer)
			}
			answer = ""
		default:
			t.Fatalf("%s:%d: a line beginning with %q", file, n, mark)
		}
	}
	if answer != "" {
		t.Fatalf("%s ends with a call whose answer is not written down: %s", file, answer)
	}
}

func happen(t *testing.T, what string, c *clock, d *desk, o *pay.Options) {
	words := strings.Fields(what)
	switch words[0] {
	case "order":
		var amount pay.Tiyin
		if _, err := fmt.Sscan(words[2], &amount); err != nil {
			t.Fatal(err)
		}
		d.invoice(words[1], amount, pay.Status(words[3]))
	case "option":
		switch words[1] {
		case "amountUnit":
			o.AmountUnit = words[2]
		case "uzumAttribute":
			o.UzumAttribute = words[2]
		}
	case "wait":
		span, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatal(err)
		}
		c.Advance(span)
	case "database":
		d.down = words[1] == "down"
	default:
		t.Fatalf("nothing is known of %q", what)
	}
}

// exchange sends a request and writes its answer on one line.
func exchange(t *testing.T, r *http.Request) string {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, body)
}

// normal is an answer with its keys in no order and its numbers as they were written.
func normal(t *testing.T, answer string) any {
	t.Helper()
	status, body, _ := strings.Cut(answer, " ")
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q is not a status and JSON: %v", answer, err)
	}
	return []any{status, v}
}
