package till

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chorsu/chorsu/internal/till/journal"
)

// link reports to the gateway: outward only, store and forward. A report carries the payment's id
// made here and a revision that grows with each change, so that it may be sent again, late, or
// after a newer one.
type link struct {
	a    *Agent
	url  string
	code string // the pairing code of the configuration

	mu      sync.Mutex           // held while the gateway is told, however long it takes
	next    time.Time            // not before
	failing error                // how the gateway answered, if that was to none of the reports sent last
	aside   map[string]time.Time // by our id: reports that the gateway fails over, and until when they let the others pass
	failed  int                  // tries in a row
	state   atomic.Value
}

// linkState is what the page tells about it.
type linkState string

const (
	linkNone    linkState = "none" // the agent works alone
	linkUp      linkState = "up"
	linkAway    linkState = "away"    // the gateway does not answer; what there is, is kept
	linkRevoked linkState = "revoked" // a person took this till off
	linkUnknown linkState = "unpaired"
)

// batch is how many operations go into one report.
const batch = 50

// The journal's settings of the link.
const (
	settingToken = "gateway_token"
	settingUsed  = "gateway_code"  // hash of the code that the token came from
	settingNonce = "gateway_nonce" // makes pairing repeatable after a lost answer
)

// report sends what the gateway does not have.
func (l *link) report(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.a.now().Before(l.next) {
		return
	}
	token, err := l.token(ctx)
	for err == nil {
		var more bool
		if more, err = l.send(ctx, token); !more {
			break
		}
	}
	switch {
	case err == nil:
		l.failed = 0
		l.state.Store(linkUp)
		return
	case errors.Is(err, errRevoked):
		l.state.Store(linkRevoked)
		l.next = l.a.now().Add(5 * time.Minute)
	case errors.Is(err, errUnpaired):
		l.state.Store(linkUnknown)
		l.next = l.a.now().Add(5 * time.Minute)
	default:
		l.state.Store(linkAway)
		l.next = l.a.now().Add(min(5*time.Minute, 5*time.Second<<min(l.failed, 10)))
		l.failed++
	}
	l.a.log.Warn("the gateway was not told", "error", err)
}

func (l *link) now() linkState {
	if l == nil {
		return linkNone
	}
	if s, ok := l.state.Load().(linkState); ok {
		return s
	}
	return linkAway
}

var (
	errRevoked  = errors.New("the gateway does not know this till any more")
	errUnpaired = errors.New("the till is not paired: put a new code into gateway.pairing")
)

// token is the till's own, from the journal, or for the code of the configuration.
func (l *link) token(ctx context.Context) (string, error) {
	token, err := l.a.j.Setting(ctx, settingToken)
	if err != nil {
		return "", err
	}
	used, err := l.a.j.Setting(ctx, settingUsed)
	if err != nil {
		return "", err
	}
	// The code alone names the pairing: a gateway that has moved knows its tills still, and the code is
	// spent. Journals of before have the address in it.
	hash := l.a.j.Hash("pairing", l.code)
	if token != "" && (l.code == "" || used == hash || used == l.a.j.Hash("pairing", l.url, l.code)) {
		return token, nil
	}
	if l.code == "" {
		return "", errUnpaired
	}
	return l.pair(ctx, hash)
}

// pair exchanges the one-time code for a token. The nonce is kept before it is sent, so that the
// same code may be sent again by this till, and by no other, when the answer was lost.
func (l *link) pair(ctx context.Context, hash string) (string, error) {
	nonce, err := l.a.j.Setting(ctx, settingNonce)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(nonce, hash[:16]+":") {
		var b [16]byte
		rand.Read(b[:])
		nonce = hash[:16] + ":" + hex.EncodeToString(b[:])
		if err := l.a.j.Set(ctx, settingNonce, nonce); err != nil {
			return "", err
		}
	}
	shop := l.a.o.Config.Shop
	var got struct {
		Token string `json:"token"`
	}
	status, _, err := l.call(ctx, "/api/tills/pair", "", map[string]string{
		"code": l.code, "nonce": nonce[17:], "name": shop.Name, "deviceId": shop.Device, "version": l.a.o.Version,
	}, &got)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusUnauthorized:
		return "", errUnpaired
	case status != http.StatusCreated && status != http.StatusOK || got.Token == "":
		return "", fmt.Errorf("pairing was answered with HTTP %d", status)
	}
	if err := l.a.j.Set(ctx, settingToken, got.Token); err != nil {
		return "", err
	}
	return got.Token, l.a.j.Set(ctx, settingUsed, hash)
}

