package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Figure is one line of the table.
type Figure struct {
	Engine      string        `json:"engine"` // "" is the machine itself
	What        string        `json:"what"`
	Connections int           `json:"connections,omitempty"`
	Value       float64       `json:"value"`
	Unit        string        `json:"unit"`
	P50         time.Duration `json:"p50,omitempty"` // nanoseconds
	P99         time.Duration `json:"p99,omitempty"`
	Limit       float64       `json:"limit,omitempty"` // what the same unit reaches without the gateway
	LimitIs     string        `json:"limitIs,omitempty"`
	OfFirst     float64       `json:"ofFirst,omitempty"` // its part of the figure with the smallest history
	Target      string        `json:"target,omitempty"`
	Met         bool          `json:"met,omitempty"` // whether the target was; told with the whole report
	Note        string        `json:"note,omitempty"`
}

// Ratio is the figure's part of its limit; 0 where it has none.
func (f Figure) Ratio() float64 {
	if f.Limit == 0 {
		return 0
	}
	return f.Value / f.Limit
}

// cells are the figure as the table shows it.
func (f Figure) cells() []string {
	connections, ratio, engine := "", "", f.Engine
	if f.Connections > 0 {
		connections = fmt.Sprint(f.Connections)
	}
	if f.Limit > 0 {
		ratio = fmt.Sprintf("%s of %s (%s)", percent(f.Ratio()), number(f.Limit), f.LimitIs)
	}
	if engine == "" {
		engine = "machine"
	}
	return []string{engine, f.What, connections, number(f.Value) + " " + f.Unit, short(f.P50), short(f.P99), ratio, f.verdict(), f.Note}
}

func percent(r float64) string { return fmt.Sprintf("%.0f %%", 100*r) }

// number writes three digits that count.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func short(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return number(float64(d)/float64(time.Millisecond)) + " ms"
}

// Line is the figure on one line, for progress.
func (f Figure) Line() string {
	c := f.cells()
	line := fmt.Sprintf("%-10s  %-52s %4s  %16s", c[0], c[1], c[2], c[3])
	if f.P99 > 0 {
		line += fmt.Sprintf("  p50 %s, p99 %s", c[4], c[5])
	}
	for _, more := range c[6:] {
		if more != "" {
			line += "  " + more
		}
	}
	return line
}

// Report is what a run measured, and on what.
type Report struct {
	Machine Machine       `json:"machine"`
	Each    time.Duration `json:"each"` // nanoseconds; how long one figure was measured
	Figures []Figure      `json:"figures"`
}

// Print writes the report as a page of Markdown that can be read as it is.
func (r Report) Print(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "%s, %s of memory, %s; %s; %s.\n", m.Processor, inBytes(m.Memory), m.System, m.Program, m.At.UTC().Format("2 January 2006, 15:04 UTC"))
	fmt.Fprintf(w, "%s for each figure. Load average %.1f before, %.1f after.", r.Each, m.LoadBefore, m.LoadAfter)
	if m.LoadBefore > float64(m.Cores)/2 {
		fmt.Fprintf(w, " Other work ran on the machine: trust the ratios, not the figures.")
	}
	fmt.Fprint(w, "\n\n")
	rows := [][]string{{"on", "what", "connections", "figure", "p50", "p99", "of the limit", "target", "remarks"}}
	for _, f := range r.Figures {
		rows = append(rows, f.cells())
	}
	table(w, rows)
}

// table writes rows under a head, in columns.
func table(w io.Writer, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	line := func(row []string) {
		for i, c := range row {
			fmt.Fprintf(w, "| %s%s ", c, strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)))
		}
		fmt.Fprintln(w, "|")
	}
	line(rows[0])
	for _, n := range width {
		fmt.Fprintf(w, "| %s ", strings.Repeat("-", n))
	}
	fmt.Fprintln(w, "|")
	for _, row := range rows[1:] {
		line(row)
	}
}

func inBytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
}
