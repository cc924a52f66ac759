package admin_test

import (
	"context"
	"encoding/csv"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/store"
)

// rows reads a list's file: the head, and what stands under it.
func (b *browser) rows(path string) (head []string, rows [][]string) {
	b.Helper()
	got := b.get(path)
	if got.status != 200 || got.head.Get("Content-Type") != "text/csv; charset=utf-8" {
		b.Fatalf("%s: %d %s", path, got.status, got.text())
	}
	text, marked := strings.CutPrefix(got.body, "\uFEFF")
	if !marked {
		b.Errorf("%s: no mark in front", path)
	}
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(all) == 0 {
		b.Fatalf("%s: %v", path, err)
	}
	return all[0], all[1:]
}

// Every list is a file too, in the order and by the filter of its page, for whoever may see the page;
// nothing in it is a formula but what keeps an id a text.
func TestEveryListIsAFile(t *testing.T) {
	p := start(t)
	merchantID := p.register("multicard")
	name := "=HYPERLINK(1)"
	_, err := p.Gateway.PatchMerchant(t.Context(), merchantID, gateway.MerchantPatch{DisplayName: &name})
	must(t, err)
	merchant, err := p.Gateway.Merchant(t.Context(), merchantID)
	must(t, err)
	p.register("click")
	first := p.lostPayout(merchantID, "salary-1")
	p.wait(time.Second)
	second := p.lostPayout(merchantID, "salary-2")
	day := p.badDay(merchantID, pay.ReconcileDone)
	till := pay.Till{ID: id.New(), BusinessID: merchant.BusinessID, Name: "@till", CreatedAt: p.now()}
	p.book(func(ctx context.Context, tx *store.Tx) error { return tx.SaveTill(ctx, till) })
	lost := p.invoice("order-7", 1_000, "provider", "click", "notifyUrl", p.url+"/sandbox/nowhere/hook")
	p.api("POST", "/api/invoices/"+lost+"/cancel", map[string]any{})
	p.workOff()
	stuck, err := p.Gateway.Events(t.Context(), gateway.EventFilter{State: gateway.EventStuck}, gateway.Page{})
	must(t, err)
	owner, viewer := p.as(staff.Owner), p.as(staff.Viewer)
	for _, c := range []struct {
		list  string
		query string
		least staff.Role
		want  [][2]string // head and value, of the first row
		rows  int
	}{
		{"merchants", "provider=multicard&order=oldest", staff.Viewer, [][2]string{{"Merchant", `="` + merchantID + `"`}, {"Name for buyers", "'=HYPERLINK(1)"}, {"State", "On"}}, 1},
		{"tills", "source=shop&business=namuna", staff.Viewer, [][2]string{{"Till", "'@till"}, {"Till id", `="` + till.ID + `"`}, {"Sales today", "0"}}, 1},
		{"payouts", "", staff.Viewer, [][2]string{{"Payout", `="` + second + `"`}, {"The app’s number", `="salary-2"`}, {"Amount, tiyin", "15000000"}, {"Card", "860030******7085"}}, 2},
		{"payouts", "order=oldest&needs=any", staff.Viewer, [][2]string{{"Payout", `="` + first + `"`}}, 2},
		{"payouts", "needs=undelivered", staff.Viewer, nil, 0},
		{"reconciliations", "", staff.Viewer, [][2]string{{"Day", "2026-11-20"}, {"Reconciliation id", `="` + day + `"`}, {"Only theirs", "1"}, {"Agree", "41"}}, 1},
		{"stuck", "", staff.Viewer, [][2]string{{"Event", `="` + stuck.Items[0].ID + `"`}, {"Order", `="order-7"`}}, 1},
		{"staff", "", staff.Owner, [][2]string{{"E-mail", owner.person.Email}, {"Role", "owner"}, {"State", "Active"}}, 2},
	} {
		path := "/admin/" + c.list + ".csv"
		if c.query != "" {
			path += "?" + c.query
		}
		who := viewer
		if c.least == staff.Owner {
			who = owner
			viewer.want(viewer.get(path), 403)
		}
		head, rows := who.rows(path)
		if len(rows) != c.rows {
			t.Errorf("%s: %d rows, not %d", path, len(rows), c.rows)
			continue
		}
		for _, w := range c.want {
			if at := slices.Index(head, w[0]); at < 0 || rows[0][at] != w[1] {
				t.Errorf("%s: %s is not %q in %q under %q", path, w[0], w[1], rows[0], head)
			}
		}
		page := who.get(strings.Replace(path, ".csv", "", 1))
		who.want(page, 200, `href="`+strings.ReplaceAll("/admin/"+c.list+".csv", "&", "&amp;"))
		p.audited("list.exported", "list.seen")
	}
	for _, bad := range []string{"payouts.csv?from=x", "audit.csv?to=x", "tills.csv?order=largest", "merchants.csv?active=x", "reconciliations.csv?order=x", "stuck.csv?from=x"} {
		owner.want(owner.get("/admin/"+bad), 400, "not understood")
	}
}

// The file of the log has the chain in it, as the log has it, and the page beside it is sorted too.
func TestTheLogIsAFile(t *testing.T) {
	p := start(t)
	owner, viewer := p.as(staff.Owner), p.as(staff.Viewer)
	must(t, p.Office.Note(t.Context(), staff.CommandLine, "x.y", "12E5", "=1+1"))
	viewer.want(viewer.get("/admin/audit.csv"), 403)
	head, rows := owner.rows("/admin/audit.csv?" + url.Values{"what": {"x.y"}}.Encode())
	log, _, err := p.Office.Log(t.Context(), staff.Filter{What: "x.y"}, 1, "")
	must(t, err)
	for name, want := range map[string]string{"Chain digest": log[0].MAC, "Entry id": log[0].ID, "The log’s word": "x.y", "Detail": "'=1+1", "To what": "12E5"} {
		at := slices.Index(head, name)
		if at < 0 || len(rows) != 1 || strings.Trim(rows[0][at], `="`) != strings.Trim(want, `="`) {
			t.Errorf("%s is not %q: %q %q", name, want, head, rows)
		}
	}
	_, rows = owner.rows("/admin/audit.csv?order=oldest")
	for i, row := range rows {
		if want := string(rune('1' + i)); i < 9 && row[0] != want {
			t.Errorf("entry %s stands in place %s", row[0], want)
		}
	}
	page := owner.get("/admin/audit?order=oldest")
	owner.want(page, 200, `href="/admin/audit.csv?order=oldest"`)
	if first, last := strings.Index(page.body, ">1</td>"), strings.LastIndex(page.body, ">2</td>"); first < 0 || last < first {
		t.Error("the oldest entry is not the first")
	}
}
