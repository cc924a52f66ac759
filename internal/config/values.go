package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Secret is a value that no log shows; string(s) reveals it.
type Secret string

func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

func (s Secret) String() string               { return hidden(string(s)) }
func (s Secret) GoString() string             { return s.String() }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.String()) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format keeps %x and %q from revealing it.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden(string(s))) }

// Keys are several secrets, of which any is good.
type Keys []Secret

func (k *Keys) UnmarshalText(text []byte) error {
	var keys Keys
	for item := range strings.SplitSeq(string(text), ",") {
		item = strings.TrimSpace(item)
		if item == "" || len(item) > 255 || !isVisible(item) {
			return errors.New("not a key")
		}
		keys = append(keys, Secret(item))
	}
	*k = keys
	return nil
}

func (k Keys) String() string {
	shown := make([]string, len(k))
	for i, key := range k {
		shown[i] = key.String()
	}
	return strings.Join(shown, ",")
}
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// DSN names a database. Shown to people it has no password.
type DSN string

func (d *DSN) UnmarshalText(text []byte) error {
	t := string(text)
	if path, ok := strings.CutPrefix(t, "sqlite:"); ok {
		if path == "" {
			return errors.New("no path")
		}
		*d = DSN(t)
		return nil
	}
	u, err := url.Parse(t)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" || u.Host == "" && u.RawQuery == "" {
		return errors.New("not a database's address")
	}
	*d = DSN(t)
	return nil
}

// String shows the address without its password and its query, which may hold one too.
func (d DSN) String() string {
	if strings.HasPrefix(string(d), "sqlite:") || d == "" {
		return string(d)
	}
	u, err := url.Parse(string(d))
	if err != nil {
		return hidden(string(d))
	}
	if u.RawQuery != "" {
		u.RawQuery = "‹" + strconv.Itoa(len(u.RawQuery)) + " chars›"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	text := shown.String()
	if user := u.User.Username(); user != "" {
		text = strings.Replace(text, "://", "://"+url.PathEscape(user)+"@", 1)
	}
	if u.RawQuery != "" {
		text += "?" + u.RawQuery
	}
	return text
}

func (d DSN) GoString() string             { return d.String() }
func (d DSN) LogValue() slog.Value         { return slog.StringValue(d.String()) }
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Format keeps %x and %q from revealing the password.
func (d DSN) Format(f fmt.State, _ rune) { fmt.Fprint(f, d.String()) }

// Address is an http or https address without user part, query or fragment, and without a slash
// at its end.
type Address string

func (a *Address) UnmarshalText(text []byte) error {
	t := strings.TrimRight(string(text), "/")
	u, err := url.Parse(t)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" || !isPort(u.Port()) {
		return errors.New("not such an address")
	}
	*a = Address(t)
	return nil
}

// loopback says whether the address leads to this very machine.
func (a Address) loopback() bool {
	u, err := url.Parse(string(a))
	if err != nil {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.Unmap().IsLoopback() || addr.IsUnspecified())
}

// Networks are CIDRs; a bare address is a network of one.
type Networks []netip.Prefix

func (n *Networks) UnmarshalText(text []byte) error {
	var all Networks
	for item := range strings.SplitSeq(string(text), ",") {
		item = strings.TrimSpace(item)
		if addr, err := netip.ParseAddr(item); err == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			return errors.New("not a network")
		}
		all = append(all, prefix.Masked())
	}
	*n = all
	return nil
}

func (n Networks) String() string {
	shown := make([]string, len(n))
	for i, p := range n {
		shown[i] = p.String()
	}
	return strings.Join(shown, ",")
}

func isHost(host string) bool {
	if host == "" {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if len(host) > 253 {
		return false
	}
	for i := range len(host) {
		c := host[i] | 0x20
		if (c < 'a' || c > 'z') && (host[i] < '0' || host[i] > '9') && host[i] != '-' && host[i] != '.' && host[i] != '_' {
			return false
		}
	}
	return true
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	return err == nil && isHost(host) && port != "" && isPort(port)
}

func isPort(text string) bool {
	if text == "" {
		return true
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n <= 65535
}

func isVisible(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
