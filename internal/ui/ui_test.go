package ui

import (
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

func get(t *testing.T, h http.Handler, target string, head ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i+1 < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestAssets(t *testing.T) {
	names, err := fs.Glob(static, "static/*")
	if err != nil || len(names) < 5 {
		t.Fatalf("%d files are embedded, %v", len(names), err)
	}
	for _, name := range names {
		name = path.Base(name)
		plain := get(t, Assets(), Asset(name))
		if plain.StatusCode != 200 || !strings.Contains(plain.Header.Get("Cache-Control"), "immutable") || plain.Header.Get("Content-Type") != kinds[path.Ext(name)] {
			t.Errorf("%s: %d %v", name, plain.StatusCode, plain.Header)
		}
		body, _ := io.ReadAll(plain.Body)
		small := get(t, Assets(), Asset(name), "Accept-Encoding", "gzip, br")
		if path.Ext(name) == ".woff2" {
			if small.Header.Get("Content-Encoding") != "" {
				t.Errorf("%s is compressed twice", name)
			}
			continue
		}
		z, err := gzip.NewReader(small.Body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := io.ReadAll(z)
		if err != nil || string(again) != string(body) {
			t.Errorf("%s differs when it is compressed: %v", name, err)
		}
	}
	old := get(t, Assets(), AssetsPath+"0123456789ab/chorsu.css")
	if old.StatusCode != 200 || old.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("a former version's sheet: %d, %s", old.StatusCode, old.Header.Get("Cache-Control"))
	}
	for _, bad := range []string{AssetsPath, AssetsPath + "x", AssetsPath + "x/", AssetsPath + "x/none.css", AssetsPath + "x/README.md", AssetsPath + "x/../static/chorsu.css"} {
		if got := get(t, Assets(), bad); got.StatusCode != 404 {
			t.Errorf("%s answers %d", bad, got.StatusCode)
		}
	}
}

func TestShow(t *testing.T) {
	page := Document(Page{Title: "Sum & <total>", Lang: words.UZ, Refresh: 5, Test: true})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Show(w, r, 404, page) })
	got := get(t, h, "/")
	body, _ := io.ReadAll(got.Body)
	if got.StatusCode != 404 || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
	if csp := got.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Error(csp)
	}
	for _, want := range []string{"<title>Sum &amp; &lt;total&gt;</title>", `lang="uz"`, `<noscript><meta http-equiv="refresh" content="5"></noscript>`, words.TestBar.UZ} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if inline := regexp.MustCompile(`<script>|<style|\sstyle=|\son[a-z]+=`).Find(body); inline != nil {
		t.Errorf("the policy forbids %q", inline)
	}
	bad := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Show(w, r, 200, templ.Raw("", io.ErrUnexpectedEOF)) })
	if got := get(t, bad, "/"); got.StatusCode != 500 {
		t.Errorf("a page that cannot be drawn answers %d", got.StatusCode)
	}
}

// A page is framed by nobody, or by our own pages; a page frames nobody else's.
func TestFrames(t *testing.T) {
	for _, c := range []struct {
		f                      Frames
		options, ancestor, own string
	}{
		{Frames{}, "DENY", "frame-ancestors 'none'", "default-src 'none'"},
		{Frames{Inside: true}, "SAMEORIGIN", "frame-ancestors 'self'", "default-src 'none'"},
		{Frames{Around: true}, "DENY", "frame-ancestors 'none'", "frame-src 'self'"},
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ShowIn(w, r, 200, templ.Raw(""), c.f) })
		got := get(t, h, "/").Header
		csp := got.Get("Content-Security-Policy")
		if got.Get("X-Frame-Options") != c.options || !strings.Contains(csp, c.ancestor) || !strings.Contains(csp, c.own) || strings.Count(csp, "frame-ancestors") != 1 {
			t.Errorf("%+v: %v", c.f, got)
		}
		if !c.f.Around && strings.Contains(csp, "frame-src") {
			t.Errorf("%+v may frame others: %s", c.f, csp)
		}
	}
}

