package app

import (
	"strings"
	"testing"
)

func TestWhoMigratesWhat(t *testing.T) {
	for _, c := range []struct {
		have, want int64
		shared     bool
		migrate    bool
		refusal    string
	}{
		{0, 3, false, true, ""},
		{0, 3, true, true, ""}, // an empty PostgreSQL: nobody uses it
		{2, 3, false, true, ""},
		{2, 3, true, false, "chorsu migrate up"},
		{3, 3, false, false, ""},
		{3, 3, true, false, ""},
		{4, 3, false, false, "a newer chorsu"},
		{4, 3, true, false, "a newer chorsu"},
	} {
		migrate, err := schemaStep(c.have, c.want, c.shared)
		if migrate != c.migrate || (err != nil) != (c.refusal != "") || err != nil && !strings.Contains(err.Error(), c.refusal) {
			t.Errorf("schema %d for %d, shared %v: migrate %v, %v", c.have, c.want, c.shared, migrate, err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("a refusal is one line: %v", err)
		}
	}
}
