package admin

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

// unreached are the refusals that no button of the staff's pages can meet. Whoever makes a new one
// words it among the obstacles, or says here why nobody will read it.
var unreached = map[string][]string{
	"of the API's own calls": {
		"differs", "no_active_provider", "no_checkout", "split_not_supported", "no_payouts", "no_resend", "register_file", "register_file_needed", "recipient_not_found",
		"merchant_not_found", "no_cards", "no_card_form", "no_hold", "more_than_held", "partial_capture_not_supported", "hold_needs_token", "no_capture_on_expiry",
	},
	"of buyers and tills that pay": {
		"card_", "card_needed_again", "other_card", "no_code_expected", "too_early", "too_many_tries", "too_many_codes", "no_card_charge", "no_code_charge",
		"no_wallet", "other_provider", "not_payable", "invoice_expired", "merchant_inactive", "pairing_code", "till_token",
	},
	"worded where it happens, or an address that leads nowhere": {"merchant_exists", "provider_unknown"},
	"taken by the gateway itself":                               {"above_limit"},
}

// varying are the places whose reason is no text: what a card's owner typed wrongly, what an app asked
// of a company that cannot do it, and what was not found, which is a page of its own.
var varying = []string{
	"../gateway/cardcheck.go", "../gateway/charge.go", "../gateway/gateway.go", "../gateway/payout.go", "../gateway/register.go",
}

// A refusal of the gateway or of an adapter is worded in three languages, wherever its reason stands
// in the source: one that somebody adds tomorrow is looked at without being listed anywhere.
func TestEveryRefusalHasItsWords(t *testing.T) {
	passed := map[string]bool{}
	for _, list := range unreached {
		for _, reason := range list {
			passed[reason] = false
		}
	}
	found := 0
	for reason, at := range reasonsIn(t, "../gateway", "../pay", "../provider") {
		found++
		if reason == "already_" { // and the invoice's status
			for _, s := range pay.Statuses {
				if _, ok := obstacles[reason+string(s)]; !ok {
					t.Errorf("%s: %s has no words", at, reason+string(s))
				}
			}
			continue
		}
		_, worded := obstacles[reason]
		if _, known := passed[reason]; known {
			passed[reason] = true
			if worded {
				t.Errorf("%s has words, and is said not to be reached", reason)
			}
		} else if !worded {
			t.Errorf("%s: nobody has worded %s for the staff", at, reason)
		}
	}
	if found < 60 {
		t.Errorf("%d reasons were found: the search is blind", found)
	}
	for reason, met := range passed {
		if !met {
			t.Errorf("no refusal has the reason %s any more", reason)
		}
	}
	for reason := range obstacles {
		for _, l := range words.Langs {
			said := sentence(l, &pay.Error{Code: pay.CodeConflict, Reason: reason, Message: "the API's own sentence"})
			if said == "" || strings.Contains(said, "the API's own") {
				t.Errorf("%s in %s: %q", reason, l, said)
			}
		}
	}
}

// reasonsIn are the reasons of the refusals that stand in folders, and where.
func reasonsIn(t *testing.T, roots ...string) map[string]string {
	t.Helper()
	out, files := map[string]string{}, token.NewFileSet()
	look := func(path string) error {
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || !isPayError(lit.Type) {
				return true
			}
			for _, el := range lit.Elts {
				field, ok := el.(*ast.KeyValueExpr)
				if !ok || field.Key.(*ast.Ident).Name != "Reason" {
					continue
				}
				value := field.Value
				if sum, ok := value.(*ast.BinaryExpr); ok {
					value = sum.X
				}
				if text, ok := value.(*ast.BasicLit); ok {
					reason, _ := strconv.Unquote(text.Value)
					out[reason] = files.Position(lit.Pos()).String()
				} else if !slices.Contains(varying, filepath.ToSlash(path)) {
					t.Errorf("%s: a reason that this test cannot read", files.Position(lit.Pos()))
				}
			}
			return true
		})
		return nil
	}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && slices.Contains([]string{"sim", "simulator", "providertest", "testdata", "example"}, d.Name()):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			return look(path)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// isPayError says whether a literal is a pay.Error; inside that package it is plainly Error.
func isPayError(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		pkg, ok := e.X.(*ast.Ident)
		return ok && pkg.Name == "pay" && e.Sel.Name == "Error"
	case *ast.Ident:
		return e.Name == "Error"
	}
	return false
}

// What nobody has worded says so, rather than stand there in English as if it were meant to.
func TestWhatNobodyHasWorded(t *testing.T) {
	for l, want := range map[words.Lang]string{words.EN: "it rains", words.RU: "Не выполнено. Причина по-английски: it rains", words.UZ: "Bajarilmadi. Sababi ingliz tilida: it rains"} {
		if got := sentence(l, &pay.Error{Code: pay.CodeConflict, Message: "it rains"}); got != want {
			t.Errorf("%s: %q", l, got)
		}
	}
}