func TestMoneyAndTime(t *testing.T) {
	for l, want := range map[words.Lang]string{words.UZ: "150\u00a0000\u00a0soʻm", words.RU: "150\u00a0000\u00a0сум", words.EN: "150\u00a0000\u00a0soum"} {
		if got := Money(l, 15_000_000); got != want {
			t.Errorf("%s: %q", l, got)
		}
	}
	at := time.Date(2026, 11, 21, 20, 30, 5, 0, time.UTC) // the next day in Tashkent
	for l, want := range map[words.Lang]string{words.UZ: "22 noy 2026, 01:30", words.RU: "22 ноя 2026, 01:30", words.EN: "22 Nov 2026, 01:30"} {
		if got := Time(l, at); got != want {
			t.Errorf("%s: %q", l, got)
		}
	}
	if Stamp(words.EN, at) != "22 Nov 2026, 01:30:05" || Time(words.EN, time.Time{}) != "—" {
		t.Error("stamps")
	}
	if got := PayNumber("410277319"); got != "4102\u00a07731\u00a09" {
		t.Errorf("%q", got)
	}
}

// Every state has a sign and a word of its own in each language, and every status has a state.
func TestStates(t *testing.T) {
	for _, l := range words.Langs {
		seen := map[string]bool{}
		for _, s := range States {
			var b strings.Builder
			if err := Sign(s).Render(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			if s.Word(l) == "" || seen[s.Word(l)] || seen[b.String()] || !strings.Contains(b.String(), "<path") && !strings.Contains(b.String(), "<circle") {
				t.Errorf("%s has no sign or word of its own in %s", s, l)
			}
			seen[s.Word(l)], seen[b.String()] = true, true
		}
	}
	for _, status := range pay.Statuses {
		if StateOf(status, "").Word(words.EN) == "" {
			t.Errorf("%s has no state", status)
		}
	}
	for _, status := range pay.Statuses {
		sure := status == pay.StatusPaid || status == pay.StatusRefunded
		if got := StateOf(status, pay.AttentionProvider); (got == Unknown) == sure {
			t.Errorf("%s with attention is %s", status, got)
		}
	}
}

func TestQR(t *testing.T) {
	d, side := qrPath("https://example.uz/pay/1")
	if side < 21 || !strings.HasPrefix(d, "M0 0h7v1h-7z") { // the finder pattern's upper edge
		t.Errorf("side %d, path %.40s", side, d)
	}
	if d, side := qrPath(strings.Repeat("x", maxQR+1)); d != "" || side != 0 {
		t.Error("a text too long to scan is drawn")
	}
}

// The fonts are whole, and small enough for the first view. That they draw ʻ is looked at in a
// real browser.
func TestFontsAreWOFF2(t *testing.T) {
	for _, name := range []string{"onest-latin.woff2", "onest-cyrillic.woff2"} {
		b, err := static.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if string(b[:4]) != "wOF2" || binary.BigEndian.Uint32(b[8:12]) != uint32(len(b)) || len(b) > 20<<10 {
			t.Errorf("%s: %d bytes, begins %q", name, len(b), b[:4])
		}
	}
}

// WCAG AA: text against the ground it stands on, in light and in dark.
func TestContrast(t *testing.T) {
	css, err := static.ReadFile("static/chorsu.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\n *\}`).FindAllSubmatch(css, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of tokens", len(blocks))
	}
	for i, name := range []string{"light", "dark"} {
		tok := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9A-F]{6})`).FindAllSubmatch(blocks[i][1], -1) {
			tok[string(m[1])] = string(m[2])
		}
		pairs := [][2]string{{"on-firuza", "firuza"}, {"on-firuza", "firuza-deep"}, {"on-anor", "anor"}, {"muted", "code"}, {"ink", "code"}}
		for _, ground := range []string{"paper", "sheet"} {
			for _, text := range []string{"ink", "muted", "firuza", "firuza-deep", "leaf", "saffron", "anor", "indigo"} {
				pairs = append(pairs, [2]string{text, ground})
			}
		}
		for _, c := range []string{"firuza", "leaf", "saffron", "anor", "indigo"} {
			pairs = append(pairs, [2]string{c, c + "-soft"}, [2]string{"ink", c + "-soft"})
		}
		for _, p := range pairs {
			if r := contrast(t, tok[p[0]], tok[p[1]]); r < 4.5 {
				t.Errorf("%s: %s on %s has only %.2f", name, p[0], p[1], r)
			}
		}
		if r := contrast(t, tok["control"], tok["sheet"]); r < 3 {
			t.Errorf("%s: a control's border has only %.2f", name, r)
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light := func(hex string) float64 {
		var sum float64
		for i, weight := range []float64{.2126, .7152, .0722} {
			if len(hex) != 7 {
				t.Fatalf("%q is no colour", hex)
			}
			n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(fmt.Errorf("%q: %w", hex, err))
			}
			c := float64(n) / 255
			if c <= .04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	x, y := light(a), light(b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}
