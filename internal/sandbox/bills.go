package sandbox

import (
	"context"
	"strings"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/ui"
)

// Bills is what a buyer's phone can see of the gateway: what stands on its hosted pages. Where
// the sandbox stands alone it has none, and the phone opens what is pasted.
type Bills interface {
	// Newest are a few invoices, the newest first.
	Newest(ctx context.Context) ([]Bill, error)
	// Ways are how an invoice can be paid. ok is false where there is no such invoice.
	Ways(ctx context.Context, id string) (b Bill, ways []Way, ok bool, err error)
	// Open has a company make the page whose Way has no link, and returns its link.
	Open(ctx context.Context, id, provider string) (link string, err error)
	// Sample makes an invoice of a business that is there for looking around.
	Sample(ctx context.Context) (id string, err error)
}

// Bill is an invoice as a buyer sees it.
type Bill struct {
	ID, Shop, Order string
	Amount          pay.Tiyin
	State           ui.State
}

// Way is one way to pay a bill. A Link that is "" is made by Bills.Open.
type Way struct{ Provider, Title, Link string }

// hosted is the id in a hosted page's address, "" in any other. Bills.Ways decides whether there
// is such a bill.
func hosted(link string) string {
	_, id, ok := strings.Cut(link, "/pay/")
	if !ok {
		return ""
	}
	id, _, _ = strings.Cut(id, "?")
	return id
}
