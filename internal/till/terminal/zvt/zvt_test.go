package zvt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/till/terminal"
)

func now() time.Time { return time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC) }

// play serves one connection by a transcript and reports the first thing that is otherwise.
func play(t *testing.T, file string, single bool) (address string, done chan error) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	done = make(chan error, 1)
	go func() { done <- follow(ln, string(text), single) }()
	return ln.Addr().String(), done
}

func follow(ln net.Listener, text string, single bool) error {
	conn, err := ln.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	for line := range strings.Lines(text) {
		direction, digits, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || direction == "#" {
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			return err
		}
		if direction == ">" {
			got := make([]byte, len(b))
			if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, b) {
				return errors.New("the till sends " + hex.EncodeToString(got) + " for " + digits)
			}
			continue
		}
		for len(b) > 0 {
			n := len(b)
			if single {
				n = 1
			}
			if _, err := conn.Write(b[:n]); err != nil {
				return err
			}
			b = b[n:]
		}
	}
	return nil
}

// journal is a Progress that keeps what it is told, in order.
type journal struct {
	told []string
	last terminal.Result
	fail bool
}

func (j *journal) Sent() error { j.told = append(j.told, "sent"); return nil }
func (j *journal) Answered(r terminal.Result) error {
	j.told, j.last = append(j.told, "answered"), r
	if j.fail {
		return errors.New("the disk is full")
	}
	return nil
}
func (j *journal) Show(s string) { j.told = append(j.told, s) }

func TestScenario_InStore_19_Transcript(t *testing.T) {
	for _, single := range []bool{false, true} {
		address, done := play(t, "testdata/sale.txt", single)
		d, err := Open(address, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		j := &journal{}
		r := d.Run(t.Context(), terminal.Operation{ID: "1", Kind: terminal.Sale, Amount: 50000}, j)
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := terminal.Result{
			Outcome: terminal.Approved, Code: "000", RRN: "000123", Receipt: "42", Trace: "000123", TerminalID: "12345678",
			MaskedPAN: "986009******7856", Slip: "ТОВАР HUMO!\n", Amount: 50000,
		}
		if r != want {
			t.Errorf("single bytes %v: %+v, want %+v", single, r, want)
		}
		if got := strings.Join(j.told, ", "); got != "sent, Insert, tap or swipe the card, answered" {
			t.Errorf("the journal was told: %s", got)
		}
	}
}

// What cannot be journaled is not acknowledged, so that the terminal takes it back.
func TestNoJournalNoAcknowledgement(t *testing.T) {
	address, done := play(t, "testdata/sale.txt", false)
	d, err := Open(address, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	r := d.Run(t.Context(), terminal.Operation{ID: "1", Kind: terminal.Sale, Amount: 50000}, &journal{fail: true})
	if r.Outcome != terminal.Unknown {
		t.Errorf("%+v", r)
	}
	if err := <-done; err == nil {
		t.Error("the result was acknowledged")
	}
}

// A terminal that has taken another amount is not told that this was heard: it takes the money back.
func TestAnotherAmountIsNotAcknowledged(t *testing.T) {
	address, done := play(t, "testdata/sale.txt", false)
	d, err := Open(address, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	j := &journal{}
	s := &session{charset: d.charset, progress: j, amount: 40000}
	st, err := hex.DecodeString("270004000000050000490860870042")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.takeStatus(st); err == nil || len(j.told) != 0 || s.told {
		t.Errorf("%v, the journal was told %v", err, j.told)
	}
	if s.amount = 50000; s.takeStatus(st) != nil || !s.told {
		t.Error("the amount that was asked for is refused")
	}
	if r := d.Run(t.Context(), terminal.Operation{Kind: terminal.Return, Amount: 50000, RRN: "408005356147"}, j); r.Outcome != terminal.NotStarted || r.Code != "914" {
		t.Errorf("a return of no sale that is known: %+v", r)
	}
	if r := d.Run(t.Context(), terminal.Operation{Kind: terminal.Sale, Amount: 50000}, &journal{}); r.Outcome != terminal.Approved {
		t.Errorf("%+v", r)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestCommands(t *testing.T) {
	d, err := Open("127.0.0.1:20007", map[string]string{"currency": "860"}, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		op   terminal.Operation
		want string
	}{
		{terminal.Operation{Kind: terminal.Sale, Amount: 50000}, "06 01 0A 04 00 00 00 05 00 00 49 08 60"},
		{terminal.Operation{Kind: terminal.Void, Amount: 50000, Receipt: "42"}, "06 30 10 00 00 00 87 00 42 04 00 00 00 05 00 00 49 08 60"},
		{terminal.Operation{Kind: terminal.Return, Amount: 50000, RRN: "408005356147"}, "06 31 0D 00 00 00 04 00 00 00 05 00 00 49 08 60"},
		{terminal.Operation{Kind: terminal.Return, Amount: 50000, RRN: "408005356147", Receipt: "42", Original: 50000}, "06 30 10 00 00 00 87 00 42 04 00 00 00 05 00 00 49 08 60"},
		{terminal.Operation{Kind: terminal.Return, Amount: 40000, RRN: "408005356147", Receipt: "42", Original: 50000}, "06 31 0D 00 00 00 04 00 00 00 04 00 00 49 08 60"},
	} {
		a, err := d.command(c.op)
		if got := hex.EncodeToString(a.bytes()); err != nil || !strings.EqualFold(got, strings.ReplaceAll(c.want, " ", "")) {
			t.Errorf("%+v is %s (%v), want %s", c.op, got, err, c.want)
		}
	}
	for want, a := range map[string]apdu{"062005000000030 3": repeat, "0650030000 00": closing, "05 01 03 00 00 00": enquiry, "06B000": abort} {
		if got := hex.EncodeToString(a.bytes()); !strings.EqualFold(got, strings.ReplaceAll(want, " ", "")) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if _, err := d.command(terminal.Operation{Kind: terminal.Sale, Amount: 1_000_000_000_000}); err == nil {
		t.Error("an amount of 13 digits is sent")
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []map[string]string{{"currency": "UZS"}, {"charset": "utf-8"}, {"speed": "9600"}} {
		if _, err := Open("127.0.0.1:20007", o, now); err == nil {
			t.Errorf("%v is taken", o)
		}
	}
	if _, err := Open("127.0.0.1", nil, now); err == nil {
		t.Error("an address without port is taken")
	}
}

// Whatever a terminal sends, a status is read or refused, and never read beyond its end.
func FuzzStatus(f *testing.F) {
	for _, s := range []string{
		"2700040000000500000B0001230C1422330D112122F0F8986009EEEEEE785629123456784908608700 42", "276C", "27", "06051F2B020042", "060A1F2B", "22F9F9", "3CF0F0F3414243", "0400",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseStatus(b)
		if err == nil && (s.amount < 0 || s.amount > 999_999_999_999 || len(s.pan) > 200) {
			t.Errorf("%+v", s)
		}
		if a, err := readAPDU(bytes.NewReader(b)); err == nil {
			if again, err := readAPDU(bytes.NewReader(a.bytes())); err != nil || !bytes.Equal(again.data, a.data) {
				t.Errorf("%v is not read back (%v)", a, err)
			}
		}
	})
}
