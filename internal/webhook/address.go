package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxURL is the length of an address that a caller may give, in characters.
const maxURL = 2048

// CheckURL says whether text may be a notifyUrl: http or https, a host, no user part, at most
// 2,048 characters. Unless allowPrivate is set, a host that is literally an address inside a
// network is refused, also in the decimal, octal and hexadecimal forms that resolvers read
// (2130706433, 0x7f.1, 0177.0.0.1). Names are not looked up: what they lead to is checked each
// time that it is dialled.
//
// The error continues a sentence that begins with the field's name: "must be …".
func CheckURL(text string, allowPrivate bool) error {
	u, err := parseAddress(text)
	if err != nil {
		return err
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("must be an http or https address")
	}
	if err := checkHost(u); err != nil {
		return err
	}
	if u.User != nil {
		return errors.New("must not contain a user name or password")
	}
	addr, literal, err := literalAddress(u.Hostname())
	if err != nil {
		return err
	}
	if literal && !allowPrivate {
		if why := refusal(addr); why != "" {
			return fmt.Errorf("must not lead into a private network: the address is %s", why)
		}
	}
	return nil
}

// CheckReturnURL says whether a buyer's browser may be sent to text: an http or https address,
// or one with an app's own scheme (myapp://orders/1). Never a scheme that runs or shows what
// stands in the address itself, or reads the buyer's files.
//
// The error continues a sentence that begins with the field's name: "must be …".
func CheckReturnURL(text string) error {
	u, err := parseAddress(text)
	if err != nil {
		return err
	}
	switch u.Scheme {
	case "http", "https":
		return checkHost(u)
	case "":
		return errors.New("must be an http or https address, or one with an app's own scheme")
	case "javascript", "data", "vbscript", "file", "blob",
		// Not in the contract's list, and the same thing under other names: they wrap one of
		// those above, or were such a scheme in older browsers.
		"livescript", "mocha", "filesystem", "view-source", "about", "jar", "mhtml":
		return fmt.Errorf("must not have the scheme %s", u.Scheme)
	}
	if len(text) == len(u.Scheme)+1 {
		return errors.New("must say more than its scheme")
	}
	return nil
}

func parseAddress(text string) (*url.URL, error) {
	if text == "" {
		return nil, errors.New("must not be empty")
	}
	if utf8.RuneCountInString(text) > maxURL {
		return nil, fmt.Errorf("must be at most %d characters", maxURL)
	}
	if !utf8.ValidString(text) {
		return nil, errors.New("must be valid text")
	}
	for _, r := range text {
		// Browsers skip some of these before and inside a scheme, so that what we refuse by name
		// would get through with a tab in the middle.
		if r <= ' ' || r == 0x7f || r == '\\' || r == 0xfeff || r >= 0x80 && r <= 0xa0 || r >= 0x2000 && r <= 0x206f || r == 0x3000 {
			return nil, errors.New("must not contain spaces, backslashes or control characters")
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("must be a valid address")
	}
	return u, nil
}

func checkHost(u *url.URL) error {
	if u.Opaque != "" || u.Hostname() == "" {
		return errors.New("must name a host")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return errors.New("must have a port from 1 to 65535")
		}
	}
	return nil
}

