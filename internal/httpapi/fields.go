package httpapi

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/webhook"
)

// The kinds of field that several requests share.

// callersID is an id that the caller gives: 1 to 255 characters without control characters,
// kept and returned as it is.
type callersID string

// Schema is how the document shows it, and how it is checked.
func (callersID) Schema(huma.Registry) *huma.Schema {
	least, most := 1, 255
	return &huma.Schema{
		Type: huma.TypeString, MinLength: &least, MaxLength: &most,
		Pattern: noControls, PatternDescription: "must not contain control characters",
	}
}

const noControls = `^[^\x00-\x1f\x7f-\x9f]*$`

func isControl(r rune) bool { return unicode.IsControl(r) }

// money is an amount that a caller asks for: whole tiyin, never a float, never a text.
type money pay.Tiyin

// Schema is how the document shows it, and how it is checked.
func (money) Schema(huma.Registry) *huma.Schema {
	least, most := float64(pay.MinAmount), float64(pay.MaxAmount)
	return &huma.Schema{
		Type: huma.TypeInteger, Format: "int64", Minimum: &least, Maximum: &most,
		Description: "In tiyin: 100 tiyin are 1 soum", Examples: []any{5000000},
	}
}

// freeText is a short text for people.
type freeText string

// Schema is how the document shows it, and how it is checked.
func (freeText) Schema(huma.Registry) *huma.Schema {
	most := 500
	return &huma.Schema{Type: huma.TypeString, MaxLength: &most}
}

// line is one line of a fiscal receipt, as pay.ReceiptLine with the document's words.
type line struct {
	Qty         pay.Quantity `json:"qty" check:"quantity" doc:"Units, at most 3 decimals"`
	Price       pay.Tiyin    `json:"price" minimum:"0" maximum:"1000000000000" doc:"Of one unit, in tiyin, VAT included" example:"100000"`
	Total       pay.Tiyin    `json:"total" minimum:"0" maximum:"1000000000000" doc:"qty × price, in tiyin; with a discount it may be before or after it" example:"100000"`
	MXIK        string       `json:"mxik" minLength:"1" pattern:"^[0-9]{17}$" patternDescription:"must be 17 digits" doc:"Also called IKPU or SPIC" example:"06401004002000000"`
	PackageCode string       `json:"package_code" minLength:"1" pattern:"^[0-9]{1,20}$" patternDescription:"must be 1 to 20 digits" example:"1506113"`
	Name        string       `json:"name" minLength:"1" maxLength:"63" check:"text" example:"Test"`
	VAT         *int         `json:"vat" doc:"Percent: 0 or 12; null is without VAT" example:"0"`
	Discount    pay.Tiyin    `json:"discount,omitempty" minimum:"0" maximum:"1000000000000" doc:"Of the whole line, in tiyin"`
	Units       int64        `json:"units,omitempty" minimum:"0" doc:"The code of the unit of measure"`
	Mark        []string     `json:"mark,omitempty" maxItems:"300" doc:"The codes on marked goods: one for each unit"`
	TIN         string       `json:"tin,omitempty" pattern:"^[0-9]{9}$" patternDescription:"must be 9 digits" doc:"Of the seller on whose behalf it is sold"`
	PINFL       string       `json:"pinfl,omitempty" pattern:"^[0-9]{14}$" patternDescription:"must be 14 digits" doc:"Instead of tin, for a person"`
}

// checks are the rules that a schema cannot say, by the name in a field's `check` tag.
func (s *server) fieldChecks() map[string]check {
	return map[string]check{
		"text":        s.scanText,
		"texts":       s.scanTexts,
		"kept":        s.scanKept,
		"card":        s.refuseCard,
		"quantity":    checkQuantity,
		"lines":       checkInvoiceLines,
		"refundOfd":   checkRefundLines,
		"networks":    checkNetworks,
		"notifyUrl":   s.checkNotifyURL,
		"returnUrl":   checkReturnURL,
		"credentials": s.checkCredentials,
	}
}

func (s *server) checkNotifyURL(f *faults, path string, n *node) {
	if err := webhook.CheckURL(n.text, s.o.NotifyAllowPrivate); err != nil {
		f.add(path, "%s", err)
	}
}

func checkReturnURL(f *faults, path string, n *node) {
	if err := webhook.CheckReturnURL(n.text); err != nil {
		f.add(path, "%s", err)
	}
}

// checkNetworks takes CIDRs.
func checkNetworks(f *faults, path string, n *node) {
	for i, item := range n.items {
		if item.kind != '"' {
			continue // told already
		}
		if _, err := netip.ParsePrefix(item.text); err != nil {
			f.add(path+"["+strconv.Itoa(i)+"]", "must be a CIDR, as 195.158.26.90/32")
		}
	}
}

// checkCredentials compares the keys with those of the provider that stands beside them, so
// that a form's faults are told together with all others.
func (s *server) checkCredentials(f *faults, path string, n *node) {
	named := f.root.member("provider")
	i := slices.IndexFunc(s.providers, func(p provider.Info) bool { return named != nil && p.Name == named.text })
	if i < 0 {
		return // told of the provider already, or a PATCH, where the gateway knows it
	}
	fields := s.providers[i].Fields
	for _, x := range fields {
		switch v := n.member(x.Key); {
		case x.Required && v == nil:
			f.add(join(path, x.Key), "is required")
		case x.Required && v.kind == '"' && strings.TrimSpace(v.text) == "":
			f.add(join(path, x.Key), "is not allowed to be empty")
		}
	}
	for _, name := range n.names {
		if !slices.ContainsFunc(fields, func(x provider.Field) bool { return x.Key == name }) {
			f.add(join(path, name), "is not allowed")
		}
	}
}

func checkQuantity(f *faults, path string, n *node) {
	if _, err := pay.ParseQuantity(n.text); err != nil {
		f.add(path, "%s", err)
	}
}

// checkInvoiceLines checks what lines say together, and their sum against the amount.
func checkInvoiceLines(f *faults, path string, n *node) {
	need := pay.LineNeed{Sum: !f.under("amount")}
	var amount int64
	if a := f.root.member("amount"); a != nil && need.Sum {
		amount, _ = strconv.ParseInt(a.text, 10, 64)
	}
	checkLines(f, path, n, pay.Tiyin(amount), need)
}

// checkRefundLines checks each line. Their sum is not ours to know: Multicard's documentation
// wants what remains sold, others what is returned.
func checkRefundLines(f *faults, path string, n *node) {
	checkLines(f, path, n, 0, pay.LineNeed{})
}

func checkLines(f *faults, path string, n *node, amount pay.Tiyin, need pay.LineNeed) {
	if f.under(path) {
		return // the lines' own form is wrong: what they say together means nothing yet
	}
	var lines []pay.ReceiptLine
	if err := json.Unmarshal(n.append(nil), &lines); err != nil {
		f.add(path, "cannot be read")
		return
	}
	for _, x := range pay.CheckLines(lines, amount, need) {
		f.list = append(f.list, fault{x.Field, strings.TrimPrefix(x.Message, `"`+x.Field+`" `)})
	}
}
