package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/store"
	"github.com/chorsu/chorsu/internal/store/storetest"
)

// A path may have any characters, and the folder need not be there.
func TestSQLiteTakesAnyPath(t *testing.T) {
	for _, name := range []string{"plain.db", "a folder/чорсу ʻ.db", "50% off?mode=ro#1&x=y.db", "one/two/three.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := storetest.Reopen(t, "sqlite:"+path, store.Options{})
		if _, err := s.Up(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		update(t, s, put("here"))
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// The database holds what is nobody else's business on a shared machine.
func TestSQLiteFilesAreTheUsersOwn(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // rights are inherited from the folder there
	}
	dir := filepath.Join(t.TempDir(), "data")
	s := storetest.Reopen(t, "sqlite:"+filepath.Join(dir, "chorsu.db"), store.Options{})
	if _, err := s.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.LockExclusively(); err != nil {
		t.Fatal(err)
	}
	update(t, s, put("something to journal"))
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the rights %v", path, info.Mode())
		}
		files++
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 5 { // the folder, the database, its journal, the journal's index, the lock
		t.Errorf("%d files were looked at", files)
	}
}

func TestOneProcessServesAFile(t *testing.T) {
	dsn := storetest.DSN(t, storetest.SQLite)
	first, second := storetest.Reopen(t, dsn, store.Options{}), storetest.Reopen(t, dsn, store.Options{})
	for range 2 {
		if err := first.LockExclusively(); err != nil {
			t.Fatal(err)
		}
	}
	err := second.LockExclusively()
	if err == nil || !strings.Contains(err.Error(), "served by another process") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the second was told %v", err)
	}
	update(t, second, put("a command beside it")) // may write all the same
	if !has(t, first, "a command beside it") {
		t.Error("and is not seen")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.LockExclusively(); err != nil {
		t.Errorf("after the first has gone: %v", err)
	}
}

func TestManyProcessesServeOnePostgres(t *testing.T) {
	dsn := storetest.DSN(t, storetest.Postgres)
	for range 2 {
		if err := storetest.Reopen(t, dsn, store.Options{}).LockExclusively(); err != nil {
			t.Error(err)
		}
	}
}

// writesUntilKilled is set where this binary runs as the victim of the next test.
const writesUntilKilled = "CHORSU_TEST_VICTIM"

// A process that is killed at any moment has kept every Update that returned.
func TestWhatUpdateReturnedSurvivesAKill(t *testing.T) {
	if dsn := os.Getenv(writesUntilKilled); dsn != "" {
		s := storetest.Reopen(t, dsn, store.Options{})
		for i := 0; ; i++ {
			update(t, s, put(fmt.Sprint(i)))
			fmt.Println("committed", i)
		}
	}
	for _, e := range storetest.Engines {
		t.Run(string(e), func(t *testing.T) {
			dsn := storetest.DSN(t, e)
			victim := exec.Command(os.Args[0], "-test.run=^"+strings.Split(t.Name(), "/")[0]+"$")
			victim.Env = append(os.Environ(), writesUntilKilled+"="+dsn)
			out, err := victim.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
			committed := -1
			lines := bufio.NewScanner(out)
			for lines.Scan() {
				if _, err := fmt.Sscanf(lines.Text(), "committed %d", &committed); err == nil && committed == 50 {
					victim.Process.Kill()
				}
			}
			if err := victim.Wait(); err == nil {
				t.Error("the victim ended by itself")
			}
			if committed < 50 {
				t.Fatalf("the victim committed %d times", committed)
			}
			s := storetest.Reopen(t, dsn, store.Options{})
			view(t, s, func(ctx context.Context, tx *store.Tx) error {
				for i := range committed + 1 {
					if _, err := tx.Setting(ctx, fmt.Sprint(i)); errors.Is(err, store.ErrNotFound) {
						t.Errorf("%d of %d is lost", i, committed)
					} else if err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}
