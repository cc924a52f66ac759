package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// Kinds of error that only HTTP knows.
const (
	codeMethod    pay.Code = "method"
	codeMediaType pay.Code = "media_type"
)

// errorKind is how the API words one kind of error.
type errorKind struct {
	code   pay.Code
	status int
	word   string // the envelope's message
	when   string // for the document
}

// errorKinds is the one table from our codes to HTTP statuses and words. What is not in it, or
// not a *pay.Error at all, is internal.
var errorKinds = []errorKind{
	{pay.CodeInvalid, http.StatusBadRequest, "VALIDATION_ERROR", "The request is not right; `data.details` says everything that is wrong with it."},
	{pay.CodeUnauthorized, http.StatusUnauthorized, "UNAUTHORIZED", "The `x-api-key` header is missing or wrong."},
	{pay.CodeForbidden, http.StatusForbidden, "FORBIDDEN", "Not allowed from here."},
	{pay.CodeNotFound, http.StatusNotFound, "NOT_FOUND", "There is no such invoice, merchant, refund, payout, reconciliation or address. A malformed id in a path is not found either."},
	{codeMethod, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "The address exists, the method does not; `Allow` lists those that do."},
	{pay.CodeConflict, http.StatusConflict, "CONFLICT", "The resource's state, or an earlier request with the same key, does not allow it; `data.reason` says which."},
	{pay.CodeTooLarge, http.StatusRequestEntityTooLarge, "TOO_LARGE", "The body is larger than 64 KiB, or an uploaded file than 20 MiB."},
	{codeMediaType, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "The body is not declared as `application/json`."},
	{pay.CodeUnsupported, http.StatusUnprocessableEntity, "NOT_SUPPORTED", "The provider cannot do this through its API; `data.details` says what can be done instead."},
	{pay.CodeRateLimited, http.StatusTooManyRequests, "RATE_LIMITED", "Too many requests from this address; `Retry-After` says after how many seconds to try again."},
	{pay.CodeUpstream, http.StatusBadGateway, "PROVIDER_ERROR", "The provider failed, could not be reached, or refused our credentials; `data.provider` has its own words."},
	{pay.CodeInternal, http.StatusInternalServerError, "INTERNAL_ERROR", "Our fault. The log has the whole of it under the request's id."},
}

// Reasons that are given here and not by the use cases.
const reasonCardData = "card_data_not_accepted"

var (
	errTooLarge  = &pay.Error{Code: pay.CodeTooLarge, Message: `"body" must not be larger than 64 KiB`}
	errPanic     = &pay.Error{Code: pay.CodeInternal, Message: "a handler panicked"}
	errMediaType = &pay.Error{Code: codeMediaType, Message: `"Content-Type" must be application/json, in UTF-8`}
)

// invalid makes one error of all faults.
func invalid(list ...fault) *pay.Error {
	e := &pay.Error{Code: pay.CodeInvalid, Message: "the request is not right"}
	for _, f := range list {
		e.Details = append(e.Details, f.String())
	}
	return e
}

// errorData is the data of an error's envelope.
type errorData struct {
	Details   []string        `json:"details" doc:"What is wrong, one sentence each: the field in quotes, then its fault; all faults at once" example:"[\"\\\"amount\\\" must be greater than or equal to 100\"]"`
	Reason    string          `json:"reason,omitempty" doc:"A finer word for programs, where there is one" example:"payment_in_progress"`
	Provider  *providersWords `json:"provider,omitempty" doc:"What the provider said, where it is the provider's error"`
	RequestID string          `json:"requestId" doc:"As in the X-Request-Id header: quote it when you report a problem"`
}

// providersWords are what a provider said of its own error.
type providersWords struct {
	Name      string `json:"name" example:"multicard"`
	Code      string `json:"code" example:"ERROR_AUTH"`
	Message   string `json:"message"`
	RequestID string `json:"requestId,omitempty" doc:"The provider's own tracker, where it has one"`
}

// fail answers with err in the envelope. What is internal is logged whole and not shown.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*pay.Error](err)
	if !ok {
		e = &pay.Error{Code: pay.CodeInternal, Err: err}
	}
	kind := kindOf(e.Code)
	data := errorData{Details: e.Details, Reason: e.Reason, RequestID: RequestID(r.Context())}
	switch {
	case kind.code == pay.CodeInternal:
		s.logFailure(r, err)
		data.Details = []string{"something went wrong on our side: the request id finds it in the log"}
		data.Reason = ""
	case len(data.Details) == 0 && e.Field != "" && e.Message != "":
		data.Details = []string{fault{e.Field, e.Message}.String()}
	case len(data.Details) == 0:
		data.Details = []string{e.Message}
	}
	if u := e.Upstream; u != nil {
		data.Provider = &providersWords{Name: u.Name, Code: u.Code, Message: u.Message, RequestID: u.RequestID}
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	write(w, envelope[errorData]{Status: false, Code: kind.status, Message: kind.word, Data: data})
}

func (s *server) logFailure(r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "the caller left before the answer", slog.String("error", err.Error()))
		return
	}
	s.log.LogAttrs(r.Context(), slog.LevelError, "a request failed", slog.String("route", r.Pattern), slog.String("error", err.Error()))
}

func kindOf(code pay.Code) errorKind {
	for _, k := range errorKinds {
		if k.code == code {
			return k
		}
	}
	return kindOf(pay.CodeInternal)
}
