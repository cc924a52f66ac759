package gateway

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// One box finds an invoice by whatever was pasted into it. What a text may mean is read first,
// without asking anybody; then each meaning is looked up by its own index, the exact ones first.

// ReadAs is one meaning of a pasted text.
type ReadAs string

// The meanings, the exact ones first: that is the order in which they are looked up.
const (
	ReadID        ReadAs = "id"         // ours: of an invoice, a payment, a refund or an event
	ReadPayNumber ReadAs = "pay_number" // its check digit holds
	ReadRef       ReadAs = "ref"        // what a company or a bank calls a payment or a refund
	ReadRRN       ReadAs = "rrn"        // twelve digits, as on a slip; looked up like ReadRef
	ReadOrder     ReadAs = "order"      // the app's own number
	ReadPhone     ReadAs = "phone"
	ReadCard      ReadAs = "card" // its last four digits
	ReadAmount    ReadAs = "amount"
)

// Reading is one meaning with the text that is looked up for it. A card's number is cut down to
// what a masked one shows before it gets here.
type Reading struct {
	As     ReadAs
	Text   string
	Amount pay.Tiyin // ReadAmount
	first  string    // ReadCard: the number's first digits, where they were given
}

// Finding is what a reading found, newest first.
type Finding struct {
	Reading
	Invoices []Invoice
	More     bool // there are more than are shown
}

// The bounds of a search.
const (
	searchMost = 500 // bytes of the pasted text that count
	foundMost  = 20  // invoices of one reading
	idsMost    = 3   // ids in one text
)

var (
	uuids     = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	hexIDs    = regexp.MustCompile(`(?i)\b[0-9a-f]{24}\b`)
	phoneRuns = regexp.MustCompile(`\+?998[ \-().]*(?:[0-9][ \-().]*){9}`)
	longRuns  = regexp.MustCompile(`[0-9]{8,20}`)
	cardRuns  = regexp.MustCompile(`[0-9](?:[ .\-]?[0-9]){15,}`)
	maskedPAN = regexp.MustCompile(`^([0-9 ]{0,9}?)[*xX•…·][ *xX•…·\-]*([0-9]{4})$`)
	amounts   = regexp.MustCompile(`(?i)^([0-9][0-9 .,']*?)[ ]*(so[ʻʼ'’‘` + "`" + `]?m|soum|sum|сум|сўм|uzs)?\.?$`)
	grouped   = regexp.MustCompile(`^[0-9]{1,3}(?:[ .,'][0-9]{3})+(?:[.,][0-9]{1,2})?$`)
	plain     = regexp.MustCompile(`^[0-9]{1,12}(?:[.,][0-9]{1,2})?$`)
)

// Understand says what a pasted text may mean. What can be nothing else is alone; a whole message
// is searched for what looks like an id or a telephone number.
func Understand(text string) []Reading {
	text = tidy(text)
	if text == "" {
		return nil
	}
	var out []Reading
	add := func(as ReadAs, text string) {
		if !slices.ContainsFunc(out, func(r Reading) bool { return r.As == as && r.Text == text }) {
			out = append(out, Reading{As: as, Text: text})
		}
	}
	for _, found := range uuids.FindAllString(text, idsMost) {
		add(ReadID, strings.ToLower(found))
		add(ReadRef, strings.ToLower(found))
	}
	for _, found := range hexIDs.FindAllString(text, idsMost) {
		add(ReadRef, strings.ToLower(found))
	}
	if len(out) > 0 {
		return out
	}
	digits := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, text)
	onlyDigits := digits != "" && strings.Trim(digits, "0123456789") == ""
	if onlyDigits && len(digits) == 16 && pay.Luhn(digits) {
		// A whole card's number is neither kept nor looked up, but for what a masked one shows.
		return []Reading{{As: ReadCard, Text: digits[len(digits)-4:], first: digits[:6]}}
	}
	if m := maskedPAN.FindStringSubmatch(text); m != nil {
		first := strings.ReplaceAll(m[1], " ", "")
		return []Reading{{As: ReadCard, Text: m[2], first: first[:min(len(first), 6)]}}
	}
	if onlyDigits {
		if id.ValidPayNumber(digits) {
			add(ReadPayNumber, digits)
		}
		if len(digits) == 12 {
			add(ReadRRN, digits)
		} else {
			add(ReadRef, digits)
		}
		if digits == text || !hidesCard(text) { // one long run is a name as likely as anything
			add(ReadOrder, text)
			add(ReadOrder, digits)
		}
	}
	if nine, ok := pay.Phone(text); ok {
		add(ReadPhone, nine)
	}
	if len(digits) == 4 && onlyDigits {
		add(ReadCard, digits)
	}
	if amount, ok := ParseAmount(text); ok {
		out = append(out, Reading{As: ReadAmount, Text: amount.Words(), Amount: amount})
	}
	if onlyDigits {
		return out
	}
	if len(out) == 0 || !strings.Contains(text, " ") {
		for _, run := range phoneRuns.FindAllString(text, idsMost) {
			if nine, ok := pay.Phone(strings.Trim(run, " -().")); ok {
				add(ReadPhone, nine)
			}
		}
	}
	if len(text) <= 255 {
		add(ReadOrder, text)
		if !strings.Contains(text, " ") {
			add(ReadRef, text)
		}
	}
	if strings.Contains(text, " ") { // a message with a number in it
		for _, run := range longRuns.FindAllString(text, idsMost) {
			switch {
			case len(run) == 16 && pay.Luhn(run):
				out = append(out, Reading{As: ReadCard, Text: run[len(run)-4:], first: run[:6]})
			case id.ValidPayNumber(run):
				add(ReadPayNumber, run)
				add(ReadRef, run)
			default:
				add(ReadRef, run)
				add(ReadOrder, run)
			}
		}
	}
	// An order's name may be anything, also a message with a card's number in it.
	out = slices.DeleteFunc(out, func(r Reading) bool { return r.As == ReadOrder && hidesCard(r.Text) })
	slices.SortStableFunc(out, func(a, b Reading) int { return slices.Index(readOrder, a.As) - slices.Index(readOrder, b.As) })
	return out
}

