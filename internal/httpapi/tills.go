package httpapi

import (
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
)

// ─── For the staff ─────────────────────────────────────────────────────────────────────────

// shopSource is the source of what is sold in shops, where a till belongs to no app.
const shopSource = "till"

type tillInput struct {
	Source     callersID `json:"source,omitempty" doc:"The app that the shop belongs to; default till" example:"till"`
	BusinessID callersID `json:"businessId" doc:"The shop. Invoices of the till stand under this business" example:"shop_7"`
	Name       string    `json:"name" minLength:"1" maxLength:"100" check:"text" doc:"For people" example:"Till 1, Chilonzor"`
	NotifyURL  string    `json:"notifyUrl,omitempty" format:"uri" minLength:"1" maxLength:"2048" check:"notifyUrl" doc:"Where the webhooks of its sales go; without it none are sent"`
}

// tillShown is a till as it may be shown.
type tillShown struct {
	ID         string  `json:"id" format:"uuid"`
	Source     string  `json:"source" example:"till"`
	BusinessID string  `json:"businessId" example:"shop_7"`
	Name       string  `json:"name" example:"Till 1, Chilonzor"`
	NotifyURL  *string `json:"notifyUrl" doc:"null: its sales send no webhook"`
	Status     string  `json:"status" enum:"new,expired,paired,revoked" doc:"new: waits for its code; expired: the code ran out unused"`
	DeviceID   *string `json:"deviceId" doc:"What the till says of itself" example:"00000001"`
	Version    *string `json:"version" example:"1.0.0"`
	CreatedAt  moment  `json:"createdAt" nullable:"false"`
	PairedAt   moment  `json:"pairedAt"`
	SeenAt     moment  `json:"seenAt" doc:"When it reported last"`
	RevokedAt  moment  `json:"revokedAt"`

	PairingCode      string `json:"pairingCode,omitzero" doc:"Shown once, to who makes the till" example:"ABCD-EFGH-JKLM-NPQR"`
	PairingExpiresAt moment `json:"pairingExpiresAt" doc:"Until when the code can be used; null once it was"`
}

func (s *server) showTill(t pay.Till) tillShown {
	out := tillShown{
		ID: t.ID, Source: t.Source, BusinessID: t.Business, Name: t.Name, NotifyURL: orNull(t.NotifyURL), Status: string(t.Status(s.now())),
		DeviceID: orNull(t.Device), Version: orNull(t.Version),
		CreatedAt: moment(t.CreatedAt), PairedAt: moment(t.PairedAt), SeenAt: moment(t.SeenAt), RevokedAt: moment(t.RevokedAt),
	}
	if t.TokenHash == "" && t.RevokedAt.IsZero() {
		out.PairingExpiresAt = moment(t.CodeUntil)
	}
	return out
}

func (s *server) createTill(c *call, in tillInput) (tillShown, error) {
	source := string(in.Source)
	if source == "" {
		source = shopSource
	}
	t, err := s.o.Gateway.CreateTill(c.Context(), gateway.TillInput{Source: source, Business: string(in.BusinessID), Name: in.Name, NotifyURL: in.NotifyURL, Idem: c.idem(in)})
	if err != nil {
		return tillShown{}, err
	}
	c.status, c.replayed = http.StatusCreated, t.Replayed
	out := s.showTill(t.Till)
	out.PairingCode = t.Code
	return out, nil
}

