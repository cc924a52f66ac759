package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/webhook"
)

// keysCmd lists and rotates the three kinds of keys. A rotation has two halves: the new key is
// put before the old one, and, when everybody uses it, the old one is taken out (--finish).
type keysCmd struct {
	List   keysListCmd   `cmd:"" help:"The keys in force, by fingerprint."`
	Rotate keysRotateCmd `cmd:"" help:"Put a new key before the old one, or take the old one out."`
}

func (keysCmd) Examples() string {
	return `  chorsu keys list
  chorsu keys rotate webhook
  chorsu keys rotate webhook --finish
`
}

// The settings that hold keys.
const (
	varAPI     = "SERVICE_API_KEY"
	varWebhook = "WEBHOOK_SIGNING_SECRET"
	varMaster  = "MASTER_KEY"
)

type keyView struct {
	Name        string `json:"name"`
	Place       int    `json:"place"` // 1 is the first: the one that signs or seals
	Fingerprint string `json:"fingerprint"`
	Does        string `json:"does"`
	Origin      string `json:"origin"`
}

type keysListCmd struct {
	JSON bool `help:"Print JSON."`
}

func (keysListCmd) Examples() string { return "  chorsu keys list\n  chorsu keys list --json\n" }

func (c *keysListCmd) Run(ctx context.Context, con *console) error {
	cfg, from, err := settings()
	if err != nil {
		return err
	}
	views := []keyView{}
	for _, kind := range []struct{ name, list, first, others string }{
		{varAPI, apiKeys(cfg), "opens the API", "opens the API"},
		{varWebhook, string(cfg.WebhookSecrets), "signs both headers", "signs webhook-signature only"},
		{varMaster, string(cfg.MasterKeys), "seals and opens", "opens"},
	} {
		for i, key := range split(kind.list) {
			does := kind.others
			if i == 0 {
				does = kind.first
			}
			views = append(views, keyView{kind.name, i + 1, fingerprint(kind.name, key), does, string(from[kind.name])})
		}
	}
	sealed, stale, known := sealedRows(ctx, cfg)
	if c.JSON {
		out := map[string]any{"keys": views}
		if known {
			out["sealed"] = map[string]int{"rows": sealed, "underOlderKeys": stale}
		}
		return printJSON(con, out)
	}
	for _, v := range views {
		fmt.Fprintf(con.out, "%-24s %d  %-18s %-30s %s\n", v.Name, v.Place, v.Fingerprint, v.Does, v.Origin)
	}
	if len(views) == 0 {
		fmt.Fprintln(con.out, "There are no keys yet: `chorsu up` makes them.")
	}
	if known {
		fmt.Fprintf(con.out, "\n%d rows are sealed, %d of them under older keys.\n", sealed, stale)
	}
	return nil
}

// sealedRows counts, where there is a database that can be read.
func sealedRows(ctx context.Context, cfg config.Config) (rows, stale int, known bool) {
	box, err := seal.Parse(string(cfg.MasterKeys))
	if err != nil {
		return 0, 0, false
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return 0, 0, false
	}
	defer s.Close()
	n, err := gateway.Sealed(ctx, s, box)
	return n.Rows, n.Stale, err == nil
}

type keysRotateCmd struct {
	Which  string `arg:"" enum:"master,webhook,api" help:"Which key: master, webhook or api."`
	Finish bool   `help:"Take the older keys out: everybody uses the new one."`
	Reseal bool   `help:"Only seal every row under the first key of MASTER_KEY (master)."`
	JSON   bool   `help:"Print JSON."`
}

func (keysRotateCmd) Examples() string {
	return `  chorsu keys rotate api             a new key beside the old: both open the API
  chorsu keys rotate api --finish    when every app sends the new one
  chorsu keys rotate webhook         both sign, until every app holds the new one
  chorsu keys rotate master          also seals every row anew
  chorsu keys rotate master --reseal where the key stands in the environment of several processes
`
}

func (c *keysRotateCmd) Run(ctx context.Context, con *console) error {
	cfg, from, err := settings()
	if err != nil {
		return err
	}
	r := &rotation{text: con.out, cfg: cfg, from: from, done: rotated{Key: c.Which}}
	if c.JSON {
		r.text = io.Discard
	}
	switch {
	case c.Reseal && (c.Which != "master" || c.Finish):
		return &coded{exitUsage, fmt.Errorf("--reseal belongs to `chorsu keys rotate master`, alone")}
	case c.Which == "master" && c.Reseal:
		err = r.reseal(ctx, cfg)
	case c.Which == "master":
		err = r.master(ctx, c.Finish)
	case c.Which == "webhook":
		err = r.put(varWebhook, string(cfg.WebhookSecrets), webhook.NewSecret, c.Finish)
	default:
		err = r.put(varAPI, apiKeys(cfg), newAPIKey, c.Finish)
	}
	if c.JSON {
		if e := printJSON(con, r.done); e != nil {
			return e
		}
	}
	return err
}

type rotation struct {
	text io.Writer
	cfg  config.Config
	from config.Origins
	done rotated
}

// rotated is what was done, as JSON. Value is what a person must put into the environment; "" where
// the file was written.
type rotated struct {
	Key      string `json:"key"`
	Written  bool   `json:"written"`
	Value    string `json:"value,omitempty"`
	Rows     int    `json:"rows,omitempty"`
	Resealed int    `json:"resealed,omitempty"`
}

