package till

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Config is the YAML file that TILL_CONFIG names. A part that is missing is not offered.
type Config struct {
	Shop      Shop                `yaml:"shop"`
	Printer   Printer             `yaml:"printer"`
	Wallets   Wallets             `yaml:"wallets"`
	Scan2pay  *Service            `yaml:"scan2pay"`
	UzQR      *Service            `yaml:"uzqr"`
	Terminals map[string]Terminal `yaml:"terminals"`
	Gateway   *Gateway            `yaml:"gateway"`
}

// Shop is who sells.
type Shop struct {
	Name         string `yaml:"name"`
	INN          string `yaml:"inn"`
	KKM          string `yaml:"kkm_id"`
	Device       string `yaml:"device_id"`
	WalletAmount string `yaml:"wallet_amount"` // tiyin or som: what the till's program sends to the wallet calls
}

// Printer is where slips are printed.
type Printer struct {
	Address string `yaml:"address"` // host:9100, a device file, or "": slips are only returned
	Charset string `yaml:"charset"` // cp866 or cp1251
}

// Wallets are by their endpoint's name: click, payme, uzum, anor; or via_multicard instead of
// them. Each is an address under url, and the credentials.
type Wallets map[string]map[string]string

// Service is something at an address.
type Service struct {
	URL string `yaml:"url"`
}

// Terminal is a pinpad: xumo or uzcard.
type Terminal struct {
	Driver  string            `yaml:"driver"`
	Address string            `yaml:"address"`
	Options map[string]string `yaml:"options"`
}

// Gateway is where operations are reported.
type Gateway struct {
	URL     string `yaml:"url"`
	Pairing string `yaml:"pairing"` // the one-time code; may go once the till is paired
}

//go:embed example.yaml
var example string

// Example is a configuration with comments that runs against the sandbox as it stands.
func Example() string { return example }

// maxConfig bounds the file.
const maxConfig = 1 << 20

// ReadConfig reads the YAML. Unknown keys are refused; ${NAME} in a value stands for a variable
// of the environment, which must be set. All that is wrong with the values is told at once.
func ReadConfig(r io.Reader, lookup func(string) (string, bool)) (Config, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxConfig+1))
	if err != nil {
		return Config{}, err
	}
	if len(raw) > maxConfig {
		return Config{}, errors.New("the file is too large")
	}
	var tree yaml.Node
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		return Config{}, err
	}
	if err := expand(&tree, lookup); err != nil {
		return Config{}, err
	}
	expanded, err := yaml.Marshal(&tree)
	if err != nil {
		return Config{}, err
	}
	c := Config{Shop: Shop{WalletAmount: "tiyin"}, Printer: Printer{Charset: "cp866"}}
	dec := yaml.NewDecoder(bytes.NewReader(expanded))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, err
	}
	return c, c.check()
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand puts variables into the values of the tree, where they stay text whatever is in them.
func expand(n *yaml.Node, lookup func(string) (string, bool)) (err error) {
	if n.Kind == yaml.ScalarNode && variable.MatchString(n.Value) {
		n.Value = variable.ReplaceAllStringFunc(n.Value, func(m string) string {
			name := m[2 : len(m)-1]
			v, ok := lookup(name)
			if !ok {
				err = fmt.Errorf("line %d: %s is not set in the environment", n.Line, name)
			}
			return v
		})
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		err = errors.Join(err, expand(c, lookup))
	}
	return err
}

// walletProviders are the adapters behind the wallets' endpoints.
var walletProviders = map[string]string{"click": "clickpass", "payme": "paymego", "uzum": "uzumfastpay", "anor": "anor"}

// endpoints of the wallets, in the founding document's order.
var walletEndpoints = []string{"click", "payme", "uzum", "anor"}

const (
	viaMulticard         = "via_multicard"
	viaMulticardProvider = "multicard" // the adapter behind it
)

func (c Config) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Shop.WalletAmount != "tiyin" && c.Shop.WalletAmount != "som" {
		fault("shop.wallet_amount must be tiyin or som")
	}
	if c.Printer.Charset != "cp866" && c.Printer.Charset != "cp1251" {
		fault("printer.charset must be cp866 or cp1251")
	}
	for name, w := range c.Wallets {
		if name != viaMulticard && !slices.Contains(walletEndpoints, name) {
			fault("wallets.%s is not known; wallets are %s or %s", name, strings.Join(walletEndpoints, ", "), viaMulticard)
		}
		if w["url"] == "" {
			fault("wallets.%s.url is required", name)
		} else if !isURL(w["url"]) {
			fault("wallets.%s.url must be an http or https address", name)
		}
	}
	if _, via := c.Wallets[viaMulticard]; via && len(c.Wallets) > 1 {
		fault("wallets.via_multicard stands instead of the others: name either it or them")
	}
	for name, s := range map[string]*Service{"scan2pay": c.Scan2pay, "uzqr": c.UzQR} {
		if s != nil && !isURL(s.URL) {
			fault("%s.url must be an http or https address", name)
		}
	}
	for name, t := range c.Terminals {
		if name != "xumo" && name != "uzcard" {
			fault("terminals.%s is not known; terminals are xumo and uzcard", name)
		}
		if !slices.Contains(driverNames, t.Driver) {
			fault("terminals.%s.driver must be one of %s", name, strings.Join(driverNames, ", "))
		}
	}
	if c.Gateway != nil && !isURL(c.Gateway.URL) {
		fault("gateway.url must be an http or https address")
	}
	return errors.Join(faults...)
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}
