package pay

import "time"

// Merchant is a business at one provider.
type Merchant struct {
	ID         string
	BusinessID string
	Source     string // as in Business
	Business   string // Business.Key
	Provider   string

	DisplayName string
	Active      bool
	Sealed      []byte // credentials and secret options, encrypted; opened only to call or to check a call
	Options     Options
	Version     int64 // grows with every change; an opened account is kept by (ID, Version)

	CreatedAt, UpdatedAt time.Time
}

// Options are a merchant's settings besides its credentials. Zero values are the references'
// defaults. TestKey is secret: it is kept inside the sealed part and never returned.
type Options struct {
	Mode             string   `json:"mode,omitempty"`             // "live" (default) or "test": which of Payme's two keys counts
	AccountField     string   `json:"accountField,omitempty"`     // Payme: the account field's name; default order_id
	UzumAttribute    string   `json:"uzumAttribute,omitempty"`    // Uzum: the attribute registered for the service; default order_id
	AmountUnit       string   `json:"amountUnit,omitempty"`       // Uzum: "tiyin" (default) or "som"
	PartialRefund    bool     `json:"partialRefund,omitempty"`    // whether parts may be returned where the provider leaves it open
	PartialReversal  bool     `json:"partialReversal,omitempty"`  // Click: payment/partial_reversal may be called
	RefundEvents     bool     `json:"refundEvents,omitempty"`     // a partial refund sends refund.updated
	RefuseLateCancel bool     `json:"refuseLateCancel,omitempty"` // Payme: answer −31007 to a cancel after payment
	Fiscalise        bool     `json:"fiscalise,omitempty"`        // Click: the provider makes the fiscal receipt from the invoice's ofd
	DirectCharge     bool     `json:"directCharge,omitempty"`     // PaySys: charge at once, and not through a hold that is taken at once
	OwnTIN           string   `json:"ownTin,omitempty"`           // the seller's own TIN for fiscal lines without one
	ReconcileNightly bool     `json:"reconcileNightly,omitempty"` // the day that is over is compared with the provider's register each night
	CallbackFrom     []string `json:"callbackFrom,omitempty"`     // CIDRs from which callbacks are taken; empty: any
}
