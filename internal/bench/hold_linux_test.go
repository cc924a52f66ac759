package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// locked is how much memory this process holds, in kB.
func locked(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSuffix(field("/proc/self/status", "VmLck"), " kB"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestHold(t *testing.T) {
	folder := t.TempDir()
	full, empty, missing := filepath.Join(folder, "full"), filepath.Join(folder, "empty"), filepath.Join(folder, "missing")
	for path, size := range map[string]int{full: 16 << 10, empty: 0} { // any user may hold 64 kB
		if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := locked(t)
	release, err := hold([]string{full, empty})
	if err != nil {
		t.Fatal(err)
	}
	if got := locked(t) - before; got != 16 {
		t.Errorf("%d kB are held, want 16", got)
	}
	if err := release(); err != nil || locked(t) != before {
		t.Errorf("after the release %d kB are held, %d before; %v", locked(t), before, err)
	}
	if _, err := hold([]string{full, missing}); err == nil || !strings.Contains(err.Error(), missing) || locked(t) != before {
		t.Errorf("a file that is not there: %v; %d kB are held", err, locked(t))
	}
}

// Reading can be measured by itself, with the history's files held where this user may hold so much.
func TestReadingAlone(t *testing.T) {
	var most unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &most); err != nil {
		t.Fatal(err)
	}
	held := most.Cur >= 8<<20 || os.Geteuid() == 0
	report, err := Run(t.Context(), Options{Dir: t.TempDir(), SQLite: true, Reading: true, Hold: held, Each: 20 * ms, History: []int{100, 200}})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, f := range report.Figures {
		if f.Engine == "" {
			continue
		}
		if read++; strings.HasSuffix(f.Note, "files held in memory") != held || (f.OfFirst > 0) != strings.HasSuffix(f.What, ", 200 invoices") {
			t.Errorf("%+v", f)
		}
	}
	if read != 12 {
		t.Errorf("%d figures of reading, want 6 for each history", read)
	}
}
