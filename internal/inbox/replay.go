package inbox

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// ErrNoMessage says that no message with that number is kept.
var ErrNoMessage = errors.New("there is no such message any more")

// Replay sends a kept message once more: the same event and the same bytes, with signatures
// of this moment, as the gateway's own repeat has them. It goes to the box that it came to, or to
// an address on this machine: the app that is being built. The answer's status is returned; 0
// where the box is told to hang.
func (in *Inbox) Replay(ctx context.Context, seq int, to string) (status int, err error) {
	m, ok := in.message(seq)
	if !ok {
		return 0, ErrNoMessage
	}
	h := in.sign(m)
	if to == "" {
		return in.keep(m.Box, h, []byte(m.Raw)).Status, nil
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return 0, errors.New("an app's address begins with http:// or https://")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader([]byte(m.Raw)))
	if err != nil {
		return 0, err
	}
	req.Header = h
	res, err := nearby.Do(req)
	if err != nil {
		return 0, err
	}
	res.Body.Close()
	return res.StatusCode, nil
}

// sign gives a message the headers that it would be sent with now. Without a secret they are
// those that it came with.
func (in *Inbox) sign(m Message) http.Header {
	h := m.Header.Clone()
	if len(in.o.Secrets) == 0 {
		return h
	}
	secret, body, stamp := in.o.Secrets[0], []byte(m.Raw), strconv.FormatInt(in.o.Now().Unix(), 10)
	h.Set("X-Payment-Signature", "sha256="+hex.EncodeToString(mac([]byte(secret), body)))
	h.Set("webhook-timestamp", stamp)
	signed := append([]byte(h.Get("webhook-id")+"."+stamp+"."), body...)
	h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac(standardKey(secret), signed)))
	h.Del("Content-Length")
	return h
}

func (in *Inbox) message(seq int) (Message, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, m := range in.kept {
		if m.Seq == seq {
			return m, true
		}
	}
	return Message{}, false
}

// nearby calls this machine and nothing else: the page that asks for it has no login.
var nearby = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport: &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !at.Addr().Unmap().IsLoopback() {
			return fmt.Errorf("%s is not on this machine", address)
		}
		return nil
	}}).DialContext},
}
