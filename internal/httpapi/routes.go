// Package httpapi is the public API: everything between the socket and the use cases. routes.go
// is its table of contents; there is one file per resource. The OpenAPI document is made from
// the definitions that serve, and every request is checked by the rules that the document shows.
package httpapi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// Options are what the API is made of.
type Options struct {
	Gateway *gateway.Gateway

	Keys           func() []string // the API keys that count now; asked at every request
	RateLimit      int             // requests a minute for one client address on /api/*, callbacks exempt; 0: no limit
	TrustedProxies []netip.Prefix  // whose X-Forwarded-For is believed

	AcceptCardData     bool // whether card numbers may be sent at all
	NotifyAllowPrivate bool // whether a notifyUrl may name a private address

	Metrics      http.Handler // nil: /metrics is not there
	MetricsToken string       // "": only this machine may read them

	// Beside answers every path that is not the API's: pages. nil: 404 in the envelope. Its
	// requests too get an id, a line in the log, and headers that it may replace (a page needs
	// another Content-Security-Policy).
	Beside http.Handler

	PublicURL string // for the document: where the API is reached from outside
	Version   string

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: slog.Default(). Its handler adds RequestID to every line
}

type server struct {
	o         Options
	log       *slog.Logger
	now       func() time.Time
	providers []provider.Info

	mux      *http.ServeMux // the operations, once the key has been shown
	api      huma.API       // describes them
	shaper   shaper
	keyless  map[string]keyKind // the paths that another key than the API's opens
	uploads  chan struct{}      // those that are being read
	document func() []byte      // openapi.json, made when it is first asked for
}

// New returns the handler of /api/*, /health, /livez, /readyz, /metrics and
// /docs/openapi.json. Whatever else there is goes to Options.Beside. It must be the outermost
// handler: a mux before it would answer //api with a redirect, and not know what it logged.
func New(o Options) http.Handler { return newServer(o, o.Gateway.Supported()).handler() }

// Document is the OpenAPI document of what New serves with the same options, made when it is first
// called for. The pages beside the API are drawn from it, and New wants those.
func Document(o Options) func() []byte {
	return sync.OnceValue(func() []byte { return newServer(o, o.Gateway.Supported()).document() })
}

