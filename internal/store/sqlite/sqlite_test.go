package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	lib "modernc.org/sqlite/lib"
)

// opened is a connection to a file of its own, closed with the test.
func opened(t testing.TB, pragmas ...string) *Conn {
	t.Helper()
	return openedAt(t, filepath.Join(t.TempDir(), "test.db"), pragmas...)
}

func openedAt(t testing.TB, path string, pragmas ...string) *Conn {
	t.Helper()
	c, err := Open(path, pragmas...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func exec(t testing.TB, c *Conn, query string, args ...any) int64 {
	t.Helper()
	n, err := c.Exec(t.Context(), query, args)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// all are the rows of a query, each value as it is.
func all(t testing.TB, c *Conn, query string, args ...any) string {
	t.Helper()
	found, err := c.Query(t.Context(), query, args)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer found.Close()
	var rows []string
	for found.Next() {
		var a, b any
		if err := found.Scan(&a, &b); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, fmt.Sprintf("%#v %#v", a, b))
	}
	if err := found.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return strings.Join(rows, "; ")
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// What is written is read as it was, whatever it is.
func TestWhatIsWrittenIsRead(t *testing.T) {
	c := opened(t)
	exec(t, c, "CREATE TABLE t (n BIGINT PRIMARY KEY, v)")
	for i, v := range []any{
		"", "plain", "чорсу ʻ 🍉", "a NUL\x00in the midst", "\x00", "broken \xff\xfe UTF-8", strings.Repeat("long ", 1<<20),
		int64(0), int64(1), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), true, false, nil,
	} {
		want := v
		switch v {
		case true:
			want = int64(1)
		case false:
			want = int64(0)
		}
		same(t, "rows written", exec(t, c, "INSERT INTO t VALUES ($1, $2)", int64(i), v), 1)
		found, err := c.Query(t.Context(), "SELECT v, typeof(v) FROM t WHERE n = $1", []any{int64(i)})
		if err != nil {
			t.Fatal(err)
		}
		if !found.Next() {
			t.Fatalf("%d is not there: %v", i, found.Err())
		}
		var got any
		var kind string
		if err := found.Scan(&got, &kind); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%d: %.40q came back as %.40q", i, v, got)
		}
		same(t, "its kind", kind, map[bool]string{true: "null", false: map[bool]string{true: "text", false: "integer"}[fmt.Sprintf("%T", want) == "string"]}[want == nil])
		if found.Next() {
			t.Errorf("%d is there twice", i)
		}
		found.Close()
	}
	same(t, "what only SQL writes", all(t, c, "SELECT 1.5, x'00ff'"), `1.5 []byte{0x0, 0xff}`)
	same(t, "an empty blob and NULL", all(t, c, "SELECT x'', NULL"), `[]byte{} <nil>`)
}

// Arguments go by their numbers, wherever they stand and however often.
func TestArgumentsGoByNumber(t *testing.T) {
	c := opened(t)
	for range 2 { // the statement again
		same(t, "in another order", all(t, c, "SELECT $2 || $1, $2", "a", "b"), `"ba" "b"`)
		same(t, "with question marks", all(t, c, "SELECT ?, ?", "a", "b"), `"a" "b"`)
		same(t, "one written both ways", all(t, c, "SELECT $1, ?2", "twice", "once"), `"twice" "once"`)
	}
	for query, args := range map[string][]any{
		"SELECT $1":          {},
		"SELECT $2":          {"one"},
		"SELECT 1":           {"one"},
		"SELECT :name":       {"one"},
		"SELECT $0":          {"one"},
		"SELECT $1, $2 AS b": {"one", 2},           // an int
		"SELECT $1 AS b":     {[]byte("one")},      // bytes
		"":                   {},                   // nothing
		"-- nothing":         {},                   //
		"SELECT 1; SELECT 2": {},                   // two
		"SELECT '\x00'":      {},                   // the C of it would end there
		"SELECT \"no such\"": {},                   // a name, and not a string
		"SELEKT":             {},                   //
		"SELECT 1, $1 AS a":  {struct{}{}},         //
		"SELECT 2, $1 AS a":  {(*string)(nil)},     //
		"SELECT 3, $1 AS a":  {context.Canceled},   //
		"SELECT 4, $1 AS a":  {int32(1)},           //
		"SELECT 5, $1, $3":   {"1", "2", "3", "4"}, //
	} {
		found, err := c.Query(t.Context(), query, args)
		if err == nil {
			t.Errorf("%q takes %v", query, args)
			found.Close()
		}
		same(t, "a query after "+query, all(t, c, "SELECT 1, 2"), "1 2")
	}
}

type (
	name  string
	count int32
)

// A column goes into a variable of its kind, and into no other.
func TestScan(t *testing.T) {
	c := opened(t)
	var (
		text  string
		n     int64
		truth bool
		named name
		small count
		tiny  int8
		real  float64
		bytes []byte
	)
	for _, s := range []struct {
		column string
		dest   any
		want   string // "": refused
	}{
		{"'a'", &text, "a"}, {"''", &text, ""}, {"12", &text, "12"}, {"'a'", &named, "a"},
		{"12", &n, "12"}, {"-9223372036854775808", &n, "-9223372036854775808"}, {"12", &small, "12"}, {"127", &tiny, "127"},
		{"1", &truth, "true"}, {"0", &truth, "false"},
		{"NULL", &text, "-"}, {"NULL", &n, "-"}, {"NULL", &truth, "-"}, {"NULL", &named, "-"},
		{"2", &truth, "-"}, {"-1", &truth, "-"}, {"'1'", &truth, "-"}, {"'1'", &n, "-"}, {"'1'", &small, "-"}, {"1", &named, "-"},
		{"128", &tiny, "-"}, {"2147483648", &small, "-"}, {"1.0", &n, "-"}, {"1.0", &text, "-"}, {"x'31'", &text, "-"},
		{"1.0", &real, "-"}, {"1", &real, "-"}, {"'a'", &bytes, "-"}, {"x'31'", &bytes, "-"},
	} {
		found, err := c.Query(t.Context(), "SELECT "+s.column, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := found.Scan(s.dest); err == nil {
			t.Error("scanned before the first row")
		}
		if !found.Next() {
			t.Fatal(found.Err())
		}
		err = found.Scan(s.dest)
		switch {
		case s.want == "-" && err == nil:
			t.Errorf("%s went into a %T", s.column, s.dest)
		case s.want != "-" && err != nil:
			t.Errorf("%s into a %T: %v", s.column, s.dest, err)
		case s.want != "-":
			same(t, s.column, fmt.Sprint(deref(s.dest)), s.want)
		}
		if err := found.Scan(s.dest, s.dest); err == nil {
			t.Error("one column went into two variables")
		}
		if found.Next() {
			t.Error("there is a second row")
		}
		if err := found.Scan(s.dest); err == nil {
			t.Error("scanned after the last row")
		}
		found.Close()
	}
}

func deref(p any) any {
	switch p := p.(type) {
	case *string:
		return *p
	case *int64:
		return *p
	case *bool:
		return *p
	case *name:
		return *p
	case *count:
		return *p
	case *int8:
		return *p
	}
	return nil
}

// An error has SQLite's extended code, and the statement is good for the next time.
func TestErrors(t *testing.T) {
	c := opened(t, "foreign_keys = 1")
	exec(t, c, "CREATE TABLE t (id TEXT PRIMARY KEY, n BIGINT UNIQUE CHECK (n < 100), v TEXT NOT NULL)")
	exec(t, c, "CREATE TABLE child (of TEXT REFERENCES t (id))")
	exec(t, c, "INSERT INTO t VALUES ('a', 1, '')")
	insert := "INSERT INTO t VALUES ($1, $2, $3)"
	for range 2 {
		for _, e := range []struct {
			query  string
			args   []any
			code   int
			unique bool
		}{
			{insert, []any{"a", int64(2), ""}, lib.SQLITE_CONSTRAINT_PRIMARYKEY, true},
			{insert, []any{"b", int64(1), ""}, lib.SQLITE_CONSTRAINT_UNIQUE, true},
			{insert, []any{"b", int64(100), ""}, lib.SQLITE_CONSTRAINT_CHECK, false},
			{insert, []any{"b", int64(2), nil}, lib.SQLITE_CONSTRAINT_NOTNULL, false},
			{"INSERT INTO child VALUES ($1)", []any{"nobody"}, lib.SQLITE_CONSTRAINT_FOREIGNKEY, false},
			{insert + " RETURNING id, n", []any{"a", int64(2), ""}, lib.SQLITE_CONSTRAINT_PRIMARYKEY, true},
			{"SELECT abs($1), 1", []any{int64(math.MinInt64)}, lib.SQLITE_ERROR, false},
		} {
			found, err := c.Query(t.Context(), e.query, e.args)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if found.Next() {
					t.Errorf("%s %v found a row", e.query, e.args)
				}
			}
			told, ok := errors.AsType[*Error](found.Err())
			if !ok {
				t.Fatalf("%s %v: %v", e.query, e.args, found.Err())
			}
			same(t, told.Error(), told.Code, e.code)
			same(t, told.Error(), told.Unique(), e.unique)
			if strings.Contains(told.Error(), "nobody") {
				t.Errorf("an argument is told: %v", told)
			}
			if err := found.Close(); err != nil {
				t.Errorf("the same error once more: %v", err)
			}
			if _, err := c.Exec(t.Context(), e.query, e.args); err == nil || err.Error() != told.Error() {
				t.Errorf("by Exec: %v, and by Query: %v", err, told)
			}
		}
	}
	same(t, "what was written", all(t, c, "SELECT id, n FROM t"), `"a" 1`)
	same(t, "after the errors", exec(t, c, insert, "b", int64(2), "x"), 1)
	same(t, "a change", exec(t, c, "UPDATE t SET v = $1", "y"), 2)
	same(t, "a change of nothing", exec(t, c, "UPDATE t SET v = $1 WHERE id = $2", "z", "c"), 0)
	same(t, "its rows", all(t, c, "UPDATE t SET v = $1 RETURNING id, v", "w"), `"a" "w"; "b" "w"`)
}

// What cannot be opened is an error with a reason, and leaves nothing behind.
func TestWhatCannotBeOpened(t *testing.T) {
	for path, pragmas := range map[string][]string{
		filepath.Join(t.TempDir(), "no", "such", "folder"): nil,
		t.TempDir():                             nil, // a folder
		filepath.Join(t.TempDir(), "a\x00b.db"): nil,
		filepath.Join(t.TempDir(), "a.db"):      {"synchronous = FULL", "synchronous = = FULL"},
	} {
		c, err := Open(path, pragmas...)
		if err == nil {
			t.Errorf("%q was opened", path)
			c.Close()
			continue
		}
		if strings.HasPrefix(err.Error(), " (") {
			t.Errorf("%q: no reason: %v", path, err)
		}
	}
	left := 0
	conns.Range(func(any, any) bool { left++; return true })
	same(t, "connections left", left, 0)
}

func TestTwoConnections(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	one, other := openedAt(t, path, "journal_mode = WAL"), openedAt(t, path, "busy_timeout = 0")
	exec(t, one, "CREATE TABLE t (a, b)")
	exec(t, one, "BEGIN IMMEDIATE")
	exec(t, one, "INSERT INTO t VALUES (1, 'mine')")
	_, err := other.Exec(t.Context(), "BEGIN IMMEDIATE", nil)
	told, _ := errors.AsType[*Error](err)
	if told == nil || told.Code != lib.SQLITE_BUSY {
		t.Errorf("the second writer was told %v", err)
	}
	same(t, "before COMMIT", all(t, other, "SELECT a, b FROM t"), "")
	exec(t, one, "COMMIT")
	same(t, "after COMMIT", all(t, other, "SELECT a, b FROM t"), `1 "mine"`)

	// A schema that another changes is a schema to plan by anew.
	exec(t, one, "ALTER TABLE t ADD COLUMN c DEFAULT 'new'")
	same(t, "the kept statement", all(t, other, "SELECT a, b FROM t"), `1 "mine"`)
	same(t, "and the new column", all(t, other, "SELECT a, c FROM t"), `1 "new"`)
	found, err := other.Query(t.Context(), "SELECT * FROM t", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	var a int64
	var b, c string
	if !found.Next() || found.Scan(&a, &b, &c) != nil || c != "new" {
		t.Errorf("all columns: %q, %v", c, found.Err())
	}
}

// fickle is a context that ends when it has been asked so often whether it has.
type fickle struct {
	context.Context
	asked, most int
}

func (f *fickle) Done() <-chan struct{} { return make(chan struct{}) }
func (f *fickle) Err() error {
	if f.asked++; f.asked > f.most {
		return context.DeadlineExceeded
	}
	return nil
}

const endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 0 FROM n WHERE i = 1 OR i < 0"

// A reader who goes away ends his query, wherever it is, and no other's.
func TestWhoGoesAwayEndsHisQuery(t *testing.T) {
	c := opened(t)
	exec(t, c, "CREATE TABLE t (a, b)")
	exec(t, c, "INSERT INTO t VALUES (1, 2)")
	next := func(what string) {
		t.Helper()
		same(t, "the next query after "+what, all(t, c, "SELECT a, b FROM t"), "1 2")
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Query(canceled, endless, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("before it began: %v", err)
	}
	if _, err := c.Exec(canceled, "DELETE FROM t", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("before it began: %v", err)
	}
	next("one that never began")

	for _, begin := range []string{"ROLLBACK", "BEGIN"} { // outside and inside of a transaction
		c.Exec(t.Context(), begin, nil)
		for most := range 12 {
			gone := &fickle{Context: t.Context(), most: most}
			if _, err := c.Exec(gone, endless, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %d askings: %v", most, err)
			}
			same(t, "askings", gone.asked >= most+1, true)
			next("one in its midst")
		}
		ctx, cancel := context.WithCancel(t.Context())
		found, err := c.Query(ctx, endless, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !found.Next() {
			t.Fatal(found.Err())
		}
		cancel() // between two rows
		if found.Next() || !errors.Is(found.Err(), context.Canceled) {
			t.Errorf("between two rows: %v", found.Err())
		}
		if err := found.Close(); err != nil {
			t.Error(err)
		}
		next("one between two rows")
		if found.Next() {
			t.Error("closed rows went on")
		}
	}

	// In the midst of the step to the second row: who cancels is another goroutine, after the first.
	ctx, cancel := context.WithCancel(t.Context())
	found, err := c.Query(ctx, endless, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !found.Next() {
		t.Fatal(found.Err())
	}
	var ends sync.WaitGroup
	ends.Go(cancel)
	if found.Next() || !errors.Is(found.Err(), context.Canceled) {
		t.Errorf("in its midst: %v", found.Err())
	}
	ends.Wait()
	found.Close()
	next("one that another goroutine ended")
}

// Rows that are not closed hold their connection, and no other statement gets between.
func TestOneStatementAtATime(t *testing.T) {
	c := opened(t)
	found, err := c.Query(t.Context(), "SELECT $1 UNION ALL SELECT $2", []any{"first", "second"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first", "second"} {
		if _, err := c.Query(t.Context(), "SELECT $1", []any{"another"}); !errors.Is(err, errReading) {
			t.Errorf("a query in between: %v", err)
		}
		if _, err := c.Exec(t.Context(), "SELECT $1", []any{"another"}); !errors.Is(err, errReading) {
			t.Errorf("an Exec in between: %v", err)
		}
		var got string
		if !found.Next() || found.Scan(&got) != nil {
			t.Fatal(found.Err())
		}
		same(t, "the row", got, want)
	}
	for range 2 {
		if err := found.Close(); err != nil {
			t.Error(err)
		}
	}
	same(t, "afterwards", all(t, c, "SELECT 1, 2"), "1 2")
	if found.Next() || found.Scan(new(any)) == nil {
		t.Error("closed rows are read")
	}
}

// Statements are prepared once, up to a bound, and beyond it for one use; large texts are given
// back.
func TestStatementsAreKept(t *testing.T) {
	c := opened(t)
	query := func(i int) string { return fmt.Sprintf("SELECT %d, $1", i) }
	for range 2 {
		for i := range keptStatements + 20 {
			same(t, "answer", all(t, c, query(i), "x"), fmt.Sprintf(`%d "x"`, i))
		}
		same(t, "kept", len(c.kept), keptStatements)
	}
	first := c.kept[query(0)]
	exec(t, c, query(0), "again")
	same(t, "the same statement", c.kept[query(0)] == first, true)

	exec(t, c, query(0), strings.Repeat("x", 3*memoryKept))
	same(t, "memory for a large text", c.texts.size, 4*memoryKept)
	exec(t, c, query(0), "")
	same(t, "memory after it", c.texts.size, memoryLeast)
	at := c.texts.at
	exec(t, c, query(0), strings.Repeat("x", memoryLeast))
	same(t, "the same memory", c.texts.at, at)
	exec(t, c, query(0), strings.Repeat("x", memoryLeast+1))
	same(t, "more of it", c.texts.size, 2*memoryLeast)
	if _, err := c.texts.take(c.tls, memoryMost+1); err == nil {
		t.Error("there is room for what SQLite does not take")
	}
	// Of an execution nothing is left to the collector but the rows themselves.
	statement, args := query(0), []any{"x"}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { c.Exec(ctx, statement, args) }); n != 0 {
		t.Errorf("%v allocations for a statement", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		found, _ := c.Query(ctx, statement, args)
		for found.Next() {
		}
		found.Close()
	}); n != 1 {
		t.Errorf("%v allocations for a query", n)
	}
}

// What is open ends with its connection, and the file is whole for the next.
func TestCloseWithWhatIsOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	for i := range 3 {
		c, err := Open(path, "journal_mode = WAL", "synchronous = FULL")
		if err != nil {
			t.Fatal(err)
		}
		exec(t, c, "CREATE TABLE IF NOT EXISTS t (a, b)")
		exec(t, c, "INSERT INTO t VALUES ($1, 'kept')", int64(i))
		exec(t, c, "BEGIN IMMEDIATE")
		exec(t, c, "INSERT INTO t VALUES ($1, 'lost')", int64(i))
		found, err := c.Query(t.Context(), "SELECT a FROM t WHERE b = $1 AND $2 = 0", []any{"kept", int64(i % 2)})
		if err != nil {
			t.Fatal(err)
		}
		found.Next()
		for range 2 {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		if found.Next() || found.Close() != nil {
			t.Error("rows outlived their connection")
		}
		if _, err := c.Exec(t.Context(), "SELECT 1", nil); !errors.Is(err, errClosed) {
			t.Errorf("a closed connection: %v", err)
		}
		if _, err := c.Query(t.Context(), "SELECT 1", nil); !errors.Is(err, errClosed) {
			t.Errorf("a closed connection: %v", err)
		}
	}
	c := openedAt(t, path)
	same(t, "what was committed", all(t, c, "SELECT a, b FROM t ORDER BY a"), `0 "kept"; 1 "kept"; 2 "kept"`)
	same(t, "the file", all(t, c, "SELECT integrity_check, 1 FROM pragma_integrity_check"), `"ok" 1`)
}

// A connection goes from hand to hand, and several work at once: with -race this shows what they
// share.
func TestFromHandToHand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	pool := make(chan *Conn, 3)
	for range cap(pool) {
		pool <- openedAt(t, path, "busy_timeout = 10000", "journal_mode = WAL")
	}
	first := <-pool
	exec(t, first, "CREATE TABLE t (a TEXT PRIMARY KEY, b BIGINT)")
	pool <- first
	var hands sync.WaitGroup
	for hand := range 8 {
		hands.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for i := range 20 {
				c := <-pool
				if _, err := c.Exec(ctx, "INSERT INTO t VALUES ($1, $2)", []any{fmt.Sprintf("%d/%d", hand, i), int64(i)}); err != nil {
					t.Error(err)
				}
				pool <- c
			}
		})
	}
	hands.Wait()
	c := <-pool
	same(t, "rows", all(t, c, "SELECT COUNT(*), SUM(b) FROM t"), "160 1520")
	pages, err := c.PagesRead()
	if err != nil || pages == 0 {
		t.Errorf("%d pages read (%v)", pages, err)
	}
	pool <- c
}
