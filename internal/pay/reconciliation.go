package pay

import "time"

// Reconciliation compares one day (Asia/Tashkent) of a merchant with what its company says of it.
type Reconciliation struct {
	ID, BusinessID, MerchantID string

	Provider string
	Day      string // YYYY-MM-DD
	Way      ReconcileWay
	Nightly  bool // made by the nightly run: one for each merchant and day
	State    ReconcileState

	// How far it has come: what is being compared, and from where on.
	Phase   ReconcilePhase
	Place   int64 // in a register: the next row; among our own: the last one's time in milliseconds
	PlaceID string

	Matched, OnlyTheirs, OnlyOurs, Different int64

	Note              string // why it failed
	CreatedAt, DoneAt time.Time
}

// ReconcileWay is where the company's word comes from.
type ReconcileWay string

// The ways.
const (
	ByRegister ReconcileWay = "register" // its own list of the day, read by its API
	ByAsking   ReconcileWay = "ask"      // it has no list: it is asked of each of our transactions
	ByFile     ReconcileWay = "file"     // a file that somebody uploaded
)

// ReconcileState is where a reconciliation stands.
type ReconcileState string

// The states.
const (
	ReconcileLoading ReconcileState = "loading" // its file is being stored
	ReconcileRunning ReconcileState = "running"
	ReconcileDone    ReconcileState = "done"
	ReconcileFailed  ReconcileState = "failed" // the company could not be read, or the upload broke off
)

// ReconcilePhase is what a running reconciliation is comparing.
type ReconcilePhase string

// The phases, in their order.
const (
	PhaseTheirs        ReconcilePhase = "theirs"         // the company's payments with ours
	PhaseTheirPayouts  ReconcilePhase = "their_payouts"  // its payouts with ours
	PhaseOurs          ReconcilePhase = "ours"           // our payments that it did not name
	PhaseOurUnpaid     ReconcilePhase = "our_unpaid"     // of a company without a list: those that came to nothing here
	PhaseOurPayouts    ReconcilePhase = "our_payouts"    // our payouts that it did not name
	PhaseForgetMatches ReconcilePhase = "forget_matches" // what is equal is only counted
)

// Verdict is what came of comparing one transaction.
type Verdict string

// The verdicts. A row of an uploaded file has none until it is compared.
const (
	VerdictMatched    Verdict = "matched"
	VerdictOnlyTheirs Verdict = "only_theirs"
	VerdictOnlyOurs   Verdict = "only_ours"
	VerdictDifferent  Verdict = "different"
)

// Verdicts are those that need somebody.
var Verdicts = []Verdict{VerdictOnlyTheirs, VerdictOnlyOurs, VerdictDifferent}

// The kinds of transaction that are compared.
const (
	KindPayment = "payment"
	KindPayout  = "payout"
)

// Standing is a transaction as one side has it: nil where that side has none.
type Standing struct {
	Amount Tiyin
	State  State // of payouts too: paid is one that arrived
	At     time.Time
}

// Difference is one transaction of a reconciliation, as both sides have it.
type Difference struct {
	ID, BusinessID, ReconciliationID string

	Kind    string // KindPayment or KindPayout
	Verdict Verdict
	Seq     int64  // its place in the company's list; our own come behind
	Ref     string // the company's id
	Order   string // how the company's row names our side

	InvoiceID string // ours, where one is meant
	OurID     string // the payment's or the payout's

	Theirs, Ours *Standing
	Note         string // what differs, in words

	SettledAt                            time.Time // zero: it still needs somebody
	SettledBy, SettledHow, SettledReason string
}