type tillQuery struct {
	Source     callersID `json:"source,omitempty"`
	BusinessID callersID `json:"businessId,omitempty"`
	Limit      int       `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
	Cursor     cursor    `json:"cursor,omitempty"`
}

func (s *server) tills(c *call, q tillQuery) (list[tillShown], error) {
	got, err := s.o.Gateway.Tills(c.Context(), gateway.TillFilter{Source: string(q.Source), Business: string(q.BusinessID)}, pageOf(q.Limit, q.Cursor))
	return listOf(got, s.showTill), err
}

func (s *server) revokeTill(c *call, _ none) (tillShown, error) {
	id, err := c.path("id", "till")
	if err != nil {
		return tillShown{}, err
	}
	t, err := s.o.Gateway.RevokeTill(c.Context(), id)
	return s.showTill(t), err
}

// ─── For the till ──────────────────────────────────────────────────────────────────────────

type pairInput struct {
	Code     string `json:"code" minLength:"1" maxLength:"64" doc:"As it was shown; capitals, hyphens and spaces do not matter"`
	Nonce    string `json:"nonce,omitempty" pattern:"^[0-9a-f]{32}$" patternDescription:"must be 32 hexadecimal digits" doc:"Made by the till and kept before it asks, so that it may ask again"`
	Name     string `json:"name,omitempty" maxLength:"100" check:"text" doc:"What the till calls itself; the name that the staff gave stays"`
	DeviceID string `json:"deviceId,omitempty" maxLength:"100" check:"text"`
	Version  string `json:"version,omitempty" maxLength:"100" check:"text"`
}

type paired struct {
	TillID     string `json:"tillId" format:"uuid"`
	Token      string `json:"token" doc:"For Authorization: Bearer. Shown only here"`
	Source     string `json:"source"`
	BusinessID string `json:"businessId"`
	Name       string `json:"name"`
}

func (s *server) pairTill(c *call, in pairInput) (paired, error) {
	t, err := s.o.Gateway.PairTill(c.Context(), gateway.PairInput{Code: in.Code, Nonce: in.Nonce, Device: in.DeviceID, Version: in.Version})
	if err != nil {
		return paired{}, err
	}
	c.status = http.StatusCreated
	return paired{TillID: t.ID, Token: t.Token, Source: t.Source, BusinessID: t.Business, Name: t.Name}, nil
}

type ownTill struct {
	TillID     string `json:"tillId" format:"uuid"`
	Source     string `json:"source"`
	BusinessID string `json:"businessId"`
	Name       string `json:"name"`
}

func (s *server) ownTill(c *call, _ none) (ownTill, error) {
	t := infoOf(c.Context()).till
	return ownTill{TillID: t.ID, Source: t.Source, BusinessID: t.Business, Name: t.Name}, nil
}

const reportWords = "What the till itself calls, oldest first, and again until the answer is 200: all of them are kept then, or were before. One report an operation, by the id that the till gave it; the same operation with a higher `revision` when more of it is known, and an equal or lower one changes nothing. A report may come a month late.\n\n" +
	"A sale becomes an invoice of the till's business, with its payment under the till's id; a return, a refund of it. What does not fit the book (a return of more than is left, say) is kept all the same and goes before a person. No Idempotency-Key is needed."

type reportsInput struct {
	Reports []tillReport `json:"reports" minItems:"1" maxItems:"100"`
}

// tillReport is pay.TillReport with the document's words.
type tillReport struct {
	ID            string      `json:"id" format:"uuid" doc:"Made at the till: the operation's, and the payment's"`
	Revision      int64       `json:"revision" minimum:"1" maximum:"1000000000" doc:"Grows with each change of the operation"`
	Kind          string      `json:"kind" enum:"sale,return,void,close"`
	Provider      string      `json:"provider" choice:"provider"`
	State         string      `json:"state" enum:"unknown,approved,declined,not_started"`
	Amount        pay.Tiyin   `json:"amount" minimum:"0" maximum:"1000000000000" doc:"In tiyin; 0 on a close, and on a void of the whole" example:"5000000"`
	CreatedAt     string      `json:"createdAt" format:"date-time" doc:"By the till's clock"`
	FinishedAt    *string     `json:"finishedAt,omitempty" nullable:"true" format:"date-time"`
	RRN           string      `json:"rrn,omitempty" maxLength:"64" doc:"The bank's number of the operation" example:"408005356147"`
	Ref           string      `json:"ref,omitempty" maxLength:"128" doc:"The company's id of the payment"`
	TransactionID string      `json:"transactionId,omitempty" maxLength:"128"`
	Card          string      `json:"card,omitempty" maxLength:"32" pattern:"^[0-9]{0,6}[*]*[0-9]{0,4}$" patternDescription:"must be a masked card number" doc:"Masked" example:"986009******7856"`
	Phone         string      `json:"phone,omitempty" maxLength:"32" doc:"Not kept"`
	TerminalID    string      `json:"terminalId,omitempty" maxLength:"64" example:"09110004"`
	ReceiptNo     string      `json:"receiptNo,omitempty" maxLength:"64" example:"340"`
	Original      string      `json:"original,omitempty" maxLength:"64" doc:"With return and void: the id of the sale"`
	OriginalRRN   string      `json:"originalRrn,omitempty" maxLength:"64"`
	Code          string      `json:"code,omitempty" maxLength:"64"`
	Note          string      `json:"note,omitempty" maxLength:"500" check:"text"`
	ResolvedBy    string      `json:"resolvedBy,omitempty" maxLength:"100" check:"text" doc:"device, wallet, or a person's name"`
	ReceiptURL    string      `json:"receiptUrl,omitempty" maxLength:"2048" doc:"The fiscal receipt's link, which the till has passed on itself"`
	OrderID       string      `json:"orderId,omitempty" maxLength:"255" doc:"The cash register's own"`
	Totals        *tillTotals `json:"totals,omitempty" nullable:"true" doc:"With close: what the till's journal held"`
}

type tillTotals struct {
	Sales         int64     `json:"sales"`
	SalesAmount   pay.Tiyin `json:"salesAmount"`
	Returns       int64     `json:"returns"`
	ReturnsAmount pay.Tiyin `json:"returnsAmount"`
}

// Schema is how the document shows it, and how it is checked: null where nothing was closed.
func (tillTotals) Schema(huma.Registry) *huma.Schema {
	least := 0.0
	s := &huma.Schema{Type: huma.TypeObject, Nullable: true, AdditionalProperties: false, Properties: map[string]*huma.Schema{}}
	for _, name := range []string{"sales", "salesAmount", "returns", "returnsAmount"} {
		s.Required = append(s.Required, name)
		s.Properties[name] = &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &least}
	}
	return s
}

type keptReports struct {
	Kept int `json:"kept" doc:"How many: all of them"`
}

func (s *server) takeReports(c *call, in reportsInput) (keptReports, error) {
	reports := make([]pay.TillReport, len(in.Reports))
	var wrong faults
	for i, r := range in.Reports {
		if r.Kind == "sale" && r.Amount < pay.MinAmount || r.Kind == "return" && r.Amount < 1 {
			wrong.add(fmt.Sprintf("reports[%d].amount", i), "is too small for a %s", r.Kind)
		}
		reports[i] = r.plain()
	}
	if len(wrong.list) > 0 {
		return keptReports{}, invalid(wrong.list...)
	}
	kept, err := s.o.Gateway.TakeReports(c.Context(), infoOf(c.Context()).till, reports)
	return keptReports{Kept: kept}, err
}

func (r tillReport) plain() pay.TillReport {
	out := pay.TillReport{
		ID: r.ID, Revision: r.Revision, Kind: r.Kind, Provider: r.Provider, State: r.State, Amount: r.Amount,
		CreatedAt: timeOf(r.CreatedAt), RRN: r.RRN, Ref: r.Ref, TransactionID: r.TransactionID, Card: r.Card,
		TerminalID: r.TerminalID, ReceiptNo: r.ReceiptNo, Original: r.Original, OriginalRRN: r.OriginalRRN,
		Code: r.Code, Note: r.Note, ResolvedBy: r.ResolvedBy, ReceiptURL: r.ReceiptURL, OrderID: r.OrderID,
	}
	if r.FinishedAt != nil {
		out.FinishedAt = timeOf(*r.FinishedAt)
	}
	if r.Totals != nil {
		totals := pay.TillTotals(*r.Totals)
		out.Totals = &totals
	}
	return out
}

func (s *server) exampleReports() map[string]any {
	name := s.exampleProvider().Name
	for _, p := range s.providers {
		if p.InStore && len(p.Fields) == 0 { // a terminal
			name = p.Name
			break
		}
	}
	at := time.Date(2026, 11, 21, 9, 2, 11, 123e6, time.UTC).Format("2006-01-02T15:04:05.000Z")
	return map[string]any{"reports": []any{map[string]any{
		"id": "01975f2e-6a09-7bf0-9a1b-00505680eaf6", "revision": 1, "kind": "sale", "provider": name, "state": "approved",
		"amount": 5000000, "createdAt": at, "rrn": "408005356147", "card": "986009******7856", "terminalId": "09110004", "receiptNo": "340",
	}}}
}
