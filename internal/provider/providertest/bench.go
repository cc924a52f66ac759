// Package providertest runs a provider against the real gateway: real HTTP, a real database
// (each test runs on SQLite and on PostgreSQL), the provider's simulator, a receiver that
// verifies every webhook, and a clock that only the test moves.
//
// It is imported by tests only.
package providertest

import (
	"net/http"
	"testing"

	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Engine is the database that a test runs on.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Setup says which provider is on the bench, and with what.
type Setup struct {
	Provider    provider.Provider
	Simulator   func(*simulator.World) simulator.Simulator // nil: none
	Credentials map[string]string
	Options     map[string]any // the merchant's options

	CardData bool // ACCEPT_CARD_DATA: card numbers may be sent to the API

	// Others are further providers of the same business, for what two of them do to one invoice.
	Others []Setup

	// Known are providers that the gateway knows and the business is not registered with.
	Known []provider.Provider
}

// Each runs f as a subtest on each engine, with a fresh gateway.
func Each(t *testing.T, s Setup, f func(t *testing.T, b *Bench)) {
	t.Helper()
	for _, e := range []Engine{SQLite, Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			f(t, New(t, e, s))
		})
	}
}

// Bench is a running gateway with one business ("app", "biz-1"), registered with the provider.
type Bench struct {
	T           *testing.T
	URL         string // the gateway's address
	CallbackURL string // the merchant's callback address
	MerchantID  string
	Sim         simulator.Simulator // nil where Setup had none
	World       *simulator.World
	HTTP        *http.Client

	*wiring
}

// Answer is an HTTP answer: JSON is its body, decoded with numbers kept as json.Number.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	JSON   any
}

// Webhook is one that the app received, its signatures verified. Body is decoded in JSON.
type Webhook struct {
	EventID string
	Event   string // X-Payment-Event
	Raw     []byte
	JSON    map[string]any
}
