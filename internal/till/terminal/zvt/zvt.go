// Package zvt drives a terminal over the open ZVT wire (PA00P015) on TCP.
//
// The commit is ours: a terminal stores a sale only when the till has acknowledged its result and
// every line of the slip, and takes the money back otherwise. So the result is journaled first
// and acknowledged then; and whether an acknowledgement arrived nobody can tell from this side of
// a broken socket, so that anything short of the completion is Unknown until the terminal was
// asked for its last transaction.
//
// There is no sign that terminals in Uzbekistan speak it. It is here because it can be built and
// proved without a bank, and exercises every hard path. It is not proved on hardware.
package zvt

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/till/terminal"
)

// The wire's own times.
const (
	answerTime   = 5 * time.Second   // T3: from a command to its yes or no
	completeTime = 180 * time.Second // T4: from there to the completion, begun anew by every sign of life
	dialTime     = 5 * time.Second
)

// reversalTime is how long a terminal may take to notice that nobody acknowledges, and to take the
// sale back: T3, and a little more.
const reversalTime = answerTime + 2*time.Second

// Driver is one terminal at an address.
type Driver struct {
	address  string
	currency []byte
	charset  *charmap.Charmap
	reversal time.Duration
	now      func() time.Time

	stop struct { // a wish to give up the operation under way
		sync.Mutex
		wished  bool
		waiting *session // nil: the terminal has not asked for the card yet, or has told the end
	}
}

// Open makes a driver. Options: currency (860), charset of what it prints (cp866, cp1251, cp437),
// reversal (7s), how long the terminal may take to take back what was not acknowledged.
func Open(address string, options map[string]string, now func() time.Time) (*Driver, error) {
	d := &Driver{address: address, currency: []byte{0x08, 0x60}, charset: charmap.CodePage866, reversal: reversalTime, now: now}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("address must be host:port (the wire's own port is 20007)")
	}
	for key, value := range options {
		switch key {
		case "currency":
			if len(value) != 3 || strings.Trim(value, "0123456789") != "" {
				return nil, errors.New("currency must be three digits")
			}
			d.currency = bcd("0" + value)
		case "charset":
			set, ok := map[string]*charmap.Charmap{"cp866": charmap.CodePage866, "cp1251": charmap.Windows1251, "cp437": charmap.CodePage437}[strings.ToLower(value)]
			if !ok {
				return nil, errors.New("charset must be cp866, cp1251 or cp437")
			}
			d.charset = set
		case "reversal":
			var err error
			if d.reversal, err = time.ParseDuration(value); err != nil || d.reversal <= 0 || d.reversal > time.Minute {
				return nil, errors.New("reversal must be a duration of up to 1m")
			}
		default:
			return nil, fmt.Errorf("option %q is not known", key)
		}
	}
	return d, nil
}

// Caps: all but the short report, which the wire does not have. What was not acknowledged is taken
// back (2.2.8).
func (d *Driver) Caps() terminal.Caps {
	return terminal.Caps{Void: true, Return: true, Last: true, Close: true, Cancel: true, AutoReverses: d.reversal}
}

// Probe asks for the status.
func (d *Driver) Probe(ctx context.Context) error {
	s, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer d.hangUp(s)
	return s.exchange(enquiry)
}