// reported is one operation in the gateway's words. Amounts are tiyin.
type reported struct {
	ID            string  `json:"id"`
	Revision      int64   `json:"revision"`
	Kind          string  `json:"kind"`
	Provider      string  `json:"provider"`
	State         string  `json:"state"`
	Amount        int64   `json:"amount"`
	CreatedAt     string  `json:"createdAt"`
	FinishedAt    *string `json:"finishedAt"`
	RRN           string  `json:"rrn"`
	Ref           string  `json:"ref"`
	TransactionID string  `json:"transactionId"`
	Card          string  `json:"card"`
	Phone         string  `json:"phone"`
	TerminalID    string  `json:"terminalId"`
	ReceiptNo     string  `json:"receiptNo"`
	Original      string  `json:"original"`
	OriginalRRN   string  `json:"originalRrn"`
	Code          string  `json:"code"`
	Note          string  `json:"note"`
	ResolvedBy    string  `json:"resolvedBy"`
	ReceiptURL    string  `json:"receiptUrl"`
	OrderID       string  `json:"orderId"`
	Totals        *totals `json:"totals"`
}

type totals struct {
	Sales         int   `json:"sales"`
	SalesAmount   int64 `json:"salesAmount"`
	Returns       int   `json:"returns"`
	ReturnsAmount int64 `json:"returnsAmount"`
}

func totalsOf(t journal.Totals) *totals {
	return &totals{t.Sales, int64(t.SalesAmount), t.Returns, int64(t.ReturnsAmount)}
}

// cardOnWire is a masked card as the gateway takes it: devices and companies write the hidden
// digits as x, X, E or dots, and put gaps between. What cannot be read so is left out: a sale must
// not be missing for its card.
func cardOnWire(card string) string {
	var out strings.Builder
	for _, c := range card {
		switch {
		case c >= '0' && c <= '9', c == '*':
			out.WriteRune(c)
		case c == 'x', c == 'X', c == 'E', c == '.', c == '•':
			out.WriteByte('*')
		}
	}
	if !wireCard.MatchString(out.String()) {
		return ""
	}
	return out.String()
}

var wireCard = regexp.MustCompile(`^[0-9]{0,6}\*+[0-9]{0,4}$`)

func (l *link) reported(ctx context.Context, op *journal.Operation) (reported, error) {
	r := reported{
		ID: op.ID, Revision: op.Revision, Kind: string(op.Kind), Provider: op.Provider, State: string(op.State), Amount: int64(op.Amount),
		CreatedAt: op.CreatedAt.UTC().Format(wireTime), RRN: clip(op.RRN, 64), Ref: clip(op.PaymentID, 128), Card: cardOnWire(op.Card), TerminalID: clip(op.TerminalID, 64), ReceiptNo: clip(op.Receipt, 64),
		Original: op.Original, OriginalRRN: clip(op.OriginalRRN, 64), Code: clip(op.Code, 64), Note: clip(op.Message, 200), ResolvedBy: clip(op.ResolvedBy, 100), ReceiptURL: op.ReceiptURL, OrderID: op.OrderID,
	}
	if op.Device == "" {
		r.TransactionID = op.ID
	}
	if op.Endpoint == "one_qr" && op.Kind == journal.Sale {
		r.Ref, r.RRN = clip(op.RRN, 128), "" // the box's pay_id
	}
	if op.Endpoint == "one_qr" {
		r.OriginalRRN = ""
	}
	if r.OrderID == "" {
		r.OrderID = op.OperationID
	}
	if !op.FinishedAt.IsZero() {
		r.FinishedAt = detail(op.FinishedAt.UTC().Format(wireTime))
	}
	if op.Kind == journal.Close {
		byEndpoint, err := l.a.j.Totals(ctx, op.Device, op.ID)
		if err != nil {
			return r, err
		}
		var all journal.Totals
		for _, t := range byEndpoint {
			all = all.And(t)
		}
		r.Totals = totalsOf(all)
	}
	return r, nil
}

func clip(s string, n int) string {
	for i := range s {
		if i >= n {
			return s[:i]
		}
	}
	return s
}

// A report that the gateway fails over lets the others pass for asideFor. After failures of them in a
// row it is the gateway that fails.
const (
	asideFor = 10 * time.Minute
	failures = 3
)

// due are the reports to be sent now: those that the gateway does not have, without those set aside.
func (l *link) due(ctx context.Context) ([]journal.Operation, error) {
	for id, until := range l.aside {
		if !l.a.now().Before(until) {
			delete(l.aside, id)
		}
	}
	ops, err := l.a.j.Unreported(ctx, batch+len(l.aside))
	ops = slices.DeleteFunc(ops, func(op journal.Operation) bool { return l.waits(&op) })
	return ops[:min(len(ops), batch)], err
}

