//go:build unix

package pgcluster

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// holdsACluster is set where this binary runs as the victim of the test below.
const holdsACluster = "CHORSU_TEST_VICTIM"

// folder is where a cluster lives.
func folder(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	dir := u.Query().Get("host")
	if !strings.Contains(dir, "chorsu-pg-") {
		t.Fatalf("%s is in no folder of its own", address)
	}
	return dir
}

// gone waits until the watcher has removed the folder, which it does when the server has ended.
func gone(dir string) {
	for {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
		runtime.Gosched()
	}
}

func TestACluster(t *testing.T) {
	c, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC() // does not end it
	conn, err := pgx.Connect(t.Context(), c.URL)
	if err != nil {
		t.Fatal(err)
	}
	var encoding string
	if err := conn.QueryRow(t.Context(), `SHOW server_encoding`).Scan(&encoding); err != nil || encoding != "UTF8" {
		t.Errorf("encoding %s: %v", encoding, err)
	}
	conn.Close(t.Context())
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	gone(folder(t, c.URL))
}

// What is measured must be durable, and a server for tests need not be.
func TestADurableCluster(t *testing.T) {
	for want, start := range map[string]func() (*Cluster, error){"on": StartDurable, "off": Start} {
		c, err := start()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.Connect(t.Context(), c.URL)
		if err != nil {
			t.Fatal(err)
		}
		for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			var got string
			if err := conn.QueryRow(t.Context(), "SHOW "+setting).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %q, want %s (%v)", setting, got, want, err)
			}
		}
		conn.Close(t.Context())
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}
}

// A server does not outlive its process, even one that is killed.
func TestAClusterEndsWithItsProcess(t *testing.T) {
	if os.Getenv(holdsACluster) != "" {
		c, err := Start()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("started", c.URL)
		select {}
	}
	victim := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	victim.Env = append(os.Environ(), holdsACluster+"=1")
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	var address string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "started "); ok {
			address = text
			victim.Process.Kill()
		}
	}
	victim.Wait()
	if address == "" {
		t.Fatal("the victim started no cluster")
	}
	gone(folder(t, address))
	if conn, err := pgx.Connect(t.Context(), address); err == nil {
		conn.Close(t.Context())
		t.Error("the server still answers")
	}
}