// Run does one operation on a connection of its own.
func (d *Driver) Run(ctx context.Context, op terminal.Operation, p terminal.Progress) terminal.Result {
	defer d.waits(nil) // a wish to stop ends with what it was for, also where that never reached the terminal
	if op.Kind == terminal.Return && op.Original == 0 {
		return terminal.Failed(terminal.NotStarted, "914", "the wire names no sale by RRN, and we know of none: it would be paid to any card")
	}
	command, err := d.command(op)
	if err != nil {
		return terminal.Failed(terminal.NotStarted, "904", err.Error())
	}
	s, err := d.connect(ctx)
	if err != nil {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	defer d.hangUp(s)
	s.progress, s.amount = p, op.Amount
	if err := p.Sent(); err != nil {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	if refused, err := s.send(command); err != nil {
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, err.Error())
	} else if refused != nil {
		return terminal.Failed(terminal.Declined, codeOf(*refused), fmt.Sprintf("the terminal refused the command: %02X", *refused))
	}
	s.prompted = func() { d.waits(s) }
	return s.outcome()
}

func (d *Driver) command(op terminal.Operation) (apdu, error) {
	if op.Amount <= 0 || op.Amount > 999_999_999_999 {
		return apdu{}, errors.New("the wire has no room for this amount")
	}
	byReceipt := op.Kind != terminal.Sale && op.Receipt != "" && len(op.Receipt) <= 4 && (op.Kind == terminal.Void || op.Amount == op.Original)
	switch {
	case op.Kind == terminal.Sale:
		return payment(op.Amount, d.currency), nil
	case byReceipt:
		return reversal(bcd(strings.Repeat("0", 4-len(op.Receipt))+op.Receipt), op.Amount, d.currency), nil
	case op.Kind == terminal.Return:
		return refund(op.Amount, d.currency), nil
	}
	return apdu{}, errors.New("a receipt's number has at most four digits here")
}

// Last asks for the last status again, without printing.
func (d *Driver) Last(ctx context.Context) (terminal.Record, error) {
	s, err := d.connect(ctx)
	if err != nil {
		return terminal.Record{}, err
	}
	defer d.hangUp(s)
	if err := s.exchange(repeat); err != nil {
		return terminal.Record{}, err
	}
	if s.status == nil || !s.status.hasResult || s.status.receipt == "" {
		return terminal.Record{}, errors.New("zvt: the terminal told no last transaction")
	}
	if s.status.receipt == "0000" && s.status.amount == 0 {
		return terminal.Record{None: true}, nil
	}
	r := s.result(*s.status)
	return terminal.Record{
		Approved: r.Outcome == terminal.Approved, Code: r.Code, Amount: r.Amount, Receipt: r.Receipt, Trace: r.Trace,
		RRN: r.RRN, Auth: r.Auth, TerminalID: r.TerminalID, MaskedPAN: r.MaskedPAN, At: d.at(*s.status),
	}, nil
}

// at is the terminal's date and time; it does not tell the year, so the nearest past one is meant.
func (d *Driver) at(s status) time.Time {
	if len(s.date) != 4 || len(s.clock) != 6 {
		return time.Time{}
	}
	now := d.now().In(pay.Tashkent)
	t, err := time.ParseInLocation("20060102150405", fmt.Sprintf("%04d%s%s", now.Year(), s.date, s.clock), pay.Tashkent)
	if err != nil {
		return time.Time{}
	}
	if t.After(now.Add(24 * time.Hour)) {
		t = t.AddDate(-1, 0, 0)
	}
	return t
}

// Report closes the shift.
func (d *Driver) Report(ctx context.Context, kind terminal.ReportKind) terminal.Result {
	if kind != terminal.ReportClose {
		return terminal.Failed(terminal.NotStarted, "902", "the wire has no short report")
	}
	s, err := d.connect(ctx)
	if err != nil {
		return terminal.Failed(terminal.NotStarted, terminal.CodeAbsent, err.Error())
	}
	defer d.hangUp(s)
	refused, err := s.send(closing)
	switch {
	case err != nil:
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, err.Error())
	case refused != nil:
		return terminal.Failed(terminal.Declined, codeOf(*refused), fmt.Sprintf("the terminal refused the command: %02X", *refused))
	}
	completed, aborted, err := s.listen()
	switch {
	case err != nil:
		return terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, err.Error())
	case aborted != nil:
		return terminal.Failed(terminal.Declined, codeOf(*aborted), fmt.Sprintf("aborted: %02X", *aborted))
	}
	r := terminal.Result{Outcome: terminal.Approved, Code: terminal.CodeOK, Slip: terminal.Clean(s.slip.String())}
	if completed && s.status != nil && s.status.result != 0 {
		r.Code, r.Note = terminal.CodeDiffers, fmt.Sprintf("the closing ended with result %02X", s.status.result)
	}
	return r
}

