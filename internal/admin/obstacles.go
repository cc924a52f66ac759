package admin

import (
	"errors"
	"net/http"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

// obstacles are the gateway's refusals in words.
var obstacles = map[string]words.Text{
	"payment_in_progress":    words.CannotBegun,
	"not_withdrawn":          words.CannotBegun,
	"already_paid":           words.CannotState,
	"already_refunded":       words.CannotState,
	"already_cancelled":      words.CannotState,
	"already_failed":         words.CannotState,
	"already_pending":        words.CannotState,
	"already_held":           words.CannotState,
	"not_paid":               words.CannotState,
	"hold_has_no_id":         words.CannotHoldNoID,
	"no_event":               words.CannotNoEvent,
	"nothing_left":           words.CannotLeft,
	"more_than_left":         words.CannotLeft,
	"refund_in_progress":     words.CannotRunning,
	"payout_in_progress":     words.CannotPayoutRuns,
	"in_progress":            words.CannotRunning,
	"refund_waits":           words.CannotWaits,
	"same_person":            words.CannotSame,
	"too_new":                words.CannotNew,
	"expired":                words.CannotLate,
	"decided":                words.CannotLate,
	"refused":                words.CannotLate,
	"nothing_unknown":        words.CannotKnown,
	"nothing_open":           words.CannotKnown,
	"payout_waits":           words.CannotPayoutWaits,
	"cannot_ask":             words.CannotAskNow,
	"already_settled":        words.CannotSettled,
	"nothing_to_take_over":   words.CannotTakeOver,
	"not_taken_over":         words.CannotTakeOver,
	"no_failed_receipt":      words.CannotKnown,
	"delivered":              words.CannotArrived,
	"form_old":               words.CannotOldForm,
	"changed_meanwhile":      words.CannotChanged,
	"idempotency_key_reused": words.CannotOldForm,
	"reconciliation_running": words.CannotDayRuns,

	// What a company's API cannot do. Its refund page says what to do instead.
	"refund_not_supported":         words.RefundCannot,
	"partial_refund_not_supported": words.RefundWholeOnly,
	"merchant_user_id_missing":     words.CannotNoUser,
	"credentials_missing":          words.CannotNoKeys,
	"receipt_id_missing":           words.CannotNoRef,
	"transaction_id_missing":       words.CannotNoRef,
	"payment_id_missing":           words.CannotNoRef,
}

// sentence words a refusal. What a company says stands as it came, since only it knows what it means;
// so does a refusal that nobody has worded, behind words that say so.
func sentence(l words.Lang, e *pay.Error) string {
	if text, ok := obstacles[e.Reason]; ok {
		return text.In(l)
	}
	switch {
	case e.Code == pay.CodeUpstream:
		if e.Upstream != nil && e.Upstream.Message != "" {
			return words.CannotUpstream.In(l) + " (" + e.Upstream.Message + ")"
		}
		return words.CannotUpstream.In(l)
	case e.Field == "reason":
		return words.CannotReason.In(l)
	case e.Field == "happened":
		return words.CannotHappened.In(l)
	case e.Message != "" && l == words.EN:
		return e.Message
	case e.Message != "":
		return words.CannotBecause.With(l, e.Message)
	}
	return words.CannotState.In(l)
}

func statusOf(e *pay.Error) int {
	switch e.Code {
	case pay.CodeInvalid, pay.CodeUnsupported:
		return http.StatusUnprocessableEntity
	case pay.CodeForbidden:
		return http.StatusForbidden
	case pay.CodeUpstream:
		return http.StatusBadGateway
	}
	return http.StatusConflict
}

// refusal words why something cannot be done at all.
func refusal(l words.Lang, err error) string {
	if e, ok := errors.AsType[*pay.Error](err); ok {
		return sentence(l, e)
	}
	return ""
}
