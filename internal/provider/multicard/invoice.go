package multicard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// meta is what we keep of Multicard's side of a payment, beside its Ref: the payment's uuid.
//
// Whether a hosted invoice, the payment in it and the callback all have one and the same uuid is
// nowhere said; it is what everybody has seen. So each is kept where it differs.
type meta struct {
	Invoice string `json:"invoice,omitempty"` // the hosted invoice's uuid
	Paid    string `json:"paid,omitempty"`    // the uuid that the money came under; "" where that is Ref
	Hold    int64  `json:"hold,omitempty"`    // the hold's id, where we asked for one
	Wallet  string `json:"wallet,omitempty"`  // the app that it is paid in, by a link of its own
	Store   int64  `json:"store,omitempty"`   // the register's number
}

func metaOf(p pay.Payment) meta {
	var m meta
	_ = json.Unmarshal(p.Meta, &m) // what was never written reads as nothing known
	return m
}

// transaction is the uuid that p's money came under, or will.
func transaction(p pay.Payment) string {
	if paid := metaOf(p).Paid; paid != "" {
		return paid
	}
	return p.Ref
}

// Checkout makes the hosted invoice. Multicard does not refuse a second one for the same
// invoice_id, so nothing here is ever sent twice: after a lost answer the gateway asks under a
// new payment, whose id is what Multicard knows as invoice_id. The page that was made unseen
// can hurt nobody: its address was in the lost answer.
func (a *account) Checkout(ctx context.Context, inv pay.Invoice, p pay.Payment) (provider.Link, error) {
	req := invoiceRequest{
		StoreID:        a.storeID(),
		Amount:         p.Amount,
		InvoiceID:      p.ID,
		CallbackURL:    a.env.CallbackURL,
		ReturnURL:      inv.ReturnURL,
		ReturnErrorURL: inv.ErrorURL,
		Lang:           inv.Lang,
		OFD:            receipt(inv.Lines),
		Split:          split(inv.Split),
	}
	if !inv.ExpiresAt.IsZero() {
		// Their page closes no later than our invoice, so that nobody pays what is expired here.
		req.TTL = max(1, int64(inv.ExpiresAt.Sub(a.env.Now())/time.Second))
	}
	var made invoiceAnswer
	if err := a.client.call(ctx, http.MethodPost, "/payment/invoice", req, &made); err != nil {
		return provider.Link{}, err
	}
	if err := made.check(req); err != nil {
		// Something was made, and not what was asked for: its page must not be shown.
		return provider.Link{}, &provider.Error{Kind: provider.KindUnavailable, Err: err}
	}
	ref := string(made.UUID)
	if made.Payment != nil && uuidShape.MatchString(string(made.Payment.UUID)) {
		ref = string(made.Payment.UUID)
	}
	a.number.Store(int64(made.StoreID))
	kept, err := json.Marshal(meta{Invoice: string(made.UUID), Store: int64(made.StoreID)})
	if err != nil {
		return provider.Link{}, err
	}
	link := provider.Link{URL: string(made.CheckoutURL), Ref: ref, Meta: kept}
	if webURL(string(made.Deeplink)) {
		link.Deeplink = string(made.Deeplink)
	}
	return link, nil
}

// check says what in the answer is not what was asked for.
func (m *invoiceAnswer) check(req invoiceRequest) error {
	switch {
	case !uuidShape.MatchString(string(m.UUID)):
		return errors.New("the invoice at Multicard has no uuid")
	case pay.Tiyin(m.Amount) != req.Amount:
		return errors.New("the invoice at Multicard is over another amount")
	case string(m.InvoiceID) != req.InvoiceID:
		return errors.New("the invoice at Multicard has another invoice_id")
	case m.StoreID <= 0:
		return errors.New("the invoice at Multicard names no register")
	case !webURL(string(m.CheckoutURL)):
		return errors.New("the invoice at Multicard has no page")
	}
	return nil
}

