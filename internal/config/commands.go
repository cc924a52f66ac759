package config

import (
	"net/url"
	"strings"
)

// What a single command needs beyond values that are right in themselves.

// ForServe says what keeps serve from starting: Faults, or nil.
func (c Config) ForServe() error {
	faults := c.needs()
	if len(c.APIKeys) == 0 {
		faults = append(faults, "SERVICE_API_KEY is not set; it must be what apps send in x-api-key (`chorsu up` makes one)")
	}
	return faults.orNil()
}

// ForWorker says what keeps a worker from starting: Faults, or nil.
func (c Config) ForWorker() error { return c.needs().orNil() }

func (c Config) needs() (faults Faults) {
	if c.PublicURL == "" {
		faults = append(faults, "PUBLIC_URL is not set; it must be the address by which buyers and providers reach this gateway")
	}
	if c.WebhookSecrets == "" {
		faults = append(faults, "WEBHOOK_SIGNING_SECRET is not set; it must be the secret that signs webhooks (`chorsu up` makes one)")
	}
	if c.MasterKeys == "" {
		faults = append(faults, "MASTER_KEY is not set; it must be id:base64 of 32 random bytes (`chorsu up` makes one)")
	}
	if c.AllowSandbox {
		return faults
	}
	for f := range c.fields() {
		if a, ok := f.value.Interface().(Address); ok && isProvider(f.name) && a.loopback() {
			faults = append(faults, f.name+": "+string(a)+" is a sandbox on this machine; money would not move. Set ALLOW_SANDBOX=true if that is meant")
		}
	}
	return faults
}

// Warnings are what is allowed and probably not meant, one line each; doctor tells them.
func (c Config) Warnings() (out []string) {
	if u, err := url.Parse(string(c.PublicURL)); err == nil && u.Scheme == "http" && !c.PublicURL.loopback() {
		out = append(out, "PUBLIC_URL is http: providers send their keys to it in the clear, and Multicard takes only https")
	}
	for _, key := range c.APIKeys {
		if len(key) < 16 {
			out = append(out, "SERVICE_API_KEY: a key has fewer than 16 characters and can be guessed")
			break
		}
	}
	for secret := range strings.SplitSeq(string(c.WebhookSecrets), ",") {
		if secret = strings.TrimSpace(secret); secret != "" && len(secret) < 16 {
			out = append(out, "WEBHOOK_SIGNING_SECRET: a secret has fewer than 16 characters and can be guessed")
			break
		}
	}
	if c.NotifyAllowPrivate {
		out = append(out, "NOTIFY_ALLOW_PRIVATE is on: an app that may create invoices can make the gateway call machines inside its own network")
	}
	if c.AllowSandbox {
		out = append(out, "ALLOW_SANDBOX is on: payments may be simulated")
	}
	for _, network := range c.TrustedProxies {
		if network.Bits() == 0 {
			out = append(out, "TRUSTED_PROXIES trusts everybody: any client can choose the address that the rate limit sees")
			break
		}
	}
	return out
}

// isProvider says whether a variable holds a provider's address, not our own.
func isProvider(name string) bool {
	return strings.HasSuffix(name, "_URL") && name != "PUBLIC_URL" && name != "DATABASE_URL"
}

func (f Faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
