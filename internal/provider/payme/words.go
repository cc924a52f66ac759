package payme

import "github.com/chorsu/chorsu/internal/provider"

// sentence is one sentence in the three languages that Payme shows to a payer.
type sentence struct {
	RU string `json:"ru"`
	UZ string `json:"uz"`
	EN string `json:"en"`
}

// wordsOf says each refusal to the payer.
var wordsOf = map[provider.Refusal]sentence{
	provider.NoAccount: {
		RU: "Заказ не найден. Проверьте номер заказа.",
		UZ: "Buyurtma topilmadi. Buyurtma raqamini tekshiring.",
		EN: "No such order. Check the order number.",
	},
	provider.NoPayment: {
		RU: "Транзакция не найдена.",
		UZ: "Tranzaksiya topilmadi.",
		EN: "No such transaction.",
	},
	provider.WrongAmount: {
		RU: "Сумма не совпадает с суммой заказа.",
		UZ: "Summa buyurtma summasiga mos kelmaydi.",
		EN: "The amount is not the order's amount.",
	},
	provider.TooSmall: {
		RU: "Сумма слишком мала.",
		UZ: "Summa juda kichik.",
		EN: "The amount is too small.",
	},
	provider.TooLarge: {
		RU: "Сумма слишком велика.",
		UZ: "Summa juda katta.",
		EN: "The amount is too large.",
	},
	provider.AlreadyPaid: {
		RU: "Заказ уже оплачен.",
		UZ: "Buyurtma allaqachon toʻlangan.",
		EN: "This order is already paid.",
	},
	provider.Closed: {
		RU: "Заказ закрыт, оплатить его нельзя.",
		UZ: "Buyurtma yopilgan, uni toʻlab boʻlmaydi.",
		EN: "This order is closed and cannot be paid.",
	},
	provider.Cancelled: {
		RU: "Платёж отменён.",
		UZ: "Toʻlov bekor qilingan.",
		EN: "This payment is cancelled.",
	},
	provider.Expired: {
		RU: "Время на оплату истекло.",
		UZ: "Toʻlov vaqti tugagan.",
		EN: "The time to pay has run out.",
	},
	provider.Busy: {
		RU: "Этот заказ уже оплачивается. Завершите начатую оплату или попробуйте позже.",
		UZ: "Bu buyurtma hozir toʻlanmoqda. Boshlangan toʻlovni yakunlang yoki keyinroq urinib koʻring.",
		EN: "This order is being paid already. Finish that payment or try again later.",
	},
	provider.NotReversible: {
		RU: "Заказ выполнен, оплату отменить нельзя.",
		UZ: "Buyurtma bajarilgan, toʻlovni bekor qilib boʻlmaydi.",
		EN: "The order is delivered; its payment cannot be cancelled.",
	},
	provider.Unavailable: {
		RU: "Магазин сейчас не принимает оплату.",
		UZ: "Doʻkon hozir toʻlov qabul qilmayapti.",
		EN: "The shop is not taking payments now.",
	},
}

// What Payme's engineers read rather than its payers.
var (
	wordsNotPost = sentence{
		RU: "Запрос должен быть отправлен методом POST.",
		UZ: "Soʻrov POST usulida yuborilishi kerak.",
		EN: "The request must be a POST.",
	}
	wordsNotJSON = sentence{
		RU: "Тело запроса не является JSON.",
		UZ: "Soʻrov tanasi JSON emas.",
		EN: "The body is not JSON.",
	}
	wordsRequest = sentence{
		RU: "Поле запроса отсутствует или имеет неверный тип.",
		UZ: "Soʻrovda maydon yoʻq yoki uning turi notoʻgʻri.",
		EN: "A field of the request is missing or of the wrong type.",
	}
	wordsAuth = sentence{
		RU: "Недостаточно прав для вызова метода.",
		UZ: "Usulni chaqirish uchun huquq yetarli emas.",
		EN: "The login or the key is wrong.",
	}
	wordsMethod = sentence{
		RU: "Метод не найден.",
		UZ: "Usul topilmadi.",
		EN: "No such method.",
	}
	wordsSystem = sentence{
		RU: "Сервис временно недоступен. Попробуйте позже.",
		UZ: "Xizmat vaqtincha ishlamayapti. Keyinroq urinib koʻring.",
		EN: "The service is unavailable for a moment. Try again later.",
	}
	wordsState = sentence{
		RU: "Состояние транзакции не позволяет выполнить операцию.",
		UZ: "Tranzaksiyaning holati bu amalni bajarishga yoʻl qoʻymaydi.",
		EN: "The transaction's state does not allow this.",
	}
	wordsOther = sentence{
		RU: "Транзакция с этим номером создана с другими параметрами.",
		UZ: "Bu raqamli tranzaksiya boshqa parametrlar bilan yaratilgan.",
		EN: "A transaction of this id was created with other parameters.",
	}
)

// reasonWords says in the timeline why Payme cancelled.
func reasonWords(reason int64) string {
	switch reason {
	case 1:
		return "Payme: a receiver was not found or is not active"
	case 2:
		return "Payme: the debit failed at the processing centre"
	case 3:
		return "Payme: the transaction failed"
	case 4:
		return "Payme: the transaction ran out of time"
	case 5:
		return "Payme: the money was returned"
	}
	return "Payme: cancelled for an unknown reason"
}
