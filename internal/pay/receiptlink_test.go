package pay_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// linkDay is after every link of these tests, unless one says otherwise.
var linkDay = time.Date(2026, 5, 12, 10, 0, 0, 0, time.UTC)

func TestFiscalScenario06_PartsOfALink(t *testing.T) {
	const link = "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"
	r, err := pay.ParseReceiptLink(link, linkDay)
	if err != nil {
		t.Fatal(err)
	}
	if r.Terminal != "UZ170703100597" || r.Number != "2421" || r.Time != "20230104121801" || r.FiscalSign != "514343190161" || r.URL != link {
		t.Errorf("parts: %+v", r)
	}
	at, err := r.At()
	if err != nil || at.Format(time.RFC3339) != "2023-01-04T12:18:01+05:00" {
		t.Errorf("time: %s (%v)", at.Format(time.RFC3339), err)
	}
	if pay.ReceiptTime(at.UTC()) != "20230104121801" {
		t.Errorf("written back as %s", pay.ReceiptTime(at.UTC()))
	}
	if r.URL = ""; r.Link() != link {
		t.Errorf("made from the parts: %s", r.Link())
	}
}

func TestFiscalScenario07_SignKeepsItsZero(t *testing.T) {
	r, err := pay.ParseReceiptLink("https://ofd.soliq.uz/check?t=UZ170703100597&r=6013&c=20231201160732&s=025561534771", linkDay)
	if err != nil || r.FiscalSign != "025561534771" {
		t.Errorf("%+v (%v)", r, err)
	}
}

func TestFiscalScenario08_ReceiptOfAPaymentOrganisation(t *testing.T) {
	const link = "https://ofd.soliq.uz/epi?t=EZ000000000296&r=51&c=20230807182725&s=176112857133"
	r, err := pay.ParseReceiptLink(link, linkDay)
	if err != nil || r.Link() != link {
		t.Fatalf("%+v (%v)", r, err)
	}
	if r.URL = ""; r.Link() != link {
		t.Errorf("made from the parts: %s", r.Link())
	}
}

