// Package gateway holds the use cases. It is the only place where a transaction begins and
// ends, and the only one that changes state; one file per flow.
package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Gateway is the use cases over one store.
type Gateway struct{}

const pending = "the use cases are being written"

func (g *Gateway) Supported() []provider.Info { panic(pending) }
func (g *Gateway) SaveMerchant(ctx context.Context, in MerchantInput, key Idem) (Saved[Merchant], error) {
	panic(pending)
}
func (g *Gateway) PatchMerchant(ctx context.Context, id string, in MerchantPatch) (Merchant, error) {
	panic(pending)
}
func (g *Gateway) Merchant(ctx context.Context, id string) (Merchant, error) { panic(pending) }
func (g *Gateway) Merchants(ctx context.Context, f MerchantFilter, p Page) (List[Merchant], error) {
	panic(pending)
}
func (g *Gateway) ProvidersOf(ctx context.Context, source, business string) ([]pay.Merchant, error) {
	panic(pending)
}
func (g *Gateway) CreateInvoice(ctx context.Context, in InvoiceInput, key Idem) (Saved[Invoice], error) {
	panic(pending)
}
func (g *Gateway) Invoice(ctx context.Context, id string) (Invoice, error) { panic(pending) }
func (g *Gateway) Invoices(ctx context.Context, f InvoiceFilter, p Page) (List[Invoice], error) {
	panic(pending)
}
func (g *Gateway) Timeline(ctx context.Context, id string) ([]TimelineEntry, error) { panic(pending) }
func (g *Gateway) CancelInvoice(ctx context.Context, id string, key Idem) (Saved[Invoice], error) {
	panic(pending)
}
func (g *Gateway) Notify(ctx context.Context, id string, key Idem) (Saved[Invoice], error) {
	panic(pending)
}
func (g *Gateway) SendReceipt(ctx context.Context, id, url string, key Idem) (Saved[Invoice], error) {
	panic(pending)
}
func (g *Gateway) CreateRefund(ctx context.Context, in RefundInput, key Idem) (Saved[pay.Refund], error) {
	panic(pending)
}
func (g *Gateway) Refund(ctx context.Context, id string) (pay.Refund, error) { panic(pending) }
func (g *Gateway) RefundsOf(ctx context.Context, invoiceID string) ([]pay.Refund, error) {
	panic(pending)
}

// Callback serves a provider's call: merchantID is "" where the address names none.
func (g *Gateway) Callback(w http.ResponseWriter, r *http.Request, providerName, merchantID string) {
	panic(pending)
}

// Links are the addresses, one per active provider of the invoice's business, by which a buyer
// may pay it: what the hosted page shows.
func (g *Gateway) Links(ctx context.Context, invoiceID string) (Invoice, []Link, error) {
	panic(pending)
}

// Ready says whether the gateway can serve.
func (g *Gateway) Ready(ctx context.Context) Readiness { panic(pending) }

// Link is one way to pay, as the hosted page shows it.
type Link struct {
	Provider, Title, DisplayName string
	URL, Deeplink                string
}

// MerchantFilter narrows a list of merchants; empty fields do not.
type MerchantFilter struct {
	Source, Business, Provider string
	Active                     *bool
}

// InvoiceFilter narrows a list of invoices; empty fields do not.
type InvoiceFilter struct {
	Source, Business, Status, Provider, SourceInvoiceID, PayNumber string
	From, To                                                       time.Time // created in [From, To)
}
