//go:build unix

// Pgtest runs a command beside a throw-away PostgreSQL, so that all test binaries of one run
// share it:
//
//	go run ./tools/pgtest go test ./...
//
// The command finds the server's address in CHORSU_TEST_POSTGRES. Where that is set already,
// no server is started. The exit code is the command's.
//
//	go run ./tools/pgtest -durable bin/chorsu bench
//
// always starts one, which syncs its commits to disk: for measuring.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/chorsu/chorsu/internal/store/storetest"
	"github.com/chorsu/chorsu/internal/store/storetest/pgcluster"
)

func main() {
	args := os.Args[1:]
	durable := len(args) > 0 && args[0] == "-durable"
	if durable {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: pgtest [-durable] COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	code, err := run(durable, args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(durable bool, args []string) (code int, err error) {
	if durable || os.Getenv(storetest.ServerVariable) == "" {
		start := pgcluster.Start
		if durable {
			start = pgcluster.StartDurable
		}
		cluster, err := start()
		if err != nil {
			return 0, err
		}
		defer cluster.Stop()
		os.Setenv(storetest.ServerVariable, cluster.URL)
	}
	// A Ctrl-C goes to the command too, by the terminal; a SIGTERM is passed on. Either way the
	// command ends first, and then the server.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)

	command := exec.Command(args[0], args[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := command.Start(); err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				command.Process.Signal(s)
			}
		}
	}()
	err = command.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return 128 + int(status.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return 0, err
}
