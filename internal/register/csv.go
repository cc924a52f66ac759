package register

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
)

// readCSV reads lines whose values are parted by commas, semicolons or tabs, whichever the first
// line has most of: Excel takes what its language wants.
func readCSV(data []byte, take func(int, []cell) error) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	head, _, _ := bytes.Cut(data, []byte("\n"))
	comma, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(head, []byte(string(c))); n > most {
			comma, most = c, n
		}
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = comma, -1, true
	var cells []cell
	for {
		record, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			return fmt.Errorf("line %d: it is not CSV: %w", e.Line, e.Err)
		}
		if err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		cells = cells[:0]
		for _, text := range record {
			cells = append(cells, cell{text: text})
		}
		if err := take(line, cells); err != nil {
			return err
		}
	}
}
