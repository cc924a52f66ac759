package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

func TestUnderstand(t *testing.T) {
	const uuid = "01975f2e-6a09-7bf0-9a1b-00505680eaf6"
	number := id.NewPayNumber()
	for text, want := range map[string]string{
		uuid:                                  "id=" + uuid + " ref=" + uuid,
		strings.ToUpper(" " + uuid + "\n"):    "id=" + uuid + " ref=" + uuid,
		"https://pay.uz/pay/" + uuid + "?x=1": "id=" + uuid + " ref=" + uuid,
		"6a1f0c9be4b0aa1234567890":            "ref=6a1f0c9be4b0aa1234567890",
		"Assalomu alaykum, 6A1F0C9BE4B0AA1234567890 oʻtmadi": "ref=6a1f0c9be4b0aa1234567890",
		number:                           "pay_number=" + number + " ref=" + number + " order=" + number + maybeAmount(number),
		number[:4] + " " + number[4:]:    "pay_number=" + number + " ref=" + number + " order=" + number[:4] + " " + number[4:] + " order=" + number,
		"+998 90 123-45-67":              "order=+998 90 123-45-67 phone=901234567",
		"998901234567":                   "rrn=998901234567 order=998901234567 phone=901234567",
		"(90) 123 45 67":                 "order=(90) 123 45 67 phone=901234567",
		"telefonim +998901234567 yozing": "ref=998901234567 order=telefonim +998901234567 yozing order=998901234567 phone=901234567",
		"525512345678":                   "rrn=525512345678 order=525512345678",
		"1234":                           "ref=1234 order=1234 card=1234 amount=1 234 soʻm",
		"*1234":                          "card=1234",
		"8600 06** **** 6311":            "card=6311",
		"860006******6311":               "card=6311",
		"8600 0691 9540 6311":            "card=6311", // a whole number is not looked up, nor kept
		"150 000":                        "ref=150000 order=150 000 order=150000 amount=150 000 soʻm",
		"150000 so'm":                    "order=150000 so'm amount=150 000 soʻm",
		"150\u00a0000,50 сум":            "order=150 000,50 сум amount=150 000,50 soʻm",
		"1.500.000 soʻm":                 "order=1.500.000 soʻm amount=1 500 000 soʻm",
		"order-55":                       "ref=order-55 order=order-55",
		"karta 8600069195406311 edi":     "card=6311",
		"":                               "", "   ": "",
	} {
		var got []string
		for _, r := range gateway.Understand(text) {
			got = append(got, string(r.As)+"="+strings.ReplaceAll(r.Text, "\u00a0", " "))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q is understood as\n%s, not\n%s", text, strings.Join(got, " "), want)
		}
	}
}

// maybeAmount: a pay number is a number of soum too.
func maybeAmount(digits string) string {
	amount, ok := gateway.ParseAmount(digits)
	if !ok {
		return ""
	}
	return " amount=" + strings.ReplaceAll(amount.Words(), "\u00a0", " ")
}

