// Package sim is a terminal that speaks ZVT over TCP, with the bank of the simulated device
// behind it. It has a reading of the wire of its own and shares nothing with the driver.
package sim

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/encoding/charmap"

	device "github.com/chorsu/chorsu/internal/till/terminal/sim"
)

// Cut is a point at which the cable is pulled during a money command.
type Cut string

// The points, in the order of a command's life.
const (
	NoCut        Cut = ""
	Before80     Cut = "before 80 00 00"
	After80      Cut = "after 80 00 00"
	Before040F   Cut = "before 04 0F" // the bank has said yes
	After040F    Cut = "after 04 0F, before the till's acknowledgement"
	DuringPrint  Cut = "during the print lines"
	Before060F   Cut = "before 06 0F"   // all is acknowledged
	ackPatience      = 30 * time.Second // a till writes down what it was told before it acknowledges it
	statusFiller     = "1234567890"
)

// Cuts are all of them. Committed says which leave the money taken.
var Cuts = []Cut{Before80, After80, Before040F, After040F, DuringPrint, Before060F}

// Committed says whether a sale stands after a cut: the terminal takes it back unless the till
// has acknowledged its result and every line of the slip.
func (c Cut) Committed() bool { return c == NoCut || c == Before060F }

// tashkent is where the terminal's own clock is set.
var tashkent = time.FixedZone("Asia/Tashkent", 5*60*60)

// Terminal listens for one till.
type Terminal struct {
	Device *device.Device
	Single bool // every byte travels alone

	Differs bool // at a closing the totals are not the bank's

	// Card, where set, is when the buyer presents the card; until then the till may give up.
	Card <-chan struct{}

	// Watch, where set, is told of each message before it is acted on ("> ") or sent ("< ").
	Watch func(message string)

	ln   net.Listener
	mu   sync.Mutex
	cut  Cut
	pull func(Cut) bool // asked at every point, too
	wire []string       // what came and went, "> " from the till: the last of it
	open net.Conn
	wg   sync.WaitGroup
}

// Listen starts a terminal at address ("127.0.0.1:0").
func Listen(address string, d *device.Device) (*Terminal, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	t := &Terminal{Device: d, ln: ln}
	t.wg.Go(t.accept)
	return t, nil
}

// Address is where it listens.
func (t *Terminal) Address() string { return t.ln.Addr().String() }

// Close switches it off.
func (t *Terminal) Close() {
	t.ln.Close()
	t.mu.Lock()
	if t.open != nil {
		t.open.Close()
	}
	t.mu.Unlock()
	t.wg.Wait()
}

// CutAt has the next money command cut at a point; once.
func (t *Terminal) CutAt(c Cut) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cut = c
}

// Pull has f asked at every point of a money command whether the cable is pulled there.
func (t *Terminal) Pull(f func(Cut) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pull = f
}

func (t *Terminal) cutsAt(c Cut) bool {
	t.mu.Lock()
	set, pull := t.cut == c, t.pull
	if set {
		t.cut = NoCut
	}
	t.mu.Unlock()
	return set || pull != nil && pull(c)
}

// kept is how much of the wire is remembered.
const kept = 10_000

// Wire is what passed so far: one message a line in hexadecimal, "> " from the till, "< " to it.
func (t *Terminal) Wire() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.wire...)
}

func (t *Terminal) note(direction string, b []byte) {
	message := direction + strings.ToUpper(fmt.Sprintf("% x", b))
	t.mu.Lock()
	if len(t.wire) == kept {
		t.wire = append(t.wire[:0], t.wire[kept/2:]...)
	}
	t.wire = append(t.wire, message)
	watch := t.Watch
	t.mu.Unlock()
	if watch != nil {
		watch(message)
	}
}

func (t *Terminal) accept() {
	for {
		conn, err := t.ln.Accept()
		if err != nil {
			return
		}
		if t.Device.Down() {
			conn.Close()
			continue
		}
		t.mu.Lock()
		t.open = conn
		t.mu.Unlock()
		s := &session{t: t, conn: conn}
		s.serve()
		conn.Close()
	}
}