// waits says whether a report is set aside, or is of what goes back of a sale whose report is: the
// gateway must hear of the sale first, or it would make one of its own.
func (l *link) waits(op *journal.Operation) bool {
	return !l.aside[op.ID].IsZero() || op.Original != "" && !l.aside[op.Original].IsZero()
}

// send sends one batch. more: there may be another.
func (l *link) send(ctx context.Context, token string) (more bool, err error) {
	ops, err := l.due(ctx)
	if err == nil && len(ops) == 0 && len(l.aside) > 0 {
		err = l.failing // what there is waits
	}
	if err != nil || len(ops) == 0 {
		return false, err
	}
	status, why, err := l.post(ctx, token, ops)
	switch {
	case err != nil:
		return false, err
	case status == http.StatusOK:
		return len(ops) == batch, l.kept(ctx, ops)
	case len(ops) > 1 && (status == http.StatusBadRequest || failsOver(status)):
		return len(ops) == batch, l.oneByOne(ctx, token, ops)
	case status == http.StatusBadRequest:
		return true, l.refuse(ctx, &ops[0], why)
	}
	return false, statusError(status)
}

// failsOver says whether it may be one report that the gateway fails over, and not its door, or a proxy
// before it: who is turned away there, or told to wait, is so with any report.
func failsOver(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false
	}
	return true
}

// oneByOne finds which of a batch the gateway will not keep, or fails over.
func (l *link) oneByOne(ctx context.Context, token string, ops []journal.Operation) error {
	failed := 0
	for i := range ops {
		if l.waits(&ops[i]) {
			continue
		}
		status, why, err := l.post(ctx, token, ops[i:i+1])
		switch {
		case err != nil:
			return err
		case status == http.StatusOK:
			err = l.kept(ctx, ops[i:i+1])
		case status == http.StatusBadRequest:
			err = l.refuse(ctx, &ops[i], why)
		case failsOver(status):
			l.setAside(ops[i].ID, status)
			l.failing = statusError(status)
			if failed++; failed == failures || failed == len(ops) {
				return l.failing
			}
			continue
		default:
			err = statusError(status)
		}
		if err != nil {
			return err
		}
		failed, l.failing = 0, nil
	}
	return nil
}

func (l *link) setAside(id string, status int) {
	l.a.log.Warn("the gateway fails over a report", "operation", id, "status", status)
	if l.aside == nil {
		l.aside = map[string]time.Time{}
	}
	l.aside[id] = l.a.now().Add(asideFor)
}

func statusError(status int) error {
	if status == http.StatusUnauthorized {
		return errRevoked
	}
	return fmt.Errorf("a report was answered with HTTP %d", status)
}

func (l *link) kept(ctx context.Context, ops []journal.Operation) error {
	for i := range ops {
		if err := l.a.j.MarkReported(ctx, ops[i].ID, ops[i].Revision); err != nil {
			return err
		}
	}
	return nil
}

func (l *link) refuse(ctx context.Context, op *journal.Operation, why string) error {
	l.a.log.Error("the gateway refuses a report", "operation", op.ID, "why", why)
	return l.a.j.MarkRefused(ctx, op.ID, op.Revision, codeOr(why, "refused"))
}

func (l *link) post(ctx context.Context, token string, ops []journal.Operation) (status int, why string, err error) {
	list := make([]reported, len(ops))
	for i := range ops {
		if list[i], err = l.reported(ctx, &ops[i]); err != nil {
			return 0, "", err
		}
	}
	return l.call(ctx, "/api/tills/reports", token, map[string]any{"reports": list}, nil)
}

// call posts JSON to the gateway and reads the data of its envelope.
func (l *link) call(ctx context.Context, path, token string, body, data any) (status int, why string, err error) {
	ctx, stop := context.WithTimeout(ctx, receiptPatience)
	defer stop()
	b, err := json.Marshal(body)
	if err != nil {
		return 0, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(l.url, "/")+path, bytes.NewReader(b))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := l.a.o.HTTP.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 0, "", err
	}
	var e struct {
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(answer, &e); err != nil {
		if res.StatusCode < 300 || res.StatusCode == http.StatusBadRequest {
			return 0, "", fmt.Errorf("HTTP %d, and not the gateway's envelope", res.StatusCode)
		}
		return res.StatusCode, "", nil
	}
	if data != nil && res.StatusCode < 300 {
		err = json.Unmarshal(e.Data, data)
	}
	return res.StatusCode, clip(e.Message+" "+string(e.Data), 500), err
}
