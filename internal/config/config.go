// Package config reads the settings: one struct, a comment and a default for each of them.
//
// A setting comes from the environment, else from the file .env in the working folder, else it
// is the default. An empty variable is one that is not set, except where its comment says
// otherwise. Everything that is wrong is told at once, one line each.
package config

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/webhook"
)

// Config is all that can be set. In the tags: `env` is the variable's name, `default` its value
// where nobody sets it, `want` what is allowed, as a fault tells it.
type Config struct {
	// Port that the gateway listens on; 0 takes any free one.
	Port int `env:"PORT" default:"4002" want:"a port from 0 to 65535"`

	// Host that it listens on. Empty: all interfaces in serve, 127.0.0.1 in up, demo and sandbox.
	Host string `env:"HOST" want:"an address or a host's name"`

	// DatabaseURL is where everything is kept: sqlite:PATH or postgres://….
	DatabaseURL DSN `env:"DATABASE_URL" default:"sqlite:data/chorsu.db" want:"sqlite:PATH or postgres://…"`

	// PublicURL is the base of checkout and callback addresses, as buyers and providers reach it.
	// Empty: http://localhost:PORT in test mode; serve and worker refuse to start without it.
	PublicURL Address `env:"PUBLIC_URL" want:"an http or https address without query"`

	// APIKeys are what apps send in x-api-key; several, with commas between, while rotating.
	// up makes one; serve refuses to start without.
	APIKeys Keys `env:"SERVICE_API_KEY" want:"keys of visible ASCII characters, with commas between"`

	// WebhookSecrets sign what is sent to apps; several while rotating: the first signs
	// X-Payment-Signature, all of them webhook-signature. up makes one; serve refuses to start
	// without.
	WebhookSecrets Secret `env:"WEBHOOK_SIGNING_SECRET" want:"secrets with commas between; after whsec_ base64"`

	// MasterKeys seal credentials at rest: id:base64 of 32 bytes; several while rotating: the
	// first seals, all open. up makes one; serve refuses to start without.
	MasterKeys Secret `env:"MASTER_KEY" want:"id:base64 of 32 bytes, with commas between"`

	// RateLimit is how many requests a minute one client address may send to /api/*; 0: any number.
	RateLimit int `env:"RATE_LIMIT_PER_MINUTE" default:"120" want:"a number from 0 to 1000000"`

	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies Networks `env:"TRUSTED_PROXIES" want:"networks such as 10.0.0.0/8, with commas between"`

	// NotifyAllowPrivate says whether a webhook may go to a loopback or private address. up and
	// demo turn it on.
	NotifyAllowPrivate bool `env:"NOTIFY_ALLOW_PRIVATE" default:"false" want:"true or false"`

	// InvoiceTTL is when an unpaid invoice is cancelled, unless it says otherwise itself.
	InvoiceTTL time.Duration `env:"INVOICE_TTL" default:"24h" want:"a duration from 1m to 720h"`

	// WebhookRetries are the waits after each of the first tries that failed.
	WebhookRetries outbox.Schedule `env:"WEBHOOK_RETRIES" default:"1s,2s,4s,8s,16s" want:"durations up to 720h with commas between, such as 1s,2m,3h"`

	// WebhookSlowRetries go on after them, while the invoice stands under Stuck. Set but empty:
	// stop there.
	WebhookSlowRetries outbox.Schedule `env:"WEBHOOK_SLOW_RETRIES" default:"5m,30m,2h,5h,10h,24h" empty:"none" want:"durations up to 720h with commas between, such as 1s,2m,3h; empty for none"`

	// KeepMessages is how long the messages to and from the companies are kept, which an invoice's
	// timeline shows; 0: for ever.
	KeepMessages time.Duration `env:"KEEP_MESSAGES" default:"2160h" zero:"for ever" want:"a duration from 24h to 87600h, or 0 for ever"`

	// KeepEvents is how long webhooks that arrived are kept, with their tries; 0: for ever. Each
	// invoice's newest stays, and so does whatever has not arrived.
	KeepEvents time.Duration `env:"KEEP_EVENTS" default:"0" zero:"for ever" want:"a duration from 24h to 87600h, or 0 for ever"`

	// AcceptCardData says whether card numbers may be sent to this API at all (PCI DSS).
	AcceptCardData bool `env:"ACCEPT_CARD_DATA" default:"false" want:"true or false"`

	// SandboxAddr is where chorsu sandbox listens.
	SandboxAddr string `env:"SANDBOX_ADDR" default:"127.0.0.1:4003" want:"host:port"`

	// TillAddr is where chorsu till listens.
	TillAddr string `env:"TILL_ADDR" default:"127.0.0.1:8090" want:"host:port"`

	// TillToken is the bearer token that tills send; required when TillAddr is not this machine's
	// alone.
	TillToken Secret `env:"TILL_TOKEN" want:"visible ASCII characters"`

	// TillDB is the till's journal, a SQLite file of its own.
	TillDB string `env:"TILL_DB" default:"sqlite:data/till.db" want:"sqlite:PATH"`

	// TillConfig is the YAML file with the till's wallets and terminals.
	TillConfig string `env:"TILL_CONFIG" want:"the path of a YAML file"`

	// MetricsToken is the bearer token for /metrics. Empty: only loopback may read them.
	MetricsToken Secret `env:"METRICS_TOKEN" want:"visible ASCII characters"`

	// AllowSandbox says whether serve may run with provider addresses on loopback.
	AllowSandbox bool `env:"ALLOW_SANDBOX" default:"false" want:"true or false"`

	// LogLevel is the least that is logged.
	LogLevel slog.Level `env:"LOG_LEVEL" default:"info" want:"debug, info, warn or error"`

	// LogFormat is json or text. Empty: text on a terminal, json elsewhere.
	LogFormat string `env:"LOG_FORMAT" want:"json or text"`

	// OTLPEndpoint turns tracing on and says where traces are sent.
	OTLPEndpoint Address `env:"OTEL_EXPORTER_OTLP_ENDPOINT" want:"an http or https address without query"`

	// Where a provider is called; its documented path is appended.
	MulticardURL   Address `env:"MULTICARD_URL" default:"https://mesh.multicard.uz" want:"an http or https address without query"`
	PaySysURL      Address `env:"PAYSYS_URL" default:"https://paysys.uz/gateway" want:"an http or https address without query"`
	ClickAPIURL    Address `env:"CLICK_API_URL" default:"https://api.click.uz/v2/merchant" want:"an http or https address without query"`
	PaymeAPIURL    Address `env:"PAYME_API_URL" default:"https://checkout.paycom.uz/api" want:"an http or https address without query"`
	UzumFastPayURL Address `env:"UZUM_FASTPAY_URL" default:"https://mobile.apelsin.uz/api/apelsin-pay/merchant" want:"an http or https address without query"`
	AnorURL        Address `env:"ANOR_URL" want:"an http or https address without query"` // published nowhere
	Scan2PayURL    Address `env:"SCAN2PAY_URL" default:"https://scan2pay.uz" want:"an http or https address without query"`

	// Where a buyer is sent.
	ClickPayURL Address `env:"CLICK_PAY_URL" default:"https://my.click.uz/services/pay" want:"an http or https address without query"`
	PaymePayURL Address `env:"PAYME_PAY_URL" default:"https://checkout.paycom.uz" want:"an http or https address without query"`
	UzumPayURL  Address `env:"UZUM_PAY_URL" default:"https://www.uzumbank.uz/open-service" want:"an http or https address without query"`
}

