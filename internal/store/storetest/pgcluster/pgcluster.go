//go:build unix

// Package pgcluster runs a throw-away PostgreSQL for tests: a cluster in a temporary folder,
// reached through a socket in that folder and by no port. It does not sync to disk, so it
// proves nothing about power cuts; StartDurable's does, for measuring.
//
// The server does not outlive the process that started it, however that ends: a watching
// shell reads from a pipe of ours and, when the pipe breaks, stops the server and removes the
// folder.
package pgcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing is returned where PostgreSQL is not installed. Its text says what to install.
var ErrMissing = errors.New("no PostgreSQL found: install it (Debian: apt-get install postgresql; macOS: brew install postgresql@15), or set CHORSU_TEST_POSTGRES to a server where databases may be made")

// Cluster is a running server.
type Cluster struct {
	URL string // of its database "postgres", as a superuser

	pipe    io.Closer
	watcher *exec.Cmd
}

// running keeps every pipe open until Stop: one that nobody refers to is closed by the garbage
// collector, and the watcher takes that for our end.
var running sync.Map

// careless are the settings of a server whose data nobody wants after it.
var careless = []string{
	"max_connections=300", "shared_buffers=64MB", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
	"max_wal_size=2GB", "jit=off",
}

// careful are those of a server that keeps what it was given: PostgreSQL's own, with the most of the
// machine's memory that its manual thinks of, since nothing else is to be kept on this machine.
func careful() []string {
	return []string{"max_connections=300", fmt.Sprintf("shared_buffers=%dMB", max(memory()*2/5>>20, 256)), "max_wal_size=4GB"}
}

// memory is how much the machine has, in bytes; 0 where the system does not tell as Linux does.
func memory() (bytes int64) {
	text, _ := os.ReadFile("/proc/meminfo")
	if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &bytes); err != nil {
		return 0
	}
	return bytes << 10
}

// Start makes a cluster and waits until it answers.
func Start() (*Cluster, error) { return launch(careless) }

// StartDurable makes one that syncs its commits to disk, for measuring.
func StartDurable() (*Cluster, error) { return launch(careful()) }

func launch(settings []string) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	who, err := credential()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "chorsu-pg-")
	if err != nil {
		return nil, err
	}
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			return nil, err
		}
	}
	c := &Cluster{URL: "postgres://chorsu@/postgres?host=" + dir}
	if err := c.start(bin, dir, who, settings); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return c, nil
}

func (c *Cluster) start(bin, dir string, who *syscall.Credential, settings []string) error {
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "--pgdata="+data, "--username=chorsu", "--auth=trust",
		"--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions")
	initdb.Dir = dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}

	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "log_min_messages=fatal")
	for _, setting := range settings {
		server.Args = append(server.Args, "-c", setting)
	}
	server.Dir, server.Stdout, server.Stderr = dir, log, log
	server.SysProcAttr = attributes(who)

	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		// A death signal is tied to the thread that started the child; this one stays for it.
		runtime.LockOSThread()
		err := server.Start()
		started <- err
		if err == nil {
			ended <- server.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	if err := c.watch(dir, server.Process.Pid); err != nil {
		server.Process.Signal(syscall.SIGQUIT)
		return err
	}
	if err := answers(c.URL, ended); err != nil {
		text, _ := os.ReadFile(log.Name())
		c.Stop()
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(text))
	}
	return nil
}

// watch starts the shell that stops the server when our end of its pipe is closed.
func (c *Cluster) watch(dir string, pid int) error {
	c.watcher = exec.Command("/bin/sh", "-c", `cat >/dev/null
		kill -INT "$1" 2>/dev/null
		n=0
		while [ -e "$2/data/postmaster.pid" ] && [ $n -lt 100 ]; do sleep 0.05; n=$((n+1)); done
		kill -KILL "$1" 2>/dev/null
		rm -rf "$2"`, "sh", strconv.Itoa(pid), dir)
	c.watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C is not for it
	pipe, err := c.watcher.StdinPipe()
	if err != nil {
		return err
	}
	c.pipe = pipe
	running.Store(c, pipe)
	return c.watcher.Start()
}

// answers waits until the server takes connections, or has ended.
func answers(url string, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case e := <-ended:
			return fmt.Errorf("it ended: %v", e)
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server and removes its folder.
func (c *Cluster) Stop() error {
	running.Delete(c)
	c.pipe.Close()
	return c.watcher.Wait()
}

// binaries finds the folder of the newest PostgreSQL.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	var found []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		folders, _ := filepath.Glob(pattern)
		for _, folder := range folders {
			if _, err := os.Stat(filepath.Join(folder, "initdb")); err == nil {
				found = append(found, folder)
			}
		}
	}
	if len(found) == 0 {
		return "", ErrMissing
	}
	return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }), nil
}

// version is the number in the path of a PostgreSQL.
func version(path string) int {
	digits := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(digits[0])
	return n
}

// credential is the user to run as: PostgreSQL refuses root.
func credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}
