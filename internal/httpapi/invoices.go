package httpapi

import (
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
)

// ─── Asking for money ──────────────────────────────────────────────────────────────────────

type invoiceInput struct {
	Source          callersID           `json:"source" doc:"Your app's stable name" example:"marketplace"`
	BusinessID      callersID           `json:"businessId" doc:"Your id of the business" example:"biz_42"`
	Provider        string              `json:"provider,omitempty" choice:"provider" doc:"Without it the buyer chooses on the hosted page"`
	SourceInvoiceID callersID           `json:"sourceInvoiceId" doc:"Your number of the order: money is asked for once for each" example:"order_123"`
	Amount          money               `json:"amount" doc:"In tiyin: 100 tiyin are 1 soum" example:"5000000"`
	Currency        string              `json:"currency,omitempty" enum:"UZS"`
	NotifyURL       string              `json:"notifyUrl" format:"uri" minLength:"1" maxLength:"2048" check:"notifyUrl" doc:"Where the webhooks go" example:"https://shop.example.uz/api/payments/webhook"`
	ReturnURL       string              `json:"returnUrl,omitempty" format:"uri" minLength:"1" maxLength:"2048" check:"returnUrl" doc:"Where the buyer comes back to: http, https, or your app's own scheme" example:"https://shop.example.uz/orders/123"`
	ReturnErrorURL  string              `json:"returnErrorUrl,omitempty" format:"uri" minLength:"1" maxLength:"2048" check:"returnUrl" doc:"The same after a failure; default returnUrl"`
	Lang            string              `json:"lang,omitempty" enum:"uz,ru,en" doc:"Of what the buyer reads"`
	Ofd             []line              `json:"ofd,omitempty" maxItems:"300" check:"lines" doc:"The fiscal receipt's lines; they add up to the amount. Multicard needs them, where its register does"`
	TTLSeconds      int64               `json:"ttlSeconds,omitempty" minimum:"60" maximum:"2592000" doc:"How long it can be paid; default INVOICE_TTL"`
	Capture         string              `json:"capture,omitempty" enum:"auto,manual" doc:"manual: the money is held until it is captured; default auto"`
	HoldSeconds     int64               `json:"holdSeconds,omitempty" minimum:"60" maximum:"2592000" doc:"With capture manual: how long the hold lasts"`
	HoldExpiry      string              `json:"holdExpiry,omitempty" enum:"capture,release" doc:"With capture manual: what happens to a hold that runs out; default release"`
	Split           []splitPart         `json:"split,omitempty" maxItems:"50" doc:"Parts of the money for other recipients of the same acquirer"`
	Metadata        map[string]freeText `json:"metadata,omitempty" maxProperties:"20" check:"texts" doc:"Your own notes: at most 20 keys of 64 characters, texts of 500"`
}

// splitPart is pay.SplitPart with the document's words.
type splitPart struct {
	Type      string    `json:"type" minLength:"1" maxLength:"64" example:"account"`
	Amount    pay.Tiyin `json:"amount" minimum:"1" maximum:"1000000000000" doc:"In tiyin"`
	Recipient string    `json:"recipient,omitempty" maxLength:"255" check:"kept" doc:"At the acquirer: an account's UUID, a wallet, or a card's token, never its number"`
	Details   string    `json:"details" minLength:"1" maxLength:"255" check:"text" doc:"The purpose of the payment"`
}

// holdNeedsManual refuses the terms of a hold where none is asked for.
func holdNeedsManual(f *faults, _ string, n *node) {
	if c := n.member("capture"); c != nil && c.text == "manual" {
		return
	}
	for _, name := range []string{"holdSeconds", "holdExpiry"} {
		if n.member(name) != nil {
			f.add(name, `is not allowed without "capture": "manual"`)
		}
	}
}

