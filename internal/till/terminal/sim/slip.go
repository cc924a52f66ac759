package sim

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// tashkent is where the device's clock is set.
var tashkent = time.FixedZone("Asia/Tashkent", 5*60*60)

// width is how many characters a slip's line holds.
const width = 36

// Slip is what the device prints for a transaction, in its style's layout.
func (d *Device) Slip(t Txn) string {
	t.At = t.At.In(tashkent)
	if d.Style == UzCard {
		return d.uzcardSlip(t)
	}
	return d.humoSlip(t)
}

func (d *Device) humoSlip(t Txn) string {
	var b strings.Builder
	b.WriteString(middle("ОБЫЧНЫЙ ТОВАР"))
	fmt.Fprintf(&b, "ID Терминала:%s  Номер смены %d\nID Организации:010950461213101\n", d.TerminalID, t.Shift)
	b.WriteString(spread("Чек", fmt.Sprint(t.Receipt)))
	if t.Kind == "sale" {
		b.WriteString(middle("Оплата") + middle("ОДОБРЕНО"))
	} else {
		b.WriteString(middle("Отмена (CANCEL)") + middle("ОДОБРЕНО") + middle("ОПЕРАЦИЯ ОТМЕНЕНА"))
	}
	sum := soum(t.Amount)
	b.WriteString(spread("СУММА(AMOUNT):", sum) + spread("КОМИССИЯ(SURCHARGE):", "0.00 UZS") + spread("ИТОГО(TOTAL):", sum))
	b.WriteString("AID: A0860001000001  HUMO- Cless EMV\nКарта: HUMO\n        986009******7856:01\nКод авторизации: 635842\n")
	b.WriteString(spread("Код ответа:", t.Code))
	fmt.Fprintf(&b, "RRN:%s\n", t.RRN)
	b.WriteString(spread("Дата:"+t.At.Format("02/01/06"), t.At.Format("15:04:05")))
	b.WriteString(strings.Repeat("=", width) + "\n")
	return b.String()
}

func (d *Device) uzcardSlip(t Txn) string {
	var b strings.Builder
	b.WriteString(middle("OOO TEST TIME") + middle("Tashkent, Main str") + middle("БЕСКОНТАКТНАЯ ОПЕРАЦИЯ"))
	for _, l := range [][2]string{
		{"Номер операции:", fmt.Sprint(t.Receipt)}, {"Терминал:", d.TerminalID}, {"Торговец:", "000000900227899"},
		{"Версия ПО:", "SKappay v1.7.0"}, {"RRN", t.RRN}, {"Дата", t.At.Format("2006-01-02 15:04:05")},
		{"Карта", "626291******5674"},
	} {
		b.WriteString(spread(l[0], l[1]))
	}
	word := "Оплата"
	if t.Kind != "sale" {
		word = "Возврат"
	}
	b.WriteString(middle(word) + middle(soum(t.Amount)) + middle("Одобрено") + middle("Код ответа:"+t.Code))
	return b.String()
}

// Totals counts what stands of the open shift.
func (d *Device) Totals() (sales, returns int, sold, returned int64) {
	for _, t := range d.Txns() {
		switch {
		case t.Shift != d.shift() || t.Reversed:
		case t.Kind == "sale":
			sales, sold = sales+1, sold+t.Amount
		default:
			returns, returned = returns+1, returned+t.Amount
		}
	}
	return sales, returns, sold, returned
}

// Report is the shift's totals under a heading.
func (d *Device) Report(heading string) string {
	sales, returns, sold, returned := d.Totals()
	line := strings.Repeat("=", width) + "\n"
	at := d.now().In(tashkent)
	return line + middle(heading) + middle("Итоги совпали") +
		spread("Дата:"+at.Format("02/01/06"), "Время:"+at.Format("15:04:05")) + spread("Терминал:", d.TerminalID) +
		spread(fmt.Sprintf("Оплата: %d", sales), soum(sold)) + spread(fmt.Sprintf("Отмена: %d", returns), soum(returned)) +
		middle("Отчет окончен") + line
}

func soum(tiyin int64) string { return fmt.Sprintf("%d.%02d UZS", tiyin/100, tiyin%100) }

func middle(s string) string {
	return strings.Repeat(" ", max(0, (width-utf8.RuneCountInString(s))/2)) + s + "\n"
}

func spread(left, right string) string {
	gap := max(1, width-utf8.RuneCountInString(left)-utf8.RuneCountInString(right))
	return left + strings.Repeat(" ", gap) + right + "\n"
}