// put writes a key's new list, and says what a person must do next.
func (r *rotation) put(name, list string, fresh func() string, finish bool) error {
	next, err := turned(name, list, fresh, finish)
	if err != nil {
		return err
	}
	if err := r.write(name, next); err != nil {
		return err
	}
	fmt.Fprintf(r.text, "%s is rewritten in %s. Restart chorsu to use it.\n", name, r.from[name])
	if !finish {
		fmt.Fprintf(r.text, "Old and new are both good. When everybody uses the new one: chorsu keys rotate %s --finish\n", map[string]string{varAPI: "api", varWebhook: "webhook"}[name])
	}
	return nil
}

// turned is the list with a fresh key before the others, or with the first alone.
func turned(name, list string, fresh func() string, finish bool) (string, error) {
	keys := split(list)
	if finish {
		if len(keys) < 2 {
			return "", fmt.Errorf("%s has %d keys: there is no older one to take out", name, len(keys))
		}
		return keys[0], nil
	}
	return strings.Join(append([]string{fresh()}, keys...), ","), nil
}

// write puts a value into the file that it stands in. What stands in the environment only its
// owner can change: the value is printed, and a person must do it.
func (r *rotation) write(name, value string) error {
	if r.from[name] == config.FromEnvironment {
		r.done.Value = value
		fmt.Fprintf(r.text, "%s=%s\n", name, value)
		return &coded{exitPerson, fmt.Errorf("%s stands in the environment: set it there to the value above and restart every chorsu process", name)}
	}
	err := config.WriteEnv(envFile, map[string]string{name: value})
	r.done.Written = err == nil
	return err
}

// master rotates the key that seals. In a SQLite file, which nobody else serves, all is done at
// once; on PostgreSQL other processes may run that do not know the new key yet, so they are
// restarted before anything is sealed under it.
func (r *rotation) master(ctx context.Context, finish bool) error {
	next, err := turned(varMaster, string(r.cfg.MasterKeys), seal.NewKey, finish)
	if err != nil {
		return err
	}
	if finish {
		return r.finishMaster(ctx, next)
	}
	if err := r.free(ctx); err != nil {
		return err
	}
	if err := r.write(varMaster, next); err != nil {
		return r.then(err, "then run `chorsu keys rotate master --reseal`")
	}
	fmt.Fprintf(r.text, "MASTER_KEY is rewritten in %s: the new key seals, the old one still opens.\n", r.from[varMaster])
	if strings.HasPrefix(string(r.cfg.DatabaseURL), "postgres") {
		return &coded{exitPerson, fmt.Errorf("restart every chorsu process, so that all know the new key; then run `chorsu keys rotate master --reseal`")}
	}
	cfg := r.cfg
	cfg.MasterKeys = config.Secret(next)
	return r.reseal(ctx, cfg)
}

// free checks that no process serves the SQLite file: it would not know the new key.
func (r *rotation) free(ctx context.Context) error {
	s, err := openStore(ctx, r.cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.LockExclusively()
}

// finishMaster takes the older keys out, if no row needs them.
func (r *rotation) finishMaster(ctx context.Context, next string) error {
	_, stale, known := sealedRows(ctx, r.cfg)
	if !known || stale > 0 {
		return &coded{exitPerson, fmt.Errorf("%d rows are still under older keys (database read: %v): run `chorsu keys rotate master --reseal` first", stale, known)}
	}
	if err := r.write(varMaster, next); err != nil {
		return err
	}
	fmt.Fprintf(r.text, "The older master keys are taken out of %s. Restart chorsu.\n", r.from[varMaster])
	return nil
}

// reseal seals every row under the first key of cfg.
func (r *rotation) reseal(ctx context.Context, cfg config.Config) error {
	box, err := seal.Parse(string(cfg.MasterKeys))
	if err != nil {
		return fmt.Errorf("MASTER_KEY: %w", err)
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	done, err := gateway.Reseal(ctx, s, box)
	r.done.Rows, r.done.Resealed = done.Rows, done.Changed
	fmt.Fprintf(r.text, "%d rows are sealed, %d of them anew.\n", done.Rows, done.Changed)
	if err != nil {
		return fmt.Errorf("not all rows could be sealed anew; run it again: %w", err)
	}
	fmt.Fprintln(r.text, "When every process runs with the new key: chorsu keys rotate master --finish")
	return nil
}

// then adds the next step to what a person is told.
func (r *rotation) then(err error, step string) error {
	if c, ok := err.(*coded); ok && c.code == exitPerson {
		return &coded{exitPerson, fmt.Errorf("%w; %s", c.err, step)}
	}
	return err
}

// fingerprint tells keys apart without telling them. A master key's id is its name already.
func fingerprint(name, key string) string {
	if name == varMaster {
		id, _, _ := strings.Cut(key, ":")
		return id
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:5])
}

func apiKeys(cfg config.Config) string {
	keys := make([]string, len(cfg.APIKeys))
	for i, k := range cfg.APIKeys {
		keys[i] = string(k)
	}
	return strings.Join(keys, ",")
}

func split(list string) (out []string) {
	for k := range strings.SplitSeq(list, ",") {
		if k = strings.TrimSpace(k); k != "" {
			out = append(out, k)
		}
	}
	return out
}
