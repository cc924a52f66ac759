package httpapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// ─── What the gateway supports ─────────────────────────────────────────────────────────────

type supportedProvider struct {
	Name         string            `json:"name" example:"click"`
	Fields       []credentialField `json:"fields" doc:"What a business pastes from its cabinet at the provider"`
	Title        string            `json:"title" doc:"The name as people know it" example:"Click"`
	Secret       []string          `json:"secret" doc:"Which of the fields are secret: show them as dots"`
	Options      []string          `json:"options" doc:"Which merchant options the provider reads"`
	Capabilities []string          `json:"capabilities" doc:"What can be done through its API" example:"[\"checkout\",\"callbacks\",\"refund\"]"`
	InStore      bool              `json:"inStore" doc:"Only for tills: no buyer can be sent to it"`
	RefundHint   *string           `json:"refundHint" doc:"Where a refund is made when the API cannot"`
}

type credentialField struct {
	Key      string `json:"key" example:"serviceId"`
	Required bool   `json:"required"`
}

func (s *server) supported(*call, none) (all[supportedProvider], error) {
	var out all[supportedProvider]
	for _, p := range s.providers {
		item := supportedProvider{
			Name: p.Name, Title: p.Title, Options: p.Options, InStore: p.InStore,
			Capabilities: provider.Capabilities(p.Account), RefundHint: orNull(p.RefundHint.EN),
		}
		for _, f := range p.Fields {
			item.Fields = append(item.Fields, credentialField{f.Key, f.Required})
			if f.Secret {
				item.Secret = append(item.Secret, f.Key)
			}
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// ─── A business at a provider ──────────────────────────────────────────────────────────────

type merchant struct {
	ID          string  `json:"id" format:"uuid"`
	Source      string  `json:"source" example:"marketplace"`
	BusinessID  string  `json:"businessId" example:"biz_42"`
	Provider    string  `json:"provider" example:"click"`
	DisplayName *string `json:"displayName" example:"Restoran A — Click"`
	IsActive    bool    `json:"isActive" doc:"An inactive merchant takes no new payment; what was begun can still be paid, cancelled and refunded"`
	Options     options `json:"options"`
	HasTestKey  bool    `json:"hasTestKey" doc:"Whether options.testKey was given: it is never shown"`
	CallbackURL string  `json:"callbackUrl" doc:"The address to enter in the provider's cabinet" example:"https://pay.example.uz/api/callbacks/click/01975f2e-5b31-7c22-9d0e-4b1c7a90d2f4"`
	CreatedAt   moment  `json:"createdAt" nullable:"false"`
	UpdatedAt   moment  `json:"updatedAt" nullable:"false"`
}

// options are pay.Options with the document's words, and the one that is secret. In answers,
// those that stand as the provider's documentation has them are left out.
type options struct {
	Mode             string   `json:"mode,omitzero" enum:"live,test" doc:"Payme: which of the two keys counts; default live"`
	TestKey          *string  `json:"testKey,omitzero" writeOnly:"true" minLength:"1" maxLength:"4096" doc:"Payme: the key of the test mode. Sealed and never returned; kept as it is where it is not given"`
	AccountField     string   `json:"accountField,omitzero" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_]+$" patternDescription:"must consist of letters, digits and _" doc:"Payme: the account field's name; default order_id" example:"order_id"`
	UzumAttribute    string   `json:"uzumAttribute,omitzero" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_]+$" patternDescription:"must consist of letters, digits and _" doc:"Uzum: the attribute registered for the service; default order_id" example:"order_id"`
	AmountUnit       string   `json:"amountUnit,omitzero" enum:"tiyin,som" doc:"Uzum: the unit of its amounts; default tiyin"`
	PartialRefund    bool     `json:"partialRefund,omitzero" doc:"Parts may be returned where the provider leaves it open"`
	PartialReversal  bool     `json:"partialReversal,omitzero" doc:"Click: payment/partial_reversal may be called"`
	RefundEvents     bool     `json:"refundEvents,omitzero" doc:"A partial refund sends the webhook refund.updated"`
	RefuseLateCancel bool     `json:"refuseLateCancel,omitzero" doc:"Payme: a cancel after payment is refused"`
	Fiscalise        bool     `json:"fiscalise,omitzero" doc:"Click: it makes the fiscal receipt from the invoice's ofd once it is paid; wants merchantUserId and ownTin"`
	DirectCharge     bool     `json:"directCharge,omitzero" doc:"PaySys: charge at once. Without it the money is held and taken at once, so that a charge whose answer was lost can be found or releases itself"`
	OwnTIN           string   `json:"ownTin,omitzero" pattern:"^([0-9]{9}|[0-9]{14})$" patternDescription:"must be 9 or 14 digits" doc:"The seller's own TIN or PINFL, for receipt lines without one" example:"123456789"`
	ReconcileNightly bool     `json:"reconcileNightly,omitzero" doc:"Multicard, PaySys: each day is compared with what the provider says, in the night after it"`
	CallbackFrom     []string `json:"callbackFrom,omitzero" maxItems:"64" check:"networks" doc:"CIDRs from which callbacks are taken; empty: any" example:"[\"195.158.26.90/32\"]"`
}

func showOptions(o pay.Options) options {
	return options{
		Mode: o.Mode, AccountField: o.AccountField, UzumAttribute: o.UzumAttribute, AmountUnit: o.AmountUnit,
		PartialRefund: o.PartialRefund, PartialReversal: o.PartialReversal, RefundEvents: o.RefundEvents,
		RefuseLateCancel: o.RefuseLateCancel, Fiscalise: o.Fiscalise, DirectCharge: o.DirectCharge, OwnTIN: o.OwnTIN, CallbackFrom: o.CallbackFrom,
		ReconcileNightly: o.ReconcileNightly,
	}
}

// split parts what is sealed from what is not.
func (o *options) split() (*pay.Options, *string) {
	if o == nil {
		return nil, nil
	}
	return &pay.Options{
		Mode: o.Mode, AccountField: o.AccountField, UzumAttribute: o.UzumAttribute, AmountUnit: o.AmountUnit,
		PartialRefund: o.PartialRefund, PartialReversal: o.PartialReversal, RefundEvents: o.RefundEvents,
		RefuseLateCancel: o.RefuseLateCancel, Fiscalise: o.Fiscalise, DirectCharge: o.DirectCharge, OwnTIN: o.OwnTIN, CallbackFrom: o.CallbackFrom,
		ReconcileNightly: o.ReconcileNightly,
	}, o.TestKey
}

func show(m gateway.Merchant) merchant {
	return merchant{
		ID: m.ID, Source: m.Source, BusinessID: m.Business, Provider: m.Provider,
		DisplayName: orNull(m.DisplayName), IsActive: m.Active, Options: showOptions(m.Options),
		HasTestKey: m.HasTestKey, CallbackURL: m.CallbackURL,
		CreatedAt: moment(m.CreatedAt), UpdatedAt: moment(m.UpdatedAt),
	}
}

// credential is one value of the credentials.
type credential string

// Schema is how the document shows it, and how it is checked.
func (credential) Schema(huma.Registry) *huma.Schema {
	most := 4096
	return &huma.Schema{Type: huma.TypeString, MaxLength: &most}
}

// ─── Saving ────────────────────────────────────────────────────────────────────────────────

type merchantInput struct {
	Source      callersID             `json:"source" doc:"Your app's stable name" example:"marketplace"`
	BusinessID  callersID             `json:"businessId" doc:"Your id of the business" example:"biz_42"`
	Provider    string                `json:"provider" choice:"provider"`
	Credentials map[string]credential `json:"credentials" maxProperties:"32" check:"credentials" doc:"By the keys of GET /api/merchants/supported. Sealed, never returned"`
	DisplayName *string               `json:"displayName,omitempty" maxLength:"255" check:"text" doc:"What the buyer reads on the button" example:"Restoran A — Click"`
	IsActive    *bool                 `json:"isActive,omitempty" doc:"Default true"`
	Options     *options              `json:"options,omitempty" doc:"They replace all present ones"`
}

func (s *server) saveMerchant(c *call, in merchantInput) (merchant, error) {
	m := gateway.MerchantInput{
		Source: string(in.Source), Business: string(in.BusinessID), Provider: in.Provider,
		Credentials: credentialsOf(in.Credentials), DisplayName: in.DisplayName, Active: in.IsActive,
	}
	m.Options, m.TestKey = in.Options.split()
	got, err := s.o.Gateway.SaveMerchant(c.Context(), m, c.idem(m))
	if err != nil {
		return merchant{}, err
	}
	return show(saved(c, got)), nil
}

func credentialsOf(in map[string]credential) map[string]string {
	if in == nil {
		return nil
	}
	out := make(map[string]string, len(in))
	for k, v := range in {
		out[k] = string(v)
	}
	return out
}

type merchantPatch struct {
	Credentials map[string]credential `json:"credentials,omitempty" maxProperties:"32" doc:"They replace all present ones"`
	DisplayName *string               `json:"displayName,omitempty" maxLength:"255" check:"text"`
	IsActive    *bool                 `json:"isActive,omitempty"`
	Options     *options              `json:"options,omitempty" doc:"They replace all present ones"`
}

// notEmpty asks for at least one field.
func notEmpty(f *faults, _ string, n *node) {
	if len(n.names) == 0 {
		f.add("body", "must have at least 1 key")
	}
}

func (s *server) patchMerchant(c *call, in merchantPatch) (merchant, error) {
	id, err := c.path("id", "merchant")
	if err != nil {
		return merchant{}, err
	}
	p := gateway.MerchantPatch{Credentials: credentialsOf(in.Credentials), DisplayName: in.DisplayName, Active: in.IsActive}
	p.Options, p.TestKey = in.Options.split()
	m, err := s.o.Gateway.PatchMerchant(c.Context(), id, p)
	return show(m), err
}

// ─── Reading ───────────────────────────────────────────────────────────────────────────────

func (s *server) merchant(c *call, _ none) (merchant, error) {
	id, err := c.path("id", "merchant")
	if err != nil {
		return merchant{}, err
	}
	m, err := s.o.Gateway.Merchant(c.Context(), id)
	return show(m), err
}

type merchantQuery struct {
	Source     callersID `json:"source,omitempty"`
	BusinessID callersID `json:"businessId,omitempty"`
	Provider   string    `json:"provider,omitempty" choice:"provider"`
	IsActive   *bool     `json:"isActive,omitempty"`
	Limit      int       `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
	Cursor     cursor    `json:"cursor,omitempty"`
}

func (s *server) merchants(c *call, q merchantQuery) (list[merchant], error) {
	f := gateway.MerchantFilter{Source: string(q.Source), Business: string(q.BusinessID), Provider: q.Provider, Active: q.IsActive}
	got, err := s.o.Gateway.Merchants(c.Context(), f, pageOf(q.Limit, q.Cursor))
	return listOf(got, show), err
}

type businessProvider struct {
	Provider    string  `json:"provider" example:"click"`
	DisplayName *string `json:"displayName" example:"Restoran A — Click"`
}

func (s *server) providersOf(c *call, _ none) (all[businessProvider], error) {
	var out all[businessProvider]
	source, business := c.r.PathValue("source"), c.r.PathValue("businessId")
	if !isCallersID(source) || !isCallersID(business) {
		return out, &pay.Error{Code: pay.CodeNotFound, Reason: "business_not_found", Message: "there is no such business"}
	}
	got, err := s.o.Gateway.ProvidersOf(c.Context(), source, business)
	for _, m := range got {
		out.Items = append(out.Items, businessProvider{m.Provider, orNull(m.DisplayName)})
	}
	return out, err
}
