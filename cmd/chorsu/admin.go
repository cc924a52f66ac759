package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/admin"
	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/seal"
	"github.com/chorsu/chorsu/internal/staff"
)

// adminCmd is the staff accounts of the pages below /admin. Who has a shell on this machine needs
// no account: it is how the first one comes to be.
type adminCmd struct {
	Add       adminAddCmd     `cmd:"" help:"Make an account, and print its one-time enrolment link."`
	List      adminListCmd    `cmd:"" help:"Every account."`
	ResetTOTP adminResetCmd   `cmd:"" name:"reset-totp" help:"Take an authenticator away, and print a new link."`
	Disable   adminDisableCmd `cmd:"" help:"Sign a person out everywhere, and let them in no more."`
	Audit     adminAuditCmd   `cmd:"" help:"The log of what people looked at and did."`
}

func (adminCmd) Examples() string {
	return `  chorsu admin add dilnoza@example.uz --role owner
  chorsu admin list
  chorsu admin reset-totp dilnoza@example.uz
  chorsu admin audit verify
`
}

// withOffice lends the use cases of the staff over the database that the settings name.
func withOffice(ctx context.Context, f func(*staff.Office, config.Config) error) error {
	cfg, _, err := settings()
	if err != nil {
		return err
	}
	if cfg.MasterKeys == "" {
		return &coded{exitUsage, fmt.Errorf("MASTER_KEY is not set: it seals authenticators, and must be the one that the gateway runs with")}
	}
	box, err := seal.Parse(string(cfg.MasterKeys))
	if err != nil {
		return &coded{exitUsage, fmt.Errorf("MASTER_KEY: %w", err)}
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	have, want, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	if have != want {
		return &coded{exitPerson, fmt.Errorf("the database has schema %d and this program wants %d: run `chorsu migrate up`, or the newer chorsu", have, want)}
	}
	return refusal(f(staff.New(staff.Options{Store: s, Seal: box, Now: time.Now}), cfg))
}

// refusal makes a usage error of what the caller typed wrong.
func refusal(err error) error {
	if e, ok := errors.AsType[*pay.Error](err); ok && e.Code == pay.CodeInvalid {
		return &coded{exitUsage, err}
	}
	return err
}

// linkURL is an enrolment link's address. `up` is reached at localhost where nothing else is said.
func linkURL(cfg config.Config, token string) string {
	public := string(cfg.PublicURL)
	if public == "" {
		public = fmt.Sprintf("http://localhost:%d", cfg.Port)
	}
	return admin.EnrolURL(public, token)
}

// printLink prints a link, this once.
func printLink(con *console, asJSON bool, p staff.Person, url string) error {
	until := time.Now().Add(staff.LinkLife).UTC()
	if asJSON {
		return printJSON(con, map[string]any{
			"id": p.ID, "email": p.Email, "role": p.Role, "link": url, "expiresAt": until.Format("2006-01-02T15:04:05.000Z"),
		})
	}
	fmt.Fprintf(con.out, "%s, %s. Open this link on the person's own computer, within a day; it works once:\n\n  %s\n\n", p.Email, p.Role, url)
	return nil
}

type adminAddCmd struct {
	Email string `arg:"" help:"The person's e-mail address."`
	Role  string `help:"viewer, support, refunds or owner. Default: owner for the first account, viewer for others."`
	JSON  bool   `help:"Print JSON."`
}

func (adminAddCmd) Examples() string {
	return `  chorsu admin add dilnoza@example.uz              the first account is an owner
  chorsu admin add bobur@example.uz --role refunds
  chorsu admin add bobur@example.uz                once more, where the link ran out
`
}

func (c *adminAddCmd) Run(ctx context.Context, con *console) error {
	return withOffice(ctx, func(o *staff.Office, cfg config.Config) error {
		role := staff.Role(c.Role)
		if role == "" {
			people, err := o.People(ctx)
			if err != nil {
				return err
			}
			role = staff.Viewer
			if len(people) == 0 {
				role = staff.Owner
			}
		}
		p, token, err := o.Add(ctx, staff.CommandLine, c.Email, role)
		if err != nil {
			return err
		}
		return printLink(con, c.JSON, p, linkURL(cfg, token))
	})
}

type adminListCmd struct {
	JSON bool `help:"Print JSON."`
}

func (adminListCmd) Examples() string { return "  chorsu admin list\n  chorsu admin list --json\n" }

// staffView is an account as JSON shows it.
type staffView struct {
	ID         string     `json:"id"`
	Email      string     `json:"email"`
	Role       staff.Role `json:"role"`
	Active     bool       `json:"active"`
	Enrolled   bool       `json:"enrolled"`
	SignedInAt *time.Time `json:"signedInAt"`
}

func (c *adminListCmd) Run(ctx context.Context, con *console) error {
	return withOffice(ctx, func(o *staff.Office, _ config.Config) error {
		people, err := o.People(ctx)
		if err != nil {
			return err
		}
		views := []staffView{}
		for _, p := range people {
			v := staffView{ID: p.ID, Email: p.Email, Role: p.Role, Active: p.Active, Enrolled: p.Enrolled}
			if !p.SignedInAt.IsZero() {
				v.SignedInAt = &p.SignedInAt
			}
			views = append(views, v)
		}
		if c.JSON {
			return printJSON(con, map[string]any{"staff": views})
		}
		for _, v := range views {
			state := "active"
			switch {
			case !v.Active:
				state = "disabled"
			case !v.Enrolled:
				state = "invited"
			}
			seen := "never signed in"
			if v.SignedInAt != nil {
				seen = "signed in " + v.SignedInAt.Format("2006-01-02 15:04 UTC")
			}
			fmt.Fprintf(con.out, "%-32s %-8s %-9s %s\n", v.Email, v.Role, state, seen)
		}
		if len(views) == 0 {
			fmt.Fprintln(con.out, "There are no accounts yet: chorsu admin add EMAIL makes the first.")
		}
		return nil
	})
}

type adminResetCmd struct {
	Email    string `arg:"" help:"The person's e-mail address."`
	Password bool   `help:"The password is forgotten too: the person sets a new one."`
	JSON     bool   `help:"Print JSON."`
}

func (adminResetCmd) Examples() string {
	return `  chorsu admin reset-totp dilnoza@example.uz              the phone is lost
  chorsu admin reset-totp dilnoza@example.uz --password   and so is the password
`
}

func (c *adminResetCmd) Run(ctx context.Context, con *console) error {
	return withOffice(ctx, func(o *staff.Office, cfg config.Config) error {
		p, err := o.Find(ctx, c.Email)
		if err != nil {
			return err
		}
		token, err := o.ResetTOTP(ctx, staff.CommandLine, p.ID, c.Password)
		if err != nil {
			return err
		}
		return printLink(con, c.JSON, p, linkURL(cfg, token))
	})
}

type adminDisableCmd struct {
	Email string `arg:"" help:"The person's e-mail address."`
	JSON  bool   `help:"Print JSON."`
}

func (adminDisableCmd) Examples() string { return "  chorsu admin disable dilnoza@example.uz\n" }

func (c *adminDisableCmd) Run(ctx context.Context, con *console) error {
	return withOffice(ctx, func(o *staff.Office, _ config.Config) error {
		p, err := o.Find(ctx, c.Email)
		if err != nil {
			return err
		}
		if err := o.Disable(ctx, staff.CommandLine, p.ID); err != nil {
			return err
		}
		if c.JSON {
			return printJSON(con, map[string]any{"id": p.ID, "email": p.Email, "active": false})
		}
		fmt.Fprintf(con.out, "%s is signed out everywhere, and let in no more.\n", p.Email)
		return nil
	})
}

// adminAuditCmd is the audit log, for who has a shell.
type adminAuditCmd struct {
	Verify adminVerifyCmd `cmd:"" help:"Walk the whole log, and name the first entry that is not as it was written."`
}

func (adminAuditCmd) Examples() string { return "  chorsu admin audit verify\n" }

type adminVerifyCmd struct {
	Noted string `help:"What an earlier run printed as the newest entry: it must still be there." placeholder:"SEQ:MAC"`
	JSON  bool   `help:"Print JSON."`
}

func (adminVerifyCmd) Examples() string {
	return `  chorsu admin audit verify                  exits 3 where an entry is missing or changed
  chorsu admin audit verify --noted 1204:9f3c…   what was noted elsewhere is still there
`
}

func (c *adminVerifyCmd) Run(ctx context.Context, con *console) error {
	return withOffice(ctx, func(o *staff.Office, _ config.Config) error {
		v, err := o.Verify(ctx, strings.TrimSpace(c.Noted))
		if err != nil {
			return err
		}
		switch {
		case c.JSON:
			out := map[string]any{"entries": v.Entries, "newest": v.Head, "whole": v.Broken == 0}
			if v.Broken > 0 {
				out["firstBroken"], out["why"] = v.Broken, v.Why
			}
			if err := printJSON(con, out); err != nil {
				return err
			}
		case v.Broken == 0 && v.Entries == 0:
			fmt.Fprintln(con.out, "The audit log is empty.")
		case v.Broken == 0:
			fmt.Fprintf(con.out, "The audit log is whole: %d entries. The newest, to be noted elsewhere:\n\n  %s\n\n", v.Entries, v.Head)
		}
		if v.Broken > 0 {
			return &coded{exitPerson, fmt.Errorf("the audit log is broken: the first broken entry is number %d: %s. Find out who can reach the database", v.Broken, v.Why)}
		}
		return nil
	})
}
