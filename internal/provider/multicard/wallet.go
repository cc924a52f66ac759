package multicard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// wallets are the apps that Multicard makes a link for, in its documentation's order.
var wallets = []string{"payme", "click", "uzum", "anorbank", "alif", "oson", "xazna", "beepul", "trastpay", "sbp"}

// Wallets lists the apps.
func (a *account) Wallets() []string { return slices.Clone(wallets) }

// walletRequest is POST /payment with the name of an app.
type walletRequest struct {
	System      string    `json:"payment_system"`
	Amount      pay.Tiyin `json:"amount"`
	StoreID     any       `json:"store_id"`
	InvoiceID   string    `json:"invoice_id"` // our payment's id
	CallbackURL string    `json:"callback_url"`
	OFD         []ofdLine `json:"ofd,omitempty"`
	ReturnURL   string    `json:"return_url,omitempty"`
}

// ChargeWallet makes the link into an app. There is nothing to confirm: Multicard tells us when
// the buyer has paid there, as it does of its own page.
func (a *account) ChargeWallet(ctx context.Context, inv pay.Invoice, p pay.Payment, wallet string) (provider.Link, error) {
	if !slices.Contains(wallets, wallet) {
		return provider.Link{}, &provider.Error{Kind: provider.KindInvalid, NotSent: true, Message: "Multicard has no such app"}
	}
	if len(inv.Split) > 0 {
		return provider.Link{}, &pay.Error{Code: pay.CodeUnsupported, Reason: "split_not_supported", Message: "Multicard splits payments by card, and not those through an app"}
	}
	req := walletRequest{
		System: wallet, Amount: p.Amount, StoreID: a.storeID(), InvoiceID: p.ID, CallbackURL: a.env.CallbackURL, OFD: receipt(inv.Lines),
	}
	if strings.HasPrefix(inv.ReturnURL, "http") { // an app's own scheme is refused here
		req.ReturnURL = inv.ReturnURL
	}
	var got paymentModel
	if err := a.client.call(ctx, http.MethodPost, "/payment", req, &got); err != nil {
		return provider.Link{}, err
	}
	switch {
	case !uuidShape.MatchString(string(got.UUID)):
		return provider.Link{}, unclear("Multicard's payment has no uuid")
	case pay.Tiyin(got.PaymentAmount) != p.Amount:
		return provider.Link{}, unclear("Multicard's payment is over another amount")
	case !webURL(string(got.CheckoutURL)):
		return provider.Link{}, unclear("Multicard's payment has no link")
	}
	kept, err := json.Marshal(meta{Wallet: wallet, Store: int64(got.StoreID)})
	return provider.Link{URL: string(got.CheckoutURL), Ref: string(got.UUID), Meta: kept}, err
}

// cancelWallet takes back a link that nobody has paid by. The call that does it returns the money
// of a payment that is done, so the payment is read first; should the buyer pay between the two,
// the money goes back to them.
func (a *account) cancelWallet(ctx context.Context, p pay.Payment) (provider.Outcome, error) {
	m, err := a.read(ctx, p.Ref, p.ID)
	switch {
	case codeOf(err) == codeNotFound:
		return provider.Outcome{State: pay.Cancelled, At: a.env.Now(), Note: "Multicard knows it no more"}, nil
	case err != nil:
		return provider.Outcome{}, err
	case m.Status != statusDraft:
		return m.outcome(p.State), nil
	}
	var got paymentModel
	if err := a.about(ctx, http.MethodDelete, p.Ref, "", struct{}{}, &got); err != nil {
		return provider.Outcome{}, err
	}
	if err := got.ours(p); err != nil {
		return provider.Outcome{}, err
	}
	if got.Status == "" || got.Status == statusDraft {
		return provider.Outcome{State: pay.Cancelled, At: a.env.Now()}, nil
	}
	return counted(got.outcome(p.State))
}

// splitTypes are the kinds of recipients.
var splitTypes = []string{"account", "wallet", "card"}

// CanSplit checks what can be checked before anything is written. Multicard asks further that the
// parts leave its commission free, whose size it alone knows.
func (a *account) CanSplit(amount pay.Tiyin, parts []pay.SplitPart) error {
	var faults []string
	var sum pay.Tiyin
	for i, p := range parts {
		at := fmt.Sprintf("split[%d]", i)
		if !slices.Contains(splitTypes, p.Type) {
			faults = append(faults, fmt.Sprintf(`"%s.type" must be one of [%s]`, at, strings.Join(splitTypes, ", ")))
		}
		if p.Type == "account" && p.Recipient != "" && !uuidShape.MatchString(p.Recipient) {
			faults = append(faults, fmt.Sprintf(`"%s.recipient" must be the UUID of the recipient's account at Multicard`, at))
		}
		sum += p.Amount
	}
	if sum > amount {
		faults = append(faults, `"split" must not add up to more than "amount"`)
	}
	if len(faults) == 0 {
		return nil
	}
	return &pay.Error{Code: pay.CodeInvalid, Field: "split", Message: strings.Join(faults, "; "), Details: faults}
}
