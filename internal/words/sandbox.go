package words

// The sandbox's pages: a buyer's phone, and what is done to the world around it.
var (
	SandboxTitle = Text{"Sinov muhiti", "Песочница", "Sandbox"}
	SandboxLede  = Text{"Har bir toʻlov kompaniyasi shu yerda, oʻz daftari va soati bilan. Xaridor boʻling, biror narsani buzing va ilovangiz nima eshitganini koʻring.", "Каждая платёжная компания здесь, со своей книгой и своими часами. Станьте покупателем, сломайте что-нибудь и посмотрите, что услышало ваше приложение.", "Every payment company is here, with its own books and clock. Be the buyer, break something, and see what your app was told."}
	TheControls  = Text{"Boshqaruv API", "API управления", "The control API"}

	PhoneTitle   = Text{"Xaridorning telefoni", "Телефон покупателя", "The buyer's phone"}
	PhoneHome    = Text{"Bosh ekran", "На главный экран", "Home screen"}
	ScanScreen   = Text{"Ekrandagi QR kodni skanerlash", "Сканировать QR с экрана", "Scan the QR on the screen"}
	NoQR         = Text{"Ekranda QR kod koʻrinmayapti.", "На экране не видно QR-кода.", "There is no QR code on the screen."}
	PasteLink    = Text{"Toʻlov havolasi", "Ссылка на оплату", "A link to pay"}
	OpenLink     = Text{"Ochish", "Открыть", "Open"}
	OnTheTable   = Text{"Hisoblar", "Счета", "Bills"}
	NoBills      = Text{"Hali hisob yoʻq. Namuna yarating yoki API orqali hisob oching.", "Счетов пока нет. Создайте пример или выставите счёт через API.", "No bills yet. Make a sample, or create an invoice through the API."}
	NewSample    = Text{"Namuna hisob", "Счёт для примера", "A sample bill"}
	LinkNotRead  = Text{"Bu havolani hech bir ilova ochmaydi.", "Эту ссылку не открывает ни одно приложение.", "No app opens this link."}
	AsTheShop    = Text{"Doʻkon aytganicha", "Сумму назовёт магазин", "As much as the shop says"}
	OrderOf      = Text{"Hisob", "Счёт", "Bill"}
	PayNow       = Text{"Toʻlash", "Оплатить", "Pay"}
	CardRefused  = Text{"Pul yetmaydi", "Не хватает денег", "Not enough money"}
	PayTwice     = Text{"Ikki marta toʻlash", "Оплатить дважды", "Pay twice"}
	LoseNetwork  = Text{"Toʻlab, tarmoqni yoʻqotish", "Оплатить и потерять сеть", "Pay, and lose the network"}
	CloseApp     = Text{"Ilovani yopish", "Закрыть приложение", "Close the app"}
	FinishPaying = Text{"Qaytib, toʻlovni tugatish", "Вернуться и доплатить", "Come back and finish"}
	GiveUp       = Text{"Voz kechish", "Отказаться от платежа", "Give the payment up"}
	AskAgain     = Text{"Kompaniya qayta soʻraydi", "Компания спрашивает ещё раз", "The company asks again"}
	PhoneCard    = Text{"Karta raqami", "Номер карты", "Card number"}
	PhoneExpiry  = Text{"Amal qilish muddati (YYOO)", "Срок действия (ГГММ)", "Expiry (YYMM)"}
	SMSCode      = Text{"SMS-kod", "Код из SMS", "Code from the SMS"}

	MyCodes     = Text{"Kodimni koʻrsatish", "Показать мой код", "Show my code"}
	CodeAlt     = Text{"%s kodi", "Код %s", "A code of %s"}
	CodeGood    = Text{"Kassa skanerlasin. %s gacha, bitta toʻlov uchun.", "Пусть касса отсканирует. До %s, на один платёж.", "Let the till scan it. Good until %s, for one payment."}
	CodeSend    = Text{"Kassasiz, API orqali:", "Без кассы, через API:", "Without a till, through the API:"}
	CodeUsed    = Text{"Kod ishlatildi", "Код использован", "The code was used"}
	CodeOver    = Text{"Kodning muddati tugadi", "Срок кода истёк", "The code has run out"}
	NewCode     = Text{"Yangi kod", "Новый код", "A new code"}
	CodeNoMoney = Text{"Puli yetmaydigan kod", "Код без денег", "A code without money"}
	CodeLost    = Text{"Javobi yoʻqoladigan kod", "Код, ответ по которому теряется", "A code whose answer is lost"}
	AtTills     = Text{"Kassa ekranlarida", "На экранах касс", "On tills’ screens"}
	LookAgain   = Text{"Yana qarash", "Посмотреть ещё раз", "Look again"}

	PhonePaid      = Text{"Toʻlandi", "Оплачено", "Paid"}
	PhoneRefused   = Text{"Toʻlov oʻtmadi", "Платёж не прошёл", "The payment did not go through"}
	PhoneOpen      = Text{"Toʻlov tugallanmagan", "Платёж не завершён", "The payment is not finished"}
	PhoneCancelled = Text{"Toʻlov bekor qilindi", "Платёж отменён", "The payment was cancelled"}
	PhoneRefunded  = Text{"Pul qaytarildi", "Деньги возвращены", "The money was returned"}
	PhoneUnsure    = Text{"Kompaniya natijani bilmaydi", "Компания не знает, чем кончилось", "The company does not know the outcome"}
	PhoneUntold    = Text{"Telefonga javob kelmadi", "Ответ до телефона не дошёл", "No answer reached the phone"}
	PhoneNoneBegan = Text{"Ilova yopildi, hech narsa boshlanmadi", "Приложение закрыто, ничего не начато", "The app was closed before anything began"}
	OnTheWire      = Text{"Kompaniya va shlyuz nima deyishdi (%d)", "Что сказали друг другу компания и шлюз (%d)", "What the company and the gateway said (%d)"}
	NoAnswerCame   = Text{"javob yetib kelmadi", "ответ не дошёл", "no answer arrived"}
	Objections     = Text{"Qatʼiy kompaniya eʼtiroz bildirardi", "Строгая компания возразила бы", "A strict company would object"}

	ShopScreen     = Text{"Doʻkon ekrani", "Экран магазина", "The shop's screen"}
	ShopScreenHint = Text{"Hisobni telefonda tanlang, toʻlov sahifasi shu yerda ochiladi.", "Выберите счёт на телефоне, и здесь откроется страница оплаты.", "Choose a bill on the phone, and its payment page opens here."}
	OwnTab         = Text{"Alohida varaqda ochish", "Открыть в отдельной вкладке", "Open in a tab of its own"}

	ClockTitle = Text{"Soat", "Часы", "Clock"}
	ClockMoved = Text{"%s ga surilgan", "сдвинуты на %s", "moved by %s"}
	ClockReal  = Text{"hozirgi vaqt", "настоящее время", "the present time"}
	ClockHint  = Text{"Kompaniyalar va shlyuz bitta soatdan foydalanadi. U faqat oldinga yuradi.", "Компании и шлюз живут по одним часам. Они идут только вперёд.", "The companies and the gateway share it. It only goes forward."}

	FaultsTitle   = Text{"Nosozliklar", "Неполадки", "Faults"}
	FaultsHint    = Text{"Yoqilgan nosozlik oʻchirilguncha har safar takrorlanadi.", "Включённая неполадка повторяется, пока её не выключат.", "A fault that is on strikes every time, until it is switched off."}
	NoFaults      = Text{"hammasi joyida", "всё исправно", "nothing is broken"}
	FaultsOn      = Text{"yoqilgan: %d", "включено: %d", "%d on"}
	AnotherFault  = Text{"Boshqa nosozlik", "Другая неполадка", "Another fault"}
	FaultStep     = Text{"Qadam", "Шаг", "Step"}
	FaultKind     = Text{"Nima boʻladi", "Что случится", "What happens"}
	FaultTimes    = Text{"Necha marta (0: oʻchirilguncha)", "Сколько раз (0: пока не выключат)", "How often (0: until it is switched off)"}
	FaultDelay    = Text{"Kechikish", "Задержка", "Delay"}
	SwitchOn      = Text{"Yoqish", "Включить", "Switch on"}
	TimesLeft     = Text{"yana %d marta", "осталось раз: %d", "times left: %d"}
	EverythingOff = Text{"Hammasini oʻchirish", "Выключить всё", "Switch everything off"}

	InboxTitle   = Text{"Ilovangiz eshitganlari", "Что услышало ваше приложение", "What your app was told"}
	InboxHint    = Text{"Bu manzilni notifyUrl qilib bering:", "Укажите этот адрес как notifyUrl:", "Use this address as a notifyUrl:"}
	InboxEmpty   = Text{"Hali hech narsa kelmagan.", "Пока ничего не пришло.", "Nothing has come yet."}
	Signed       = Text{"ikkala imzo toʻgʻri", "обе подписи верны", "both signatures hold"}
	NotSigned    = Text{"imzo notoʻgʻri", "подпись неверна", "a signature does not hold"}
	CameAgain    = Text{"takror", "повтор", "again"}
	CameOther    = Text{"takror, lekin baytlari boshqa", "повтор, но байты другие", "again, with other bytes"}
	AnsweredWith = Text{"javob: %d", "ответ %d", "answered %d"}
	NotAnswered  = Text{"javobsiz", "без ответа", "no answer"}
	Replay       = Text{"Qayta yuborish", "Отправить снова", "Replay"}
	ReplayHere   = Text{"Shu qutiga qaytadan", "Снова в этот ящик", "Replay into this inbox"}
	ReplayTo     = Text{"Ilovangiz manzili (shu kompyuterda)", "Адрес вашего приложения (на этом компьютере)", "Your app's address, on this machine"}
	ReplaySaid   = Text{"%s: javob %d", "%s: ответ %d", "%s answered %d"}
	ReplayNot    = Text{"%s: javob yoʻq", "%s: ответа нет", "%s: no answer"}
	ShowMessage  = Text{"Xabarning oʻzi", "Само сообщение", "The message itself"}
)

