package uzqr

import (
	"errors"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
)

func TestRoundTrip(t *testing.T) {
	for _, c := range []Code{
		{Dynamic: true, ID: "700001", Amount: 10001, Category: "5411", Name: "NAMUNA", City: "TASHKENT", Postcode: "100000", Phone: "+998712000000", Email: "kassa@namuna.uz"},
		{ID: "9860012345", Category: "5812", Name: "Choyxona", City: "Buxoro"},
	} {
		text, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(text)
		if err != nil || got != c {
			t.Errorf("%s is %+v (%v), want %+v", text, got, err, c)
		}
	}
}

// The checksum's own check value, and that of a whole payload.
func TestChecksum(t *testing.T) {
	if got := checksum("123456789"); got != 0x29b1 {
		t.Errorf("%04X", got)
	}
	text, err := Code{Dynamic: true, ID: "1", Amount: 50000, Category: "5411", Name: "N", City: "T"}.Encode()
	if want := "00020101021240210012qr-online.uz010115204541153038605406500.005802UZ5901N6001T64110002uz0101N6304"; err != nil || text[:len(text)-4] != want {
		t.Errorf("%s (%v), want %s", text, err, want)
	}
}

func TestRefused(t *testing.T) {
	good, err := Code{Dynamic: true, ID: "1", Amount: 50000, Category: "5411", Name: "N", City: "T"}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"empty":          {"", ErrForm},
		"one digit more": {strings.Replace(good, "500.00", "600.00", 1), ErrChecksum},
		"no checksum":    {good[:len(good)-8], ErrForm},
		"another scheme": {sealed("00020101021126100006paynet52045411530386058" + "02UZ"), ErrOther},
		"a field twice":  {sealed("000201000201"), ErrForm},
		"a cut field":    {sealed("0099"), ErrForm},
		"letters":        {sealed("00xx01"), ErrForm},
		"too long":       {strings.Repeat("0", 2000), ErrForm},
	} {
		if _, err := Decode(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, c := range []Code{{}, {ID: "1"}, {ID: "1", Category: "54"}, {ID: "1", Category: "5411", Amount: -1}, {ID: strings.Repeat("1", 90), Category: "5411"}, {ID: "1", Category: "5411", Name: "a\nb"}} {
		if text, err := c.Encode(); err == nil {
			t.Errorf("%+v is %s", c, text)
		}
	}
}

func sealed(text string) string {
	text += "6304"
	const digits = "0123456789ABCDEF"
	sum := checksum(text)
	return text + string([]byte{digits[sum>>12], digits[sum>>8&15], digits[sum>>4&15], digits[sum&15]})
}

func FuzzDecode(f *testing.F) {
	f.Add(sealed("00020101021240210012qr-online.uz0101152045411530386054065" + "00.005802UZ"))
	f.Add("6304FFFF")
	f.Add(sealed("0002014018"))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Decode(text)
		if err != nil {
			return
		}
		if c.ID == "" || c.Amount < 0 || c.Amount > pay.MaxAmount {
			t.Errorf("%q is %+v", text, c)
		}
		if again, err := c.Encode(); err == nil {
			if d, err := Decode(again); err != nil || d != c {
				t.Errorf("%q: %+v comes back as %+v (%v)", text, c, d, err)
			}
		}
	})
}
