package words

// Decline says to a buyer why a card did not pay. What is not known reads as a plain no.
func Decline(reason string) Text {
	if s, ok := declines[reason]; ok {
		return s
	}
	return declines["declined"]
}

var declines = map[string]Text{
	"insufficient_funds": {
		"Kartada mablagʻ yetarli emas.",
		"На карте недостаточно средств.",
		"There is not enough money on the card."},
	"card_blocked": {
		"Karta bloklangan yoki vaqtincha xizmat koʻrsatilmayapti. Bankingizga murojaat qiling.",
		"Карта заблокирована или временно не обслуживается. Обратитесь в банк.",
		"The card is blocked, or not served at present. Ask your bank."},
	"card_invalid": {
		"Karta topilmadi. Raqam va amal qilish muddatini tekshiring.",
		"Карта не найдена. Проверьте номер и срок действия.",
		"The card was not found. Check its number and expiry."},
	"phone_invalid": {
		"Bu raqam kartaga ulangan telefon emas.",
		"Этот номер телефона не привязан к карте.",
		"This is not the card's telephone number."},
	"sms_not_enabled": {
		"Kartada SMS-xabarnoma yoqilmagan. Uni bankomatda yoki bankda yoqing.",
		"На карте не подключено SMS-информирование. Подключите его в банкомате или в банке.",
		"SMS informing is off for this card. Switch it on at a cash machine or in your bank."},
	"wrong_otp": {
		"SMS-kod notoʻgʻri. Qayta urinib koʻring.",
		"Неверный SMS-код. Попробуйте ещё раз.",
		"The SMS code is wrong. Try again."},
	"otp_expired": {
		"SMS-kodning muddati tugadi. Toʻlovni qaytadan boshlang.",
		"Срок действия SMS-кода истёк. Начните оплату заново.",
		"The SMS code has run out. Start the payment again."},
	"hold_expired": {
		"Band qilingan mablagʻ muddati tugadi va kartaga qaytdi.",
		"Срок блокировки истёк, деньги вернулись на карту.",
		"The hold has run out, and the money is back on the card."},
	"card_needed_again": {
		"Toʻlov yuborilmadi. Karta raqamini qaytadan kiriting.",
		"Платёж не был отправлен. Введите номер карты ещё раз.",
		"The payment was not sent. Enter the card number again."},
	"provider_unavailable": {
		"Bank bilan aloqa yoʻq. Pul yechilmadi, birozdan keyin urinib koʻring.",
		"Нет связи с банком. Деньги не списаны, попробуйте позже.",
		"The bank could not be reached. No money was taken; try again later."},
	"code_invalid": {
		"Kod eskirgan yoki ishlatilgan. Ilovada yangi kod oching.",
		"Код устарел или уже использован. Откройте новый код в приложении.",
		"The code has run out or was used. Show a new one in the app."},
	"identification_needed": {
		"Bu summani olish uchun oluvchi maʼlumotlari kerak.",
		"Для такой суммы нужны данные получателя.",
		"For this amount the recipient must be identified."},
	"not_confirmed": {
		"Oʻtkazma vaqtida tasdiqlanmadi. Pul yuborilmadi.",
		"Выплата не была подтверждена вовремя. Деньги не отправлены.",
		"The payout was not confirmed in time. No money was sent."},
	"declined": {
		"Bank toʻlovni rad etdi.",
		"Банк отклонил платёж.",
		"The bank declined the payment."},
}
