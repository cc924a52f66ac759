package webhook

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestCheckURL(t *testing.T) {
	for _, text := range []string{
		"https://shop.example.uz/api/payments/webhook",
		"http://shop.example.uz:8080/hook?token=abc#x",
		"HTTPS://Shop.Example.uz",
		"https://8.8.8.8/hook",
		"https://[2606:4700:4700::1111]/hook",
		"https://[64:ff9b::8.8.8.8]/hook",
		"https://магазин.uz/вебхук",
		"https://under_score.example.uz/",
		"https://localhost/hook",    // a name: checked when it is dialled
		"https://10.0.0.1.nip.io/x", // as is this one
		"https://a/" + strings.Repeat("x", 2048-10),
	} {
		if err := CheckURL(text, false); err != nil {
			t.Errorf("CheckURL(%q): %v", text, err)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"", "empty"},
		{"shop.example.uz/hook", "http or https"},
		{"/hook", "http or https"},
		{"//shop.example.uz/hook", "http or https"},
		{"ftp://shop.example.uz/", "http or https"},
		{"javascript:alert(1)", "http or https"},
		{"https://", "host"},
		{"https:///hook", "host"},
		{"https:shop.example.uz", "host"},
		{"https://:443/", "host"},
		{"https://shop.example.uz:99999/", "port"},
		{"https://shop.example.uz:0/", "port"},
		{"https://shop.example.uz:http/", "valid address"},
		{"https://user@shop.example.uz/", "user name"},
		{"https://user:password@shop.example.uz/", "user name"},
		{"https://shop.example.uz/ hook", "spaces"},
		{" https://shop.example.uz/", "spaces"},
		{"https://shop.example.uz/\n", "spaces"},
		{"https://shop.example.uz\\@10.0.0.1/", "spaces, backslashes"},
		{"https://shop.example.uz/\x00", "spaces"},
		{"https://a\u3000b/", "spaces"},
		{"https://shop.example.uz/\xff", "valid"},
		{"https://a/" + strings.Repeat("x", 2048), "at most 2048"},
		{"https://[::1%25eth0]/", "network interface"},
		{"https://1.2.3.4.5/", "name a host"},
		{"https://256.1.1.1/", "name a host"},
		{"https://0x8080808/", "four decimal numbers"},
		{"https://134744072/", "four decimal numbers"},
	} {
		err := CheckURL(c.text, false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("CheckURL(%q): %v, want %q", c.text, err, c.want)
		}
	}
}

// Each way to spell an address inside a network is refused at the door, and let through where
// the operator allows private addresses and the spelling is a plain one.
func TestCheckURLPrivate(t *testing.T) {
	for _, c := range []struct {
		host  string
		plain bool
	}{
		{"127.0.0.1", true},
		{"127.0.0.1.", true}, // a final dot names the same host
		{"127.0.0.1:8080", true},
		{"10.1.2.3", true},
		{"172.16.0.1", true},
		{"172.31.255.255", true},
		{"192.168.1.1", true},
		{"100.64.0.1", true},
		{"169.254.169.254", true},
		{"168.63.129.16", true}, // a public address that only a cloud's machines reach
		{"0.0.0.0", true},
		{"255.255.255.255", true},
		{"224.0.0.1", true},
		{"[::1]", true},
		{"[::]", true},
		{"[::ffff:127.0.0.1]", true},
		{"[::ffff:7f00:1]", true},
		{"[0:0:0:0:0:ffff:a9fe:a9fe]", true},
		{"[::127.0.0.1]", true}, // IPv4-compatible
		{"[fc00::1]", true},
		{"[fd12:3456::1]", true},
		{"[fe80::1]", true},
		{"[fec0::1]", true},
		{"[ff02::1]", true},
		{"[2002:7f00:1::]", true},       // 6to4 of 127.0.0.1
		{"[2001:0:53aa:64c::1]", true},  // Teredo
		{"[64:ff9b::127.0.0.1]", true},  // NAT64 of 127.0.0.1
		{"[64:ff9b::a9fe:a9fe]", true},  // NAT64 of the metadata address
		{"[64:ff9b:1::10.0.0.1]", true}, // a network's own NAT64
		{"[2001:db8::1]", true},         // documentation
		{"[4000::1]", true},             // not assigned
		{"[::ffff:0:127.0.0.1]", true},  // IPv4-translated (SIIT)
		{"2130706433", false},           // 127.0.0.1 in decimal
		{"0x7f000001", false},           // in hexadecimal
		{"0X7F.1", false},               // mixed, short
		{"017700000001", false},         // in octal
		{"0177.0.0.1", false},           // partly octal
		{"127.1", false},                // short
		{"127.0.1", false},              //
		{"0", false},                    // 0.0.0.0
		{"0x", false},                   // which inet_aton reads as 0
		{"10.0x000001", false},          //
		{"169.254.43518", false},        // metadata, last part filling two
		{"0xa9fea9fe", false},           //
		{"１２７.0.0.1", true},             // full-width digits become plain ones
		{"127。0。0。1", true},             // and so do ideographic dots
		{"①②⑦.⓪.0.1", true},             //
	} {
		text := "http://" + c.host + "/hook"
		err := CheckURL(text, false)
		if err == nil || !strings.Contains(err.Error(), "private network") {
			t.Errorf("CheckURL(%q): %v, want a refusal as private", text, err)
		}
		if err := CheckURL(text, true); (err == nil) != c.plain {
			t.Errorf("CheckURL(%q, allowing private): %v", text, err)
		}
	}
}

