package payme

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/pay"
)

// detail tells Payme what its fiscal receipt is to show. Amounts are tiyin.
type detail struct {
	ReceiptType int    `json:"receipt_type"` // 0: a sale
	Items       []item `json:"items"`
}

type item struct {
	Title       string       `json:"title"`
	Price       pay.Tiyin    `json:"price"` // of one unit
	Count       pay.Quantity `json:"count"`
	Code        string       `json:"code"` // MXIK
	Units       int64        `json:"units,omitempty"`
	VATPercent  int          `json:"vat_percent"`
	PackageCode string       `json:"package_code"`
	Discount    pay.Tiyin    `json:"discount"` // of the whole line
}

// fiscalDetail is an invoice's lines as Payme wants them, nil where it has none. The sum of
// price × count − discount is the invoice's amount, which was checked when it was made.
func fiscalDetail(lines []pay.ReceiptLine) *detail {
	if len(lines) == 0 {
		return nil
	}
	d := &detail{}
	for _, l := range lines {
		// A weighed line whose price × count is no whole tiyin was rounded once, when it was
		// made. Payme would round it again, so it goes as one piece.
		if int64(l.Price)*int64(l.Qty)%int64(pay.One) != 0 {
			l = l.InOnePiece()
		}
		x := item{
			Title: l.Name, Price: l.Price, Count: l.Qty, Code: l.MXIK,
			Units: l.Units, PackageCode: l.PackageCode, Discount: l.Discount,
		}
		if l.VAT != nil { // "without VAT" has no word at Payme; 0 is assumed
			x.VATPercent = *l.VAT
		}
		d.Items = append(d.Items, x)
	}
	return d
}

// fiscalParams are the parameters of SetFiscalData.
type fiscalParams struct {
	ID      string
	Receipt pay.Receipt
}

// The longest texts that are kept of a fiscal receipt.
const (
	maxFiscalText = 255
	maxFiscalURL  = 2048
)

// readFiscal reads SetFiscalData. Its faults have a number of their own, −32602.
func readFiscal(p params) (q fiscalParams, f *fault) {
	if q.ID, f = p.transactionID(); f != nil {
		return q, faultParams.about("id")
	}
	kind, _ := p.text("type")
	switch kind {
	case "PERFORM":
		q.Receipt.Kind = "sale"
	case "CANCEL":
		q.Receipt.Kind = "refund"
	default:
		return q, faultParams.about("type")
	}
	data, ok := object(p["fiscal_data"])
	if !ok {
		return q, faultParams.about("fiscal_data")
	}
	for _, x := range []struct {
		name string
		into *string
		max  int
	}{
		{"receipt_id", &q.Receipt.Number, maxFiscalText},
		{"terminal_id", &q.Receipt.Terminal, maxFiscalText},
		{"fiscal_sign", &q.Receipt.FiscalSign, maxFiscalText},
		{"date", &q.Receipt.Time, maxFiscalText},
		{"message", &q.Receipt.Message, maxFiscalText},
		{"qr_code_url", &q.Receipt.URL, maxFiscalURL},
	} {
		if *x.into, ok = data.loose(x.name, x.max); !ok {
			return q, faultParams.about(x.name)
		}
	}
	// The sandbox writes words where the link belongs; they are no fault, and no link.
	if !isLink(q.Receipt.URL) {
		q.Receipt.URL = ""
	}
	code, ok := data.loose("status_code", maxFiscalText)
	if ok && code != "" {
		q.Receipt.StatusCode, ok = atoi(code)
	}
	if !ok {
		return q, faultParams.about("status_code")
	}
	return q, nil
}

// loose reads a text that Payme writes as a text in one place and as a number in another;
// null and nothing are "".
func (p params) loose(name string, max int) (string, bool) {
	raw := p[name]
	if raw == "" || raw == "null" {
		return "", true
	}
	text, ok := p.text(name)
	if isNumber(raw) {
		text, ok = raw, true
	}
	return text, ok && len(text) <= max && !hasControl(text)
}

func atoi(s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil
}

// isLink says whether a text can be shown to people as the address of a receipt.
func isLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && !strings.ContainsAny(s, " \"<>")
}
