package admin

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

func TestCells(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"order-7", "order-7"},
		{"", ""},
		{"12345", "12345"},
		{"525512345678", `="525512345678"`}, // Excel would show 5.25512E+11
		{"007", `="007"`},
		{"0", `="0"`},
		{"01975f2e-6a09-7bf0-9a1b-00505680eaf6", "01975f2e-6a09-7bf0-9a1b-00505680eaf6"},
		{"=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"},
		{"+998901234567", "'+998901234567"},
		{"-1", "'-1"},
		{"@SUM(A1)", "'@SUM(A1)"},
		{"\t=1", "'\t'=1"},
		{"\r=1", "'\r'=1"},
		{"|calc", "'|calc"},
		{"＝1", "'＝1"},
		{"x,=cmd|'/C calc'!A0", "x,'=cmd|'/C calc'!A0"}, // another machine's Excel divides there
		{"a; @SUM(A1)", "a; '@SUM(A1)"},
		{"Namuna, MCHJ; Toshkent", "Namuna, MCHJ; Toshkent"},
	} {
		if got := string(textCell(c.given)); got != c.want {
			t.Errorf("%q becomes %q, not %q", c.given, got, c.want)
		}
	}
	for given, want := range map[string]string{
		"10-11": `="10-11"`, "12E5": `="12E5"`, "TRUE": `="TRUE"`, "1/2": `="1/2"`, "007": `="007"`, "shop_7": `="shop_7"`, "": "",
		"-1": `="-1"`, "=1": "'=1", `a"&1`: `a"&1`, "10 11": "10 11", strings.Repeat("a", 256): strings.Repeat("a", 256),
	} {
		if got := string(idCell(given)); got != want {
			t.Errorf("the id %q becomes %q, not %q", given, got, want)
		}
	}
	if en, ru := sumCell(words.EN, 150_000_50), sumCell(words.RU, 150_000_50); en != "150000.50" || ru != "150000,50" {
		t.Errorf("%s, %s", en, ru)
	}
	if got := timeCell(time.Date(2026, 11, 21, 21, 0, 1, 0, time.UTC)); got != "2026-11-22 02:00:01" {
		t.Error(got)
	}
	if timeCell(time.Time{}) != "" {
		t.Error("no time is one")
	}
}

// Whatever stands in a cell comes back from a reader of CSV as it was.
func TestASheetIsRead(t *testing.T) {
	for _, l := range words.Langs {
		var b bytes.Buffer
		s := newSheet(&b, l)
		rows := [][]string{{"a;b", "c,d", "quote \" here", " edge ", "line\nbreak", "ʻ ў"}, {"", "", "", "", "", "x"}}
		for _, row := range rows {
			cells := make([]cell, len(row))
			for i, text := range row {
				cells[i] = cell(text)
			}
			s.row(cells...)
		}
		s.w.Flush()
		text, ok := strings.CutPrefix(b.String(), "\uFEFF")
		if !ok {
			t.Error("no mark in front")
		}
		r := csv.NewReader(strings.NewReader(text))
		if r.Comma = ';'; l == words.EN {
			r.Comma = ','
		}
		got, err := r.ReadAll()
		if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", rows) {
			t.Errorf("%s: %q %v", l, got, err)
		}
	}
}

// counting is a receiver that counts the lines it has got.
type counting struct {
	*httptest.ResponseRecorder
	lines int
}

func (c *counting) Write(b []byte) (int, error) {
	c.lines += bytes.Count(b, []byte("\r\n"))
	return len(b), nil
}

// A hundred thousand rows pass, and never more than one part of them is held: before a part is
// asked for, all rows of the one before have left.
func TestAFileIsAStream(t *testing.T) {
	const rows = 100_000
	out := &counting{ResponseRecorder: httptest.NewRecorder()}
	given, held := 0, 0
	err := stream(t.Context(), out, words.UZ, []cell{"id", "sum"}, func(_ context.Context, p gateway.Page) (part [][]cell, next string, err error) {
		if p.Cursor != fmt.Sprint(given) && given > 0 {
			t.Fatalf("asked for the part behind %q after %d rows", p.Cursor, given)
		}
		held = max(held, given-max(out.lines-1, 0)) // the first line is the head
		for range p.Limit {
			given++
			part = append(part, []cell{textCell(fmt.Sprint(1e12 + float64(given))), sumCell(words.UZ, pay.Tiyin(given))})
		}
		held = max(held, given-max(out.lines-1, 0))
		if given < rows {
			next = fmt.Sprint(given)
		}
		return part, next, nil
	})
	if err != nil || out.lines != rows+1 {
		t.Errorf("%d lines, %v", out.lines, err)
	}
	if held > fileRows {
		t.Errorf("%d rows were held at a time", held)
	}
}

// A reader that goes away ends the reading, and a list that breaks is not passed off as whole.
func TestAFileEndsWithItsReader(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	parts := 0
	err := stream(ctx, httptest.NewRecorder(), words.UZ, nil, func(context.Context, gateway.Page) ([][]cell, string, error) {
		if parts++; parts == 3 {
			cancel()
		}
		return nil, "more", nil
	})
	if err == nil || parts != 3 {
		t.Errorf("%d parts, %v", parts, err)
	}
	broken := http.ErrHandlerTimeout
	if err := stream(t.Context(), httptest.NewRecorder(), words.UZ, nil, func(context.Context, gateway.Page) ([][]cell, string, error) {
		return nil, "", broken
	}); err != broken {
		t.Error(err)
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{{0, 0, "—"}, {1, 1, "100\u00a0%"}, {1, 3, "33,3\u00a0%"}, {2, 3, "66,7\u00a0%"}, {99_999, 100_000, "99,9\u00a0%"}, {0, 5, "0\u00a0%"}} {
		if got := percent(words.RU, c.part, c.whole); got != c.want {
			t.Errorf("%d of %d: %s, not %s", c.part, c.whole, got, c.want)
		}
	}
	if got := percent(words.EN, 1, 3); got != "33.3\u00a0%" {
		t.Error(got)
	}
}

// What a receiver did is told in words that somebody can act on.
func TestAnswer(t *testing.T) {
	for _, c := range []struct {
		status int
		failed string
		want   string
	}{
		{200, "", "accepted (200)"},
		{500, "", "answered with an error (500)"},
		{302, "", "redirected (302): redirects are not followed"},
		{401, "", "did not let us in (401): check the signature or its access rules"},
		{404, "", "knows no such address (404)"},
		{0, "the TLS certificate does not hold: x509: certificate has expired", "has no valid TLS certificate"},
		{0, "the host's name is not known", "is not found by its name"},
		{0, "connection refused", "does not accept connections"},
		{0, "timed out after 10 s", "did not answer within 10 seconds"},
		{0, "the connection was reset", "did not answer"},
	} {
		if got := answer(words.EN, gateway.Delivery{ID: "x", Status: c.status, Error: c.failed}); got != c.want {
			t.Errorf("%d %q: %q, not %q", c.status, c.failed, got, c.want)
		}
	}
	if got := answer(words.EN, gateway.Delivery{}); got != "not sent yet" {
		t.Error(got)
	}
}
