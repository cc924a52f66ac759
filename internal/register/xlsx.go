package register

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// A workbook is a zip of XML files. Only its first sheet is read, with the texts and the number
// formats that it refers to. No part of it may be larger than it needs to be for the rows that a
// register may have: a file of a few KiB that unpacks to gigabytes is refused before it does.

const (
	maxParts   = 1000     // files in the zip
	maxPart    = 64 << 20 // of one part, unpacked
	maxStrings = 8 * MaxRows
	maxWidth   = 64 // columns of a row
)

var errNotXLSX = errors.New("it is not an XLSX workbook that can be read")

// readXLSX reads the first sheet of a workbook, row by row.
func readXLSX(data []byte, take func(int, []cell) error) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(z.File) > maxParts {
		return errNotXLSX
	}
	book := workbook{parts: map[string]*zip.File{}}
	for _, f := range z.File {
		book.parts[strings.TrimPrefix(path.Clean(strings.ReplaceAll(f.Name, `\`, "/")), "/")] = f
	}
	sheet, err := book.firstSheet()
	if err != nil {
		return err
	}
	if err := book.texts(); err != nil {
		return err
	}
	if err := book.formats(); err != nil {
		return err
	}
	return book.rows(sheet, take)
}

type workbook struct {
	parts   map[string]*zip.File
	strings []string
	moments []bool // by a cell's style: whether its number is a moment
	since04 bool   // the workbook counts days from 1904
}

// walk gives every start of an element of a part to f, which may read on from the decoder. A part
// that is not there is empty. No entity of the file's own is known, so none can grow or fetch.
func (b *workbook) walk(name string, f func(d *xml.Decoder, e xml.StartElement) error) error {
	part, ok := b.parts[name]
	if !ok {
		return nil
	}
	if part.UncompressedSize64 > maxPart { // the zip gives no byte more of a part than it says here
		return fmt.Errorf("the workbook unpacks to more than %d MiB", maxPart>>20)
	}
	r, err := part.Open()
	if err != nil {
		return errNotXLSX
	}
	defer r.Close()
	d := xml.NewDecoder(r)
	for {
		token, err := d.Token()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return errNotXLSX
		}
		switch token := token.(type) {
		case xml.Directive:
			return errNotXLSX // a document type: no workbook has one
		case xml.StartElement:
			if err := f(d, token); err != nil {
				return err
			}
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// firstSheet finds the part of the first sheet.
func (b *workbook) firstSheet() (string, error) {
	var id string
	err := b.walk("xl/workbook.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		switch {
		case e.Name.Local == "sheet" && id == "":
			for _, a := range e.Attr {
				if a.Name.Local == "id" && a.Name.Space != "" {
					id = a.Value
				}
			}
		case e.Name.Local == "workbookPr":
			v := attr(e, "date1904")
			b.since04 = v == "1" || v == "true"
		}
		return nil
	})
	if err != nil || id == "" {
		return "", errNotXLSX
	}
	target := ""
	err = b.walk("xl/_rels/workbook.xml.rels", func(_ *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local == "Relationship" && attr(e, "Id") == id && attr(e, "TargetMode") != "External" {
			target = attr(e, "Target")
		}
		return nil
	})
	if rest, ok := strings.CutPrefix(target, "/"); ok {
		target = rest
	} else {
		target = path.Join("xl", target)
	}
	if _, ok := b.parts[target]; err != nil || !ok {
		return "", errNotXLSX
	}
	return target, nil
}

// texts reads the shared texts. One text may be cut into runs of different type.
func (b *workbook) texts() error {
	return b.walk("xl/sharedStrings.xml", func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		if len(b.strings) == maxStrings {
			return errors.New("the workbook has too many texts")
		}
		text, err := inner(d, "t")
		b.strings = append(b.strings, text)
		return err
	})
}

// inner reads on to the end of the element that was just begun, and gives what stands in those
// below it of that name. Readings of characters (rPh) do not count.
func inner(d *xml.Decoder, name string) (string, error) {
	var out strings.Builder
	depth, taking, skipping := 1, 0, 0
	for depth > 0 {
		token, err := d.Token()
		if err != nil {
			return "", errNotXLSX
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			if token.Name.Local == "rPh" && skipping == 0 {
				skipping = depth
			}
			if token.Name.Local == name && taking == 0 && skipping == 0 {
				taking = depth
			}
		case xml.EndElement:
			if taking == depth {
				taking = 0
			}
			if skipping == depth {
				skipping = 0
			}
			depth--
		case xml.CharData:
			if taking > 0 && out.Len() <= maxCell {
				out.Write(token)
			}
		case xml.Directive:
			return "", errNotXLSX
		}
	}
	return out.String(), nil
}

// How many formats and styles a file may have: as many as Excel allows, and some.
const (
	maxFormats = 1_024
	maxStyles  = 65_536
)

// formats reads which styles of cells show a moment: by the numbers that are built in, or by a
// format of the file's own that speaks of days or hours.
func (b *workbook) formats() error {
	own, inCells := map[string]bool{}, false
	return b.walk("xl/styles.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			id := attr(e, "numFmtId")
			if len(own) >= maxFormats || len(id) > 16 {
				return errNotXLSX
			}
			own[id] = strings.ContainsAny(strings.ToLower(unquoted(attr(e, "formatCode"))), "dyh")
		case "cellXfs":
			inCells = true
		case "cellStyleXfs", "cellStyles", "dxfs":
			inCells = false
		case "xf":
			if !inCells {
				return nil
			}
			if len(b.moments) >= maxStyles {
				return errNotXLSX
			}
			id := attr(e, "numFmtId")
			n, err := strconv.Atoi(id)
			b.moments = append(b.moments, own[id] || err == nil && (n >= 14 && n <= 22 || n >= 45 && n <= 47))
		}
		return nil
	})
}

// unquoted takes texts, and colours and conditions in brackets, out of a number's format.
func unquoted(format string) string {
	var out strings.Builder
	var end rune
	for _, c := range format {
		switch {
		case end != 0:
			if c == end {
				end = 0
			}
		case c == '"':
			end = '"'
		case c == '[':
			end = ']'
		default:
			out.WriteRune(c)
		}
	}
	return out.String()
}

// rows reads the cells of a sheet. Cells that are not there are empty, and a formula is refused:
// what it would give is not known, and what it gave once need not be true.
func (b *workbook) rows(sheet string, take func(int, []cell) error) error {
	line := 0
	return b.walk(sheet, func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "row" {
			return nil
		}
		line++
		if n, err := strconv.Atoi(attr(e, "r")); err == nil && n >= line {
			line = n
		}
		cells, err := b.row(d, line)
		if err != nil {
			return err
		}
		return take(line, cells)
	})
}

func (b *workbook) row(d *xml.Decoder, line int) ([]cell, error) {
	var cells []cell
	for {
		token, err := d.Token()
		if err != nil {
			return nil, errNotXLSX
		}
		switch token := token.(type) {
		case xml.EndElement:
			if token.Name.Local == "row" {
				return cells, nil
			}
		case xml.Directive:
			return nil, errNotXLSX
		case xml.StartElement:
			if token.Name.Local != "c" {
				continue
			}
			at := len(cells)
			if name := attr(token, "r"); name != "" {
				at = column(name)
			}
			if at < 0 || at >= maxWidth {
				return nil, fmt.Errorf("line %d: the sheet is wider than %d columns", line, maxWidth)
			}
			c, err := b.cell(d, token, line)
			if err != nil {
				return nil, err
			}
			for len(cells) <= at {
				cells = append(cells, cell{})
			}
			cells[at] = c
		}
	}
}

// column is where a cell called B7 stands: 1.
func column(name string) int {
	n := 0
	for i := range len(name) {
		c := name[i]
		if c < 'A' || c > 'Z' {
			break
		}
		if n = n*26 + int(c-'A') + 1; n > maxWidth {
			return maxWidth
		}
	}
	return n - 1
}

func (b *workbook) cell(d *xml.Decoder, e xml.StartElement, line int) (cell, error) {
	var c struct {
		Formula *struct{} `xml:"f"`
		Value   string    `xml:"v"`
		Inline  struct {
			Text string `xml:"t"`
			Runs []struct {
				Text string `xml:"t"`
			} `xml:"r"`
		} `xml:"is"`
	}
	if err := d.DecodeElement(&c, &e); err != nil {
		return cell{}, errNotXLSX
	}
	if c.Formula != nil {
		return cell{}, fmt.Errorf("line %d: the cell %.10s is a formula: formulas are not evaluated; paste values", line, attr(e, "r"))
	}
	switch attr(e, "t") {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(c.Value))
		if err != nil || n < 0 || n >= len(b.strings) {
			return cell{}, errNotXLSX
		}
		return cell{text: b.strings[n]}, nil
	case "inlineStr":
		var text strings.Builder
		text.WriteString(c.Inline.Text)
		for _, r := range c.Inline.Runs {
			if text.Len() > maxCell { // refused where cells are read
				break
			}
			text.WriteString(r.Text)
		}
		return cell{text: text.String()}, nil
	case "str", "d":
		return cell{text: c.Value}, nil
	case "b", "e":
		return cell{}, fmt.Errorf("line %d: the cell %.10s is neither text nor a number", line, attr(e, "r"))
	}
	style, _ := strconv.Atoi(attr(e, "s"))
	moment := style >= 0 && style < len(b.moments) && b.moments[style]
	if moment && b.since04 {
		return cell{}, errors.New("the workbook counts its days from 1904; write the times as text")
	}
	return cell{text: strings.TrimSpace(c.Value), date: moment}, nil
}
