// Package register reads the lists of transactions that companies let a merchant download, once
// they are in the form that docs/reconciliation.md describes: a CSV file or an XLSX workbook with
// the columns provider_id, order, amount or amount_som, time and status.
//
// What is read comes from outside. Its size is bounded before it is unpacked and while it is,
// nothing in it is evaluated or fetched, and what cannot be understood is named with its line and
// refused: a row that was skipped in silence would look like a difference, or hide one.
package register

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chorsu/chorsu/internal/pay"
)

// The bounds of one file.
const (
	MaxBytes  = 20 << 20
	MaxRows   = 100_000
	maxCell   = 1024
	maxFaults = 20
)

// Row is one transaction. Line is where it stands: a line of a CSV file, a row of a sheet.
type Row struct {
	Line   int
	Ref    string // the company's id
	Order  string // how it names our side
	Amount pay.Tiyin
	At     time.Time
	State  pay.State
}

// Faults are what is wrong with a file, one sentence each, the first twenty of them.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "; ") }

// states are the words of the column status.
var states = map[string]pay.State{
	"paid": pay.Paid, "refunded": pay.Refunded, "cancelled": pay.Cancelled, "failed": pay.Failed, "pending": pay.Created,
}

// columns are those that are known; amount and amount_som stand for each other.
var columns = []string{"provider_id", "order", "amount", "amount_som", "time", "status"}

// Read reads a whole file. The error is a Faults where the file is at fault.
func Read(data []byte) ([]Row, error) {
	if len(data) > MaxBytes {
		return nil, Faults{fmt.Sprintf("the file is larger than %d MiB", MaxBytes>>20)}
	}
	t := &table{seen: map[string]int{}}
	var err error
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		err = readXLSX(data, t.line)
	} else {
		err = readCSV(data, t.line)
	}
	switch {
	case errors.Is(err, errStop):
	case err != nil:
		return nil, Faults{err.Error()}
	case t.at == nil:
		return nil, Faults{"the file is empty"}
	}
	if len(t.faults) > 0 {
		return nil, t.faults
	}
	return t.rows, nil
}

// errStop ends the reading: enough is wrong to say so.
var errStop = errors.New("stop")

// cell is one value as the file has it. date says that a workbook means a moment by its number.
type cell struct {
	text string
	date bool
}

// table makes rows of cells, line by line. The first line names the columns.
type table struct {
	at     map[string]int // where a column stands; nil before the first line
	rows   []Row
	seen   map[string]int // provider_id → its line
	faults Faults
}

func (t *table) fault(line int, format string, args ...any) error {
	t.faults = append(t.faults, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, args...))
	if len(t.faults) == maxFaults {
		return errStop
	}
	return nil
}

// line takes one line of the file.
func (t *table) line(number int, cells []cell) error {
	for i, c := range cells {
		switch {
		case len(c.text) > maxCell:
			return t.fault(number, "a cell is longer than %d bytes", maxCell)
		case !utf8.ValidString(c.text) || strings.IndexByte(c.text, 0) >= 0:
			return t.fault(number, "a cell is not valid UTF-8; save the file as CSV UTF-8 or as XLSX")
		case strings.HasPrefix(strings.TrimSpace(c.text), "="):
			return t.fault(number, "a cell begins with =: formulas are not evaluated; paste values")
		}
		cells[i].text = strings.TrimSpace(c.text)
	}
	if !slices.ContainsFunc(cells, func(c cell) bool { return c.text != "" }) {
		return nil // an empty line
	}
	if t.at == nil {
		return t.head(number, cells)
	}
	if len(t.rows) == MaxRows {
		_ = t.fault(number, "the file has more than %d transactions; send it in parts", MaxRows)
		return errStop
	}
	return t.row(number, cells)
}