func (s *server) createInvoice(c *call, in invoiceInput) (invoice, error) {
	i := gateway.InvoiceInput{
		Source: string(in.Source), Business: string(in.BusinessID), Provider: in.Provider,
		SourceInvoiceID: string(in.SourceInvoiceID), Amount: pay.Tiyin(in.Amount),
		NotifyURL: in.NotifyURL, ReturnURL: in.ReturnURL, ErrorURL: in.ReturnErrorURL, Lang: in.Lang,
		TTL: time.Duration(in.TTLSeconds) * time.Second, Capture: in.Capture,
		HoldFor: time.Duration(in.HoldSeconds) * time.Second, HoldExpiry: in.HoldExpiry,
	}
	for _, l := range in.Ofd {
		i.Lines = append(i.Lines, pay.ReceiptLine(l))
	}
	for _, p := range in.Split {
		i.Split = append(i.Split, pay.SplitPart(p))
	}
	for k, v := range in.Metadata {
		if i.Metadata == nil {
			i.Metadata = make(map[string]string, len(in.Metadata))
		}
		i.Metadata[k] = string(v)
	}
	got, err := s.o.Gateway.CreateInvoice(c.Context(), i, c.idem(i))
	if err != nil {
		return invoice{}, err
	}
	return showInvoice(saved(c, got)), nil
}

// ─── What is shown ─────────────────────────────────────────────────────────────────────────

type invoice struct {
	ID              string            `json:"id" format:"uuid"`
	Source          string            `json:"source" example:"marketplace"`
	BusinessID      string            `json:"businessId" example:"biz_42"`
	SourceInvoiceID string            `json:"sourceInvoiceId" example:"order_123"`
	Provider        *string           `json:"provider" doc:"null: the buyer has not chosen yet" example:"click"`
	PayNumber       string            `json:"payNumber" doc:"For typing into a payment app; its last digit is a check digit" example:"1002003005"`
	Amount          pay.Tiyin         `json:"amount" doc:"In tiyin" example:"5000000"`
	CapturedAmount  pay.Tiyin         `json:"capturedAmount" doc:"What was really taken, in tiyin; 0 until it is paid"`
	RefundedAmount  pay.Tiyin         `json:"refundedAmount" doc:"What was returned of it, in tiyin"`
	Currency        string            `json:"currency" enum:"UZS"`
	Status          string            `json:"status" enum:"pending,held,paid,refunded,failed,cancelled" example:"pending"`
	Attention       *string           `json:"attention" doc:"Something needs a look, or an answer was lost and is being asked for: unknown_outcome, amount_mismatch, provider_alert, refund_unconfirmed; null: nothing"`
	CheckoutURL     *string           `json:"checkoutUrl" doc:"Send the buyer here, or show it as a QR code" example:"https://my.click.uz/services/pay?service_id=1&merchant_id=2&amount=50000.00&transaction_param=01975f2e-6a09-7bf0-9a1b-00505680eaf6"`
	Deeplink        *string           `json:"deeplink" doc:"Opens the provider's app, where it has one of its own" example:"uzum://pay?order=01975f2e-6a09-7bf0-9a1b-00505680eaf6"`
	Capture         string            `json:"capture" enum:"auto,manual"`
	NotifyURL       string            `json:"notifyUrl"`
	ReturnURL       *string           `json:"returnUrl"`
	ReturnErrorURL  *string           `json:"returnErrorUrl"`
	Lang            *string           `json:"lang" doc:"uz, ru, en or null"`
	Metadata        map[string]string `json:"metadata"`
	ProviderUUID    *string           `json:"providerUuid" doc:"The provider's own id of the payment"`
	Card            maybe[card]       `json:"card" doc:"The card or wallet that paid, as far as the provider tells"`
	Failure         maybe[declined]   `json:"failure" doc:"Why the newest attempt was refused; null where it was not"`
	ReceiptURL      *string           `json:"receiptUrl" doc:"The fiscal receipt's link"`
	FiscalStatus    *string           `json:"fiscalStatus" doc:"Where the fiscal receipt stands: pending, sent, done, failed; null: nobody here has to do with it"`
	NotifyDelivered bool              `json:"notifyDelivered" doc:"false: the newest webhook has not reached you yet"`
	CreatedAt       moment            `json:"createdAt" nullable:"false"`
	ExpiresAt       moment            `json:"expiresAt" nullable:"false" doc:"An invoice that is unpaid then is cancelled"`
	PaidAt          moment            `json:"paidAt"`
	EndedAt         moment            `json:"endedAt" doc:"When it was cancelled, failed or wholly refunded"`
}

type card struct {
	PAN           *string `json:"pan" doc:"Masked; never more" example:"860030******5959"`
	PaymentSystem *string `json:"paymentSystem" example:"uzcard"`
}