// Cancel sends an abort beside the operation under way. The terminal takes it only while it waits
// for the card. It is never sent before the terminal has asked for it: the answer to the abort would be
// taken for that to the money command.
func (d *Driver) Cancel(context.Context) error {
	d.stop.Lock()
	defer d.stop.Unlock()
	d.stop.wished = true
	if d.stop.waiting == nil {
		return nil // it is sent when there is something to give up
	}
	return d.stop.waiting.abort()
}

// waits says that a wish to give up may be told to the terminal from now on; nil: no more.
func (d *Driver) waits(s *session) {
	d.stop.Lock()
	defer d.stop.Unlock()
	if d.stop.waiting = s; s == nil {
		d.stop.wished = false
	} else if d.stop.wished {
		s.abort() // a line that is broken is seen by who listens
	}
}

// ─── One connection ────────────────────────────────────────────────────────────────────────

type session struct {
	conn     net.Conn
	charset  *charmap.Charmap
	progress terminal.Progress // nil but in Run
	amount   pay.Tiyin         // that was asked for, in Run
	stop     func() bool

	turn     sync.Mutex // held from a message's arrival until it is acknowledged
	prompted func()     // the terminal has told what it waits for, and that is acknowledged

	status *status
	told   bool // an approved status was journaled and acknowledged
	slip   strings.Builder
}

// connect dials and registers: we print, and want to be told.
func (d *Driver) connect(ctx context.Context) (*session, error) {
	dialer := net.Dialer{Timeout: dialTime}
	conn, err := dialer.DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, charset: d.charset}
	s.stop = context.AfterFunc(ctx, func() { conn.Close() })
	if err := s.exchange(registration(d.currency)); err != nil {
		d.hangUp(s)
		return nil, err
	}
	s.status = nil
	s.slip.Reset()
	return s, nil
}

func (d *Driver) hangUp(s *session) {
	s.stop()
	s.conn.Close()
}

// abort asks the terminal to give up, and never between its message and our acknowledgement, for
// which it would be taken.
func (s *session) abort() error {
	s.turn.Lock()
	defer s.turn.Unlock()
	_, err := s.conn.Write(abort.bytes())
	return err
}

// send sends a command and waits for its yes or no. refused is why not.
func (s *session) send(a apdu) (refused *byte, err error) {
	s.conn.SetDeadline(time.Now().Add(answerTime))
	if _, err := s.conn.Write(a.bytes()); err != nil {
		return nil, err
	}
	answer, err := readAPDU(s.conn)
	switch {
	case err != nil:
		return nil, err
	case answer.is(0x80, 0x00), answer.is(0x84, 0x00):
		return nil, nil
	case answer.class == 0x84:
		return &answer.instr, nil
	}
	return nil, fmt.Errorf("zvt: %02X %02X is no answer to a command", answer.class, answer.instr)
}

// exchange sends a command that moves no money and waits for its completion.
func (s *session) exchange(a apdu) error {
	refused, err := s.send(a)
	if err != nil {
		return err
	}
	if refused != nil {
		return fmt.Errorf("zvt: the terminal refused %02X %02X: %02X", a.class, a.instr, *refused)
	}
	_, aborted, err := s.listen()
	if err == nil && aborted != nil {
		err = fmt.Errorf("zvt: the terminal gave up %02X %02X: %02X", a.class, a.instr, *aborted)
	}
	return err
}

// listen takes what the terminal says until it is done, and acknowledges each message.
func (s *session) listen() (completed bool, aborted *byte, err error) {
	for {
		s.conn.SetDeadline(time.Now().Add(completeTime))
		a, err := readAPDU(s.conn)
		if err != nil {
			return false, nil, err
		}
		if completed, aborted, err = s.take(a); completed || aborted != nil || err != nil {
			return completed, aborted, err
		}
		if a.is(0x04, 0xff) && s.prompted != nil {
			s.prompted()
		}
	}
}