type session struct {
	t    *Terminal
	conn net.Conn
}

// serve answers commands until the till hangs up.
func (s *session) serve() {
	for {
		s.conn.SetReadDeadline(time.Time{})
		m, err := s.read()
		if err != nil || !s.command(m) {
			return
		}
	}
}

// read is one whole message: class, instruction, length, data.
func (s *session) read() ([]byte, error) {
	m := make([]byte, 3)
	if _, err := io.ReadFull(s.conn, m); err != nil {
		return nil, err
	}
	n := int(m[2])
	if n == 255 {
		two := make([]byte, 2)
		if _, err := io.ReadFull(s.conn, two); err != nil {
			return nil, err
		}
		m, n = append(m, two...), int(two[0])+256*int(two[1])
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(s.conn, body); err != nil {
		return nil, err
	}
	m = append(m, body...)
	s.t.note("> ", m)
	return m, nil
}

func (s *session) write(hexText string) bool {
	b, err := hex.DecodeString(strings.ReplaceAll(hexText, " ", ""))
	if err != nil {
		panic(err)
	}
	s.t.note("< ", b)
	if !s.t.Single {
		_, err = s.conn.Write(b)
		return err == nil
	}
	for i := range b {
		if _, err := s.conn.Write(b[i : i+1]); err != nil {
			return false
		}
	}
	return true
}

// tell sends a message and waits for the till's acknowledgement.
func (s *session) tell(hexText string) bool {
	if !s.write(hexText) {
		return false
	}
	s.conn.SetReadDeadline(time.Now().Add(ackPatience))
	for {
		m, err := s.read()
		if err != nil || !bytes.Equal(m, giveUp) {
			return err == nil && bytes.Equal(m, []byte{0x80, 0, 0})
		}
		if !s.write("84 83 00") { // too late: the card is read
			return false
		}
	}
}

// giveUp is the till's abort.
var giveUp = []byte{0x06, 0xb0, 0x00}

// card waits for the buyer's card. abort: the till gave up before it; ok: the line stands.
func (s *session) card() (abort, ok bool) {
	if s.t.Card == nil {
		return false, true
	}
	s.conn.SetReadDeadline(time.Time{})
	heard := make(chan error, 1)
	go func() {
		m, err := s.read()
		if err == nil && !bytes.Equal(m, giveUp) {
			err = io.ErrUnexpectedEOF
		}
		heard <- err
	}()
	select {
	case err := <-heard:
		return true, err == nil && s.write("80 00 00")
	case <-s.t.Card:
		s.conn.SetReadDeadline(time.Unix(1, 0)) // nobody listens between two messages
		return false, <-heard != nil
	}
}

// command does one command. false: the connection ends.
func (s *session) command(m []byte) bool {
	switch {
	case m[0] == 0x06 && m[1] == 0x00, m[0] == 0x05 && m[1] == 0x01:
		return s.write("80 00 00") && s.tell("06 0F 00")
	case m[0] == 0x06 && m[1] == 0x20:
		return s.write("80 00 00") && s.last() && s.tell("06 0F 00")
	case m[0] == 0x06 && m[1] == 0x50:
		text, err := s.t.Device.CloseShift()
		result := "00"
		if s.t.Differs {
			result = "FF"
		}
		return err == nil && s.write("80 00 00") && s.tell("04 0F 02 27 "+result) && s.print(text, false) && s.tell("06 0F 00")
	case m[0] == 0x06 && (m[1] == 0x01 || m[1] == 0x30 || m[1] == 0x31):
		return s.money(m)
	case m[0] == 0x06 && m[1] == 0xb0:
		return s.write("80 00 00")
	}
	return s.write("84 83 00")
}

// money does a sale, a reversal or a refund, with the commit handshake.
func (s *session) money(m []byte) bool {
	amount, receipt, ok := fields(m)
	if !ok {
		return s.write("84 83 00")
	}
	if s.t.cutsAt(Before80) {
		return false
	}
	if !s.write("80 00 00") || s.t.cutsAt(After80) || !s.tell("04 FF 01 0A") {
		return false
	}
	if abort, ok := s.card(); abort || !ok {
		return ok && s.tell("06 1E 01 6C")
	}
	txn, fault, err := s.do(m[1], amount, receipt)
	switch {
	case err != nil:
		return false
	case txn.Receipt == 0 && txn.Code == "984":
		return s.tell("06 1E 01 83")
	case txn.Receipt == 0:
		return s.tell("04 0F 02 27"+refusals[txn.Code]) && s.tell("06 1E 01"+refusals[txn.Code])
	}
	if s.t.cutsAt(Before040F) || s.commit(txn) != nil {
		s.t.Device.Undo(txn.Receipt)
		return false
	}
	if fault == 98 {
		s.t.Device.Pull(true)
		return false
	}
	return !s.t.cutsAt(Before060F) && s.tell("06 0F 00")
}

// refusals are the wire's result codes for what the bank says.
var refusals = map[string]string{"116": "51", "117": "55", "992": "6C", "914": "B8", "218": "B4", "235": "B7"}

func (s *session) do(instr byte, amount int64, receipt int) (device.Txn, int, error) {
	switch instr {
	case 0x01:
		return s.t.Device.Sale(amount)
	case 0x30:
		t, err := s.t.Device.Back("", receipt, amount, true)
		return t, 0, err
	}
	t, err := s.t.Device.Free(amount)
	return t, 0, err
}

// commit tells the result and prints; an error is an acknowledgement that did not come.
func (s *session) commit(txn device.Txn) error {
	if s.t.cutsAt(After040F) {
		s.write(s.status(txn)) // and does not wait
		return io.ErrUnexpectedEOF
	}
	if !s.tell(s.status(txn)) {
		return io.ErrUnexpectedEOF
	}
	if !s.print(s.t.Device.Slip(txn), s.t.cutsAt(DuringPrint)) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// status is 04 0F for a transaction.
func (s *session) status(t device.Txn) string {
	at := t.At.In(tashkent)
	data := fmt.Sprintf("2700 04%012d 0B%06d 0C%s 0D%s 22F0F8986009EEEEEE7856 29%s 490860 87%04d",
		t.Amount, t.Trace, at.Format("150405"), at.Format("0102"), s.t.Device.TerminalID, t.Receipt)
	return fmt.Sprintf("04 0F %02X", len(strings.ReplaceAll(data, " ", ""))/2) + data
}

// last tells the last transaction that stands; a terminal without one says so with zeros.
func (s *session) last() bool {
	t, ok := s.t.Device.Last()
	if !ok {
		t.At = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return s.tell(s.status(t))
}

// print sends a text line by line; half of it where the cable is pulled in the middle.
func (s *session) print(text string, pulled bool) bool {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if pulled && i == len(lines)/2 {
			return false
		}
		b, err := charmap.CodePage866.NewEncoder().Bytes([]byte(line))
		if err != nil {
			b = []byte(statusFiller)
		}
		if !s.tell(fmt.Sprintf("06 D1 %02X 00 %X", len(b)+1, b)) {
			return false
		}
	}
	return true
}

// fields finds amount and receipt in a money command.
func fields(m []byte) (amount int64, receipt int, ok bool) {
	data := m[3:]
	if m[1] != 0x01 {
		if len(data) < 3 {
			return 0, 0, false
		}
		data = data[3:] // the password
	}
	for len(data) > 0 {
		n := map[byte]int{0x04: 6, 0x49: 2, 0x87: 2}[data[0]]
		if n == 0 || len(data) < 1+n {
			return 0, 0, false
		}
		number, err := strconv.ParseInt(hex.EncodeToString(data[1:1+n]), 10, 64)
		if err != nil {
			return 0, 0, false
		}
		switch data[0] {
		case 0x04:
			amount = number
		case 0x87:
			receipt = int(number)
		}
		data = data[1+n:]
	}
	return amount, receipt, amount > 0
}