// maybe is a value or null.
type maybe[T any] struct{ value *T }

// MarshalJSON writes the value, or null.
func (m maybe[T]) MarshalJSON() ([]byte, error) { return json.Marshal(m.value) }

// Schema is how the document shows it.
func (m maybe[T]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{schemaOf[T](r), {Type: "null"}}}
}

func showInvoice(i gateway.Invoice) invoice {
	out := invoice{
		ID: i.ID, Source: i.Source, BusinessID: i.Business, SourceInvoiceID: i.SourceInvoiceID,
		Provider: orNull(i.Provider), PayNumber: i.PayNumber, Amount: i.Amount, Currency: pay.CurrencyUZS,
		Status: string(i.Status), Attention: orNull(string(i.Attention)),
		CheckoutURL: orNull(i.CheckoutURL), Deeplink: orNull(i.Deeplink), Capture: i.Capture,
		NotifyURL: i.NotifyURL, ReturnURL: orNull(i.ReturnURL), ReturnErrorURL: orNull(i.ErrorURL),
		Lang: orNull(i.Lang), Metadata: i.Metadata, NotifyDelivered: i.NotifyDelivered,
		CreatedAt: moment(i.CreatedAt), ExpiresAt: moment(i.ExpiresAt), PaidAt: moment(i.PaidAt), EndedAt: moment(i.EndedAt),
	}
	if out.Capture == "" {
		out.Capture = "auto"
	}
	if p := i.Payment; p != nil {
		if p.State.Live() {
			out.Provider = orNull(p.Provider)
		}
		out.CapturedAmount, out.RefundedAmount = p.Captured, p.Refunded
		out.ProviderUUID, out.ReceiptURL, out.FiscalStatus = orNull(p.Ref), orNull(p.ReceiptURL), orNull(string(p.Fiscal))
		out.Failure = declineOf(*p)
		if p.Card.MaskedPAN != "" || p.Card.PaymentSystem != "" {
			out.Card.value = &card{orNull(p.Card.MaskedPAN), orNull(p.Card.PaymentSystem)}
		}
	}
	return out
}

// ─── Reading ───────────────────────────────────────────────────────────────────────────────

func (s *server) invoice(c *call, _ none) (invoice, error) {
	id, err := c.path("id", "invoice")
	if err != nil {
		return invoice{}, err
	}
	i, err := s.o.Gateway.Invoice(c.Context(), id)
	return showInvoice(i), err
}

type invoiceQuery struct {
	Source          callersID `json:"source,omitempty"`
	BusinessID      callersID `json:"businessId,omitempty"`
	Status          string    `json:"status,omitempty" enum:"pending,held,paid,refunded,failed,cancelled"`
	Provider        string    `json:"provider,omitempty" choice:"provider"`
	SourceInvoiceID callersID `json:"sourceInvoiceId,omitempty"`
	PayNumber       string    `json:"payNumber,omitempty" pattern:"^[0-9]{1,20}$" patternDescription:"must consist of digits"`
	From            string    `json:"from,omitempty" format:"date-time" doc:"Made at this time or later"`
	To              string    `json:"to,omitempty" format:"date-time" doc:"Made before this time"`
	Limit           int       `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
	Cursor          cursor    `json:"cursor,omitempty"`
}

func (s *server) invoices(c *call, q invoiceQuery) (list[invoice], error) {
	f := gateway.InvoiceFilter{
		Source: string(q.Source), Business: string(q.BusinessID), Status: q.Status, Provider: q.Provider,
		SourceInvoiceID: string(q.SourceInvoiceID), PayNumber: q.PayNumber,
		From: timeOf(q.From), To: timeOf(q.To),
	}
	got, err := s.o.Gateway.Invoices(c.Context(), f, pageOf(q.Limit, q.Cursor))
	return listOf(got, showInvoice), err
}

// timeOf reads a time that was checked before; "" is the zero time.
func timeOf(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s)
	return t
}

// ─── What happened ─────────────────────────────────────────────────────────────────────────

type timelineEntry struct {
	At   moment `json:"at" nullable:"false"`
	Kind string `json:"kind" enum:"change,message,delivery,alarm"`

	What string `json:"what,omitzero" doc:"change: of an invoice, a payment, a refund or a payout" example:"payment"`
	ID   string `json:"id,omitzero" doc:"change: of what changed"`
	Was  string `json:"was,omitzero" doc:"change: the state before" example:"created"`
	Now  string `json:"now,omitzero" doc:"change: the state after" example:"paid"`
	By   string `json:"by,omitzero" doc:"change: api, provider, worker, a till, or a person" example:"provider"`
	Note string `json:"note,omitzero" doc:"In words, where there is something to say"`

	Direction string `json:"direction,omitzero" doc:"message: in, from the provider, or out, to it" example:"in"`
	Step      string `json:"step,omitzero" doc:"message: which of the provider's calls" example:"PerformTransaction"`
	Request   string `json:"request,omitzero" doc:"message: what was asked; what is secret or personal is masked"`
	Response  string `json:"response,omitzero" doc:"message, delivery: what was answered"`

	EventID   string `json:"eventId,omitzero" doc:"delivery: which webhook"`
	EventType string `json:"eventType,omitzero" doc:"delivery" example:"invoice.updated"`
	Attempt   int    `json:"attempt,omitzero" doc:"delivery: which try, from 1"`

	HTTPStatus int    `json:"httpStatus,omitzero" doc:"message, delivery: the answer's; absent where none came"`
	DurationMs *int64 `json:"durationMs,omitzero" nullable:"false" doc:"message, delivery: how long the answer took"`
}

// timelineMost is how much of a timeline is shown to whoever does not say how much: all of it, of
// any but the most restless invoice.
const timelineMost = 1000

type timelineQuery struct {
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" doc:"Without it up to 1000"`
	Cursor cursor `json:"cursor,omitempty"`
}

