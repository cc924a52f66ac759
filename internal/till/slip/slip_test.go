package slip

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	s := Slip{
		Shop: []string{"Namuna"}, Lines: []Line{{Label: "To'lov / Оплата"}, {"Jami / Итого", "500.00 UZS"}, {"Karta", "a very long value, longer than all"}},
		Loud: "РЕЗУЛЬТАТ НЕИЗВЕСТЕН", Copy: "Nusxa 1",
	}
	const want = "             Namuna\n" +
		"--------------------------------\n" +
		"        To'lov / Оплата\n" +
		"Jami / Итого          500.00 UZS\n" +
		"Karta\na very long value, longer than all\n" +
		"--------------------------------\n" +
		"      РЕЗУЛЬТАТ НЕИЗВЕСТЕН\n" +
		"--------------------------------\n" +
		"            Nusxa 1\n"
	if got := s.Text(); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

func TestEscape(t *testing.T) {
	for name, want := range map[string]string{
		"cp866":  "1b401b7411" + "92 8e 82 80 90 20 6f 27 20 22 3f 22 0a" + "1b6404" + "1d5601",
		"cp1251": "1b401b742e" + "d2 ce c2 c0 d0 20 6f 27 20 22 3f 22 0a" + "1b6404" + "1d5601",
	} {
		got, err := Escape("ТОВАР oʻ «ş»\n", "", Charsets[name])
		if hex.EncodeToString(got) != strings.ReplaceAll(want, " ", "") || err != nil {
			t.Errorf("%s: %x %v", name, got, err)
		}
	}
	got, err := Escape("", "http://scan2pay.uz/1", Charsets["cp866"])
	store := append([]byte{0x1d, '(', 'k', 23, 0, '1', 'P', '0'}, "http://scan2pay.uz/1"...)
	if err != nil || !bytes.Contains(got, store) {
		t.Errorf("%x %v", got, err)
	}
	if _, err := Escape("", strings.Repeat("x", 1001), Charsets["cp866"]); err == nil {
		t.Error("a QR that does not scan is printed")
	}
	if _, err := Escape("", "", Charset{}); err == nil {
		t.Error("there is no code page")
	}
}

// No byte of a text reaches the printer as a command.
func TestTextIsNoCommand(t *testing.T) {
	got, err := Escape("a\x1b@\x1dV\x00b\x7f", "", Charsets["cp866"])
	body := got[5 : len(got)-6]
	if err != nil || bytes.ContainsAny(body, "\x1b\x1d\x00") {
		t.Errorf("%x %v", body, err)
	}
}