// Origin says where a setting's value comes from.
type Origin string

// The origins. One from a file is the file's path as it was given.
const (
	FromDefault     Origin = "default"
	FromEnvironment Origin = "environment"
)

// Origins are the origins of all settings, by the variables' names.
type Origins map[string]Origin

// Faults are everything that is wrong with the settings, one line each: the variable, its value
// (masked where it is secret) and what is allowed.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "\n") }

// Load reads the settings: lookup is os.LookupEnv, dotenv the path of the .env file, which need
// not exist ("" reads none). The error is of type Faults where values are wrong.
func Load(lookup func(name string) (value string, set bool), dotenv string) (Config, Origins, error) {
	file, err := readEnv(dotenv)
	if err != nil {
		return Config{}, nil, Faults{err.Error()}
	}
	var c Config
	var faults Faults
	origins := Origins{}
	for f := range c.fields() {
		value, origin := f.fallback, FromDefault
		if v, ok := file[f.name]; ok && (v != "" || f.emptyCounts) {
			value, origin = v, Origin(dotenv)
		}
		if v, ok := lookup(f.name); ok && (v != "" || f.emptyCounts) {
			value, origin = v, FromEnvironment
		}
		origins[f.name] = origin
		if err := f.set(strings.TrimSpace(value)); err != nil {
			faults = append(faults, f.fault(value))
		}
	}
	faults = append(faults, c.check()...)
	if len(faults) > 0 {
		return c, origins, faults
	}
	return c, origins, nil
}