// routes is the table of contents.
func (s *server) routes() {
	add(s, "GET /api/merchants/supported", about{
		id: "listSupportedProviders", tag: tagMerchants, summary: "List the providers and their credential fields",
		description: "What to build a form from: the providers that this gateway knows, and what a business must paste for each.",
	}, s.supported)
	add(s, "POST /api/merchants", about{
		id: "saveMerchant", tag: tagMerchants, summary: "Register a business at a provider, or change it there",
		description: "There is one merchant for each (source, businessId, provider). Enter its `callbackUrl` in the provider's cabinet.",
		success:     []int{200, 201}, fails: []pay.Code{pay.CodeConflict}, example: s.exampleMerchant(),
	}, s.saveMerchant)
	add(s, "GET /api/merchants", about{
		id: "listMerchants", tag: tagMerchants, summary: "List merchants, newest first",
	}, s.merchants)
	add(s, "GET /api/merchants/{id}", about{
		id: "getMerchant", tag: tagMerchants, summary: "Read a merchant",
	}, s.merchant)
	add(s, "PATCH /api/merchants/{id}", about{
		id: "changeMerchant", tag: tagMerchants, summary: "Change a merchant", also: notEmpty,
		fails: []pay.Code{pay.CodeConflict}, example: map[string]any{"isActive": false},
	}, s.patchMerchant)
	add(s, "GET /api/merchants/by-business/{source}/{businessId}/providers", about{
		id: "listProvidersOfBusiness", tag: tagMerchants, summary: "List the providers that a buyer of this business can choose",
		description: "One payment button for each. An empty list: this business cannot be paid yet.",
	}, s.providersOf)
	add(s, "GET /api/merchants/{id}/account", about{
		id: "getMerchantAccount", tag: tagMerchants, summary: "Read the merchant's account at the provider",
		description: "Asked at each request. " + asksWords, fails: []pay.Code{pay.CodeUnsupported, pay.CodeUpstream},
	}, s.accountView)
	add(s, "GET /api/merchants/{id}/recipients/{uuid}", about{
		id: "getRecipient", tag: tagMerchants, summary: "Read a recipient of parts of a payment",
		description: "Look before you split: one that is not active gets no money. " + asksWords, fails: []pay.Code{pay.CodeUnsupported, pay.CodeUpstream},
	}, s.recipientView)
	add(s, "GET /api/merchants/{id}/register", about{
		id: "readRegister", tag: tagMerchants, summary: "Read the provider's own list of payments",
		description: "In the provider's order, with what it says of each. " + asksWords, fails: []pay.Code{pay.CodeUnsupported, pay.CodeUpstream},
	}, s.register)
	add(s, "GET /api/merchants/{id}/payout-register", about{
		id: "readPayoutRegister", tag: tagMerchants, summary: "Read the provider's own list of payouts",
		description: "In the provider's order, with what it says of each. " + asksWords, fails: []pay.Code{pay.CodeUnsupported, pay.CodeUpstream},
	}, s.payoutRegister)

	add(s, "POST /api/invoices", about{
		id: "createInvoice", tag: tagInvoices, summary: "Ask a buyer for money", description: invoiceWords,
		success: []int{200, 201}, fails: []pay.Code{pay.CodeNotFound, pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream},
		example: s.exampleInvoice(), also: holdNeedsManual,
	}, s.createInvoice)
	add(s, "GET /api/invoices", about{
		id: "listInvoices", tag: tagInvoices, summary: "List invoices, newest first",
	}, s.invoices)
	add(s, "GET /api/invoices/{id}", about{
		id: "getInvoice", tag: tagInvoices, summary: "Read an invoice",
		description: "For the page to which the buyer comes back: the webhook may still be on its way.",
	}, s.invoice)
	add(s, "GET /api/invoices/{id}/timeline", about{
		id: "getInvoiceTimeline", tag: tagInvoices, summary: "Read everything that happened to an invoice",
		description: "State changes, messages to and from the provider (what is secret or personal is masked), and every try to tell your app, in order.",
	}, s.timeline)
	add(s, "POST /api/invoices/{id}/cancel", about{
		id: "cancelInvoice", tag: tagInvoices, summary: "Cancel an unpaid invoice, or release a hold", noBody: true,
		description: "409 with the reason `payment_in_progress` while a buyer's attempt is open or its outcome is unknown.",
		fails:       []pay.Code{pay.CodeConflict, pay.CodeUpstream},
	}, s.cancelInvoice)
	add(s, "POST /api/invoices/{id}/notify", about{
		id: "notifyAgain", tag: tagInvoices, summary: "Send the last webhook again", noBody: true,
		description: "The same event id and the same bytes. 409 where there has been no event yet.",
		fails:       []pay.Code{pay.CodeConflict},
	}, s.notify)
	add(s, "POST /api/invoices/{id}/receipt", about{
		id: "sendReceipt", tag: tagInvoices, summary: "Pass the fiscal receipt's link on to the provider",
		description: "An ofd.soliq.uz address. It is kept on the invoice at once, and told to the provider, where it has such a call, in the background: a receipt never undoes a payment.",
		fails:       []pay.Code{pay.CodeConflict},
	}, s.receipt)

	add(s, "POST /api/invoices/{id}/pay", about{
		id: "payInvoice", tag: tagInvoices, summary: "Charge a card, or make a link into an app, without a page", description: payWords,
		fails: []pay.Code{pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream}, also: s.payNeeds,
		example: map[string]any{"method": "card_token", "cardId": "01975f2e-6a09-7bf0-9a1b-00505680eaf6"},
	}, s.payInvoice)
	add(s, "POST /api/invoices/{id}/confirm", about{
		id: "confirmPayment", tag: tagInvoices, summary: "Hand over the code that the buyer was sent",
		description: "409 with the reason `wrong_otp` while another try counts, `otp_expired` when the payment must be started again. A refusal by the bank is no HTTP error: see `failure`.",
		fails:       []pay.Code{pay.CodeConflict, pay.CodeUpstream}, example: map[string]any{"otp": "253890"},
	}, s.confirmPayment)
	add(s, "POST /api/invoices/{id}/resend", about{
		id: "resendCode", tag: tagInvoices, summary: "Have the buyer sent another code", noBody: true,
		description: "429 with the reason `too_early` when the last one was just sent, `too_many_codes` where the bank sends no more for now. " + againWords,
		fails:       []pay.Code{pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream}, example: map[string]any{},
	}, s.resendCode)
	add(s, "POST /api/invoices/{id}/capture", about{
		id: "captureInvoice", tag: tagInvoices, summary: "Take what is held", noBody: true,
		description: "Without `amount`, all of it. What is not taken is released. 422 where the provider cannot take a part.",
		fails:       []pay.Code{pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream}, example: map[string]any{},
	}, s.captureInvoice)

	add(s, "POST /api/cards", about{
		id: "bindCard", tag: tagCards, summary: "Bind a card by its number; its owner is sent a code", description: cardWords,
		success: []int{201}, fails: []pay.Code{pay.CodeNotFound, pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream},
		example: map[string]any{"source": "marketplace", "businessId": "biz_42", "provider": s.cardProvider(), "number": "8600000000000000", "expiry": "2912", "phone": "998901234567"},
	}, s.bindCard)
	add(s, "POST /api/cards/form", about{
		id: "bindCardByForm", tag: tagCards, summary: "Bind a card on the provider's own form",
		description: "Send the card's owner to `formUrl`. When they come back, read the card: the gateway then asks the provider what came of it. No number passes through you or this gateway.",
		success:     []int{201}, fails: []pay.Code{pay.CodeNotFound, pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream},
		example: map[string]any{"source": "marketplace", "businessId": "biz_42", "provider": s.exampleProvider().Name, "returnUrl": "https://shop.example.uz/cards"},
	}, s.bindForm)
	add(s, "POST /api/cards/{id}/confirm", about{
		id: "confirmCard", tag: tagCards, summary: "Hand over the code that the card's owner was sent",
		description: "409 with the reason `wrong_otp` while another try counts, `otp_expired` when the card must be bound anew.",
		fails:       []pay.Code{pay.CodeConflict, pay.CodeUpstream}, example: map[string]any{"otp": "253890"},
	}, s.confirmCard)
	add(s, "POST /api/cards/{id}/resend", about{
		id: "resendCardCode", tag: tagCards, summary: "Have the card's owner sent another code", noBody: true,
		description: "429 with the reason `too_early` when the last one was just sent, `too_many_codes` where the bank sends no more for now. " + againWords,
		fails:       []pay.Code{pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream}, example: map[string]any{},
	}, s.resendCardCode)
	add(s, "POST /api/cards/check", about{
		id: "checkCard", tag: tagCards, summary: "Ask what the acquirer knows of a card",
		description: "Only with `ACCEPT_CARD_DATA`. Nothing is kept of the question or its answer, and so no Idempotency-Key either: a repeat asks again. A card that the acquirer does not know is no HTTP error: see `failure`.",
		fails:       []pay.Code{pay.CodeNotFound, pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream},
		example:     map[string]any{"source": "marketplace", "businessId": "biz_42", "provider": s.checker(), "number": "8600000000000000"},
	}, s.checkCard)
	add(s, "POST /api/cards/check-owner", about{
		id: "checkCardOwner", tag: tagCards, summary: "Ask whether a card is a person's, by PINFL",
		description: "Only with `ACCEPT_CARD_DATA`. Nothing is kept of the question or its answer. `matches` is null where the acquirer cannot tell: it knows the owners of Uzcard and Humo cards alone.",
		fails:       []pay.Code{pay.CodeNotFound, pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream},
		example:     map[string]any{"source": "marketplace", "businessId": "biz_42", "provider": s.checker(), "number": "8600000000000000", "pinfl": "30101900000000"},
	}, s.checkOwner)
	add(s, "GET /api/cards/{id}", about{
		id: "getCard", tag: tagCards, summary: "Read a card",
	}, s.card)
	add(s, "DELETE /api/cards/{id}", about{
		id: "revokeCard", tag: tagCards, summary: "Revoke a card", noBody: true,
		description: "What charges it is destroyed, here and at the provider where that has such a call. A repeat changes nothing.",
		fails:       []pay.Code{pay.CodeConflict, pay.CodeUpstream},
	}, s.revokeCard)

	add(s, "POST /api/refunds", about{
		id: "createRefund", tag: tagRefunds, summary: "Return money, all or a part", description: refundWords,
		success: []int{200, 201}, fails: []pay.Code{pay.CodeNotFound, pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream},
		example: exampleRefund(),
	}, s.createRefund)
	add(s, "GET /api/refunds/{id}", about{
		id: "getRefund", tag: tagRefunds, summary: "Read a refund",
	}, s.refund)
	add(s, "GET /api/refunds/by-invoice/{invoiceId}", about{
		id: "listRefundsOfInvoice", tag: tagRefunds, summary: "List the refunds of an invoice",
	}, s.refundsOf)

	add(s, "POST /api/payouts", about{
		id: "createPayout", tag: tagPayouts, summary: "Send money to a card", description: payoutWords,
		success: []int{200, 201}, fails: []pay.Code{pay.CodeNotFound, pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream}, also: payoutNeeds,
		example: map[string]any{"source": "marketplace", "businessId": "biz_42", "provider": s.payoutProvider(), "sourcePayoutId": "payout_981", "amount": 5000000, "cardId": "01975f2e-6a09-7bf0-9a1b-00505680eaf6"},
	}, s.createPayout)
	add(s, "POST /api/payouts/{id}/confirm", about{
		id: "confirmPayout", tag: tagPayouts, summary: "Have a payout sent", noBody: true,
		description: "409 with the reason `wrong_otp` while another try counts. A payout that nobody confirmed within a day is `failed` with `not_confirmed`: nothing was sent.",
		fails:       []pay.Code{pay.CodeConflict, pay.CodeUpstream}, example: map[string]any{"otp": "112233"},
	}, s.confirmPayout)
	add(s, "POST /api/payouts/{id}/resend", about{
		id: "resendPayoutCode", tag: tagPayouts, summary: "Have the code of a payout sent again", noBody: true,
		description: "422 where the provider has no such call; 429 when one was just sent.",
		fails:       []pay.Code{pay.CodeConflict, pay.CodeUnsupported, pay.CodeUpstream},
	}, s.resendPayout)
	add(s, "POST /api/payouts/{id}/notify", about{
		id: "notifyPayoutAgain", tag: tagPayouts, summary: "Send the last webhook of a payout again", noBody: true,
		description: "The same event id and the same bytes. 409 with the reason `no_event` where the payout has not ended, or has no `notifyUrl`.",
		fails:       []pay.Code{pay.CodeConflict},
	}, s.notifyPayout)
	add(s, "GET /api/payouts", about{
		id: "listPayouts", tag: tagPayouts, summary: "List payouts, newest first",
		description: "What stands in our book: to have the provider asked about one whose outcome is open, read that one.",
	}, s.payouts)
	add(s, "GET /api/payouts/{id}", about{
		id: "getPayout", tag: tagPayouts, summary: "Read a payout",
	}, s.payout)
	add(s, "GET /api/payouts/{id}/timeline", about{
		id: "getPayoutTimeline", tag: tagPayouts, summary: "Read everything that happened to a payout",
		description: "State changes, messages to and from the provider (what is secret or personal is masked), and every try to tell your app, in order.",
	}, s.payoutTimeline)
	add(s, "POST /api/tills", about{
		id: "createTill", tag: tagTills, summary: "Make a till, and the one-time code that pairs it",
		description: "Type `pairingCode` into the till's settings within a day; it is shown only here. A lost code cannot be shown again: make another till, or repeat the request under its Idempotency-Key, which answers with the same till and, as long as it is not paired, with a new code in the place of the first.",
		success:     []int{201}, fails: []pay.Code{pay.CodeConflict}, example: map[string]any{"businessId": "shop_7", "name": "Till 1, Chilonzor"},
	}, s.createTill)
	add(s, "GET /api/tills", about{
		id: "listTills", tag: tagTills, summary: "List tills, newest first",
	}, s.tills)
	add(s, "DELETE /api/tills/{id}", about{
		id: "revokeTill", tag: tagTills, summary: "Revoke a till", noBody: true,
		description: "For one that is lost or stolen: its token opens nothing from now on. What it has reported stays. A repeat changes nothing.",
	}, s.revokeTill)
	add(s, "POST /api/tills/pair", about{
		id: "pairTill", tag: tagTills, summary: "Pair a till by its one-time code", key: keyNone,
		description: "What the till itself calls. 401 for a code that is wrong, was used or has run out. With the same `nonce` the same till may ask again, should the answer be lost; its former token then opens nothing. An Idempotency-Key is not kept here.",
		success:     []int{201}, example: map[string]any{"code": "ABCD-EFGH-JKLM-NPQR", "nonce": "00112233445566778899aabbccddeeff", "name": "Till 1", "deviceId": "00000001", "version": "1.0.0"},
	}, s.pairTill)
	add(s, "GET /api/tills/self", about{
		id: "getOwnTill", tag: tagTills, summary: "Read the till whose token this is", key: keyTill,
	}, s.ownTill)
	add(s, "POST /api/tills/reports", about{
		id: "reportFromTill", tag: tagTills, summary: "Report what was sold and returned in the shop", key: keyTill, description: reportWords,
		example: s.exampleReports(),
	}, s.takeReports)

	add(s, "POST /api/reconciliations", about{
		id: "createReconciliation", tag: tagReconciliations, summary: "Compare a day with what the provider says", description: reconcileWords, upload: true,
		success: []int{201}, fails: []pay.Code{pay.CodeNotFound, pay.CodeConflict, pay.CodeUnsupported},
		example: map[string]any{"source": "marketplace", "businessId": "biz_42", "provider": s.payoutProvider(), "date": "2026-05-12"},
	}, s.createReconciliation)
	add(s, "GET /api/reconciliations/{id}", about{
		id: "getReconciliation", tag: tagReconciliations, summary: "Read a reconciliation",
	}, s.reconciliation)
	add(s, "GET /api/reconciliations/{id}/differences", about{
		id: "listDifferences", tag: tagReconciliations, summary: "List the differences of one kind, in the provider's order",
	}, s.differences)
	add(s, "POST /api/reconciliations/{id}/settle", about{
		id: "settleDifference", tag: tagReconciliations, summary: "Settle one difference in a person's name",
		description: "Kept for ever, and in the timeline of the invoice or the payout. With `theirs`, 409 `nothing_to_take_over` where only one side has the transaction, and `not_taken_over` where our book does not allow it: refund it, return it at the provider, or note what was done.",
		fails:       []pay.Code{pay.CodeConflict}, example: map[string]any{"differenceId": "01975f2e-6a09-7bf0-9a1b-00505680eaf6", "how": "noted", "by": "dilnoza@shop.uz", "reason": "Seen in the cabinet"},
	}, s.settleDifference)
}

