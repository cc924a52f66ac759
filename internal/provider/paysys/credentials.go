package paysys

import (
	"context"

	"github.com/chorsu/chorsu/internal/provider"
)

// CheckCredentials asks for a payment that does not exist: PaySys looks at who asks before it looks
// for it. What it thinks of the vendorId is only heard when a payment is prepared.
func (a *account) CheckCredentials(ctx context.Context) error {
	var got standing
	err := a.rpc.call(ctx, "pam.check_payment", holdEnd{Transaction: "0"}, "", &got)
	if err == nil {
		return nil
	}
	_, no, err := verdict(err, false)
	if err == nil && codes[no.code].class == unheard {
		return &provider.Error{Kind: provider.KindUnavailable, Code: no.text(), Message: no.message, RequestID: no.tracker}
	}
	return err // nil: it answered no to the payment, and not to us
}
