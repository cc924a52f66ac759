package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/outbox"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/webhook"
)

// environment is a lookup over a map.
func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

func mustLoad(t *testing.T, values map[string]string) Config {
	t.Helper()
	c, _, err := Load(environment(values), "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// writeFile makes a .env file in a folder of its own.
func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The names and defaults are the contract's: whoever changes one changes what operators rely on.
func TestDefaults(t *testing.T) {
	c := mustLoad(t, nil)
	want := map[string]string{
		"PORT": "4002", "HOST": "", "DATABASE_URL": "sqlite:data/chorsu.db", "PUBLIC_URL": "",
		"SERVICE_API_KEY": "", "WEBHOOK_SIGNING_SECRET": "", "MASTER_KEY": "",
		"RATE_LIMIT_PER_MINUTE": "120", "TRUSTED_PROXIES": "", "NOTIFY_ALLOW_PRIVATE": "false", "INVOICE_TTL": "24h", "KEEP_MESSAGES": "2160h", "KEEP_EVENTS": "0s",
		"WEBHOOK_RETRIES": "1s,2s,4s,8s,16s", "WEBHOOK_SLOW_RETRIES": "5m,30m,2h,5h,10h,24h", "ACCEPT_CARD_DATA": "false",
		"SANDBOX_ADDR": "127.0.0.1:4003", "TILL_ADDR": "127.0.0.1:8090", "TILL_TOKEN": "", "TILL_DB": "sqlite:data/till.db", "TILL_CONFIG": "", "METRICS_TOKEN": "", "ALLOW_SANDBOX": "false", "LOG_LEVEL": "info", "LOG_FORMAT": "",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "",
		"MULTICARD_URL":               "https://mesh.multicard.uz", "PAYSYS_URL": "https://paysys.uz/gateway", "CLICK_API_URL": "https://api.click.uz/v2/merchant",
		"PAYME_API_URL": "https://checkout.paycom.uz/api", "UZUM_FASTPAY_URL": "https://mobile.apelsin.uz/api/apelsin-pay/merchant",
		"ANOR_URL": "", "SCAN2PAY_URL": "https://scan2pay.uz",
		"CLICK_PAY_URL": "https://my.click.uz/services/pay", "PAYME_PAY_URL": "https://checkout.paycom.uz", "UZUM_PAY_URL": "https://www.uzumbank.uz/open-service",
	}
	for _, s := range c.Settings(Origins{}) {
		value, known := want[s.Name]
		if !known || s.Value != value {
			t.Errorf("%s is %q, want %q", s.Name, s.Value, value)
		}
		delete(want, s.Name)
	}
	if len(want) != 0 {
		t.Errorf("missing: %v", want)
	}
	if c.Port != 4002 || c.InvoiceTTL != 24*time.Hour || c.LogLevel != slog.LevelInfo || c.WebhookRetries.String() != outbox.Fast.String() || c.WebhookSlowRetries.String() != outbox.Slow.String() {
		t.Errorf("%+v", c)
	}
}

func TestValues(t *testing.T) {
	master, secret := seal.NewKey()+","+seal.NewKey(), webhook.NewSecret()+",old-secret"
	c := mustLoad(t, map[string]string{
		"PORT": "0", "HOST": "::1", "DATABASE_URL": "postgres://u:p@db/chorsu?sslmode=disable", "PUBLIC_URL": "https://pay.example.uz/gateway/",
		"SERVICE_API_KEY": " key-one , key-two", "WEBHOOK_SIGNING_SECRET": secret, "MASTER_KEY": master, "RATE_LIMIT_PER_MINUTE": "0",
		"TRUSTED_PROXIES": "10.0.0.1, 192.168.1.77/16,fd00::/8", "NOTIFY_ALLOW_PRIVATE": "1", "INVOICE_TTL": "1h30m", "WEBHOOK_RETRIES": "10ms",
		"WEBHOOK_SLOW_RETRIES": "", "ACCEPT_CARD_DATA": "TRUE", "SANDBOX_ADDR": "[::1]:0", "METRICS_TOKEN": "t0ken", "ALLOW_SANDBOX": "true",
		"LOG_LEVEL": "WARN", "LOG_FORMAT": "text", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "ANOR_URL": "http://127.0.0.1:4003/anor/",
	})
	if c.Port != 0 || c.Host != "::1" || string(c.DatabaseURL) != "postgres://u:p@db/chorsu?sslmode=disable" || c.PublicURL != "https://pay.example.uz/gateway" ||
		!slices.Equal(c.APIKeys, Keys{"key-one", "key-two"}) || string(c.WebhookSecrets) != secret || string(c.MasterKeys) != master || c.RateLimit != 0 ||
		c.TrustedProxies.String() != "10.0.0.1/32,192.168.0.0/16,fd00::/8" || !c.NotifyAllowPrivate || c.InvoiceTTL != 90*time.Minute ||
		len(c.WebhookRetries) != 1 || !c.AcceptCardData || c.SandboxAddr != "[::1]:0" || c.MetricsToken != "t0ken" || !c.AllowSandbox ||
		c.LogLevel != slog.LevelWarn || c.LogFormat != "text" || c.OTLPEndpoint != "http://localhost:4318" {
		t.Errorf("%+v", c)
	}
	if c.WebhookSlowRetries != nil {
		t.Errorf("slow retries that are set to nothing are %v", c.WebhookSlowRetries)
	}
	if c.Address("ANOR_URL") != "http://127.0.0.1:4003/anor" || c.Address("MULTICARD_URL") != "https://mesh.multicard.uz" || c.Address("PORT") != "" || c.Address("NONE") != "" {
		t.Error("Address finds the wrong ones")
	}
}

// Environment before file before default; what is empty is not set, but for the one that means
// something by it.
func TestOrigins(t *testing.T) {
	path := writeFile(t, "PORT=1111\nHOST=10.0.0.1 # inside\nLOG_LEVEL=debug\nINVOICE_TTL=\nWEBHOOK_SLOW_RETRIES=\nOTHER_PROGRAM='x y'\n")
	c, from, err := Load(environment(map[string]string{"PORT": "2222", "LOG_LEVEL": ""}), path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Port != 2222 || c.Host != "10.0.0.1" || c.LogLevel != slog.LevelDebug || c.InvoiceTTL != 24*time.Hour || c.WebhookSlowRetries != nil {
		t.Errorf("%+v", c)
	}
	for name, want := range map[string]Origin{"PORT": FromEnvironment, "HOST": Origin(path), "LOG_LEVEL": Origin(path), "INVOICE_TTL": FromDefault, "WEBHOOK_SLOW_RETRIES": Origin(path), "SANDBOX_ADDR": FromDefault} {
		if from[name] != want {
			t.Errorf("%s comes from %q, want %q", name, from[name], want)
		}
	}
	if _, _, err := Load(environment(nil), filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Everything that is wrong is told at once: the variable, the value (but no secret), and what is
// allowed, on one line each.
func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"PORT", "http", `PORT: "http" is not allowed; it must be a port from 0 to 65535`},
		{"PORT", "65536", `PORT: "65536" is not allowed; it must be a port from 0 to 65535`},
		{"PORT", "-1", `PORT: "-1" is not allowed`},
		{"HOST", "http://x", `HOST: "http://x" is not allowed`},
		{"DATABASE_URL", "mysql://root:geheim@db/x", "DATABASE_URL: the value is not allowed; it must be sqlite:PATH or postgres://…"},
		{"DATABASE_URL", "sqlite:", "DATABASE_URL: the value"},
		{"DATABASE_URL", "postgres:geheim", "DATABASE_URL: the value"},
		{"PUBLIC_URL", "pay.example.uz", `PUBLIC_URL: "pay.example.uz" is not allowed; it must be an http or https address without query`},
		{"PUBLIC_URL", "https://pay.example.uz/?a=b", `PUBLIC_URL: "https://pay.example.uz/?a=b" is not allowed`},
		{"PUBLIC_URL", "https://pay.example.uz:99999", `PUBLIC_URL:`},
		{"PUBLIC_URL", "ftp://pay.example.uz", `PUBLIC_URL:`},
		{"SERVICE_API_KEY", "geheim,,x", "SERVICE_API_KEY: ‹9 chars› is not allowed"},
		{"SERVICE_API_KEY", "geheim schlüssel", "SERVICE_API_KEY: ‹17 chars› is not allowed"},
		{"WEBHOOK_SIGNING_SECRET", "whsec_geheim!", "WEBHOOK_SIGNING_SECRET: webhook secret 1: what follows whsec_ is not base64"},
		{"MASTER_KEY", "geheim", "MASTER_KEY: master key 1: want id:base64"},
		{"MASTER_KEY", "k1:Z2VoZWlt", "MASTER_KEY: master key 1: it has 6 bytes; it must have 32"},
		{"RATE_LIMIT_PER_MINUTE", "-1", `RATE_LIMIT_PER_MINUTE: "-1" is not allowed; it must be a number from 0 to 1000000`},
		{"TRUSTED_PROXIES", "10.0.0.0/33", `TRUSTED_PROXIES: "10.0.0.0/33" is not allowed; it must be networks such as 10.0.0.0/8`},
		{"NOTIFY_ALLOW_PRIVATE", "yes", `NOTIFY_ALLOW_PRIVATE: "yes" is not allowed; it must be true or false`},
		{"INVOICE_TTL", "24", `INVOICE_TTL: "24" is not allowed; it must be a duration from 1m to 720h`},
		{"INVOICE_TTL", "30s", `INVOICE_TTL: "30s" is not allowed`},
		{"INVOICE_TTL", "0s", `INVOICE_TTL: "0s" is not allowed`},
		{"KEEP_MESSAGES", "23h", `KEEP_MESSAGES: "23h0m0s" is not allowed; it must be a duration from 24h to 87600h, or 0 for ever`},
		{"KEEP_EVENTS", "-24h", `KEEP_EVENTS: "-24h" is not allowed`},
		{"INVOICE_TTL", "721h", `INVOICE_TTL: "721h0m0s" is not allowed`},
		{"WEBHOOK_RETRIES", "1s;2s", `WEBHOOK_RETRIES: "1s;2s" is not allowed; it must be durations`},
		{"WEBHOOK_SLOW_RETRIES", "never", `WEBHOOK_SLOW_RETRIES: "never" is not allowed`},
		{"ACCEPT_CARD_DATA", "2", `ACCEPT_CARD_DATA: "2" is not allowed`},
		{"SANDBOX_ADDR", "4003", `SANDBOX_ADDR: "4003" is not allowed; it must be host:port`},
		{"METRICS_TOKEN", "geheim geheim", "METRICS_TOKEN: ‹13 chars› is not allowed"},
		{"LOG_LEVEL", "loud", `LOG_LEVEL: "loud" is not allowed; it must be debug, info, warn or error`},
		{"LOG_FORMAT", "xml", `LOG_FORMAT: "xml" is not allowed; it must be json or text`},
		{"PAYME_API_URL", "checkout.paycom.uz/api", `PAYME_API_URL: "checkout.paycom.uz/api" is not allowed`},
		{"PAYME_API_URL", "https://user:geheim@checkout.paycom.uz", "PAYME_API_URL: the value is not allowed"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", `OTEL_EXPORTER_OTLP_ENDPOINT:`},
		{"HOST", "a\nb" + strings.Repeat("x", 100), `HOST: "a\nbxxx`},
	} {
		_, _, err := Load(environment(map[string]string{c.name: c.value}), "")
		var faults Faults
		if !errors.As(err, &faults) || len(faults) != 1 || !strings.HasPrefix(faults[0], c.want) || strings.Contains(faults[0], "\n") {
			t.Errorf("%s=%q: %v, want %q", c.name, c.value, err, c.want)
		}
		if strings.Contains(fmt.Sprint(err), "geheim") {
			t.Errorf("a secret is told: %v", err)
		}
	}
	_, _, err := Load(environment(map[string]string{"PORT": "x", "LOG_LEVEL": "y", "LOG_FORMAT": "z", "MASTER_KEY": "w"}), "")
	if faults, ok := errors.AsType[Faults](err); !ok || len(faults) != 4 {
		t.Errorf("four faults are told as %v", err)
	}
}

// A .env file that cannot be read names the line, and tells nothing of what stands there.
func TestBrokenFile(t *testing.T) {
	for text, want := range map[string]string{
		"PORT=1\nMASTER_KEY='geheim\nHOST=x\n": "line 2 is not NAME=value",
		"PORT=1\n\n# note\ngeheim geheim\n":    "line 4 is not NAME=value",
		strings.Repeat("#geheim\n", 40_000):    "larger than 256 KiB",
	} {
		_, _, err := Load(environment(nil), writeFile(t, text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
	if _, _, err := Load(environment(nil), t.TempDir()); err == nil {
		t.Error("a folder is read as a file")
	}
}

var ready = map[string]string{
	"PUBLIC_URL": "https://pay.example.uz", "SERVICE_API_KEY": "a-key-of-the-apps-0001",
	"WEBHOOK_SIGNING_SECRET": "a-secret-for-webhooks", "MASTER_KEY": "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}

func with(more map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{ready, more} {
		for name, value := range m {
			out[name] = value
		}
	}
	return out
}

func TestForServe(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   map[string]string
		serve []string // what each fault begins with
		work  int      // how many keep a worker from starting
	}{
		{"ready", nil, nil, 0},
		{"nothing set", map[string]string{"PUBLIC_URL": "", "SERVICE_API_KEY": "", "WEBHOOK_SIGNING_SECRET": "", "MASTER_KEY": ""},
			[]string{"PUBLIC_URL is not set", "WEBHOOK_SIGNING_SECRET is not set", "MASTER_KEY is not set", "SERVICE_API_KEY is not set"}, 3},
		{"no API key", map[string]string{"SERVICE_API_KEY": ""}, []string{"SERVICE_API_KEY is not set"}, 0},
		{"a sandbox", map[string]string{"PAYME_API_URL": "http://127.0.0.1:4003/payme", "CLICK_PAY_URL": "http://localhost:4003/click"},
			[]string{"PAYME_API_URL: http://127.0.0.1:4003/payme is a sandbox", "CLICK_PAY_URL: http://localhost:4003/click is a sandbox"}, 2},
		{"a sandbox, meant", map[string]string{"PAYME_API_URL": "http://127.0.0.1:4003/payme", "ALLOW_SANDBOX": "true"}, nil, 0},
		{"a sandbox, hidden", map[string]string{"MULTICARD_URL": "http://[::ffff:127.0.0.1]:1", "PAYSYS_URL": "http://0.0.0.0:1", "UZUM_PAY_URL": "http://uzum.localhost.:1"}, []string{"MULTICARD_URL", "PAYSYS_URL", "UZUM_PAY_URL"}, 3},
		{"tracing and ourselves on this machine", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "PUBLIC_URL": "http://localhost:4002"}, nil, 0},
	} {
		config := mustLoad(t, with(c.set))
		var faults Faults
		errors.As(config.ForServe(), &faults)
		if len(faults) != len(c.serve) {
			t.Errorf("%s: %v", c.name, faults)
			continue
		}
		for i, want := range c.serve {
			if !strings.HasPrefix(faults[i], want) {
				t.Errorf("%s: %q, want %q", c.name, faults[i], want)
			}
		}
		var worker Faults
		errors.As(config.ForWorker(), &worker)
		if len(worker) != c.work {
			t.Errorf("%s: a worker is refused for %v", c.name, worker)
		}
	}
}

func TestWarnings(t *testing.T) {
	if w := mustLoad(t, ready).Warnings(); len(w) != 0 {
		t.Errorf("warnings without a cause: %q", w)
	}
	for _, c := range []struct{ name, value, want string }{
		{"PUBLIC_URL", "http://pay.example.uz", "PUBLIC_URL is http"},
		{"SERVICE_API_KEY", "a-key-of-the-apps-0001,short", "SERVICE_API_KEY: a key has fewer"},
		{"WEBHOOK_SIGNING_SECRET", "short", "WEBHOOK_SIGNING_SECRET: a secret has fewer"},
		{"NOTIFY_ALLOW_PRIVATE", "true", "NOTIFY_ALLOW_PRIVATE is on"},
		{"ALLOW_SANDBOX", "true", "ALLOW_SANDBOX is on"},
		{"TRUSTED_PROXIES", "0.0.0.0/0", "TRUSTED_PROXIES trusts everybody"},
	} {
		w := mustLoad(t, with(map[string]string{c.name: c.value})).Warnings()
		if len(w) != 1 || !strings.HasPrefix(w[0], c.want) {
			t.Errorf("%s=%s: %q", c.name, c.value, w)
		}
	}
	if w := mustLoad(t, with(map[string]string{"PUBLIC_URL": "http://localhost:4002"})).Warnings(); len(w) != 0 {
		t.Errorf("http on this machine: %q", w)
	}
}

// However the settings are printed, their secrets are not.
func TestPrinting(t *testing.T) {
	values := map[string]string{
		"DATABASE_URL": "postgres://user:geheim@db.example.uz:5432/chorsu?password=geheim", "SERVICE_API_KEY": "geheim-api-key,geheim-other-key",
		"WEBHOOK_SIGNING_SECRET": "geheim-webhook", "MASTER_KEY": "k1:" + strings.Repeat("geheimge", 5) + "geh=", "METRICS_TOKEN": "geheim-token",
	}
	c := mustLoad(t, values)
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "config", c, "db", c.DatabaseURL, "keys", c.APIKeys, "secret", c.WebhookSecrets)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "keys", c.APIKeys)
	asJSON, err := json.Marshal(map[string]any{"secret": c.WebhookSecrets, "keys": c.APIKeys, "settings": c.Settings(Origins{})})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, c.MasterKeys, c.APIKeys, c.WebhookSecrets), fmt.Sprintf("%v %s %q %#v", c.DatabaseURL, c.DatabaseURL, c.DatabaseURL, c.DatabaseURL), fmt.Sprintf("%x", c.DatabaseURL), log.String(), string(asJSON)} {
		if strings.Contains(shown, "geheim") || strings.Contains(shown, fmt.Sprintf("%x", "geheim")) {
			t.Errorf("a secret shows: %s", shown)
		}
	}
	if got := c.DatabaseURL.String(); got != "postgres://user@db.example.uz:5432/chorsu?‹15 chars›" {
		t.Errorf("the database is shown as %s", got)
	}
}

// Each field of Config has its comment, its variable and what is allowed.
func TestEachOptionIsExplained(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Config" {
			return true
		}
		group := ""
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			n++
			if f.Doc != nil {
				group = f.Doc.Text()
			}
			name := f.Names[0].Name
			if f.Doc == nil && !strings.HasSuffix(name, "URL") || group == "" {
				t.Errorf("%s has no comment", name)
			}
			if f.Tag == nil || !strings.Contains(f.Tag.Value, `env:"`) || !strings.Contains(f.Tag.Value, `want:"`) {
				t.Errorf("%s has no variable, or does not say what is allowed", name)
			}
		}
		return false
	})
	if names := Names(); n != len(names) || len(slices.Compact(slices.Sorted(slices.Values(names)))) != n {
		t.Errorf("%d fields, variables %v", n, names)
	}
}