// Presentable is a pasted text as it may stand in an address or a log: without the middle of a
// card's number.
func Presentable(text string) string { return withoutCards(tidy(text)) }

// withoutCards is a text without the middle of a card's number. Ids stay whole, whatever digits stand
// in them.
func withoutCards(text string) string {
	var out strings.Builder
	for from := 0; from < len(text); {
		rest, id := text[from:], []int{len(text) - from, len(text) - from}
		if at := longIDs.FindStringIndex(rest); at != nil {
			id = at
		}
		out.WriteString(cardRuns.ReplaceAllStringFunc(rest[:id[0]], func(run string) string {
			digits := withoutGaps.Replace(run)
			if !cardWithin(digits) {
				return run
			}
			return digits[:6] + "******" + digits[len(digits)-4:]
		}))
		out.WriteString(rest[id[0]:id[1]])
		from += id[1]
	}
	return out.String()
}

// longIDs are ids in which enough digits may follow each other to look like a card's number: ours, and
// some companies'.
var longIDs = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{24}\b`)

var withoutGaps = strings.NewReplacer(" ", "", "-", "", ".", "")

// cardWithin says whether a card's number may stand in a run of digits, with a telephone number or
// the like glued to it.
func cardWithin(digits string) bool {
	for size := 16; size <= 19; size++ {
		for at := 0; at+size <= len(digits); at++ {
			if pay.Luhn(digits[at : at+size]) {
				return true
			}
		}
	}
	return false
}

// tidy bounds a pasted text and makes each gap in it one space.
func tidy(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text[:min(len(text), searchMost)], "\x00", ""), "")
	return strings.Join(strings.Fields(text), " ")
}

var readOrder = []ReadAs{ReadID, ReadPayNumber, ReadRef, ReadRRN, ReadOrder, ReadPhone, ReadCard, ReadAmount}

// hidesCard says whether a card's number stands in a text.
func hidesCard(text string) bool { return Presentable(text) != tidy(text) }

// ParseAmount reads a sum as people write it: "150 000", "150000 soʻm", "150.000,50 сум".
func ParseAmount(text string) (pay.Tiyin, bool) {
	m := amounts.FindStringSubmatch(strings.ReplaceAll(text, "\u00a0", " "))
	if m == nil {
		return 0, false
	}
	number := strings.TrimRight(m[1], " .,'")
	switch {
	case plain.MatchString(number):
	case grouped.MatchString(number):
		cut := len(number)
		if i := strings.LastIndexAny(number, ".,"); i >= 0 && len(number)-i-1 <= 2 {
			cut = i
		}
		number = strings.NewReplacer(" ", "", ".", "", ",", "", "'", "").Replace(number[:cut]) + number[cut:]
	default:
		return 0, false
	}
	amount, err := pay.ParseSoum(strings.Replace(number, ",", ".", 1))
	if err != nil || amount < pay.MinAmount || amount > pay.MaxAmount {
		return 0, false
	}
	return amount, true
}

// Search looks up what a pasted text may mean. Only what was found comes back, the exact first,
// and an invoice once, under the reading that is most exact.
func (g *Gateway) Search(ctx context.Context, text string) (readings []Reading, out []Finding, err error) {
	readings = Understand(text)
	err = g.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		out = nil
		known := map[string]bool{}
		for _, r := range readings {
			f, err := g.find(ctx, tx, r, known)
			if err != nil {
				return err
			}
			if len(f.Invoices) > 0 {
				out = append(out, f)
			}
		}
		return nil
	})
	return readings, out, err
}

func (g *Gateway) find(ctx context.Context, tx *store.Tx, r Reading, known map[string]bool) (f Finding, err error) {
	f.Reading = r
	var ids []string
	var rows []pay.Invoice
	switch r.As {
	case ReadID:
		ids, err = findID(ctx, tx, r.Text)
	case ReadPayNumber:
		rows, err = tx.Invoices(ctx, store.InvoiceFilter{PayNumber: r.Text}, store.Page{Limit: foundMost})
	case ReadOrder:
		rows, err = tx.Invoices(ctx, store.InvoiceFilter{SourceInvoiceID: r.Text}, store.Page{Limit: foundMost})
	case ReadAmount:
		rows, err = tx.Invoices(ctx, store.InvoiceFilter{Amount: r.Amount}, store.Page{Limit: foundMost})
	case ReadRef, ReadRRN:
		ids, err = findRef(ctx, tx, r.Text)
	case ReadPhone:
		ids, err = findPhone(ctx, tx, r.Text)
	case ReadCard:
		ids, err = findCard(ctx, tx, r)
	}
	if err != nil {
		return f, err
	}
	if rows == nil && len(ids) > 0 {
		unique := ids[:0]
		for _, each := range ids {
			if !slices.Contains(unique, each) {
				unique = append(unique, each)
			}
		}
		if rows, err = tx.InvoicesByID(ctx, unique[:min(len(unique), foundMost+1)]); err != nil {
			return f, err
		}
	}
	if f.More = len(rows) > foundMost; f.More {
		rows = rows[:foundMost]
	}
	rows = slices.DeleteFunc(rows, func(inv pay.Invoice) bool {
		seen := known[inv.ID]
		known[inv.ID] = true
		return seen
	})
	f.Invoices, err = g.withPayments(ctx, tx, rows)
	return f, err
}

// findID finds the invoice of whatever is called so by us.
func findID(ctx context.Context, tx *store.Tx, text string) ([]string, error) {
	if _, err := tx.Invoice(ctx, text); !errors.Is(err, store.ErrNotFound) {
		return []string{text}, err
	}
	p, err := tx.Payment(ctx, text)
	if !errors.Is(err, store.ErrNotFound) {
		return []string{p.InvoiceID}, err
	}
	r, err := tx.Refund(ctx, text)
	if !errors.Is(err, store.ErrNotFound) {
		return []string{r.InvoiceID}, err
	}
	e, err := tx.Event(ctx, text)
	if !errors.Is(err, store.ErrNotFound) {
		return []string{e.InvoiceID}, err
	}
	return nil, nil
}

// findRef finds the invoices of whose payments or refunds one is called so by its company.
func findRef(ctx context.Context, tx *store.Tx, text string) ([]string, error) {
	ids, err := tx.InvoicesByRef(ctx, text, foundMost+1)
	if err != nil {
		return nil, err
	}
	named, err := tx.InvoicesByClue(ctx, store.ClueName, text, foundMost+1)
	if err != nil {
		return nil, err
	}
	back, err := tx.InvoicesByRefundRef(ctx, text, foundMost+1)
	return slices.Concat(ids, named, back), err
}

// tailsRead is how many payments with the right last digits are looked at, when their first digits
// must fit too.
const tailsRead = 200

// findPhone finds the invoices of a buyer: by the number that the app told, and by the one that a
// code was sent to, of which a few last digits are known.
func findPhone(ctx context.Context, tx *store.Tx, nine string) ([]string, error) {
	ids, err := tx.InvoicesByClue(ctx, store.CluePhone, nine, foundMost+1)
	if err != nil {
		return nil, err
	}
	for _, tail := range []string{nine[5:], "*" + nine[6:], "**" + nine[7:]} {
		found, err := tx.InvoicesByPhoneTail(ctx, tail, tailsRead)
		if err != nil {
			return nil, err
		}
		for _, t := range found {
			if before, _, _ := strings.Cut(strings.TrimPrefix(t.Masked, "+"), "*"); strings.HasPrefix("998"+nine, before) {
				ids = append(ids, t.InvoiceID)
			}
		}
	}
	return ids, nil
}

// findCard finds the invoices that were paid by a card with these last digits, and, where they
// were given, these first ones.
func findCard(ctx context.Context, tx *store.Tx, r Reading) ([]string, error) {
	found, err := tx.InvoicesByCardTail(ctx, r.Text, tailsRead)
	var ids []string
	for _, t := range found {
		before, _, _ := strings.Cut(t.Masked, "*")
		n := min(len(before), len(r.first))
		if before[:n] == r.first[:n] {
			ids = append(ids, t.InvoiceID)
		}
	}
	return ids, err
}
