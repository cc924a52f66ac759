package paysys_test

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/provider/paysys/sim"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// TestDialogues plays the files of testdata against the simulator, to the letter; mx_id and the
// texts of errors may be any. A line begins with
//
//	#  a remark
//	@  something that happens: "wait DURATION", "clock SECONDS", "auth HEADER" for the next call, "token CARD-TOKEN"
//	>  a call
//	<  its answer
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/*.dialogue")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".dialogue"), func(t *testing.T) { play(t, file) })
	}
}

// The header by which PaySys knows us, on its wire.
func Test15Auth(t *testing.T) { play(t, "testdata/auth.dialogue") }

func play(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	now := time.Unix(1767571200, 0)
	s := sim.New(&simulator.World{Now: func() time.Time { return now }, Faults: &simulator.Faults{}})
	if err := s.AddAccount(simulator.Account{Credentials: setup.Credentials}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	defer srv.Close()
	auth, token, answer := "", "", ""
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		mark, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		switch mark {
		case "", "#":
		case "@":
			what, arg, _ := strings.Cut(rest, " ")
			switch what {
			case "wait":
				span, err := time.ParseDuration(arg)
				if err != nil {
					t.Fatal(err)
				}
				now = now.Add(span)
			case "clock":
				at, err := strconv.ParseInt(arg, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				now = time.Unix(at, 0)
			case "auth":
				auth = arg
			case "token":
				token = arg
			default:
				t.Fatalf("%s:%d: nothing is known of %q", file, n, rest)
			}
		case ">":
			header := http.Header{"Auth": {signed(now)}, "Card-Token": {token}}
			if auth != "" {
				header.Set("Auth", auth)
			}
			auth, token = "", ""
			answer = exchange(t, srv.URL+"/gateway", header, rest)
		case "<":
			if diff := cmp.Diff(normal(t, rest), normal(t, answer)); diff != "" {
				t.Fatalf("%s:%d: (-want +got)\n%s\nthe answer: %s", file, n, diff, answer)
			}
		default:
			t.Fatalf("%s:%d: a line beginning with %q", file, n, mark)
		}
	}
}

func signed(at time.Time) string {
	ms := strconv.FormatInt(at.UnixMilli(), 10)
	sum := sha1.Sum([]byte("test_secret" + ms))
	return "svc1-" + hex.EncodeToString(sum[:]) + "-" + ms
}

func exchange(t *testing.T, url string, header http.Header, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(text))
}

// normal is an answer without what may be any.
func normal(t *testing.T, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q is no JSON: %v", text, err)
	}
	if id, _ := v["mx_id"].(string); id != "M" && len(id) != 32 {
		t.Errorf("mx_id %q", id)
	}
	delete(v, "mx_id")
	if e, ok := v["error"].(map[string]any); ok {
		delete(e, "message")
	}
	if r, ok := v["result"].(map[string]any); ok {
		if d, ok := r["details"].(map[string]any); ok {
			delete(d, "id")
		}
	}
	return v
}
