package click

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// SendReceipt hands CLICK the link of a receipt that the merchant's own till made.
func (a *account) SendReceipt(ctx context.Context, p pay.Payment, r pay.Receipt) error {
	service, payment, err := a.fiscalIDs(ctx, p)
	if err != nil {
		return err
	}
	return a.submit(ctx, "payment/ofd_data/submit_qrcode", qrCodeOrder{ServiceID: service, PaymentID: payment, QRCode: r.URL})
}

// SubmitLines has CLICK make the receipt. Sums are tiyin here, though CLICK's payments are in
// soum. What was paid in CLICK's app counts as paid by card.
func (a *account) SubmitLines(ctx context.Context, p pay.Payment, lines []pay.ReceiptLine) error {
	o, err := a.itemsOrder(p, lines)
	if err != nil {
		return &provider.Error{Kind: provider.KindInvalid, NotSent: true, Message: err.Error()}
	}
	if o.ServiceID, o.PaymentID, err = a.fiscalIDs(ctx, p); err != nil {
		return err
	}
	return a.submit(ctx, "payment/ofd_data/submit_items", o)
}

// FiscalReceipt reads the link of the receipt that CLICK made; the URL is "" while there is
// none, which may be so for a while after SubmitLines.
func (a *account) FiscalReceipt(ctx context.Context, p pay.Payment) (pay.Receipt, error) {
	id, err := a.paymentID(ctx, p)
	if err != nil {
		return pay.Receipt{}, err
	}
	ans, err := a.api.do(ctx, http.MethodGet, "payment/ofd_data/"+a.service+"/"+id, nil)
	if err != nil {
		return pay.Receipt{}, err
	}
	if code, ok := ans.code(); ok && code != 0 {
		return pay.Receipt{}, ans.refused()
	}
	return pay.Receipt{Kind: "sale", URL: ans.QRCodeURL}, nil
}

// submit makes one of the fiscal calls. They move no money, so they may be repeated.
func (a *account) submit(ctx context.Context, path string, order any) error {
	ans, err := a.api.do(ctx, http.MethodPost, path, order)
	if err != nil {
		return err
	}
	code, ok := ans.code()
	switch {
	case !ok:
		return ans.notUnderstood("an answer without error_code")
	case code != 0:
		return ans.refused()
	}
	return nil
}

// refused is CLICK's no.
func (a apiAnswer) refused() error {
	return &provider.Error{Kind: provider.KindInvalid, Code: a.ErrorCode.String(), Message: a.ErrorNote}
}

func (a *account) fiscalIDs(ctx context.Context, p pay.Payment) (service, payment int64, err error) {
	id, err := a.paymentID(ctx, p)
	if err != nil {
		return 0, 0, err
	}
	service, errService := strconv.ParseInt(a.service, 10, 64)
	payment, errPayment := strconv.ParseInt(id, 10, 64)
	if err := errors.Join(errService, errPayment); err != nil {
		return 0, 0, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Err: err}
	}
	return service, payment, nil
}

// itemsOrder says the lines in CLICK's words. A receipt that does not add up to what was paid
// is not sent.
func (a *account) itemsOrder(p pay.Payment, lines []pay.ReceiptLine) (itemsOrder, error) {
	o := itemsOrder{Items: make([]item, 0, len(lines))}
	for i, l := range lines {
		it, err := a.item(l)
		if err != nil {
			return itemsOrder{}, fmt.Errorf("ofd[%d]: %w", i, err)
		}
		o.Items = append(o.Items, it)
	}
	sum := pay.LinesTotal(lines)
	if len(lines) == 0 || sum != p.Captured {
		return itemsOrder{}, fmt.Errorf("the lines add up to %d tiyin and %d were paid", sum, p.Captured)
	}
	o.ReceivedCard = int64(sum)
	return o, nil
}

// item says one line. CLICK counts whole units, so what was weighed is one piece with its weight
// in the name.
func (a *account) item(l pay.ReceiptLine) (item, error) {
	l = l.InOnePiece()
	it := item{
		Name:        l.Name,
		Labels:      l.Mark,
		SPIC:        l.MXIK,
		Units:       l.Units,
		PackageCode: l.PackageCode,
		GoodPrice:   int64(l.Price),
		Price:       int64(l.Subtotal()),
		Amount:      int64(l.Qty / pay.One),
		VAT:         int64(l.VATAmount()),
		Discount:    int64(l.Discount),
	}
	if l.VAT != nil {
		it.VATPercent = *l.VAT // CLICK has no word for "without VAT" but 0
	}
	switch {
	case l.TIN != "":
		it.CommissionInfo.TIN = l.TIN
	case l.PINFL != "":
		it.CommissionInfo.PINFL = l.PINFL
	case a.ownTIN != "":
		it.CommissionInfo.TIN = a.ownTIN
	default:
		return item{}, errors.New("CLICK wants the seller's tin or pinfl: set it in the line, or the merchant's option ownTin")
	}
	return it, nil
}