// CancelCheckout takes the hosted invoice back. Where Multicard refuses, the payment is read:
// the buyer may have been quicker.
func (a *account) CancelCheckout(ctx context.Context, p pay.Payment) (provider.Outcome, error) {
	if metaOf(p).Wallet != "" {
		return a.cancelWallet(ctx, p)
	}
	uuid, err := a.invoiceUUID(ctx, p)
	if err != nil {
		return provider.Outcome{}, err
	}
	if uuid == "" {
		return provider.Outcome{State: pay.Created, Note: "Multicard's register does not show the invoice"}, nil
	}
	err = a.client.call(ctx, http.MethodDelete, "/payment/invoice/"+url.PathEscape(uuid), struct{}{}, nil)
	switch codeOf(err) {
	case "":
		if err != nil {
			return provider.Outcome{}, err
		}
		return provider.Outcome{State: pay.Cancelled, At: a.env.Now()}, nil
	case codeFields, codeNotFound, codeNotReady:
	default:
		return provider.Outcome{}, err
	}
	refused := err
	m, err := a.read(ctx, uuid, p.ID)
	switch {
	case codeOf(err) == codeNotFound:
		return provider.Outcome{State: pay.Cancelled, At: a.env.Now(), Note: "Multicard knows it no more"}, nil
	case err != nil:
		return provider.Outcome{}, err
	}
	out := m.outcome(p.State)
	if out.State == pay.Created && m.Status == statusDraft {
		// Unpaid, and yet it may not be cancelled: that is a fault of the call, not an answer.
		return provider.Outcome{}, refused
	}
	return out, nil
}

// invoiceUUID is the uuid under which Multicard knows the hosted invoice. Where the answer that
// told it was lost, the register's list is searched; "" means that it is not there.
func (a *account) invoiceUUID(ctx context.Context, p pay.Payment) (string, error) {
	if m := metaOf(p); m.Invoice != "" {
		return m.Invoice, nil
	}
	if p.Ref != "" {
		return p.Ref, nil
	}
	return a.search(ctx, p.ID, p.CreatedAt)
}

// storeID is the register as the wire wants it: a number, or its UUID as text.
func (a *account) storeID() any {
	if n, err := strconv.ParseInt(a.store, 10, 64); err == nil {
		return n
	}
	return a.store
}

// receipt writes the lines as Multicard takes them: whole quantities and no discount. A line
// that has a fraction or a discount goes as one unit at what the buyer pays for it, with the
// quantity in its name, so that the sum of the totals is the sum of the invoice.
func receipt(lines []pay.ReceiptLine) []ofdLine {
	out := make([]ofdLine, 0, len(lines))
	for _, l := range lines {
		o := ofdLine{
			Qty: int64(l.Qty) / 1000, Price: l.Price, Total: l.Total,
			MXIK: l.MXIK, PackageCode: l.PackageCode, Name: l.Name, VAT: l.VAT, TIN: l.TIN, Mark: l.Mark,
		}
		if o.TIN == "" {
			o.TIN = l.PINFL
		}
		if l.Qty%1000 != 0 || l.Discount != 0 {
			net := subtotal(l) - l.Discount
			o.Qty, o.Price, o.Total = 1, net, net
			if l.Qty != 1000 {
				o.Name += " × " + quantity(l.Qty)
			}
		}
		out = append(out, o)
	}
	return out
}

// subtotal is quantity times price in whole tiyin, half up.
func subtotal(l pay.ReceiptLine) pay.Tiyin {
	// In two parts, since thousandths times tiyin may not fit 64 bits.
	units, rest := pay.Tiyin(l.Qty)/1000, pay.Tiyin(l.Qty)%1000
	return units*l.Price + (rest*l.Price+500)/1000
}

// quantity writes thousandths as a plain decimal number: 250 is "0.25".
func quantity(q pay.Quantity) string {
	s := strconv.FormatInt(int64(q)/1000, 10)
	if rest := int64(q) % 1000; rest != 0 {
		s += "." + strings.TrimRight(strconv.FormatInt(1000+rest, 10)[1:], "0")
	}
	return s
}

func split(parts []pay.SplitPart) []splitPart {
	out := make([]splitPart, 0, len(parts))
	for _, p := range parts {
		out = append(out, splitPart{Type: p.Type, Amount: p.Amount, Details: p.Details, Recipient: p.Recipient})
	}
	return out
}

// webURL says whether s is an address that a browser may be sent to.
func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= 2048 && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// Names implements provider.Namer: a payment may be known by the uuid of its page, of the money or
// of its hold.
func (multicard) Names(p pay.Payment) []string {
	m := metaOf(p)
	names := []string{m.Paid, m.Invoice}
	if m.Hold > 0 {
		names = append(names, strconv.FormatInt(m.Hold, 10))
	}
	return names
}

var _ provider.Namer = multicard{}
