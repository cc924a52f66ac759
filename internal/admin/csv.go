package admin

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

// A list as a file that Excel opens rightly, by a double click, on an Uzbek, a Russian or an
// English machine: UTF-8 with its mark in front; a semicolon between the columns and a comma in
// the sums, but where the machine is English, whatever language its page is read in; ids that Excel would round or strip of zeros as ="…", which
// it shows as they are; and nothing from outside that it would take for a formula.

// cell is one value, as it stands in the file but for the quotes.
type cell string

// textCell is anything from outside, or an id. Only what is digits through and through becomes
// ="…": in it nothing can be smuggled.
func textCell(s string) cell {
	if s == "" {
		return ""
	}
	if strings.Trim(s, "0123456789") == "" && (len(s) >= 12 || s[0] == '0') {
		return cell(`="` + s + `"`)
	}
	if strings.ContainsRune("\t\r\n", rune(s[0])) {
		s = "'" + s
	}
	return cell(formulas.ReplaceAllString(s, "$1'$2")) // the apostrophe makes it text
}

// idCell is an id, ours or anybody's, as text: of 10-11 Excel makes a day, of 12E5 a number and of
// TRUE a word of its own language. Nothing that could end the quotes is put between them.
func idCell(s string) cell {
	if len(s) <= 255 && plainID.MatchString(s) { // as long as Excel takes
		return cell(`="` + s + `"`)
	}
	return textCell(s)
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9._:/-]+$`)

// formulas begin so: at a cell's beginning, or behind what another machine's Excel takes for the
// end of a cell.
var formulas = regexp.MustCompile(`(^|[,;\t\r\n]\s*)([=+\-@|%＝＋－＠])`)

// sumCell is an amount in soum with two digits of tiyin, as a number.
func sumCell(l words.Lang, t pay.Tiyin) cell {
	if l == words.EN {
		return cell(t.Soum())
	}
	return cell(strings.Replace(t.Soum(), ".", ",", 1))
}

// tiyinCell is the same amount as the API has it.
func tiyinCell(t pay.Tiyin) cell { return cell(strconv.FormatInt(int64(t), 10)) }

// countCell is a number of things.
func countCell(n int64) cell { return cell(strconv.FormatInt(n, 10)) }

// timeCell is a moment in Tashkent that Excel reads as one.
func timeCell(t time.Time) cell {
	if t.IsZero() {
		return ""
	}
	return cell(t.In(pay.Tashkent).Format(time.DateTime))
}

// sheet writes rows. It holds a few kilobytes, however many there are.
type sheet struct {
	w     *bufio.Writer
	comma byte
}

func newSheet(w io.Writer, l words.Lang) *sheet {
	s := &sheet{w: bufio.NewWriterSize(w, 32<<10), comma: ';'}
	if l == words.EN {
		s.comma = ','
	}
	s.w.WriteString("\uFEFF")
	return s
}

func (s *sheet) row(cells ...cell) {
	for i, c := range cells {
		if i > 0 {
			s.w.WriteByte(s.comma)
		}
		text := strings.ReplaceAll(string(c), "\x00", "")
		if strings.ContainsAny(text, "\"\r\n\t"+string(rune(s.comma))) || text != strings.TrimSpace(text) {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		s.w.WriteString(text)
	}
	s.w.WriteString("\r\n")
}

// machine is the language of the machine that a file is opened on, as its browser says: English, or one
// of those that write a comma in their sums.
func machine(r *http.Request) words.Lang {
	if first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ","); strings.HasPrefix(strings.ToLower(strings.TrimSpace(first)), "en") {
		return words.EN
	}
	return words.RU
}

// fileRows is how many rows are read, and held, at a time.
const fileRows = 1000

// fileStep is how long the reader of a file may take for one part of it.
const fileStep = time.Minute

// stream writes parts of a list until there are no more. Each part is on its way before the next
// is read, so that a million rows take no more memory than a thousand.
func stream(ctx context.Context, w http.ResponseWriter, l words.Lang, head []cell, part func(ctx context.Context, p gateway.Page) (rows [][]cell, next string, err error)) error {
	out := http.NewResponseController(w)
	s := newSheet(w, l)
	s.row(head...)
	for p := (gateway.Page{Limit: fileRows}); ; {
		rows, next, err := part(ctx, p)
		if err != nil {
			return err
		}
		for _, row := range rows {
			s.row(row...)
		}
		// The server's deadline is for pages. A file may take longer, as long as somebody reads it.
		_ = out.SetWriteDeadline(time.Now().Add(fileStep))
		if err := s.w.Flush(); err != nil {
			return err
		}
		_ = out.Flush()
		if next == "" || ctx.Err() != nil {
			return ctx.Err()
		}
		p.Cursor = next
	}
}

// file answers with a list as a file.
func (a *admin) file(w http.ResponseWriter, r *http.Request, name string, head []words.Text, part func(ctx context.Context, p gateway.Page) (rows [][]cell, next string, err error)) {
	if err := a.audit(r.Context(), "list.exported", name, narrowed(r)); err != nil {
		a.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="chorsu-`+name+"-"+a.o.Now().In(pay.Tashkent).Format("20060102-1504")+`.csv"`)
	h.Set("X-Content-Type-Options", "nosniff")
	cells := make([]cell, len(head))
	for i, t := range head {
		cells[i] = cell(t.In(lang(r)))
	}
	if err := stream(r.Context(), w, machine(r), cells, part); err != nil {
		// What was sent cannot be taken back: a connection that breaks says that it is not all.
		a.o.Logger.WarnContext(r.Context(), "a list could not be sent to its end", "list", name, "error", err)
		panic(http.ErrAbortHandler)
	}
}
