package multicard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// cards are the values of ps that are cards; all others are wallets.
var cards = []string{"uzcard", "humo", "visa", "mastercard", "unionpay", "account"}

// CanRefund asks of a partial refund what Multicard asks: the lines of the receipt that
// replaces the first one, and the card's full number where a wallet paid.
func (a *account) CanRefund(p pay.Payment, o provider.RefundOrder) error {
	if o.Whole {
		return nil
	}
	var lines []json.RawMessage
	if json.Unmarshal(o.Lines, &lines) != nil || len(lines) == 0 {
		return invalid("ofd", `"ofd" is required for a partial refund through Multicard: the lines of the new receipt, of what remains sold`)
	}
	if ps := p.Card.PaymentSystem; ps != "" && !slices.Contains(cards, ps) && o.CardPAN == "" {
		return invalid("cardPan", `"cardPan" is required for a partial refund of what was paid through `+ps+`; a refund of the whole needs none`)
	}
	return nil
}

func invalid(field, detail string) error {
	return &pay.Error{Code: pay.CodeInvalid, Field: field, Message: detail, Details: []string{detail}}
}

// Refund returns the whole payment, or a part with the receipt's new lines, which are passed on
// as they came. Multicard takes no id of ours, so this is never sent twice.
func (a *account) Refund(ctx context.Context, o provider.RefundOrder) (provider.MoveOutcome, error) {
	var data jsontext.Value
	var err error
	if o.Whole {
		err = a.about(ctx, http.MethodDelete, transaction(o.Payment), "", struct{}{}, &data)
	} else {
		err = a.about(ctx, http.MethodDelete, transaction(o.Payment), "/partial", partialRequest{
			RefundAmount: o.Amount, OFD: o.Lines, CardPAN: o.CardPAN,
		}, &data)
	}
	switch code := codeOf(err); {
	case err == nil:
	case code == codeNotFound:
		return a.refundNotFound(ctx, o, err)
	case code == codeFields:
		return refusedMove(err), nil
	case code == codeNotReady:
		// Of refunds this may mean "not yet" as well as "not any more": it must be read back.
		return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, Code: code, Message: messageOf(err), Err: err}
	default:
		return provider.MoveOutcome{}, err
	}

	// Multicard has said yes. What it sends along only dates that, or says that it still works
	// on it; data of another shape (it answers other deletes with []) takes nothing back.
	var got paymentModel
	_ = decodeAnswer(data, &got)
	out := provider.MoveOutcome{State: pay.MoveSucceeded, Ref: string(got.UUID), At: localTime(got.RefundTime)}
	underway := got.Status == statusProgress || got.Status == statusBilling
	if underway || o.Whole && got.Status != statusRevert {
		out.State, out.Note = pay.MoveSent, clip(string(got.Status), 64)
	}
	return out, nil
}

// refundNotFound settles the one answer that has two meanings: no such payment, or one that is
// returned already. Reading the payment tells them apart.
func (a *account) refundNotFound(ctx context.Context, o provider.RefundOrder, refused error) (provider.MoveOutcome, error) {
	out := refusedMove(refused)
	m, err := a.read(ctx, transaction(o.Payment), o.Payment.ID)
	switch {
	case codeOf(err) == codeNotFound:
		return out, nil
	case err != nil:
		// The refund was refused; whether because it was done before cannot be told now.
		return provider.MoveOutcome{}, &provider.Error{Kind: provider.KindUnavailable, Code: out.Code, Message: out.Note, Err: err}
	case m.Status == statusRevert && o.Whole:
		return provider.MoveOutcome{State: pay.MoveSucceeded, Ref: string(m.UUID), At: localTime(m.RefundTime), Note: "it was returned before"}, nil
	case m.Status == statusRevert:
		out.Note = "Multicard has returned the whole payment already: " + out.Note
	}
	return out, nil
}

// refusedMove is Multicard's no to a refund, in its own words.
func refusedMove(err error) provider.MoveOutcome {
	return provider.MoveOutcome{State: pay.MoveFailed, Code: codeOf(err), Note: messageOf(err)}
}

// SendReceipt passes on the link of a receipt that the merchant's own register made. A register
// that Multicard fiscalises itself refuses it (ERROR_FIELDS). Sending the same link again is
// harmless, and so the documentation's sample of an answer, a bare {}, is taken for a yes.
func (a *account) SendReceipt(ctx context.Context, p pay.Payment, r pay.Receipt) error {
	err := a.about(ctx, http.MethodPatch, transaction(p), "/fiscal", fiscalRequest{URL: r.URL, IsRefund: r.Kind == "refund"}, nil)
	if errors.Is(err, errNoWord) {
		return nil
	}
	return err
}
