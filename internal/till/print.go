package till

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/till/journal"
	"github.com/chorsu/chorsu/internal/till/slip"
	"github.com/chorsu/chorsu/internal/till/uzqr"
)

// What slips say, in both languages of the desk.
const (
	wordSale      = "To'lov / Оплата"
	wordReturn    = "Qaytarish / Возврат"
	wordVoid      = "Bekor qilish / Отмена"
	wordRecovered = "TIKLANGAN / ВОССТАНОВЛЕНО"
	wordUnknown   = "NATIJA NOMA'LUM\nРЕЗУЛЬТАТ НЕИЗВЕСТЕН\nQayta to'lamang\nНе платите повторно"
	wordNotPaid   = "TO'LANMAGAN\nНЕ ОПЛАЧЕНО"
	wordNotDone   = "BAJARILMADI\nНЕ ВЫПОЛНЕНО"
	copyBuyer     = "Nusxa 1 - mijoz / клиент"
	copyShop      = "Nusxa 2 - do'kon / магазин"
)

// methods are the ways to pay, as slips name them.
var methods = map[string]string{
	"click": "Click Pass", "payme": "Payme Go", "uzum": "Uzum FastPay", "anor": "AnorCheck", "qr_pay": "Scan2pay", "one_qr": "UzQR", "xumo": "HUMO", "uzcard": "UzCard",
}

// methodOf is how an operation was paid: by the wallet whose code it was, where a go-between tells.
func methodOf(op *journal.Operation) string {
	wallet := walletOf(op)
	if name := methods[wallet]; name != "" {
		return name
	}
	return codeOr(wallet, op.Provider)
}

// slipOf is the text of an operation's slip: the device's own where it printed one, else ours.
func (a *Agent) slipOf(op *journal.Operation) string {
	if op.Slip == "" {
		return above(op) + a.ownSlip(op, copyBuyer).Text()
	}
	return above(op) + op.Slip
}

// above is what stands over a slip. A device may have printed that it was approved and not have told
// the end, or have taken it back: what counts is the operation, and a paper of one that is not approved
// must not pass for one that is. One that was learned after the answer was lost says so, too.
func above(op *journal.Operation) string {
	switch loud := warning(op); {
	case loud != "":
		return slip.Slip{Loud: loud}.Text()
	case op.Recovered:
		return wordRecovered + "\n"
	}
	return ""
}

// warning is what a paper must say loudly; "" for one that is approved. A decision that was
// contradicted is none until a person has decided again.
func warning(op *journal.Operation) string {
	switch {
	case op.Kind == journal.Close:
		return ""
	case op.State == journal.Unknown, op.State == journal.InProgress, op.Code == codeContradicted:
		return wordUnknown
	case op.State == journal.Approved:
		return ""
	case op.Kind == journal.Sale:
		return wordNotPaid
	}
	return wordNotDone
}

// ownSlip lays out a slip from the journal.
func (a *Agent) ownSlip(op *journal.Operation, copy string) slip.Slip {
	shop := a.o.Config.Shop
	s := slip.Slip{Copy: copy}
	if shop.Name != "" {
		s.Shop = append(s.Shop, shop.Name)
	}
	if shop.INN != "" {
		s.Shop = append(s.Shop, "INN "+shop.INN)
	}
	kind := map[journal.Kind]string{journal.Sale: wordSale, journal.Return: wordReturn, journal.Void: wordVoid}[op.Kind]
	add := func(label, value string) {
		if value != "" {
			s.Lines = append(s.Lines, slip.Line{Label: label, Value: value})
		}
	}
	s.Lines = append(s.Lines, slip.Line{Label: kind})
	add("Chek / Чек", op.Receipt)
	add("Sana / Дата", op.CreatedAt.In(pay.Tashkent).Format("02.01.2006 15:04"))
	add("Jami / Итого", op.Amount.Soum()+" UZS")
	add("Usul / Способ", methodOf(op))
	add("Karta / Карта", op.Card)
	add("RRN", op.RRN)
	add("ID", op.PaymentID)
	add("Terminal", op.TerminalID)
	return s
}

// copies are both papers of an operation, as text: the buyer's and the shop's.
func (a *Agent) copies(op *journal.Operation) []string {
	if op.Slip != "" {
		return []string{a.slipOf(op) + copyBuyer + "\n", a.slipOf(op) + copyShop + "\n"}
	}
	return []string{above(op) + a.ownSlip(op, copyBuyer).Text(), above(op) + a.ownSlip(op, copyShop).Text()}
}

// ─── The printer ───────────────────────────────────────────────────────────────────────────

// printerPatience is how long a printer may take.
const printerPatience = 10 * time.Second

var errNoPrinter = errors.New("no printer is set")

// printText prints a text, and a QR below it where there is one.
func (a *Agent) printText(ctx context.Context, text, qr string) error {
	address := a.o.Config.Printer.Address
	if address == "" {
		return errNoPrinter
	}
	b, err := slip.Escape(text, qr, slip.Charsets[a.o.Config.Printer.Charset])
	if err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		f, err := os.OpenFile(address, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(b)
		return errors.Join(err, f.Close())
	}
	d := net.Dialer{Timeout: printerPatience}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	conn.SetDeadline(time.Now().Add(printerPatience))
	_, err = conn.Write(b)
	return errors.Join(err, conn.Close())
}

// printQR prints a shown QR where a printer is set. The call may be repeated: the QR is the same.
func (a *Agent) printQR(ctx context.Context, op *journal.Operation) *failure {
	s := a.ownSlip(op, "")
	if code, err := uzqr.Decode(op.Shows); err == nil && code.Name != "" {
		s.Lines = append(s.Lines, slip.Line{Label: "Oluvchi / Получатель", Value: code.Name}) // as the buyer's bank will name it
	}
	s.Lines = append(s.Lines, slip.Line{Label: "Skanerlang / Отсканируйте"})
	err := a.printText(ctx, s.Text(), op.Shows)
	if err == nil || errors.Is(err, errNoPrinter) {
		return nil
	}
	a.log.Warn("the printer does not work", "error", err)
	return &failure{Code: codePrinter, Message: "PRINTER_ERROR"}
}
