package httpapi

import (
	"strconv"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

const payWords = "`qr` charges a wallet by the code that the buyer's telephone shows, scanned at a till. `card_token` charges a card that was bound before. `card` charges a card by its number, only with `ACCEPT_CARD_DATA`: the number is passed on and never kept; with `save` the card is bound on the way, where the provider gives what charges it again. " +
	"`wallet` makes a link into another company's app: with `next` `redirect`, send the buyer to `url`; the webhook tells when they have paid.\n\n" +
	"With `next` `otp` the card's owner was sent a code: hand it over with `confirm` before `otp.expiresAt`. A new `pay` meanwhile replaces the attempt. " +
	"A refusal by the bank is no HTTP error: the invoice stays `pending` and `failure` says why. Where the provider's answer was lost, `attention` is `unknown_outcome` and nothing else can be tried until it is known."

// ─── Charging ──────────────────────────────────────────────────────────────────────────────

type payInput struct {
	Method   string     `json:"method" enum:"card_token,card,qr,wallet"`
	CardID   string     `json:"cardId,omitempty" format:"uuid" doc:"With card_token: the bound card"`
	Card     *cardInput `json:"card,omitempty" nullable:"false" doc:"With card: only where this gateway accepts card data"`
	Code     string     `json:"code,omitempty" minLength:"1" maxLength:"512" pattern:"^[!-~]+$" patternDescription:"must consist of visible ASCII characters" doc:"With qr: what was scanned, unchanged. It is kept, sealed, only while the payment is open" example:"880101698207133393"`
	Provider string     `json:"provider,omitempty" choice:"provider" doc:"With qr: whose code it is. Not needed where the invoice says it, or the business has one such provider"`
	Phone    string     `json:"phone,omitempty" pattern:"^998[0-9]{9}$" patternDescription:"must be 12 digits that begin with 998" doc:"With card: where the code goes, the card's own number" example:"998901234567"`
	Save     bool       `json:"save,omitempty" doc:"With card: bind it too; see cardId in the answer"`
	Wallet   string     `json:"wallet,omitempty" enum:"payme,click,uzum,anorbank,alif,oson,xazna,beepul,trastpay,sbp" doc:"With wallet: the app" example:"payme"`
}

type cardInput struct {
	Number string `json:"number" minLength:"16" maxLength:"19" check:"card" pattern:"^[0-9]+$" patternDescription:"must consist of digits" doc:"Passed on and never kept"`
	Expiry string `json:"expiry" pattern:"^[0-9]{2}(0[1-9]|1[0-2])$" patternDescription:"must be YYMM" doc:"YYMM" example:"2912"`
}

// payNeeds asks for what the method needs, and refuses what it does not.
func (s *server) payNeeds(f *faults, _ string, n *node) {
	method := n.member("method")
	if method == nil {
		return
	}
	needed, foreign := "card", []string{"cardId", "code", "provider", "wallet"}
	switch method.text {
	case "card_token":
		needed, foreign = "cardId", []string{"card", "phone", "save", "code", "provider", "wallet"}
	case "wallet":
		needed, foreign = "wallet", []string{"cardId", "card", "phone", "save", "code", "provider"}
	case "qr":
		needed, foreign = "code", []string{"cardId", "card", "phone", "save", "wallet"}
	}
	if n.member(needed) == nil {
		f.add(needed, "is required with this method")
	}
	for _, name := range foreign {
		if n.member(name) != nil {
			f.add(name, "is not allowed with this method")
		}
	}
}

// payment is what came of a charge so far.
type payment struct {
	ID        string          `json:"id" format:"uuid" doc:"The invoice's"`
	Status    string          `json:"status" enum:"pending,held,paid,refunded,failed,cancelled" doc:"The invoice's"`
	Next      *string         `json:"next" doc:"otp: the buyer was sent a code; redirect: send the buyer to url; null: nothing is to be done"`
	Otp       maybe[otp]      `json:"otp"`
	URL       *string         `json:"url" doc:"With redirect: the link into the app" example:"https://checkout.paycom.uz/65f0c1"`
	Deeplink  *string         `json:"deeplink" doc:"With redirect: opens the app itself, where it has an address of its own"`
	CardID    *string         `json:"cardId" doc:"The bound card that was charged, or that came of save"`
	Attention *string         `json:"attention" doc:"unknown_outcome: the answer was lost, and is being asked for"`
	Failure   maybe[declined] `json:"failure" doc:"Why the bank refused; null where it did not"`
}

type otp struct {
	PhoneMasked *string `json:"phoneMasked" doc:"Where the code went" example:"+99890*****67"`
	ExpiresAt   moment  `json:"expiresAt" nullable:"false" doc:"The code counts until then"`
	TriesLeft   *int    `json:"triesLeft" doc:"So many wrong codes at most; the bank may bear fewer. null: not counted here"`
}

// declined is a bank's refusal.
type declined struct {
	Reason       string     `json:"reason" doc:"For programs: insufficient_funds, card_blocked, card_invalid, phone_invalid, sms_not_enabled, otp_expired, hold_expired, card_needed_again, provider_unavailable, code_invalid, declined" example:"insufficient_funds"`
	Message      words.Text `json:"message" doc:"For the buyer, in three languages"`
	ProviderCode *string    `json:"providerCode" doc:"The provider's own" example:"-32309"`
}

// declineOf is why a charge by our call came to nothing.
func declineOf(p pay.Payment) (out maybe[declined]) {
	if p.Way == "" || p.Reason == "" || p.Reason == "replaced" || p.Way == pay.WayWallet && p.Ref == "" {
		return out
	}
	refusedCapture := p.State == pay.Held // the hold stands, and its end was refused
	if p.State == pay.Failed || p.State == pay.Cancelled || refusedCapture {
		out.value = &declined{Reason: p.Reason, Message: words.Decline(p.Reason), ProviderCode: orNull(p.Code)}
	}
	return out
}

func (s *server) showPayment(i gateway.Invoice) payment {
	out := payment{ID: i.ID, Status: string(i.Status), Attention: orNull(string(i.Attention))}
	if p := i.Payment; p != nil {
		out.Failure = declineOf(*p)
		out.CardID = orNull(p.CardID)
		switch {
		case p.WaitsForCode(s.now()):
			next, left := "otp", gateway.CodeTriesLeft(*p)
			out.Next, out.Otp.value = &next, &otp{orNull(p.CodePhone), moment(p.ExpiresAt), &left}
		case p.Way == pay.WayWallet && p.State == pay.Created && p.PageURL != "":
			next := "redirect"
			out.Next, out.URL = &next, &p.PageURL
		}
	}
	return out
}

func (s *server) payInvoice(c *call, in payInput) (payment, error) {
	id, err := c.path("id", "invoice")
	if err != nil {
		return payment{}, err
	}
	order := gateway.PayInput{InvoiceID: id, Way: pay.Way(in.Method), CardID: in.CardID, Phone: in.Phone, Save: in.Save, Wallet: in.Wallet, Code: in.Code, Provider: in.Provider}
	same := []string{id, in.Method, in.CardID, in.Phone, in.Code, in.Provider}
	if in.Save || in.Wallet != "" {
		same = append(same, strconv.FormatBool(in.Save), in.Wallet)
	}
	if in.Card != nil {
		order.Number, order.Expiry = in.Card.Number, in.Card.Expiry
		same = append(same, maskedNumber(in.Card.Number), in.Card.Expiry)
	}
	got, err := s.o.Gateway.Pay(c.Context(), order, c.idem(same))
	if err != nil {
		return payment{}, err
	}
	return s.showPayment(saved(c, got)), nil
}

// maskedNumber is what a repeat of a request is compared by: not even a hash of a card's number
// is kept.
func maskedNumber(n string) string {
	return n[:6] + "*" + n[len(n)-4:] + strconv.Itoa(len(n))
}

// ─── The buyer's code ──────────────────────────────────────────────────────────────────────

type otpInput struct {
	Otp string `json:"otp" pattern:"^[0-9]{4,8}$" patternDescription:"must be 4 to 8 digits" example:"253890"`
}

func (s *server) confirmPayment(c *call, in otpInput) (invoice, error) {
	id, err := c.path("id", "invoice")
	if err != nil {
		return invoice{}, err
	}
	got, err := s.o.Gateway.ConfirmPay(c.Context(), id, in.Otp, c.idem([]string{id, in.Otp}))
	if err != nil {
		return invoice{}, err
	}
	return showInvoice(saved(c, got)), nil
}

type payAgainInput struct {
	Card  *cardInput `json:"card,omitempty" nullable:"false" doc:"The same card, where it is charged by its number: only where this gateway accepts card data"`
	Phone string     `json:"phone,omitempty" pattern:"^998[0-9]{9}$" patternDescription:"must be 12 digits that begin with 998" doc:"Where the code goes, the card's own number" example:"998901234567"`
}

func (s *server) resendCode(c *call, in payAgainInput) (payment, error) {
	id, err := c.path("id", "invoice")
	if err != nil {
		return payment{}, err
	}
	order, same := gateway.PayInput{InvoiceID: id, Phone: in.Phone}, []string{id, in.Phone}
	if in.Card != nil {
		order.Number, order.Expiry = in.Card.Number, in.Card.Expiry
		same = append(same, maskedNumber(in.Card.Number), in.Card.Expiry)
	}
	got, err := s.o.Gateway.ResendCode(c.Context(), order, c.idem(same))
	if err != nil {
		return payment{}, err
	}
	return s.showPayment(saved(c, got)), nil
}

// ─── Holds ─────────────────────────────────────────────────────────────────────────────────

type captureInput struct {
	Amount money `json:"amount,omitempty" doc:"In tiyin; without it, all that is held" example:"2000000"`
}

func (s *server) captureInvoice(c *call, in captureInput) (invoice, error) {
	id, err := c.path("id", "invoice")
	if err != nil {
		return invoice{}, err
	}
	got, err := s.o.Gateway.Capture(c.Context(), id, pay.Tiyin(in.Amount), c.idem([]any{id, in.Amount}))
	if err != nil {
		return invoice{}, err
	}
	return showInvoice(saved(c, got)), nil
}