func (s *server) timeline(c *call, q timelineQuery) (list[timelineEntry], error) {
	out := list[timelineEntry]{Items: []timelineEntry{}}
	id, err := c.path("id", "invoice")
	if err != nil {
		return out, err
	}
	if q.Limit == 0 {
		q.Limit = timelineMost
	}
	entries, next, err := s.o.Gateway.TimelinePage(c.Context(), id, string(q.Cursor), q.Limit)
	out.NextCursor = orNull(next)
	for _, e := range entries {
		out.Items = append(out.Items, showEntry(e))
	}
	return out, err
}

func showEntry(e gateway.TimelineEntry) timelineEntry {
	out := timelineEntry{
		At: moment(e.At), Kind: e.Kind, What: e.What, ID: e.ID, Was: e.Was, Now: e.Now, By: e.By, Note: e.Note,
		Direction: e.Direction, Step: e.Step, Request: e.Request, Response: e.Response,
		EventID: e.EventID, EventType: e.EventType, Attempt: e.Attempt, HTTPStatus: e.Status,
	}
	if e.Kind == "message" || e.Kind == "delivery" {
		took := e.Duration.Milliseconds()
		out.DurationMs = &took
	}
	return out
}

// ─── Ending it, telling of it ──────────────────────────────────────────────────────────────

func (s *server) cancelInvoice(c *call, _ none) (invoice, error) {
	id, err := c.path("id", "invoice")
	if err != nil {
		return invoice{}, err
	}
	got, err := s.o.Gateway.CancelInvoice(c.Context(), id, c.idem(id))
	if err != nil {
		return invoice{}, err
	}
	return showInvoice(saved(c, got)), nil
}

func (s *server) notify(c *call, _ none) (invoice, error) {
	id, err := c.path("id", "invoice")
	if err != nil {
		return invoice{}, err
	}
	got, err := s.o.Gateway.Notify(c.Context(), id, c.idem(id))
	if err != nil {
		return invoice{}, err
	}
	return showInvoice(saved(c, got)), nil
}

type receiptInput struct {
	URL string `json:"url" format:"uri" minLength:"1" maxLength:"2048" doc:"The fiscal receipt's link" example:"https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161"`
}

func (s *server) receipt(c *call, in receiptInput) (invoice, error) {
	id, err := c.path("id", "invoice")
	if err != nil {
		return invoice{}, err
	}
	got, err := s.o.Gateway.SendReceipt(c.Context(), id, in.URL, c.idem([]string{id, in.URL}))
	if err != nil {
		return invoice{}, err
	}
	return showInvoice(saved(c, got)), nil
}