// check finds what a single text cannot tell by its form.
func (c *Config) check() (faults Faults) {
	ranges := map[string]bool{
		"PORT":                  c.Port >= 0 && c.Port <= 65535,
		"RATE_LIMIT_PER_MINUTE": c.RateLimit >= 0 && c.RateLimit <= 1_000_000,
		"INVOICE_TTL":           c.InvoiceTTL == 0 || c.InvoiceTTL >= time.Minute && c.InvoiceTTL <= 720*time.Hour,
		"KEEP_MESSAGES":         isKept(c.KeepMessages),
		"KEEP_EVENTS":           isKept(c.KeepEvents),
		"LOG_FORMAT":            c.LogFormat == "" || c.LogFormat == "json" || c.LogFormat == "text",
		"SANDBOX_ADDR":          isHostPort(c.SandboxAddr),
		"HOST":                  isHost(c.Host),
		"METRICS_TOKEN":         isVisible(string(c.MetricsToken)),
		"TILL_ADDR":             isHostPort(c.TillAddr),
		"TILL_TOKEN":            isVisible(string(c.TillToken)),
		"TILL_DB":               strings.HasPrefix(c.TillDB, "sqlite:") && len(c.TillDB) > len("sqlite:"),
	}
	for f := range c.fields() {
		if ok, ranged := ranges[f.name]; ranged && !ok {
			faults = append(faults, f.fault(f.raw()))
		}
	}
	if c.WebhookSecrets != "" {
		if _, err := webhook.ParseSecrets(string(c.WebhookSecrets)); err != nil {
			faults = append(faults, "WEBHOOK_SIGNING_SECRET: "+err.Error())
		}
	}
	if c.MasterKeys != "" {
		if _, err := seal.Parse(string(c.MasterKeys)); err != nil {
			faults = append(faults, "MASTER_KEY: "+err.Error())
		}
	}
	return faults
}

func isKept(d time.Duration) bool {
	return d == 0 || d >= 24*time.Hour && d <= 87600*time.Hour
}

// Setting is one setting as a person may see it.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"` // secrets by their length only
	Origin Origin `json:"origin"`
}

// Settings lists all settings in force, in the order of Config, with secrets masked.
func (c Config) Settings(from Origins) []Setting {
	var out []Setting
	for f := range c.fields() {
		out = append(out, Setting{Name: f.name, Value: f.shown(), Origin: from[f.name]})
	}
	return out
}

// Names lists the variables, in the order of Config.
func Names() []string {
	var out []string
	for f := range new(Config).fields() {
		out = append(out, f.name)
	}
	return out
}

// Address returns a provider's address by its variable's name (PAYME_API_URL), without a slash
// at the end; "" where none is set or the name is none.
func (c Config) Address(name string) string {
	for f := range c.fields() {
		if a, ok := f.value.Interface().(Address); ok && f.name == name {
			return string(a)
		}
	}
	return ""
}

// ─── The struct's fields ──────────────────────────────────────────────────────────────────

type field struct {
	name, fallback, want string
	emptyCounts          bool // "" is a value
	zeroCounts           bool // and 0 of a duration
	value                reflect.Value
}

// fields walks over the settings in order.
func (c *Config) fields() func(yield func(field) bool) {
	return func(yield func(field) bool) {
		v := reflect.ValueOf(c).Elem()
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag
			_, emptyCounts := tag.Lookup("empty")
			_, zeroCounts := tag.Lookup("zero")
			f := field{name: tag.Get("env"), fallback: tag.Get("default"), want: tag.Get("want"), emptyCounts: emptyCounts, zeroCounts: zeroCounts, value: v.Field(i)}
			if !yield(f) {
				return
			}
		}
	}
}

// set reads text into the field; "" leaves it zero.
func (f field) set(text string) error {
	if text == "" {
		f.value.SetZero()
		return nil
	}
	switch to := f.value.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		return to.UnmarshalText([]byte(text))
	case *string:
		*to = text
	case *int:
		n, err := strconv.Atoi(text)
		*to = n
		return err
	case *bool:
		on, err := strconv.ParseBool(text)
		*to = on
		return err
	case *time.Duration:
		d, err := time.ParseDuration(text)
		*to = d
		if err == nil && (d < 0 || d == 0 && !f.zeroCounts) {
			*to = 0 // told once
			return errors.New("not above zero")
		}
		return err
	default:
		panic(fmt.Sprintf("config: no way to read %s", f.name))
	}
	return nil
}

// fault is the line that says what is wrong with value.
func (f field) fault(value string) string {
	shown := strconv.Quote(clip(value, 60))
	switch f.value.Interface().(type) {
	case Secret, Keys:
		shown = hidden(value)
	case DSN:
		shown = "the value" // it may hold a password, in any place when its form is wrong
	case Address:
		if strings.Contains(value, "@") {
			shown = "the value"
		}
	}
	return fmt.Sprintf("%s: %s is not allowed; it must be %s", f.name, shown, f.want)
}

// raw is the value as a text that can be read again.
func (f field) raw() string {
	if f.value.Kind() == reflect.String {
		return f.value.String()
	}
	return fmt.Sprint(f.value.Interface())
}

// shown is the value in force, for people.
func (f field) shown() string {
	switch v := f.value.Interface().(type) {
	case Secret:
		return hidden(string(v))
	case slog.Level:
		return strings.ToLower(v.String())
	case time.Duration:
		return outbox.Schedule{v}.String()
	default:
		return fmt.Sprint(v)
	}
}

// hidden tells of a secret only whether it is there, and how long it is.
func hidden(value string) string {
	if value == "" {
		return ""
	}
	return fmt.Sprintf("‹%d chars›", len(value))
}

func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
