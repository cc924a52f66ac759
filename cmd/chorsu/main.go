// Command chorsu is the payment gateway: every part of it is a subcommand of this program.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"
)

// version is set when a release is built.
var version = ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for anybody
	con := &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, terminal: isatty.IsTerminal(os.Stdout.Fd())}
	code := run(ctx, con, os.Args[1:])
	stop()
	os.Exit(code)
}

// grammar is the table of contents: one field a command, in the order of a gateway's life.
type grammar struct {
	Up      upCmd      `cmd:"" help:"Everything on this machine, in test mode: gateway, worker, sandbox, webhook inbox."`
	Demo    demoCmd    `cmd:"" help:"Prove the main job in a minute, with no internet."`
	Serve   serveCmd   `cmd:"" help:"Gateway and worker, in production."`
	Worker  workerCmd  `cmd:"" help:"Only background work; any number of them on one PostgreSQL."`
	Sandbox sandboxCmd `cmd:"" help:"Only the simulated payment companies."`
	Arcus2  arcus2Cmd  `cmd:"" name:"arcus2-tool" hidden:"" help:"Plays the program of ARCUS 2, on a pinpad of the sandbox."`
	Till    tillCmd    `cmd:"" help:"The agent beside a cash register: wallets, pinpads, shown QR codes."`
	Migrate migrateCmd `cmd:"" help:"The database: its schema (plan, up, status), and moving it (copy)."`
	Admin   adminCmd   `cmd:"" help:"Staff accounts: add, list, reset-totp, disable, audit."`
	Keys    keysCmd    `cmd:"" help:"Keys: list, rotate."`
	Doctor  doctorCmd  `cmd:"" help:"What is in force and from where, and whether it works."`
	Bench   benchCmd   `cmd:"" help:"How fast it is on this machine, beside the machine's own limits."`
	Version versionCmd `cmd:"" help:"The program's version."`
	Help    helpCmd    `cmd:"" help:"Help on a command."`
}

// console is where a command reads and writes. Terminal: a person watches.
type console struct {
	in       io.Reader
	out, err io.Writer
	terminal bool
}

// The exit codes: 0 is done.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitPerson  = 3 // a person must do something first
	exitUnknown = 4 // it cannot be said what came of it
)

// coded is an error with an exit code other than 1.
type coded struct {
	code int
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

// run is the program: it parses, does, and returns the exit code.
func run(ctx context.Context, con *console, args []string) int {
	parser, err := newParser(con)
	if err != nil {
		fmt.Fprintln(con.err, err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	chosen, done, err := parse(parser, args)
	if err != nil {
		fmt.Fprintln(con.err, "chorsu:", err)
		fmt.Fprintln(con.err, "Try: chorsu help", commandIn(parser, args))
		return exitUsage
	}
	if done {
		return 0
	}
	chosen.BindTo(ctx, (*context.Context)(nil))
	if err := chosen.Run(con); err != nil {
		fmt.Fprintln(con.err, "chorsu:", err)
		if c, ok := errors.AsType[*coded](err); ok {
			return c.code
		}
		return exitFailed
	}
	return 0
}

// helped is what stops kong after it printed help, where it would end the process.
type helped struct{}

// parse reads the arguments. done: help was asked for, and printed.
func parse(parser *kong.Kong, args []string) (chosen *kong.Context, done bool, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case helped:
			done = true
		default:
			panic(p)
		}
	}()
	chosen, err = parser.Parse(args)
	return chosen, false, err
}

func newParser(con *console) (*kong.Kong, error) {
	return kong.New(&grammar{},
		kong.Name("chorsu"),
		kong.Description("A payment gateway for Uzbekistan: one API and signed webhooks over Payme, Click, Uzum Bank and Multicard."),
		kong.Writers(con.out, con.err),
		kong.Exit(func(int) { panic(helped{}) }),
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
	)
}

// commandIn is the command that args begin with, "" where they name none.
func commandIn(parser *kong.Kong, args []string) string {
	for _, n := range parser.Model.Children {
		if n.Name == args[0] {
			return n.Name
		}
	}
	return ""
}

// printHelp shows a command's examples before all else.
func printHelp(o kong.HelpOptions, c *kong.Context) error {
	if n := c.Selected(); n != nil && n.Target.IsValid() && n.Target.CanAddr() {
		if e, ok := n.Target.Addr().Interface().(interface{ Examples() string }); ok {
			fmt.Fprintf(c.Stdout, "Examples:\n%s\n", e.Examples())
		}
	}
	return kong.DefaultHelpPrinter(o, c)
}

// programVersion is the release, or the module's version as Go built it.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unreleased"
}
