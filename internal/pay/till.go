package pay

import "time"

// Till is a program beside a cash register that reports what was sold in the shop. It is paired
// with its business by a one-time code.
type Till struct {
	ID, BusinessID string
	Source         string // as in Business
	Business       string // Business.Key

	Name      string
	NotifyURL string // where the webhooks of its sales go; "": none are sent
	Device    string // what the till says of itself
	Version   string

	CodeHash  string // of the pairing code; "" once it cannot be used any more
	CodeUntil time.Time
	NonceHash string // who has used it
	TokenHash string // of its token; "" unless it is paired

	CreatedAt, PairedAt, SeenAt, RevokedAt time.Time
}

// TillStatus is where a till stands.
type TillStatus string

// The statuses of a till.
const (
	TillNew     TillStatus = "new"     // waits for its pairing code
	TillExpired TillStatus = "expired" // its code ran out unused
	TillPaired  TillStatus = "paired"
	TillRevoked TillStatus = "revoked"
)

// Status is where t stands at now.
func (t Till) Status(now time.Time) TillStatus {
	switch {
	case !t.RevokedAt.IsZero():
		return TillRevoked
	case t.TokenHash != "":
		return TillPaired
	case now.After(t.CodeUntil):
		return TillExpired
	}
	return TillNew
}

// TillReport is what a till says of one of its operations. The same operation is reported again,
// with a higher revision, when more of it is known. The JSON is how it is kept, and how it comes.
type TillReport struct {
	ID       string `json:"id"` // made at the till; also the payment's id
	Revision int64  `json:"revision"`
	Kind     string `json:"kind"` // sale, return, void, close
	Provider string `json:"provider"`
	State    string `json:"state"`  // unknown, approved, declined, not_started
	Amount   Tiyin  `json:"amount"` // 0 on a close

	CreatedAt  time.Time `json:"createdAt"`
	FinishedAt time.Time `json:"finishedAt,omitzero"`

	RRN           string `json:"rrn,omitempty"`
	Ref           string `json:"ref,omitempty"`           // the company's id of the payment
	TransactionID string `json:"transactionId,omitempty"` // our id, as it was sent to the company
	Card          string `json:"card,omitempty"`          // masked
	TerminalID    string `json:"terminalId,omitempty"`
	ReceiptNo     string `json:"receiptNo,omitempty"`
	Original      string `json:"original,omitempty"` // the sale that a return is of
	OriginalRRN   string `json:"originalRrn,omitempty"`
	Code          string `json:"code,omitempty"`
	Note          string `json:"note,omitempty"`
	ResolvedBy    string `json:"resolvedBy,omitempty"` // who ended an unknown outcome
	ReceiptURL    string `json:"receiptUrl,omitempty"`
	OrderID       string `json:"orderId,omitempty"` // the cash register's own

	Totals *TillTotals `json:"totals,omitempty"` // close only
}

// TillTotals is what a till's journal held when a shift was closed.
type TillTotals struct {
	Sales         int64 `json:"sales"`
	SalesAmount   Tiyin `json:"salesAmount"`
	Returns       int64 `json:"returns"`
	ReturnsAmount Tiyin `json:"returnsAmount"`
}

// KeptReport is a report as it is stored.
type KeptReport struct {
	TillID, BusinessID string
	InvoiceID          string // a sale's, or that of the sale which a return is of
	RefundID           string // of a return
	Report             TillReport

	CreatedAt, UpdatedAt time.Time
}