// take does what one message says, and acknowledges it.
func (s *session) take(a apdu) (completed bool, aborted *byte, err error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	reply := ack
	switch {
	case a.is(0x04, 0xff):
		s.show(a.data)
	case a.is(0x04, 0x0f):
		if err := s.takeStatus(a.data); err != nil {
			return false, nil, err
		}
	case a.is(0x06, 0xd1), a.is(0x06, 0xd3):
		s.print(a)
	case a.is(0x06, 0x0f):
		completed = true
	case a.is(0x06, 0x1e):
		code := byte(0xff)
		if len(a.data) > 0 {
			code = a.data[0]
		}
		aborted = &code
	case a.class == 0x80 || a.class == 0x84:
		return false, nil, nil // the answer to an abort that Cancel sent
	default:
		reply = notForUs
	}
	_, err = s.conn.Write(reply)
	if completed || aborted != nil {
		return completed, aborted, nil // an unheard acknowledgement of the end changes nothing
	}
	return false, nil, err
}

// takeStatus journals the result before it is acknowledged: the acknowledgement is the commit. An
// approval of another amount is not acknowledged, so that the terminal takes it back.
func (s *session) takeStatus(data []byte) error {
	st, err := parseStatus(data)
	if err != nil {
		return err
	}
	s.status = &st
	if s.progress == nil || !st.hasResult {
		return nil
	}
	r := s.result(st)
	if r.Outcome == terminal.Approved && st.amount != 0 && st.amount != s.amount {
		return fmt.Errorf("zvt: the terminal names %s, and %s was asked for", st.amount.Soum(), s.amount.Soum())
	}
	if err := s.progress.Answered(r); err != nil {
		return err
	}
	s.told = r.Outcome == terminal.Approved
	return nil
}

// outcome waits for the end of a money command and says what came of it.
func (s *session) outcome() terminal.Result {
	completed, aborted, err := s.listen()
	switch {
	case aborted != nil && !s.told:
		return terminal.Failed(terminal.Declined, codeOf(*aborted), fmt.Sprintf("aborted: %02X", *aborted))
	case completed && s.status != nil && s.status.hasResult:
		r := s.result(*s.status)
		r.Slip = terminal.Clean(s.slip.String())
		return r
	}
	note := "the terminal did not tell the end"
	if err != nil {
		note = err.Error()
	}
	r := terminal.Failed(terminal.Unknown, terminal.CodeLinkLost, note)
	r.Slip = terminal.Clean(s.slip.String())
	return r
}

func (s *session) result(st status) terminal.Result {
	r := terminal.Result{
		Outcome: terminal.Declined, Code: codeOf(st.result), Receipt: strings.TrimLeft(st.receipt, "0"), Trace: st.trace, Auth: st.auth,
		TerminalID: st.terminalID, MaskedPAN: terminal.Card(st.pan), Amount: st.amount, RRN: st.trace, Note: st.text,
	}
	if st.longTrace != "" {
		r.RRN = st.longTrace
	}
	if st.result == 0 {
		r.Outcome = terminal.Approved
	} else if r.Note == "" {
		r.Note = "result " + strings.ToUpper(hex.EncodeToString([]byte{st.result}))
	}
	return r
}

// print keeps a line, or a block of text, of the slip.
func (s *session) print(a apdu) {
	if s.slip.Len() > 64<<10 {
		return
	}
	var text []byte
	if a.is(0x06, 0xd1) && len(a.data) > 1 {
		text = a.data[1:] // after the attribute
	} else if a.is(0x06, 0xd3) {
		text = a.data
	}
	if plain, err := s.charset.NewDecoder().Bytes(text); err == nil {
		s.slip.Write(plain)
	}
	s.slip.WriteByte('\n')
}

// shown are the intermediate states that a cashier is told.
var shown = map[byte]string{
	0x0a: "Insert, tap or swipe the card", 0x02: "Enter the PIN", 0x06: "Wrong PIN: once more", 0x0e: "Please wait", 0x12: "Remove the card", 0x13: "Not possible",
	0x17: "Please wait", 0x18: "Time is running out", 0x41: "Remove the card", 0x4a: "Tap the card again",
}

func (s *session) show(data []byte) {
	if s.progress == nil || len(data) == 0 {
		return
	}
	if text, ok := shown[data[0]]; ok {
		s.progress.Show(text)
	}
}