// head reads the names of the columns.
func (t *table) head(number int, cells []cell) error {
	t.at = map[string]int{}
	for i, c := range cells {
		name := strings.ToLower(c.text)
		_, twice := t.at[name]
		switch {
		case name == "":
		case !slices.Contains(columns, name) && strings.ContainsAny(name, "0123456789"):
			// The first line of a file without names is data, and data is not repeated: it may be a card.
			_ = t.fault(number, "column %d has no name that is known: the first line must name the columns", i+1)
		case !slices.Contains(columns, name):
			_ = t.fault(number, "a column %.40q is not known; there are %s", c.text, strings.Join(columns, ", "))
		case twice:
			_ = t.fault(number, "the column %s stands there twice", name)
		default:
			t.at[name] = i
		}
	}
	for _, name := range []string{"provider_id", "order", "time", "status"} {
		if _, ok := t.at[name]; !ok {
			_ = t.fault(number, "the column %s is missing", name)
		}
	}
	_, tiyin := t.at["amount"]
	if _, som := t.at["amount_som"]; tiyin == som {
		_ = t.fault(number, "one of the columns amount (tiyin) and amount_som (soʻm) is needed")
	}
	if len(t.faults) > 0 {
		return errStop
	}
	return nil
}

func (t *table) row(number int, cells []cell) error {
	get := func(name string) cell {
		if i, ok := t.at[name]; ok && i < len(cells) {
			return cells[i]
		}
		return cell{}
	}
	r := Row{Line: number, Ref: get("provider_id").text, Order: get("order").text}
	var err error
	if r.Ref == "" && r.Order == "" {
		return t.fault(number, "provider_id and order are both empty")
	}
	if len(r.Ref) > 255 || len(r.Order) > 255 {
		return t.fault(number, "provider_id and order have at most 255 bytes")
	}
	if before, twice := t.seen[r.Ref]; twice && r.Ref != "" {
		return t.fault(number, "its provider_id stands in line %d already", before)
	}
	if r.Amount, err = amountOf(get("amount").text, get("amount_som").text); err != nil {
		return t.fault(number, "%s", err)
	}
	if r.At, err = timeOf(get("time")); err != nil {
		return t.fault(number, "%s", err)
	}
	var known bool
	if r.State, known = states[strings.ToLower(get("status").text)]; !known {
		return t.fault(number, "status must be one of paid, refunded, cancelled, failed, pending")
	}
	t.seen[r.Ref] = number
	t.rows = append(t.rows, r)
	return nil
}

// amountOf reads whole tiyin, or soum with at most two digits of tiyin. Nothing is rounded. A
// workbook writes whole numbers as they are, and large ones perhaps with an exponent: those are
// refused, as text is meant there.
func amountOf(tiyin, som string) (pay.Tiyin, error) {
	if som != "" {
		n, err := pay.ParseSoum(strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", ".").Replace(som))
		if err != nil || n < 0 || n > pay.MaxAmount {
			return 0, errors.New("amount_som must be a number of soʻm with at most two decimals, like 150000.50")
		}
		return n, nil
	}
	n, err := strconv.ParseInt(tiyin, 10, 64)
	if err != nil || n < 0 || n > int64(pay.MaxAmount) {
		return 0, errors.New("amount must be a whole number of tiyin, written in digits")
	}
	return pay.Tiyin(n), nil
}

// timeOf reads RFC 3339, or a local time of Tashkent, or the number that a workbook has for one.
func timeOf(c cell) (time.Time, error) {
	if c.date {
		return serial(c.text)
	}
	if at, err := time.Parse(time.RFC3339Nano, c.text); err == nil {
		return at.UTC(), nil
	}
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "02.01.2006 15:04:05", "02.01.2006 15:04"} {
		if at, err := time.ParseInLocation(layout, c.text, pay.Tashkent); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("time must be like 2026-05-12 15:01:23, in Tashkent, or as RFC 3339 writes it")
}

// serial reads a workbook's moment: days since 1899-12-30, with the time of day as a fraction.
func serial(text string) (time.Time, error) {
	days, err := strconv.ParseFloat(text, 64)
	if err != nil || days < 36526 || days > 73050 { // 2000 … 2099
		return time.Time{}, errors.New("time is not a moment of this century")
	}
	whole := int(days)
	seconds := (days-float64(whole))*86400 + 0.5
	return time.Date(1899, 12, 30+whole, 0, 0, int(seconds), 0, pay.Tashkent).UTC(), nil
}