func TestPresentable(t *testing.T) {
	for text, want := range map[string]string{
		"8600 0691 9540 6311":                  "860006******6311",
		"x 8600069195406311, 150 000":          "x 860006******6311, 150 000",
		"8600069195406312":                     "8600069195406312", // no card's number
		" +998\n90 123-45-67 ":                 "+998 90 123-45-67",
		strings.Repeat("8600069195406311 ", 3): "860006******6311",
		"+998901234567 8600069195406311":       "+998901******6311", // the run begins with the telephone's number
		"5 8600 0691 9540 6311":                "586000******6311",
		"8600.0691.9540.6311":                  "860006******6311",
		"6759649826438453003":                  "675964******3003", // 19 digits
		// Ids of ours and of companies are whole, whatever digits stand in them.
		"00000000-8600-0691-9540-631100000000 8600069195406311": "00000000-8600-0691-9540-631100000000 860006******6311",
		"a8600069195406311abcdefa":                              "a8600069195406311abcdefa",
	} {
		if got := gateway.Presentable(text); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}

func FuzzUnderstand(f *testing.F) {
	for _, s := range []string{"8600 0691 9540 6311", "+998 90 123-45-67", "150 000,50", "a\x00b", "\xff", "9012345678 8600069195406311", "*1234"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		oneRun := strings.Trim(gateway.Tidy(text), "0123456789") == "" // as likely an order's long number
		for _, r := range gateway.Understand(text) {
			if gateway.Presentable(r.Text) != strings.Join(strings.Fields(r.Text), " ") && r.As != gateway.ReadRef && !oneRun {
				t.Errorf("%q keeps a card's number: %v", text, r)
			}
			if r.As == gateway.ReadAmount && (r.Amount < pay.MinAmount || r.Amount > pay.MaxAmount) {
				t.Errorf("%q is an impossible amount: %d", text, r.Amount)
			}
		}
	})
}

// Whatever somebody reads to us from a screen, a slip or a message finds the invoice.
func TestSearchFindsAnInvoiceByEverythingItIsCalled(t *testing.T) {
	each(t, func(t *testing.T, fx *fixture) {
		m := fx.merchant("b1", "link")
		in := fx.input("link", "order 77")
		in.Metadata = map[string]string{"buyerPhone": "+998 90 123 45 67"}
		in.Amount = 12_345_600
		inv := fx.invoice(in)
		fx.on(m, func(d provider.Desk) {
			if _, err := d.Open(t.Context(), provider.OpenOrder{Account: inv.ID, Ref: "6a1f0c9be4b0aa1234567890", Amount: in.Amount, Meta: []byte(`{"slip":"525512345678"}`)}); err != nil {
				t.Error(err)
			}
			if _, err := d.Confirm(t.Context(), provider.Key{Ref: "6a1f0c9be4b0aa1234567890"}, provider.Proof{Amount: in.Amount, Card: pay.Card{MaskedPAN: "860006******6311"}}); err != nil {
				t.Error(err)
			}
		})
		for i := range 30 { // others, so that it is found and not just there
			fx.invoice(fx.input("link", fmt.Sprint("other ", i)))
		}
		paid := fx.get(inv.ID)
		for text, as := range map[string]gateway.ReadAs{
			inv.ID:                     gateway.ReadID,
			paid.Payment.ID:            gateway.ReadID,
			inv.PayNumber:              gateway.ReadPayNumber,
			"6a1f0c9be4b0aa1234567890": gateway.ReadRef,
			"525512345678":             gateway.ReadRRN,
			"order 77":                 gateway.ReadOrder,
			"+998901234567":            gateway.ReadPhone,
			"90 123-45-67":             gateway.ReadPhone,
			"6311":                     gateway.ReadCard,
			"8600 06** **** 6311":      gateway.ReadCard,
			"8600 0691 9540 6311":      gateway.ReadCard,
			"123 456 soʻm":             gateway.ReadAmount,
		} {
			_, found, err := fx.Search(t.Context(), text)
			if err != nil || len(found) != 1 || found[0].As != as || len(found[0].Invoices) != 1 || found[0].Invoices[0].ID != inv.ID {
				t.Errorf("%q finds %v %+v", text, err, found)
			}
		}
		for _, text := range []string{"8600 12** **** 6311", "+998 90 123-45-68", "order 7", id.New(), "123457"} {
			if _, found, err := fx.Search(t.Context(), text); err != nil || len(found) > 0 {
				t.Errorf("%q finds %v %+v", text, err, found)
			}
		}
		// What is many is cut, and says so.
		if _, found, _ := fx.Search(t.Context(), "1000 soum"); len(found) != 1 || len(found[0].Invoices) != 20 || !found[0].More {
			t.Errorf("%d findings", len(found))
		}
	})
}