// Faults are the sandbox's faults in words, by the kind's name.
var Faults = map[string]Text{
	"late":            {"kechikadi", "приходит поздно", "comes late"},
	"twice":           {"ikki marta keladi", "приходит дважды", "comes twice"},
	"lost_before":     {"yoʻlda yoʻqoladi", "теряется в пути", "is lost on the way"},
	"lost_after":      {"javobi yoʻqoladi", "ответ теряется", "its answer is lost"},
	"500":             {"500 bilan rad etiladi", "получает 500", "is answered 500"},
	"500_after":       {"bajariladi, lekin javob 500", "выполняется, но ответ 500", "is done, and answered 500"},
	"half_body":       {"yarmida uziladi", "обрывается на середине", "breaks off in the middle"},
	"reordered":       {"oldingisidan oʻzib ketadi", "обгоняет предыдущее", "overtakes the one before"},
	"wrong_signature": {"boshqa kalit bilan imzolanadi", "подписано чужим ключом", "is signed with another key"},
	"wrong_amount":    {"bir tiyin ortiq", "на тийин больше", "is one tiyin more"},
	"expired_token":   {"token eskirgan", "токен устарел", "finds its token expired"},
	"clock_skew":      {"kompaniya soati notoʻgʻri", "часы компании врут", "comes by a clock that is wrong"},
}
