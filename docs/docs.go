// Package docs is the documentation as the program carries it: Markdown, as it stands here.
package docs

import "embed"

// Files are the pages.
//
//go:embed *.md operating/*.md providers/*.md
var Files embed.FS

// Page is one entry of the table of contents.
type Page struct {
	Path  string // of the file, without .md; its address below /docs/
	Title string
	Group string // the heading above it where that changes
}

// Contents is the table of contents, in the order in which one would read. The first page is
// what /docs itself shows.
var Contents = []Page{
	{"quickstart", "Quickstart", "Start"},
	{"authentication", "Authentication", ""},
	{"onboarding", "Onboarding a business", "Build"},
	{"checkout", "Sending a buyer to pay", ""},
	{"webhooks", "Receiving webhooks", ""},
	{"refunds", "Refunds", ""},
	{"cards", "Cards", ""},
	{"card-form", "Bind on the acquirer's form", ""},
	{"card-number", "Bind by number", ""},
	{"card-token", "Pay by a bound card", ""},
	{"card-pay", "Pay by number", ""},
	{"card-holds", "Hold, then take", ""},
	{"card-wallets", "Pay in another company's app", ""},
	{"card-splits", "Split a payment", ""},
	{"payouts", "Payouts", ""},
	{"reconciliation", "Reconciliation", ""},
	{"card-data", "Card data and PCI DSS", ""},
	{"in-store", "In the shop", ""},
	{"till", "The till", ""},
	{"till-drivers", "Pinpads and their drivers", ""},
	{"errors", "Errors", ""},
	{"sandbox", "Sandbox and faults", ""},
	{"operating", "Operating", ""},
	{"staff", "Staff accounts and audit", ""},
	{"desk", "The staff's desk", ""},
	{"operating/scaling", "Scaling", ""},
	{"performance", "Performance", ""},
	{"providers/multicard", "Multicard", "Providers"},
	{"providers/click", "Click", ""},
	{"providers/payme", "Payme", ""},
	{"providers/uzum", "Uzum Bank", ""},
	{"providers/paysys", "PaySys", ""},
	{"providers/wallets", "Wallets in the shop", ""},
	{"payment-states", "Payment states", "Reference"},
}