func TestFiscalScenario09_LinksThatAreRefused(t *testing.T) {
	const query = "t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"
	for name, link := range map[string]string{
		"http":                    "http://ofd.soliq.uz/check?" + query,
		"longer host":             "https://ofd.soliq.uz.evil.uz/check?" + query,
		"port":                    "https://ofd.soliq.uz:8443/check?" + query,
		"usual port":              "https://ofd.soliq.uz:443/check?" + query,
		"user":                    "https://a@ofd.soliq.uz/check?" + query,
		"dot behind the host":     "https://ofd.soliq.uz./check?" + query,
		"capital host":            "https://OFD.soliq.uz/check?" + query,
		"another path":            "https://ofd.soliq.uz/epul/?" + query,
		"longer path":             "https://ofd.soliq.uz/check/x?" + query,
		"escaped path":            "https://ofd.soliq.uz/%63heck?" + query,
		"fragment":                "https://ofd.soliq.uz/check?" + query + "#x",
		"empty fragment":          "https://ofd.soliq.uz/check?" + query + "#",
		"no s":                    "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801",
		"empty s":                 "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=",
		"month 13":                "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20231301000000&s=514343190161",
		"30 February":             "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230230000000&s=514343190161",
		"24 o'clock":              "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104240000&s=514343190161",
		"date only":               "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104&s=514343190161",
		"sum for a sign":          "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=150000.00",
		"t twice":                 "https://ofd.soliq.uz/check?t=UZ170703100597&" + query,
		"one too many":            "https://ofd.soliq.uz/check?" + query + "&x=1",
		"trailing ampersand":      "https://ofd.soliq.uz/check?" + query + "&",
		"escaped twice":           "https://ofd.soliq.uz/check?" + strings.ReplaceAll(query, "&", "&amp;amp;"),
		"percent twice":           url.QueryEscape(url.QueryEscape("https://ofd.soliq.uz/check?" + query)),
		"both escapes":            url.QueryEscape("https://ofd.soliq.uz/check?" + strings.ReplaceAll(query, "&", "&amp;")),
		"escaped digit":           "https://ofd.soliq.uz/check?t=UZ170703100597&r=%32421&c=20230104121801&s=514343190161",
		"small letters":           "https://ofd.soliq.uz/check?t=uz170703100597&r=2421&c=20230104121801&s=514343190161",
		"number of 17 digits":     "https://ofd.soliq.uz/check?t=UZ170703100597&r=12345678901234567&c=20230104121801&s=514343190161",
		"space":                   " https://ofd.soliq.uz/check?" + query,
		"line feed":               "https://ofd.soliq.uz/check?" + query + "\n",
		"not a link":              "514343190161",
		"nothing":                 "",
		"no host":                 "https:///check?" + query,
		"opaque":                  "https:ofd.soliq.uz/check?" + query,
		"much too long":           "https://ofd.soliq.uz/check?" + query + strings.Repeat("&", 512),
		"6 minutes in the future": "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=" + pay.ReceiptTime(linkDay.Add(6*time.Minute)) + "&s=514343190161",
	} {
		if r, err := pay.ParseReceiptLink(link, linkDay); err == nil {
			t.Errorf("%s: %q is taken as %+v", name, link, r)
		}
	}
	plain, err := pay.ParseReceiptLink("https://ofd.soliq.uz/check?"+query, linkDay)
	if err != nil {
		t.Fatal(err)
	}
	for name, link := range map[string]string{
		"escaped once":      "https://ofd.soliq.uz/check?" + strings.ReplaceAll(query, "&", "&amp;"),
		"percent once":      url.QueryEscape("https://ofd.soliq.uz/check?" + query),
		"trailing slash":    "https://ofd.soliq.uz/check/?" + query,
		"in another order":  "https://ofd.soliq.uz/check?s=514343190161&c=20230104121801&r=2421&t=UZ170703100597",
		"scheme in capital": "HTTPS://ofd.soliq.uz/check?" + query,
	} {
		r, err := pay.ParseReceiptLink(link, linkDay)
		if err != nil || !r.Same(plain) {
			t.Errorf("%s: %+v (%v)", name, r, err)
		}
		if again, err := pay.ParseReceiptLink(r.Link(), linkDay); err != nil || !again.Same(plain) {
			t.Errorf("%s: what is passed on, %q, is not a link: %v", name, r.Link(), err)
		}
	}
	soon := "https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=" + pay.ReceiptTime(linkDay.Add(5*time.Minute)) + "&s=514343190161"
	if _, err := pay.ParseReceiptLink(soon, linkDay); err != nil {
		t.Errorf("a till whose clock is 5 minutes ahead: %v", err)
	}
}

// FuzzReceiptLink: a link that is taken is nothing but its four parts at the tax office's host.
func FuzzReceiptLink(f *testing.F) {
	f.Add("https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161")
	f.Add("https://ofd.soliq.uz/epi/?t=EZ000000000296&amp;r=51&amp;c=20230807182725&amp;s=176112857133")
	f.Add("https%3A%2F%2Fofd.soliq.uz%2Fcheck%3Ft%3DUZ170703100597%26r%3D2421%26c%3D20230104121801%26s%3D514343190161")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := pay.ParseReceiptLink(s, linkDay)
		if err != nil {
			return
		}
		u, err := url.Parse(r.URL)
		if err != nil || u.Scheme != "https" || u.Host != "ofd.soliq.uz" || len(u.Query()) != 4 {
			t.Fatalf("%q is taken as a link to %+v", s, u)
		}
		q := u.Query()
		if q.Get("t") != r.Terminal || q.Get("r") != r.Number || q.Get("c") != r.Time || q.Get("s") != r.FiscalSign {
			t.Fatalf("%q is taken as %+v, a browser reads %v", s, r, q)
		}
		bare := r
		bare.URL = ""
		if again, err := pay.ParseReceiptLink(bare.Link(), linkDay); err != nil || !again.Same(r) {
			t.Fatalf("the link made from %+v is %q (%v)", r, bare.Link(), err)
		}
	})
}