// handler puts the parts together. From the outside in: every request is received (id, log,
// headers, panics); those below /api/ are counted, then asked for their key, then routed.
func (s *server) handler() http.Handler {
	outer := http.NewServeMux()
	for _, pattern := range callbackPaths {
		outer.HandleFunc(pattern, s.callback)
	}
	outer.HandleFunc("/api/callbacks", s.notFound)
	outer.HandleFunc("/api/callbacks/", s.notFound)
	outer.HandleFunc("/api", s.notFound)
	outer.Handle("/api/", s.limited(s.authorized(s.mux)))
	s.mux.HandleFunc("/api/", s.otherwise(s.mux, nil))
	outer.HandleFunc("GET /health", s.health)
	outer.HandleFunc("GET /livez", s.live)
	outer.HandleFunc("GET /readyz", s.ready)
	if s.o.Metrics != nil {
		outer.HandleFunc("GET /metrics", s.metrics)
	}
	outer.HandleFunc("GET /docs/openapi.json", s.openapi)
	outer.HandleFunc("/", s.otherwise(outer, s.o.Beside))
	return s.received(s.tidy(outer))
}

// tidy refuses paths of the API with empty or dotted segments, which the mux would answer with a
// redirect outside the envelope.
func (s *server) tidy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.EscapedPath()
		if clean := path.Clean(p); p != clean && p != clean+"/" && strings.HasPrefix(clean, "/api") {
			s.notFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// otherwise answers for methods that mux does not have for a path, and leaves paths that it
// does not have to beside, if there is one.
func (s *server) otherwise(mux *http.ServeMux, beside http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, here := mux.Handler(r)
		var allow []string
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
			other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, pattern := mux.Handler(other); pattern != here {
				allow = append(allow, method)
			}
		}
		switch {
		case allow == nil && beside != nil:
			beside.ServeHTTP(w, r)
			return
		case allow == nil:
			s.notFound(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		s.fail(w, r, &pay.Error{Code: codeMethod, Message: "this address takes " + strings.Join(allow, ", ")})
	}
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, &pay.Error{Code: pay.CodeNotFound, Message: "there is nothing at this address"})
}