// literalAddress returns the address that a host spells out, if it does. Odd spellings are an
// error even where the address is public: resolvers disagree on what they mean, and nobody
// needs them.
func literalAddress(host string) (addr netip.Addr, literal bool, err error) {
	// What a resolver will see: full-width digits and dots become plain ones.
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil {
		ascii = host // underscores and the like: a resolver's problem
	}
	ascii = strings.TrimSuffix(ascii, ".")
	if addr, err := netip.ParseAddr(ascii); err == nil {
		if addr.Zone() != "" {
			return netip.Addr{}, false, errors.New("must not name a network interface")
		}
		return addr, true, nil
	}
	if addr, ok := looseIPv4(ascii); ok {
		if why := refusal(addr); why != "" {
			return netip.Addr{}, false, fmt.Errorf("must not lead into a private network: the address is %s", why)
		}
		return netip.Addr{}, false, errors.New("must write its address as four decimal numbers")
	}
	if strings.Contains(ascii, ":") {
		return netip.Addr{}, false, errors.New("must be a valid address")
	}
	if last := ascii[strings.LastIndexByte(ascii, '.')+1:]; last != "" && numeric(last) {
		return netip.Addr{}, false, errors.New("must name a host") // 1.2.3.4.5, 256.1.1.1: no name ends in a number
	}
	return netip.Addr{}, false, nil
}

// looseIPv4 reads an IPv4 address as inet_aton does: one to four parts, each decimal, octal
// with a leading 0 or hexadecimal with 0x, the last one filling what remains.
func looseIPv4(text string) (netip.Addr, bool) {
	parts := strings.Split(text, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, part := range parts {
		n, ok := loosePart(part)
		if !ok {
			return netip.Addr{}, false
		}
		if i < len(parts)-1 {
			if n > 0xff {
				return netip.Addr{}, false
			}
			sum |= n << (8 * (3 - i))
			continue
		}
		if n >= 1<<(8*(4-i)) {
			return netip.Addr{}, false
		}
		sum |= n
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

func loosePart(text string) (uint64, bool) {
	if !numeric(text) {
		return 0, false
	}
	base := 10
	if len(text) > 1 && text[0] == '0' {
		base, text = 8, text[1:]
		if text[0] == 'x' || text[0] == 'X' {
			base, text = 16, text[1:]
			if text == "" {
				return 0, true // inet_aton reads a bare 0x as 0
			}
		}
	}
	n, err := strconv.ParseUint(text, base, 64)
	return n, err == nil
}

// numeric says whether a label is one that inet_aton takes for a number.
func numeric(label string) bool {
	if label == "" || label[0] < '0' || label[0] > '9' {
		return false
	}
	hex := len(label) > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X')
	if hex {
		label = label[2:]
	}
	for i := range len(label) {
		c := label[i] | 0x20
		if (label[i] < '0' || label[i] > '9') && (!hex || c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// closed lists the networks in which no app's server can be, each with the word for it.
var closed = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "private (carrier-grade NAT)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud's own"}, // Azure's WireServer: a public address that only its machines reach
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},      // 169.254.169.254: the clouds' metadata
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"}, // 192.0.0.192: Oracle's metadata
	{netip.MustParsePrefix("192.0.2.0/24"), "reserved for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a 6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "reserved for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "reserved for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "reserved for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"}, // with 255.255.255.255

	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "private"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "private (NAT64)"},
	// Tunnels that carry an IPv4 address inside, which may be a private one. Both have been
	// given up; no app's server is reached by them.
	{netip.MustParsePrefix("2001::/23"), "reserved"}, // with 2001::/32, Teredo
	{netip.MustParsePrefix("2002::/16"), "a 6to4 tunnel"},
	{netip.MustParsePrefix("2001:db8::/32"), "reserved for documentation"},
	{netip.MustParsePrefix("3fff::/20"), "reserved for documentation"},
}

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	global = netip.MustParsePrefix("2000::/3")
)

// refusal says in a word why no webhook goes to an address; "" where it may.
func refusal(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("") // ::ffff:10.0.0.1 is 10.0.0.1
	for _, c := range closed {
		if c.prefix.Contains(addr) {
			return c.why
		}
	}
	switch {
	case addr.Is4():
		return ""
	case nat64.Contains(addr):
		// The one way from an IPv6-only machine to the IPv4 world, so the address inside decides.
		b := addr.As16()
		return refusal(netip.AddrFrom4([4]byte(b[12:])))
	case !global.Contains(addr):
		return "reserved" // no such address is routed today
	}
	return ""
}
