package words

// What the buyer reads where a card's number is entered on our own page.
var (
	CardWay      = Text{"Bank kartasi", "Банковская карта", "Bank card"}
	CardHow      = Text{"Uzcard yoki Humo, SMS-kod bilan", "Uzcard или Humo, с кодом из SMS", "Uzcard or Humo, with a code by SMS"}
	CardTitle    = Text{"Karta bilan toʻlash", "Оплата картой", "Pay by card"}
	CardNumber   = Text{"Karta raqami", "Номер карты", "Card number"}
	CardExpiry   = Text{"Amal qilish muddati", "Срок действия", "Expiry"}
	CardExpiryAs = Text{"Kartadagidek: oy va yil, masalan 09/28", "Как на карте: месяц и год, например 09/28", "As on the card: month and year, such as 09/28"}
	CardPhone    = Text{"Kartaga ulangan telefon", "Телефон, привязанный к карте", "The card's telephone"}
	CardPhoneFor = Text{"SMS-kod shu raqamga keladi", "На этот номер придёт код из SMS", "The code is sent to this number"}
	CardGo       = Text{"SMS-kod olish", "Получить код из SMS", "Send me the code"}
	CardPassed   = Text{"Karta raqami toʻgʻridan-toʻgʻri bankka uzatiladi va bizda saqlanmaydi.", "Номер карты передаётся прямо в банк и у нас не сохраняется.", "The card's number goes straight to the bank and is not kept here."}

	CardNumberBad = Text{"Raqamda xato bor: kartadagi 16 ta raqamni tekshiring.", "В номере ошибка: проверьте 16 цифр на карте.", "The number is wrong: check the 16 digits on the card."}
	CardExpiryBad = Text{"Muddat notoʻgʻri: oy va yilni kartadagidek yozing.", "Срок указан неверно: напишите месяц и год, как на карте.", "The expiry is wrong: write month and year as on the card."}
	CardExpired   = Text{"Bu kartaning muddati tugagan.", "Срок действия этой карты истёк.", "This card has expired."}
	CardPhoneBad  = Text{"Telefon raqami notoʻgʻri: 9 ta raqam, masalan 90 123 45 67.", "Номер телефона указан неверно: 9 цифр, например 90 123 45 67.", "The telephone number is wrong: 9 digits, such as 90 123 45 67."}

	CodeTitle   = Text{"SMS-kodni kiriting", "Введите код из SMS", "Enter the code"}
	CodeSentTo  = Text{"Kod %s raqamiga yuborildi.", "Код отправлен на номер %s.", "The code was sent to %s."}
	CodeSent    = Text{"Kod kartaga ulangan telefonga yuborildi.", "Код отправлен на телефон, привязанный к карте.", "The code was sent to the card's telephone."}
	CodeField   = Text{"SMS-kod", "Код из SMS", "Code"}
	CodeUntil   = Text{"Kod %s gacha amal qiladi.", "Код действует до %s.", "The code counts until %s."}
	CodeTry     = Text{"%d marta urinish qoldi.", "Осталось попыток: %d.", "Tries left: %d."}
	CodeGo      = Text{"Toʻlash", "Оплатить", "Pay"}
	CodeAgain   = Text{"Kodni qayta yuborish", "Отправить код ещё раз", "Send the code again"}
	CodeOther   = Text{"Boshqa karta", "Другая карта", "Another card"}
	CodeSoon    = Text{"Kod hozirgina yuborildi. Biroz kuting va keyin qayta soʻrang.", "Код только что отправлен. Немного подождите и запросите его снова.", "A code was just sent. Wait a little before asking for another."}
	CodeMany    = Text{"Bu kartaga juda koʻp kod yuborildi. Boshqa kartani tanlang yoki keyinroq urining.", "На эту карту отправлено слишком много кодов. Выберите другую карту или попробуйте позже.", "Too many codes were sent for this card. Use another card, or try later."}
	CardTries   = Text{"Bu hisob boʻyicha juda koʻp urinish boʻldi. Bir soatdan keyin urining yoki boshqa usulni tanlang.", "По этому счёту было слишком много попыток. Попробуйте через час или выберите другой способ.", "Too many cards were tried on this bill. Try in an hour, or choose another way."}
	CardAgain   = Text{"Karta raqami saqlanmaydi: yangi kod uchun uni qaytadan kiriting.", "Номер карты не сохраняется: чтобы получить новый код, введите его ещё раз.", "The card's number is not kept: enter it again for a new code."}
	CardAway    = Text{"Bank hozir javob bermayapti. Pul yechilmadi. Birozdan soʻng urinib koʻring.", "Банк сейчас не отвечает. Деньги не списаны. Попробуйте позже.", "The bank does not answer right now. No money was taken. Try again soon."}
	CodeAsking  = Text{"Bankdan kod soʻralmoqda.", "Запрашиваем код у банка.", "Asking the bank for a code."}
	CardLost    = Text{"Javob kelmadi. Internetni tekshirib, yana bir marta bosing.", "Ответ не пришёл. Проверьте интернет и нажмите ещё раз.", "No answer came. Check the internet and press once more."}
	CardWorking = Text{"Bank toʻlovni tekshiryapti. Qayta toʻlamang.", "Банк проверяет платёж. Не платите ещё раз.", "The bank is checking the payment. Do not pay again."}
)
