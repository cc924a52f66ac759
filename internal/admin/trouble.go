package admin

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

// troubles are the refusals of package staff that a page words where they happened.
var troubles = map[string]words.Text{
	"refused":           words.SignInRefused,
	"busy":              words.SignInBusy,
	"password_length":   words.PasswordLength,
	"password_weak":     words.PasswordWeak,
	"password_wrong":    words.PasswordWrong,
	"code_wrong":        words.CodeWrong,
	"proof_wrong":       words.ProofWrong,
	"email_invalid":     words.EmailInvalid,
	"account_exists":    words.AccountExists,
	"account_disabled":  words.AccountDisabled,
	"last_owner":        words.LastOwner,
	"limit_invalid":     words.LimitInvalid,
	"form_old":          words.FormOld,
	"own_authenticator": words.OwnAuthenticator,
}

// trouble words a refusal, and says which HTTP status it has. known is false for an error that no
// person can do anything about.
func trouble(l words.Lang, err error) (status int, sentence string, known bool) {
	e, ok := errors.AsType[*pay.Error](err)
	if !ok {
		return 0, "", false
	}
	if e.Reason == "locked" {
		return http.StatusTooManyRequests, words.SignInLocked.With(l, waiting(e.RetryAfter)), true
	}
	text, known := troubles[e.Reason]
	status = map[pay.Code]int{
		pay.CodeUnauthorized: http.StatusUnauthorized, pay.CodeRateLimited: http.StatusTooManyRequests, pay.CodeConflict: http.StatusConflict,
	}[e.Code]
	if status == 0 {
		status = http.StatusUnprocessableEntity
	}
	return status, text.In(l), known
}

// retryIn sets the header that says when a try counts again.
func retryIn(head http.Header, err error) {
	if e, ok := errors.AsType[*pay.Error](err); ok && e.RetryAfter > 0 {
		head.Set("Retry-After", fmt.Sprint(int(e.RetryAfter.Round(time.Second)/time.Second)))
	}
}

// waiting is a time to wait, in minutes and seconds.
func waiting(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d", d/time.Minute, d%time.Minute/time.Second)
}
