package main

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/docs"
)

var adminLink = regexp.MustCompile(`http://localhost:\d+/admin/enrol/[A-Za-z0-9_-]{43}\b`)

// Accounts from nothing to the audit log, as an operator types it.
func TestAdmin(t *testing.T) {
	folder(t)
	if code, _, errs := do(t, "admin", "add", "a@x.uz"); code != exitUsage || !strings.Contains(errs, "MASTER_KEY") {
		t.Errorf("without a key: %d %s", code, errs)
	}
	t.Setenv("PORT", "0")
	_, stop := background(t, regexp.MustCompile(`first account: chorsu admin add`), "up")
	defer stop()
	t.Setenv("PORT", "")

	expect := func(code int, says string, args ...string) (out string) {
		t.Helper()
		got, out, errs := do(t, args...)
		if got != code || !strings.Contains(out+errs, says) || strings.Contains(errs, "\n") && strings.Count(errs, "\n") > 1 {
			t.Errorf("%v: exit %d, %q, %q", args, got, out, errs)
		}
		return out
	}
	expect(0, "no accounts yet", "admin", "list")
	expect(0, "is empty", "admin", "audit", "verify")
	first := expect(0, "dilnoza@x.uz, owner", "admin", "add", "Dilnoza@x.uz")
	if !adminLink.MatchString(first) {
		t.Errorf("no link: %s", first)
	}
	again := expect(0, "dilnoza@x.uz, viewer", "admin", "add", "dilnoza@x.uz") // the link ran out, say
	if adminLink.FindString(again) == adminLink.FindString(first) {
		t.Error("the same link twice")
	}
	expect(0, "bobur@x.uz, refunds", "admin", "add", "bobur@x.uz", "--role", "refunds")
	expect(exitUsage, "e-mail address", "admin", "add", "bobur")
	expect(exitUsage, "role is one of", "admin", "add", "b@x.uz", "--role", "god")
	expect(exitFailed, "no such account", "admin", "disable", "nobody@x.uz")
	expect(0, "/admin/enrol/", "admin", "reset-totp", "bobur@x.uz", "--password")
	expect(0, "let in no more", "admin", "disable", "bobur@x.uz")
	expect(exitFailed, "disabled", "admin", "reset-totp", "bobur@x.uz")
	expect(0, "disabled", "admin", "list")

	var list struct {
		Staff []map[string]any `json:"staff"`
	}
	if err := json.Unmarshal([]byte(expect(0, "", "admin", "list", "--json")), &list); err != nil || len(list.Staff) != 2 {
		t.Fatalf("%v %+v", err, list)
	}
	if b := list.Staff[0]; b["email"] != "bobur@x.uz" || b["active"] != false || b["enrolled"] != false || b["signedInAt"] != nil {
		t.Errorf("%v", b)
	}
	var link map[string]any
	if err := json.Unmarshal([]byte(expect(0, "", "admin", "add", "c@x.uz", "--json")), &link); err != nil || !adminLink.MatchString(link["link"].(string)) || link["role"] != "viewer" {
		t.Errorf("%v %v", err, link)
	}
	var verdict struct {
		Entries int
		Newest  string
		Whole   bool
	}
	if err := json.Unmarshal([]byte(expect(0, "", "admin", "audit", "verify", "--json")), &verdict); err != nil || verdict.Entries != 6 || !verdict.Whole {
		t.Fatalf("%v %+v", err, verdict)
	}
	expect(0, "whole: 6 entries", "admin", "audit", "verify", "--noted", verdict.Newest)
	expect(exitPerson, "number 6", "admin", "audit", "verify", "--noted", "6:"+strings.Repeat("0", 64))
	expect(exitPerson, "number 7", "admin", "audit", "verify", "--noted", "7:"+strings.Repeat("0", 64))
	expect(exitUsage, "colon", "admin", "audit", "verify", "--noted", "x")
}

// Every command that docs/staff.md shows does what the page says.
func TestStaffPageSamples(t *testing.T) {
	page, err := fs.ReadFile(docs.Files, "staff.md")
	if err != nil {
		t.Fatal(err)
	}
	folder(t)
	t.Setenv("PORT", "0")
	_, stop := background(t, regexp.MustCompile(`first account: chorsu admin add`), "up")
	defer stop()
	t.Setenv("PORT", "")
	ran, newest := 0, ""
	for _, fence := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(page, -1) {
		for line := range strings.Lines(string(fence[1])) {
			args := strings.Fields(line)
			if len(args) == 0 || args[0] != "chorsu" {
				t.Errorf("what is %q?", line)
				continue
			}
			if last := len(args) - 1; strings.Contains(args[last], "…") {
				args[last] = newest
			}
			code, out, errs := do(t, args[1:]...)
			if code != 0 || out == "" {
				t.Errorf("%s: exit %d, %s%s", strings.TrimSpace(line), code, out, errs)
			}
			if m := regexp.MustCompile(`\d+:[0-9a-f]{64}`).FindString(out); m != "" {
				newest = m
			}
			ran++
		}
	}
	if ran < 7 {
		t.Errorf("%d samples were run", ran)
	}
}
