package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/sandbox"
	"github.com/chorsu/chorsu/internal/ui"
)

// bills show the gateway to the buyer's phone in the sandbox.
type bills struct{ a *App }

// onPhone is how many bills the phone lists.
const onPhone = 8

func (b bills) Newest(ctx context.Context) (out []sandbox.Bill, err error) {
	list, err := b.a.Gateway.Invoices(ctx, gateway.InvoiceFilter{}, gateway.Page{Limit: onPhone})
	for _, inv := range list.Items {
		out = append(out, bill(inv))
	}
	return out, err
}

func (b bills) Ways(ctx context.Context, invoiceID string) (sandbox.Bill, []sandbox.Way, bool, error) {
	if !id.Valid(invoiceID) {
		return sandbox.Bill{}, nil, false, nil
	}
	inv, links, err := b.a.Gateway.Links(ctx, invoiceID)
	if e, ok := errors.AsType[*pay.Error](err); ok && e.Code == pay.CodeNotFound {
		return sandbox.Bill{}, nil, false, nil
	}
	shown := bill(inv)
	var ways []sandbox.Way
	for _, l := range links {
		if l.Card {
			continue // our own form: it is on the shop's screen
		}
		ways = append(ways, sandbox.Way{Provider: l.Provider, Title: l.Title, Link: l.URL})
	}
	if len(links) > 0 && links[0].DisplayName != "" {
		shown.Shop = links[0].DisplayName
	}
	return shown, ways, true, err
}

func (b bills) Open(ctx context.Context, invoiceID, provider string) (string, error) {
	if !id.Valid(invoiceID) {
		return "", &pay.Error{Code: pay.CodeNotFound, Message: "there is no such invoice"}
	}
	link, err := b.a.Gateway.Start(ctx, invoiceID, provider)
	return link.URL, err
}

func bill(inv gateway.Invoice) sandbox.Bill {
	state := ui.StateOf(inv.Status, inv.Attention)
	if inv.Open != nil && inv.Open.State == pay.Unknown {
		state = ui.Unknown
	}
	return sandbox.Bill{ID: inv.ID, Shop: inv.Business, Order: inv.SourceInvoiceID, Amount: inv.Amount, State: state}
}

// The business of the sample bills. Its name is what people type; nobody else's app has it.
const (
	sampleSource   = "sandbox"
	sampleBusiness = "namuna"
)

// Sample makes a bill of a tea house that takes everything, so that there is something to pay
// before anybody has written a line.
func (b bills) Sample(ctx context.Context) (string, error) {
	name := "Namuna choyxonasi"
	for _, p := range b.a.o.Providers {
		info := p.Provider.Info()
		_, online := info.Account.(provider.Checkouter)
		_, scans := info.Account.(provider.QRCharger)
		if !scans && (!online || info.InStore) || len(p.Sample) == 0 {
			continue
		}
		_, err := b.a.Gateway.SaveMerchant(ctx, gateway.MerchantInput{
			Source: sampleSource, Business: sampleBusiness, Provider: info.Name,
			Credentials: besideSample(p.Sample), DisplayName: &name,
		}, gateway.Idem{})
		if err != nil {
			return "", fmt.Errorf("register the sample business: %w", err)
		}
	}
	vat := 12
	line := func(name string, sum pay.Tiyin) pay.ReceiptLine {
		return pay.ReceiptLine{Qty: pay.One, Price: sum, Total: sum, MXIK: "06401004002000000", PackageCode: "1506113", Name: name, VAT: &vat}
	}
	saved, err := b.a.Gateway.CreateInvoice(ctx, gateway.InvoiceInput{
		Source: sampleSource, Business: sampleBusiness, SourceInvoiceID: "choy-" + id.New()[24:], Amount: 150_000_00,
		NotifyURL: string(b.a.Config.PublicURL) + sandboxPath + "/inbox/shop",
		ReturnURL: string(b.a.Config.PublicURL) + sandboxPath + "/",
		Lines:     []pay.ReceiptLine{line("Toʻy oshi", 90_000_00), line("Koʻk choy, choynak", 60_000_00)},
	}, gateway.Idem{})
	return saved.Value.ID, err
}

// besideSample are credentials of the right form that are not those which the documentation
// uses: a company knows one callback address for each, and would forget the reader's.
func besideSample(sample map[string]string) map[string]string {
	out := map[string]string{}
	for key, text := range sample {
		last := text[len(text)-1]
		switch {
		case last >= '0' && last < '9', last >= 'a' && last < 'e':
			last++
		default:
			last = '0'
		}
		out[key] = text[:len(text)-1] + string(last)
	}
	return out
}
