package register_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/register"
)

const head = "provider_id,order,amount,time,status\n"

func at(text string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, text, pay.Tashkent)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// want are the rows of the samples.
var want = []register.Row{
	{Line: 2, Ref: "5e7d1c", Order: "1002003005", Amount: 5_000_000, At: at("2026-05-12 15:01:23"), State: pay.Paid},
	{Line: 3, Ref: "5e7d1d", Amount: 123_456_789_012, At: at("2026-05-12 23:59:59"), State: pay.Refunded},
	{Line: 5, Ref: "5e7d1e", Order: "Чек №7 & <b>", Amount: 100, At: at("2026-05-12 00:00:00"), State: pay.Failed},
}

const sample = head +
	"5e7d1c,1002003005,5000000,2026-05-12 15:01:23,paid\n" +
	"5e7d1d,,123456789012,2026-05-12T18:59:59Z,Refunded\n" +
	",,,,\n" +
	"\"5e7d1e\",\"Чек №7 & <b>\",100,12.05.2026 00:00:00,failed\n"

// One list in every form that a person's program may give it.
func TestCSV(t *testing.T) {
	som := strings.NewReplacer("amount", "amount_som", "5000000", "\"50 000,00\"", "123456789012", "1234567890.12", ",100,", ",1,").Replace(sample)
	for name, text := range map[string]string{
		"commas":            sample,
		"with a mark":       "\xef\xbb\xbf" + sample,
		"semicolons":        strings.ReplaceAll(sample, ",", ";"),
		"tabs":              strings.ReplaceAll(sample, ",", "\t"),
		"Windows line ends": strings.ReplaceAll(sample, "\n", "\r\n"),
		"soum":              som,
		"no end of line":    strings.TrimSuffix(sample, "\n"),
		"names in capitals": strings.Replace(sample, "provider_id,order", " Provider_ID ,ORDER", 1),
		"spaces around":     strings.Replace(sample, "5e7d1c,", " 5e7d1c ,", 1),
		"columns in disorder": "status,time,amount,order,provider_id\n" + "paid,2026-05-12 15:01:23,5000000,1002003005,5e7d1c\n" +
			"refunded,2026-05-12 23:59:59,123456789012,,5e7d1d\n\n" + "failed,2026-05-12 00:00,100,Чек №7 & <b>,5e7d1e\n",
	} {
		got, err := register.Read([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (- want, + got):\n%s", name, d)
		}
	}
}

// What cannot be understood is named with its line, and nothing is read.
func TestFaults(t *testing.T) {
	row := func(cells string) string { return head + cells + "\n" }
	for _, c := range []struct{ text, want string }{
		{"", "the file is empty"},
		{"\n\n", "the file is empty"},
		{"provider_id,order,time,status\n", "line 1: one of the columns amount (tiyin) and amount_som (soʻm) is needed"},
		{"provider_id,order,amount,amount_som,time,status\n", "line 1: one of the columns amount (tiyin) and amount_som (soʻm) is needed"},
		{"provider_id,order,amount,time\n", "line 1: the column status is missing"},
		{"provider_id,order,amount,time,status,8600533364098829\n", "line 1: column 6 has no name that is known: the first line must name the columns"},
		{"provider_id,order,amount,time,status,total\n", `line 1: a column "total" is not known; there are provider_id, order, amount, amount_som, time, status`},
		{"provider_id,order,amount,time,status,order\n", "line 1: the column order stands there twice"},
		{row("r,o,=1+1,2026-05-12 15:01:23,paid"), "line 2: a cell begins with =: formulas are not evaluated; paste values"},
		{row(`r,"=HYPERLINK(""x"")",100,2026-05-12 15:01:23,paid`), "line 2: a cell begins with =: formulas are not evaluated; paste values"},
		{row("r,o,100.5,2026-05-12 15:01:23,paid"), "line 2: amount must be a whole number of tiyin, written in digits"},
		{row("r,o,1e3,2026-05-12 15:01:23,paid"), "line 2: amount must be a whole number of tiyin, written in digits"},
		{row("r,o,-100,2026-05-12 15:01:23,paid"), "line 2: amount must be a whole number of tiyin, written in digits"},
		{row("r,o,9999999999999,2026-05-12 15:01:23,paid"), "line 2: amount must be a whole number of tiyin, written in digits"},
		{"provider_id,order,amount_som,time,status\nr,o,1.001,2026-05-12 15:01:23,paid\n", "line 2: amount_som must be a number of soʻm with at most two decimals, like 150000.50"},
		{row("r,o,100,yesterday,paid"), "line 2: time must be like 2026-05-12 15:01:23, in Tashkent, or as RFC 3339 writes it"},
		{row("r,o,100,2026-05-12 15:01:23,done"), "line 2: status must be one of paid, refunded, cancelled, failed, pending"},
		{row(",,100,2026-05-12 15:01:23,paid"), "line 2: provider_id and order are both empty"},
		{row("r,,100,2026-05-12 15:01:23,paid\nr,,100,2026-05-12 15:01:23,paid"), `line 3: its provider_id stands in line 2 already`},
		{row("\xff,o,100,2026-05-12 15:01:23,paid"), "line 2: a cell is not valid UTF-8; save the file as CSV UTF-8 or as XLSX"},
		{row("a\x00b,o,100,2026-05-12 15:01:23,paid"), "line 2: a cell is not valid UTF-8; save the file as CSV UTF-8 or as XLSX"},
		{row(strings.Repeat("x", 1025) + ",o,100,2026-05-12 15:01:23,paid"), "line 2: a cell is longer than 1024 bytes"},
		{row(strings.Repeat("x", 256) + ",o,100,2026-05-12 15:01:23,paid"), "line 2: provider_id and order have at most 255 bytes"},
		{row(`"r`), `line 2: it is not CSV: extraneous or missing " in quoted-field`},
		{"PK\x03\x04 no zip", "it is not an XLSX workbook that can be read"},
		{strings.Repeat("x", register.MaxBytes+1), "the file is larger than 20 MiB"},
	} {
		rows, err := register.Read([]byte(c.text))
		if rows != nil || err == nil || err.Error() != c.want {
			t.Errorf("%.60q: %d rows, %v, want %s", c.text, len(rows), err, c.want)
		}
	}
	bad := strings.Repeat("r,o,x,y,z\n", 100)
	_, err := register.Read([]byte(head + bad))
	if faults, ok := errors.AsType[register.Faults](err); !ok || len(faults) != 20 {
		t.Errorf("a file full of faults: %v", err)
	}
}

func TestTooManyRows(t *testing.T) {
	var b strings.Builder
	b.WriteString(head)
	for i := range register.MaxRows + 1 {
		fmt.Fprintf(&b, "r%d,,100,2026-05-12 15:01:23,paid\n", i)
	}
	if _, err := register.Read([]byte(b.String())); err == nil || !strings.Contains(err.Error(), "more than 100000 transactions") {
		t.Errorf("%v", err)
	}
}

// ─── Workbooks ─────────────────────────────────────────────────────────────────────────────

// book is a workbook as Excel writes one: shared texts (one of them in runs), inline texts,
// moments by a built-in format and by one of the file's own, empty cells left out.
func book(change func(parts map[string]string)) []byte {
	const sheet = `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	parts := map[string]string{
		"[Content_Types].xml": `<Types/>`,
		"xl/workbook.xml": `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><workbook xmlns="` + sheet + `" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">` +
			`<workbookPr/><sheets><sheet name="Реестр" sheetId="1" r:id="rId3"/><sheet name="other" sheetId="2" r:id="rId4"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId4" Target="worksheets/sheet2.xml"/><Relationship Id="rId3" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/sharedStrings.xml": `<sst xmlns="` + sheet + `"><si><t>provider_id</t></si><si><t>order</t></si><si><t>amount</t></si><si><t>time</t></si><si><t>status</t></si><si><t>paid</t></si>` +
			`<si><r><t xml:space="preserve">Чек </t></r><r><rPr><b/></rPr><t>№7</t></r><r><t xml:space="preserve"> &amp; &lt;b&gt;</t></r><rPh sb="0" eb="1"><t>чек</t></rPh></si></sst>`,
		"xl/styles.xml": `<styleSheet xmlns="` + sheet + `"><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/><numFmt numFmtId="165" formatCode="#,##0&quot; days&quot;"/></numFmts>` +
			`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>`,
		"xl/worksheets/sheet1.xml": `<worksheet xmlns="` + sheet + `"><dimension ref="A1:E5"/><sheetData>` +
			`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c><c r="D1" t="s"><v>3</v></c><c r="E1" t="s"><v>4</v></c></row>` +
			`<row r="2"><c r="A2" t="str"><v>5e7d1c</v></c><c r="B2"><v>1002003005</v></c><c r="C2" s="3"><v>5000000</v></c><c r="D2" s="1"><v>46154.625960648147</v></c><c r="E2" t="s"><v>5</v></c></row>` +
			`<row r="3"><c r="A3" t="inlineStr"><is><t>5e7d1d</t></is></c><c r="C3"><v>123456789012</v></c><c r="D3" t="inlineStr"><is><t>2026-05-12 23:59:59</t></is></c><c r="E3" t="inlineStr"><is><r><t>Refun</t></r><r><t>ded</t></r></is></c></row>` +
			`<row r="5"><c r="A5" t="str"><v>5e7d1e</v></c><c r="B5" t="s"><v>6</v></c><c r="C5" t="str"><v>100</v></c><c r="D5" s="2"><v>46154</v></c><c r="E5" t="str"><v>failed</v></c></row>` +
			`</sheetData></worksheet>`,
	}
	if change != nil {
		change(parts)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range parts {
		w, err := z.Create(name)
		if err != nil {
			panic(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// saying is the book with a part that says it unpacks to so many bytes.
func saying(book []byte, part string, size uint64) []byte {
	from, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range from.File {
		h := f.FileHeader
		if h.Name == part {
			h.UncompressedSize64 = size
		}
		r, err := f.OpenRaw()
		if err != nil {
			panic(err)
		}
		w, err := z.CreateRaw(&h)
		if err != nil {
			panic(err)
		}
		if _, err := io.Copy(w, r); err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func TestXLSX(t *testing.T) {
	samples := map[string][]byte{"by hand": book(nil)}
	for _, name := range []string{"exceljs.xlsx"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		samples[name] = data
	}
	for name, data := range samples {
		got, err := register.Read(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (- want, + got):\n%s", name, d)
		}
	}
}

// Nothing in a workbook is evaluated, fetched, or unpacked beyond its bounds.
func TestXLSXThatIsRefused(t *testing.T) {
	const sheet = "xl/worksheets/sheet1.xml"
	in := func(part, old, new string) func(map[string]string) {
		return func(parts map[string]string) {
			if !strings.Contains(parts[part], old) {
				panic(old)
			}
			parts[part] = strings.Replace(parts[part], old, new, 1)
		}
	}
	for name, c := range map[string]struct {
		change func(map[string]string)
		want   string
	}{
		"a formula":                 {in(sheet, `<v>5000000</v>`, `<f>SUM(1,2)</f><v>5000000</v>`), "the cell C2 is a formula"},
		"a text that begins with =": {in(sheet, `<v>5e7d1c</v>`, `<v>=cmd|x</v>`), "a cell begins with ="},
		"an error":                  {in(sheet, `<c r="C5" t="str"><v>100</v>`, `<c r="C5" t="e"><v>#REF!</v>`), "neither text nor a number"},
		"a document type":           {in(sheet, `<worksheet`, `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet`), "not an XLSX"},
		"an entity":                 {in(sheet, `<v>5e7d1c</v>`, `<v>&e;</v>`), "not an XLSX"},
		"a text that is not there":  {in(sheet, `t="s"><v>6</v>`, `t="s"><v>7</v>`), "not an XLSX"},
		"half of a sheet":           {in(sheet, `</sheetData></worksheet>`, ``), "not an XLSX"},
		"a column far away":         {in(sheet, `r="E5"`, `r="ZZZ5"`), "wider than 64 columns"},
		"days from 1904":            {in("xl/workbook.xml", `<workbookPr/>`, `<workbookPr date1904="1"/>`), "1904"},
		"a sheet elsewhere":         {in("xl/_rels/workbook.xml.rels", `Id="rId3" Target="worksheets/sheet1.xml"`, `Id="rId3" TargetMode="External" Target="http://x.example/s.xml"`), "not an XLSX"},
		"no sheet":                  {func(p map[string]string) { delete(p, sheet) }, "not an XLSX"},
		"endless formats": {func(p map[string]string) {
			var all strings.Builder
			for i := range 1025 {
				fmt.Fprintf(&all, `<numFmt numFmtId="%d" formatCode="0"/>`, 200+i)
			}
			p["xl/styles.xml"] = strings.Replace(p["xl/styles.xml"], `<numFmts>`, `<numFmts>`+all.String(), 1)
		}, "not an XLSX"},
		"a format with an endless number": {in("xl/styles.xml", `numFmtId="164"`, `numFmtId="`+strings.Repeat("1", 17)+`"`), "not an XLSX"},
		"one endless text":                {in("xl/sharedStrings.xml", `<t>order</t>`, `<t>`+strings.Repeat("x", 2000)+`</t>`), "longer than 1024 bytes"},
		"too many files": {func(p map[string]string) {
			for i := range 1001 {
				p[fmt.Sprint(i)] = ""
			}
		}, "not an XLSX"},
	} {
		rows, err := register.Read(book(c.change))
		if rows != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d rows, %v, want %s", name, len(rows), err, c.want)
		}
	}
	whole := book(nil)
	for _, part := range []string{sheet, "xl/sharedStrings.xml"} {
		for size, want := range map[uint64]string{64<<20 + 1: "unpacks to more than 64 MiB", 1 << 40: "unpacks to more than 64 MiB", 100: "not an XLSX"} {
			if rows, err := register.Read(saying(whole, part, size)); rows != nil || err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s says that it is %d bytes: %d rows, %v, want %s", part, size, len(rows), err, want)
			}
		}
	}
	for _, n := range []int{4, 30, len(whole) / 2, len(whole) - 1} {
		if rows, err := register.Read(whole[:n]); rows != nil || err == nil {
			t.Errorf("%d bytes of it: %d rows, %v", n, len(rows), err)
		}
	}
}

// No bytes make a panic, and what is read keeps to the bounds.
func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Add(book(nil))
	f.Add([]byte("provider_id;order;amount_som;time;status\n;1;1,5;01.02.2026 10:00;paid"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := register.Read(data)
		if err != nil && rows != nil || len(rows) > register.MaxRows {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, r := range rows {
			if r.Amount < 0 || r.Amount > pay.MaxAmount || r.State == "" || r.At.IsZero() || r.Ref == "" && r.Order == "" {
				t.Errorf("%+v", r)
			}
		}
	})
}
