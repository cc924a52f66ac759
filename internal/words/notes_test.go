package words

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each note is found by its own English, with what stands in its gaps, and reads as it was in
// English.
func TestNotes(t *testing.T) {
	gaps := []any{"Payme", "150\u00a0000 soʻm", "dilnoza@namuna.uz", "asked: they see it"}
	for i, text := range Notes {
		said := gaps[:strings.Count(text.EN, "%s")]
		note := text.With(EN, said...)
		for _, l := range []Lang{UZ, RU} {
			if got, want := Note(l, note), text.With(l, said...); got != want {
				t.Errorf("%d, %s: %q, want %q", i, l, got, want)
			}
		}
		if got := Note(EN, note); got != note {
			t.Errorf("%q", got)
		}
	}
	for note, want := range map[string]string{
		"": "", "whatever a company says": "whatever a company says", "made by ": "made by ", "took the money": "took the money",
		"decided by a@x.uz: seen by b: c": "решение: a@x.uz: seen by b: c", "the till returned 5 of a sale that was not paid": "касса вернула 5 по неоплаченной продаже",
	} {
		if got := Note(RU, note); got != want {
			t.Errorf("%q: %q, want %q", note, got, want)
		}
	}
}

// A note that the book words otherwise by now would be shown in English again: every fixed part of
// each stands in the source that makes them.
func TestNotesAreWhatTheBookWrites(t *testing.T) {
	files, err := filepath.Glob("../gateway/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var source strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	for _, text := range Notes {
		for part := range strings.SplitSeq(strings.NewReplacer("(noted)", "(%s)", "(theirs)", "(%s)", "hold's capture:", "hold's %s", "hold's release:", "hold's %s", "sale receipt", "%s receipt", "refund receipt", "%s receipt", "approved,", "%s", "moved to any", "moved to %sany", "but ", "%sbut ").Replace(text.EN), "%s") {
			if part = strings.Trim(part, " :,;"); len(part) > 3 && !strings.Contains(source.String(), part) {
				t.Errorf("nothing in the gateway says %q, of %q", part, text.EN)
			}
		}
	}
}
