package multicard

// sentence is one sentence for the payer, by language.
type sentence struct{ uz, ru, en string }

// in returns s in a language; Russian where the language is not known, as the page itself does.
func (s sentence) in(lang string) string {
	switch lang {
	case "uz":
		return s.uz
	case "en":
		return s.en
	}
	return s.ru
}

// What a payer may read on the failed receipt. Each says that the money comes back: that is what
// Multicard does with these answers.
var (
	unknownInvoice = sentence{
		uz: "Hisob topilmadi. Pul kartangizga qaytariladi.",
		ru: "Счёт не найден. Деньги вернутся на вашу карту.",
		en: "The invoice was not found. Your money will be returned.",
	}
	wrongAmount = sentence{
		uz: "Summa hisobdagi summaga teng emas. Pul kartangizga qaytariladi.",
		ru: "Сумма не совпадает со счётом. Деньги вернутся на вашу карту.",
		en: "The amount is not that of the invoice. Your money will be returned.",
	}
	alreadyPaid = sentence{
		uz: "Bu hisob allaqachon toʻlangan. Pul kartangizga qaytariladi.",
		ru: "Этот счёт уже оплачен. Деньги вернутся на вашу карту.",
		en: "This invoice is paid already. Your money will be returned.",
	}
	invoiceClosed = sentence{
		uz: "Hisob bekor qilingan. Pul kartangizga qaytariladi.",
		ru: "Счёт отменён. Деньги вернутся на вашу карту.",
		en: "The invoice is cancelled. Your money will be returned.",
	}
	invoiceExpired = sentence{
		uz: "Hisobning toʻlov muddati tugagan. Pul kartangizga qaytariladi.",
		ru: "Срок оплаты счёта истёк. Деньги вернутся на вашу карту.",
		en: "The time to pay this invoice is over. Your money will be returned.",
	}
	paidElsewhere = sentence{
		uz: "Hisob boshqa yoʻl bilan toʻlanmoqda. Pul kartangizga qaytariladi.",
		ru: "Счёт оплачивается другим способом. Деньги вернутся на вашу карту.",
		en: "The invoice is being paid another way. Your money will be returned.",
	}
	notAccepted = sentence{
		uz: "Toʻlov qabul qilinmadi. Pul kartangizga qaytariladi.",
		ru: "Платёж не принят. Деньги вернутся на вашу карту.",
		en: "The payment was not accepted. Your money will be returned.",
	}
)
