package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// copiedTable is a table to copy. All are read out of the source's own schema, so that none can be
// forgotten.
type copiedTable struct {
	name    string
	columns []copiedColumn
}

type copiedColumn struct{ name, kind string } // kind: text, bigint, boolean: there are no others

// moneyColumns are those whose sums are told: tiyin.
var moneyColumns = []string{"amount", "captured", "refunded", "reserved", "asked_amount"}

func (t copiedTable) quoted() string { return pgx.Identifier{t.name}.Sanitize() } // SQLite quotes alike

func (t copiedTable) names() []string {
	out := make([]string, len(t.columns))
	for i, c := range t.columns {
		out[i] = c.name
	}
	return out
}

// selection reads all rows, in any order.
func (t copiedTable) selection() string {
	quoted := make([]string, len(t.columns))
	for i, c := range t.columns {
		quoted[i] = pgx.Identifier{c.name}.Sanitize()
	}
	return "SELECT " + strings.Join(quoted, ", ") + " FROM " + t.quoted()
}

// sourceTables are all tables of a SQLite database but the one of its migrations, each behind
// those that it refers to.
func sourceTables(ctx context.Context, db session) ([]copiedTable, error) {
	names, err := readAll(ctx, db, scanText, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name <> $1 ORDER BY name`, versionTable)
	if err != nil {
		return nil, err
	}
	tables, refersTo := map[string]copiedTable{}, map[string][]string{}
	for _, name := range names {
		columns, err := readAll(ctx, db, func(r row) (c copiedColumn, err error) {
			err = r.Scan(&c.name, &c.kind)
			c.kind = strings.ToLower(c.kind)
			return c, err
		}, `SELECT name, type FROM pragma_table_info($1) ORDER BY cid`, name)
		if err != nil {
			return nil, err
		}
		if refersTo[name], err = readAll(ctx, db, scanText, `SELECT DISTINCT "table" FROM pragma_foreign_key_list($1) ORDER BY 1`, name); err != nil {
			return nil, err
		}
		tables[name] = copiedTable{name, columns}
	}
	var ordered []copiedTable
	for len(tables) > 0 {
		before := len(tables)
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			if !slices.ContainsFunc(refersTo[name], func(other string) bool { _, waits := tables[other]; return waits && other != name }) {
				ordered = append(ordered, tables[name])
				delete(tables, name)
			}
		}
		if len(tables) == before {
			return nil, errors.New("the tables refer to each other in a circle")
		}
	}
	return ordered, nil
}

// sameColumns says whether the target has the same tables with the same columns.
func sameColumns(ctx context.Context, tx pgx.Tx, tables []copiedTable) error {
	found, err := tx.Query(ctx, `SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name NOT IN ($1, $2)`, copyingMark, versionTable)
	if err != nil {
		return err
	}
	theirs, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return err
	}
	var ours []string
	for _, t := range tables {
		for _, c := range t.columns {
			ours = append(ours, t.name+"."+c.name+" "+c.kind)
		}
	}
	slices.Sort(theirs)
	slices.Sort(ours)
	for i := range max(len(ours), len(theirs)) {
		if i >= len(ours) || i >= len(theirs) || ours[i] != theirs[i] {
			return fmt.Errorf("the schemas differ at %s", append(ours[min(i, len(ours)):], theirs[min(i, len(theirs)):]...)[0])
		}
	}
	return nil
}

// tally is what a table's rows add up to. The hashes of the rows are added and not chained, since
// the engines order text differently.
type tally struct {
	columns []copiedColumn
	rows    int64
	hash    [4]uint64
	sums    map[int]*big.Int // by column
	buffer  []byte
}

func newTally(t copiedTable) *tally {
	s := &tally{columns: t.columns, sums: map[int]*big.Int{}}
	for i, c := range t.columns {
		if slices.Contains(moneyColumns, c.name) {
			s.sums[i] = new(big.Int)
		}
	}
	return s
}

// add counts a row, whose values it brings into the one form that both engines give.
func (s *tally) add(values []any) error {
	s.buffer = s.buffer[:0]
	for i, c := range s.columns {
		v, err := c.value(values[i])
		if err != nil {
			return err
		}
		values[i] = v
		var text string
		switch v := v.(type) {
		case nil:
			s.buffer = append(s.buffer, 'n')
			continue
		case string:
			text = v
		case int64:
			if sum := s.sums[i]; sum != nil {
				sum.Add(sum, big.NewInt(v))
			}
			text = strconv.FormatInt(v, 10)
		case bool:
			text = strconv.FormatBool(v)
		}
		s.buffer = append(s.buffer, c.kind[0])
		s.buffer = binary.AppendUvarint(s.buffer, uint64(len(text)))
		s.buffer = append(s.buffer, text...)
	}
	sum := sha256.Sum256(s.buffer)
	for i := range s.hash {
		s.hash[i] += binary.BigEndian.Uint64(sum[8*i:])
	}
	s.rows++
	return nil
}

// value is v as a value of its column.
func (c copiedColumn) value(v any) (any, error) {
	if b, ok := v.([]byte); ok && c.kind == "text" {
		v = string(b)
	}
	if n, ok := v.(int64); ok && c.kind == "boolean" && (n == 0 || n == 1) {
		v = n == 1
	}
	ok := v == nil
	switch v := v.(type) {
	case string:
		if ok = c.kind == "text"; ok && (strings.IndexByte(v, 0) >= 0 || !utf8.ValidString(v)) {
			return nil, fmt.Errorf("column %s: %w", c.name, errUnstorable)
		}
	case int64:
		ok = c.kind == "bigint"
	case bool:
		ok = c.kind == "boolean"
	}
	if !ok {
		return nil, fmt.Errorf("column %s is %s, and a value in it is %T", c.name, c.kind, v)
	}
	return v, nil
}

func (s *tally) digest() string {
	var b []byte
	for _, n := range s.hash {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return hex.EncodeToString(b)
}

// compare says where a table read back is not the one that was written.
func (s *tally) compare(want *tally) error {
	if s.rows != want.rows {
		return fmt.Errorf("%d rows, and %d in the source", s.rows, want.rows)
	}
	for i, sum := range want.sums {
		if s.sums[i].Cmp(sum) != 0 {
			return fmt.Errorf("the sum of %s is %s, and %s in the source", s.columns[i].name, s.sums[i], sum)
		}
	}
	if s.hash != want.hash {
		return errors.New("the rows are not those of the source")
	}
	return nil
}

func (s *tally) table(t copiedTable) CopiedTable {
	out := CopiedTable{Name: t.name, Rows: s.rows, Hash: s.digest()}
	for i, sum := range s.sums {
		if out.Sums == nil {
			out.Sums = map[string]*big.Int{}
		}
		out.Sums[s.columns[i].name] = sum
	}
	return out
}