func TestRefusal(t *testing.T) {
	for _, text := range []string{"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "168.63.129.15", "168.63.129.17", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0",
		"169.253.255.255", "192.167.255.255", "192.169.0.0", "223.255.255.255", "198.17.255.255", "198.20.0.0", "195.158.26.90",
		"2606:4700::1", "2a00:1450::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2001:4860:4860::8888", "2003::1"} {
		if why := refusal(netip.MustParseAddr(text)); why != "" {
			t.Errorf("%s is refused: %s", text, why)
		}
	}
	for text, want := range map[string]string{
		"10.0.0.0": "private", "10.255.255.255": "private", "172.16.0.0": "private", "172.31.255.255": "private", "192.168.255.255": "private",
		"100.64.0.0": "carrier", "100.127.255.255": "carrier", "127.255.255.255": "loopback", "0.1.2.3": "unspecified",
		"169.254.169.254": "link-local", "168.63.129.16": "a cloud's own", "192.0.0.192": "reserved", "192.0.2.1": "documentation", "198.18.0.1": "benchmarks", "198.51.100.7": "documentation",
		"203.0.113.7": "documentation", "192.88.99.1": "6to4", "239.1.1.1": "multicast", "240.0.0.1": "reserved", "255.255.255.255": "reserved",
		"::": "unspecified", "::1": "loopback", "fd00::1": "private", "fe80::1": "link-local", "fe80::1%eth0": "link-local", "fec0::1": "private", "ff02::1": "multicast",
		"2001::1": "reserved", "2001:10::1": "reserved", "2002::1": "6to4", "2001:db8::1": "documentation", "3fff::1": "documentation",
		"64:ff9b:1::1": "NAT64", "64:ff9b::10.0.0.1": "private", "::ffff:10.0.0.1": "private", "::ffff:0:10.0.0.1": "reserved", "::10.0.0.1": "reserved",
		"100::1": "reserved", "5f00::1": "reserved", "e000::1": "reserved",
	} {
		if why := refusal(netip.MustParseAddr(text)); !strings.Contains(why, want) {
			t.Errorf("%s: %q, want %q", text, why, want)
		}
	}
}

func TestCheckReturnURL(t *testing.T) {
	for _, text := range []string{
		"https://shop.example.uz/orders/1?paid=1#top", "http://localhost:3000/", "HTTP://Example.uz/", "https://user@shop.example.uz/",
		"myapp://orders/1", "uz.company.shop:/return", "shop+pay:order/1", "intent://orders/1#Intent;scheme=shop;end", "tg://resolve?domain=shop",
	} {
		if err := CheckReturnURL(text); err != nil {
			t.Errorf("CheckReturnURL(%q): %v", text, err)
		}
	}
	for _, text := range []string{
		"", "orders/1", "/orders/1", "//shop.example.uz/", "https:", "https:shop", "https:///x", "https://shop.example.uz:99999/",
		"javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "\x01javascript:alert(1)", "javascript\u00a0:alert(1)", "\ufeffjavascript:alert(1)",
		"data:text/html,<script>alert(1)</script>", "DATA:,x", "vbscript:x", "file:///etc/passwd", "blob:https://shop.example.uz/1", "view-source:https://x", "filesystem:https://x/", "about:blank",
		"myapp:", "1app://x", "https://shop.example.uz/a b", "https:\\\\shop.example.uz", "myapp://" + strings.Repeat("x", 2048),
	} {
		if err := CheckReturnURL(text); err == nil {
			t.Errorf("CheckReturnURL(%q) passes", text)
		}
	}
}

// What passes the door leads by http to a host that is a name, or a public address in its plain
// spelling.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"https://shop.example.uz/x", "http://0x7f.1/", "http://[::ffff:10.0.0.1]:80/", "http://１２７.1/", "http://a@b/", "http://2130706433", "http://127.0.0.1.", "http://%31%32%37.0.0.1/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if CheckURL(text, false) != nil {
			return
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Hostname() == "" {
			t.Fatalf("%q passes as %+v, %v", text, u, err)
		}
		host := strings.TrimSuffix(u.Hostname(), ".")
		if addr, err := netip.ParseAddr(host); err == nil {
			if why := refusal(addr); why != "" {
				t.Errorf("%q passes: %s", text, why)
			}
		} else if _, loose := looseIPv4(host); loose {
			t.Errorf("%q passes, and a resolver may read a number", text)
		}
	})
}

// What passes has no scheme that runs or shows what it carries, read as the most forgiving
// browser reads it: without blanks and control characters, in lower case.
func FuzzCheckReturnURL(f *testing.F) {
	for _, seed := range []string{"myapp://x", "java\tscript:x", "JAVASCRIPT:x", "data:,", "https://x", "x:javascript:y", "\u2028javascript:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if CheckReturnURL(text) != nil {
			return
		}
		scheme, _, found := strings.Cut(text, ":")
		scheme = strings.ToLower(strings.Map(func(r rune) rune {
			if r <= ' ' || r >= 0x7f {
				return -1
			}
			return r
		}, scheme))
		switch scheme {
		case "javascript", "data", "vbscript", "file", "blob":
			t.Errorf("%q passes", text)
		}
		if !found {
			t.Errorf("%q passes without a scheme", text)
		}
	})
}
