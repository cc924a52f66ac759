package pay

// ReceiptLine is one line of a fiscal receipt: an item of the API's ofd, field for field.
type ReceiptLine struct {
	Qty         Quantity `json:"qty"`
	Price       Tiyin    `json:"price"` // of one unit
	Total       Tiyin    `json:"total"` // Qty × Price, before the discount
	MXIK        string   `json:"mxik"`  // 17 digits; also called IKPU or SPIC
	PackageCode string   `json:"package_code"`
	Name        string   `json:"name"`
	VAT         *int     `json:"vat"` // percent, 0 or 12; nil: without VAT
	Discount    Tiyin    `json:"discount,omitempty"`
	Units       int64    `json:"units,omitempty"`
	Mark        []string `json:"mark,omitempty"`
	TIN         string   `json:"tin,omitempty"`
	PINFL       string   `json:"pinfl,omitempty"`
}

// Receipt is a fiscal receipt as a provider reports it, or as it is passed on to one.
type Receipt struct {
	Kind       string // "sale" or "refund"
	URL        string
	Terminal   string
	Number     string
	FiscalSign string
	Time       string // YYYYMMDDhhmmss in Tashkent
	StatusCode int    // 0 = accepted
	Message    string
}

// Quantity is a number of units in thousandths: 1.25 kg is 1250. On the wire it is a plain
// decimal number.
type Quantity int64
