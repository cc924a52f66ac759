//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chorsu/chorsu/internal/store/storetest"
)

// The command finds the server, and its exit code is ours.
func TestRun(t *testing.T) {
	t.Setenv(storetest.ServerVariable, "postgres://given")
	seen := filepath.Join(t.TempDir(), "seen")
	code, err := run(false, []string{"sh", "-c", `printf %s "$` + storetest.ServerVariable + `" > "$0"; exit 7`, seen})
	if err != nil || code != 7 {
		t.Errorf("exit code %d, %v", code, err)
	}
	if got, err := os.ReadFile(seen); err != nil || string(got) != "postgres://given" {
		t.Errorf("the command saw %q (%v)", got, err)
	}
	if code, err := run(false, []string{"sh", "-c", `kill -9 $$`}); err != nil || code != 128+9 {
		t.Errorf("of a command that was killed: %d, %v", code, err)
	}
	if _, err := run(false, []string{"no such command"}); err == nil {
		t.Error("a command that is not there ran")
	}
}
