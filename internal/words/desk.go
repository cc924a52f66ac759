package words

// What staff read: the lists, and what stands around them.
var (
	MenuInvoices   = Text{"Hisoblar", "Счета", "Invoices"}
	MenuStuck      = Text{"Yetkazilmagan", "Не доставлено", "Stuck"}
	MenuRefunds    = Text{"Qaytarishlar", "Возвраты", "Refunds"}
	MenuPayouts    = Text{"Chiqimlar", "Выплаты", "Payouts"}
	MenuDeliveries = Text{"Xabarlar", "Уведомления", "Deliveries"}

	AllTimes      = Text{"Vaqt Toshkent boʻyicha", "Время по Ташкенту", "Times are Tashkent’s"}
	FilterDo      = Text{"Koʻrsatish", "Показать", "Show"}
	FilterClear   = Text{"Filtrsiz", "Сбросить", "Clear"}
	FilterAny     = Text{"barchasi", "все", "all"}
	FilterFrom    = Text{"Sanadan", "С даты", "From"}
	FilterTo      = Text{"Sanagacha", "По дату", "To"}
	FilterState   = Text{"Holat", "Состояние", "State"}
	FilterVia     = Text{"Provayder", "Провайдер", "Provider"}
	FilterOrder   = Text{"Tartib", "Порядок", "Sort"}
	FilterSum     = Text{"Summa, soʻm", "Сумма, сум", "Amount, soum"}
	FilterNeeds   = Text{"Diqqat talab", "Требует внимания", "Needs a person"}
	NeedsReceipt  = Text{"Oʻtmagan fiskal chek", "Неудавшийся фискальный чек", "Failed fiscal receipt"}
	NeedsApproval = Text{"Ikkinchi kishi kutilmoqda", "Ждёт второго человека", "Waits for a second person"}
	FilterAway    = Text{"Qabul qiluvchi", "Получатель", "Receiver"}
	OrderNewest   = Text{"avval yangilari", "сначала новые", "newest first"}
	OrderOldest   = Text{"avval eskilari", "сначала старые", "oldest first"}
	OrderLargest  = Text{"avval kattalari", "сначала крупные", "largest first"}
	OrderSmallest = Text{"avval kichiklari", "сначала мелкие", "smallest first"}
	NextPage      = Text{"Keyingi sahifa", "Дальше", "Next page"}
	FirstPage     = Text{"Birinchi sahifa", "В начало", "First page"}
	NoRows        = Text{"Bunday yozuv yoʻq.", "Таких записей нет.", "There is nothing of the kind."}
	BadFilter     = Text{"Filtrdagi qiymat tushunarsiz: sana YYYY-MM-DD, summa 150 000 koʻrinishida.", "Значение фильтра не понято: дата вида YYYY-MM-DD, сумма вида 150 000.", "A filter is not understood: dates are YYYY-MM-DD, amounts 150 000."}
	ExportCSV     = Text{"Excel uchun CSV", "CSV для Excel", "CSV for Excel"}
	OfBusiness    = Text{"Biznes: %s", "Бизнес: %s", "Business: %s"}

	ColTime     = Text{"Vaqt", "Время", "Time"}
	ColSum      = Text{"Summa", "Сумма", "Amount"}
	ColOrder    = Text{"Buyurtma", "Заказ", "Order"}
	ColState    = Text{"Holat", "Состояние", "State"}
	ColVia      = Text{"Provayder", "Провайдер", "Provider"}
	ColShop     = Text{"Biznes", "Бизнес", "Business"}
	ColApp      = Text{"Ilova", "Приложение", "App"}
	ColReason   = Text{"Sabab", "Причина", "Reason"}
	ColEvent    = Text{"Xabar", "Уведомление", "Event"}
	ColReceiver = Text{"Qabul qiluvchi", "Получатель", "Receiver"}
	ColTries    = Text{"Urinishlar", "Попытки", "Tries"}
	ColAnswer   = Text{"Javobi", "Ответ", "Its answer"}
	ColNext     = Text{"Keyingi urinish", "Следующая попытка", "Next try"}
)

// Why an app could not be told, from what its server did.
var (
	SentOK        = Text{"qabul qildi (%d)", "принял (%d)", "accepted (%d)"}
	SentError     = Text{"xato bilan javob berdi (%d)", "ответил ошибкой (%d)", "answered with an error (%d)"}
	SentUnknown   = Text{"bunday manzilni bilmaydi (%d)", "не знает такого адреса (%d)", "knows no such address (%d)"}
	SentRefused   = Text{"bizni tanimadi (%d): imzo yoki kirish sozlamasini tekshiring", "не признал нас (%d): проверьте подпись или доступ", "did not let us in (%d): check the signature or its access rules"}
	SentElsewhere = Text{"boshqa manzilga yoʻnaltirdi (%d): yoʻnaltirish qabul qilinmaydi", "перенаправил (%d): перенаправления не принимаются", "redirected (%d): redirects are not followed"}
	SentSlow      = Text{"10 soniyada javob bermadi", "не ответил за 10 секунд", "did not answer within 10 seconds"}
	SentTLS       = Text{"yaroqsiz TLS sertifikatini koʻrsatdi", "показал недействительный сертификат TLS", "has no valid TLS certificate"}
	SentDNS       = Text{"nomi boʻyicha topilmadi", "не найден по имени", "is not found by its name"}
	SentClosed    = Text{"ulanishni qabul qilmayapti", "не принимает соединение", "does not accept connections"}
	SentPrivate   = Text{"xususiy manzilda: bunday joyga yuborilmaydi", "стоит по частному адресу: туда не отправляется", "is at a private address: nothing is sent there"}
	SentLost      = Text{"javob bermadi", "не ответил", "did not answer"}
	SentNever     = Text{"hali yuborilmagan", "ещё не отправлялось", "not sent yet"}
)

// The inbox.
var (
	InboxToday     = Text{"Bugun", "Сегодня", "Today"}
	InboxPaid      = Text{"Toʻlandi", "Оплачено", "Paid"}
	InboxBack      = Text{"Qaytarildi", "Возвращено", "Returned"}
	InboxPaidCount = Text{"%d ta toʻlov", "платежей: %d", "payments: %d"}
	InboxBackCount = Text{"%d ta qaytarish", "возвратов: %d", "refunds: %d"}
	InboxRate      = Text{"Muvaffaqiyat", "Успешность", "Success"}
	InboxRateHint  = Text{"bugun toʻlangan urinishlar ulushi", "доля попыток, оплаченных сегодня", "share of today’s ended attempts that were paid"}
	InboxNoDay     = Text{"Bugun hali toʻlov boʻlmagan.", "Сегодня платежей ещё не было.", "No payment yet today."}
	InboxChart     = Text{"Oxirgi 24 soat", "Последние 24 часа", "The last 24 hours"}
	InboxChartSays = Text{"Oxirgi 24 soatda soat boʻyicha toʻlangan summa; eng kattasi %s, soat %s da", "Оплаченные суммы по часам за последние 24 часа; больше всего %s, в %s", "Sums paid by the hour over the last 24 hours; the most was %s, at %s"}
	InboxTable     = Text{"Jadval", "Таблица", "As a table"}
	InboxHour      = Text{"Soat", "Час", "Hour"}
	InboxSince     = Text{"eng eskisi: %s", "самое давнее: %s", "oldest: %s"}
	InboxSee       = Text{"Koʻrish", "Посмотреть", "See"}
	InboxMore      = Text{"va yana %d ta", "и ещё %d", "and %d more"}

	HeapUnknown  = Text{"Natijasi nomaʼlum toʻlovlar: %d", "Платежи с неизвестным исходом: %d", "Payments with an unknown outcome: %d"}
	HeapBack     = Text{"Tasdiqlanmagan qaytarishlar: %d", "Неподтверждённые возвраты: %d", "Refunds without an answer: %d"}
	HeapAmount   = Text{"Provayder boshqa summa aytgan: %d", "Провайдер назвал другую сумму: %d", "The provider spoke of another sum: %d"}
	HeapAlert    = Text{"Provayder hisobimizga mos kelmadi: %d", "Провайдер расходится с нашей книгой: %d", "The provider does not fit our book: %d"}
	HeapStuck    = Text{"Yetkazilmagan xabarlar: %d", "Недоставленные уведомления: %d", "Events not delivered: %d"}
	HeapReceipt  = Text{"Oʻtmagan fiskal cheklar: %d", "Неудавшиеся фискальные чеки: %d", "Fiscal receipts that failed: %d"}
	HeapInactive = Text{"Oʻchirilgan savdogarlar: %d", "Отключённые мерчанты: %d", "Merchants switched off: %d"}
	HeapPayout   = Text{"Diqqat talab chiqimlar: %d", "Выплаты, требующие внимания: %d", "Payouts that need somebody: %d"}
	HeapCompared = Text{"Kunlar provayder bilan mos kelmadi: %d", "Дни, не сошедшиеся с провайдером: %d", "Days that do not agree with the provider: %d"}
	HeapUntold   = Text{"Ilovaga yetmagan chiqimlar: %d", "Выплаты, о которых приложение не знает: %d", "Payouts that the app was not told of: %d"}
	HeapTill     = Text{"Kassalardagi natijasi nomaʼlum qaytarishlar: %d", "Возвраты на кассах с неизвестным исходом: %d", "Returns at tills of which nothing is known: %d"}
	HeapApproval = Text{"Ikkinchi kishini kutayotgan qaytarishlar: %d", "Возвраты, ждущие второго человека: %d", "Refunds that wait for a second person: %d"}
)

// Payouts, and days that were compared with a company.
var (
	PayoutTitle     = Text{"Chiqim", "Выплата", "Payout"}
	PayoutNumber    = Text{"Ilovadagi raqami", "Номер в приложении", "The app’s number"}
	PayoutDone      = Text{"Yakunlangan", "Завершена", "Ended"}
	PayoutArrived   = Text{"Yetib borgan", "Дошла", "Arrived"}
	PayoutFailed    = Text{"Yuborilmagan", "Не отправлена", "Not sent"}
	PayoutUnknown   = Text{"Pul ketgan boʻlishi mumkin, provayder esa javob bermayapti. Avval uning kabinetida tekshiring. Yuborilmagan desangiz, ilova uni yana yuborishi mumkin.", "Деньги могли уйти, а провайдер не отвечает. Сначала проверьте в его кабинете. Если вы ответите, что не отправлена, приложение может отправить её снова.", "The money may have gone, and the provider does not answer. Check in its cabinet first. If you say that it was not sent, the app may send it once more."}
	PayoutYes       = Text{"Pul yetib borgan", "Деньги дошли", "The money arrived"}
	PayoutNo        = Text{"Pul yuborilmagan", "Деньги не отправлены", "No money was sent"}
	ComparedTitle   = Text{"Mos kelmagan kunlar", "Дни с расхождениями", "Days that do not agree"}
	DayOf           = Text{"Kun", "День", "Day"}
	DayFound        = Text{"%d ta farq, %d tasi mos", "расхождений: %d, совпало: %d", "differences: %d, agree: %d"}
	DayAgree        = Text{"Mos", "Совпало", "Agree"}
	DayFailed       = Text{"Solishtirib boʻlmadi", "Сверить не удалось", "It could not be compared"}
	DayRunning      = Text{"Solishtirilmoqda", "Сверяется", "It is being compared"}
	DayKinds        = Text{"Farqlar turi", "Виды расхождений", "Kinds of differences"}
	DayDifferent    = Text{"Farq qiladi", "Различаются", "Differ"}
	DayTheirs       = Text{"Faqat provayderda", "Только у провайдера", "Only theirs"}
	DayOurs         = Text{"Faqat bizda", "Только у нас", "Only ours"}
	DaySideTheirs   = Text{"Provayderda", "У провайдера", "At the provider"}
	DaySideOurs     = Text{"Bizda", "У нас", "In our book"}
	DayNone         = Text{"yoʻq", "нет", "none"}
	DayWhy          = Text{"Nima qilindi", "Что сделано", "What was done about it"}
	DayNoted        = Text{"Koʻrib chiqildi", "Разобрано", "Seen to"}
	DayTakeOver     = Text{"Provayder soʻzini qabul qilish", "Принять слово провайдера", "Take the provider’s word"}
	DaySettled      = Text{"Hal qilingan", "Улажено", "Settled"}
	DidSettle       = Text{"Farq hal qilindi.", "Расхождение улажено.", "The difference is settled."}
	CannotSettled   = Text{"Bu farq allaqachon hal qilingan.", "Это расхождение уже улажено.", "This difference is settled already."}
	CannotTakeOver  = Text{"Provayder soʻzini hisobimizga oʻtkazib boʻlmaydi: qoʻlda hal qilib, «koʻrib chiqildi» deb belgilang.", "Слово провайдера нельзя перенести в нашу книгу: уладьте вручную и отметьте как разобранное.", "Our book cannot take that over: see to it by hand, then mark it as seen to."}
	PayoutAsked     = Text{"%s: pul yuborilmagan, deydi. Sababi: %s. Boshqa xodim %s gacha tasdiqlasin: soʻng ilova uni yana yuborishi mumkin.", "%s утверждает, что деньги не отправлены. Причина: %s. Подтвердить должен другой сотрудник, до %s: после этого приложение может отправить её снова.", "%s says that no money was sent. The reason: %s. Another person confirms this by %s: the app may then send it once more."}
	PayoutConfirm   = Text{"Tasdiqlash: pul yuborilmagan", "Подтвердить: деньги не отправлены", "Confirm that no money was sent"}
	PayoutAbove     = Text{"Chegara %s: undan katta chiqim yuborilmaganini ikkinchi kishi tasdiqlaydi.", "Лимит %s: что выплата больше него не отправлена, подтверждает второй человек.", "The limit is %s: that a payout above it was not sent, a second person confirms."}
	PayoutTell      = Text{"Xabarni qayta yuborish", "Отправить уведомление снова", "Send the webhook again"}
	AlarmSee        = Text{"Hal qilish", "Разобрать", "Settle"}
	ApprovalSee     = Text{"Tasdiqlash", "Подтвердить", "Confirm"}
	DaySettle       = Text{"Farqlarni hal qilish", "Уладить", "Settle"}
	AskNow          = Text{"Hozir soʻrash", "Спросить сейчас", "Ask now"}
	DidAskPayout    = Text{"Ikkinchi kishi kutilmoqda.", "Ждёт второго человека.", "It waits for a second person."}
	DidRefusePayout = Text{"Rad etildi.", "Отклонено.", "Refused."}
)

// Search.
var (
	SearchTitle   = Text{"Qidiruv", "Поиск", "Search"}
	SearchEmpty   = Text{"Istalgan narsani joylang: telefon, buyurtma raqami, bizning yoki provayder ID, toʻlov raqami, RRN, kartaning oxirgi 4 raqami, summa yoki butun xabar.", "Вставьте что угодно: телефон, номер заказа, наш ID или ID провайдера, номер для оплаты, RRN, последние 4 цифры карты, сумму или сообщение целиком.", "Paste anything: a phone, an order number, our id or the provider’s, a pay number, an RRN, a card’s last four digits, an amount, or a whole message."}
	SearchNothing = Text{"Hech narsa topilmadi.", "Ничего не найдено.", "Nothing was found."}
	SearchRead    = Text{"Bunday tushunildi:", "Понято как:", "Understood as:"}
	SearchMore    = Text{"Hammasi", "Все", "All of them"}
	SearchCut     = Text{"Faqat eng yangi %d tasi koʻrsatildi.", "Показаны только %d новейших.", "Only the newest %d are shown."}
	ReadIDWord    = Text{"bizning ID", "наш ID", "our id"}
	ReadPayWord   = Text{"toʻlov raqami", "номер для оплаты", "pay number"}
	ReadRefWord   = Text{"provayder ID", "ID провайдера", "provider’s id"}
	ReadRRNWord   = Text{"RRN", "RRN", "RRN"}
	ReadOrderWord = Text{"buyurtma raqami", "номер заказа", "order number"}
	ReadPhoneWord = Text{"telefon", "телефон", "phone"}
	ReadCardWord  = Text{"karta oxiri", "конец номера карты", "card ending in"}
	ReadSumWord   = Text{"summa", "сумма", "amount"}
)

// One invoice: what happened, in a sentence or two that can be read to a buyer on the phone.
var (
	SayPending   = Text{"%s toʻlovi kutilmoqda. Muddati: %s.", "Ожидается оплата %s. Срок: %s.", "Waiting for %s to be paid. It can be paid until %s."}
	SayBegun     = Text{"%s orqali toʻlov %s da boshlangan, hali tugamagan.", "Платёж через %s начат %s и ещё не завершён.", "A payment through %s began at %s and is not finished."}
	SayUnknown   = Text{"%s javobi yoʻqolgan (%s): pul yechilgan yoki yechilmaganini bilmaymiz. Xaridor qayta toʻlamasin.", "Ответ %s потерян (%s): мы не знаем, списаны ли деньги. Покупателю нельзя платить ещё раз.", "The answer of %s was lost (%s): we do not know whether money was taken. The buyer must not pay again."}
	SayHeld      = Text{"%s: %s kartada band qilingan (%s), hali yechilmagan.", "%s: %s удержано на карте (%s), ещё не списано.", "%s holds %s on the card since %s; it has not been taken yet."}
	SayPaid      = Text{"%s orqali %s toʻlangan, %s.", "Оплачено через %s: %s, %s.", "Paid through %s: %s, on %s."}
	SayPart      = Text{"Shundan %s qaytarilgan.", "Из них возвращено %s.", "Of it %s was returned."}
	SayRefunded  = Text{"%s orqali toʻlangan %s toʻliq qaytarilgan, %s.", "Платёж через %s на %s полностью возвращён, %s.", "Paid through %s; all of %s was returned, on %s."}
	SayFailed    = Text{"Toʻlov oʻtmagan, pul yechilmagan. %s", "Платёж не прошёл, деньги не списаны. %s", "The payment failed; no money was taken. %s"}
	SayCancelled = Text{"Hisob bekor qilingan, %s. Pul olinmagan.", "Счёт отменён, %s. Деньги не взяты.", "Cancelled on %s. No money was taken."}
	SayExpired   = Text{"Toʻlov muddati %s da tugagan. Pul olinmagan.", "Срок оплаты истёк %s. Деньги не взяты.", "The time to pay ran out on %s. No money was taken."}
	SayDoubt     = Text{"Provayder soʻzi bizning hisobimizga mos kelmaydi: pul yechilgan boʻlishi mumkin, bu hali hal qilinmagan. Xaridor qayta toʻlamasin.", "Слова провайдера расходятся с нашей книгой: деньги могли быть списаны, это ещё не решено. Покупателю нельзя платить ещё раз.", "The provider’s word does not fit our book: money may have been taken, and that is not decided yet. The buyer must not pay again."}
	SayBackLost  = Text{"Qaytarishga javob yoʻqolgan: u bajarilgan boʻlishi mumkin.", "Ответ на возврат потерян: он мог быть сделан.", "The answer to a refund was lost: it may have been made."}
	SayBeside    = Text{"Bundan tashqari aniqlanmagan narsa bor: pastda yozilgan.", "Кроме того, есть невыясненное: оно описано ниже.", "Beside that something is not cleared up: it stands below."}
	SayTold      = Text{"Ilovaga %s da xabar berilgan, u %d javob qaytargan.", "Приложение уведомлено %s, ответило %d.", "The app was told at %s and answered %d."}
	SayNotTold   = Text{"Ilova hali xabardor emas: %d urinish, serveri %s.", "Приложение ещё не уведомлено: попыток %d, его сервер %s.", "The app has not been told. Tries: %d; its server %s."}
	SayGivenUp   = Text{"Ilovaga yetkazib boʻlmadi: %d urinish, serveri %s.", "Приложение уведомить не удалось: попыток %d, его сервер %s.", "The app could not be told. Tries: %d; its server %s."}
	SayReceipt   = Text{"Fiskal chek bor.", "Фискальный чек есть.", "There is a fiscal receipt."}
	SayNoReceipt = Text{"Fiskal chek oʻtmagan.", "Фискальный чек не прошёл.", "The fiscal receipt failed."}

	FactInvoice  = Text{"Hisob", "Счёт", "Invoice"}
	FactOrder    = Text{"Buyurtma", "Заказ", "Order"}
	FactPayNo    = Text{"Toʻlov raqami", "Номер для оплаты", "Pay number"}
	FactShop     = Text{"Biznes", "Бизнес", "Business"}
	FactVia      = Text{"Provayder", "Провайдер", "Provider"}
	FactRef      = Text{"Provayder ID", "ID провайдера", "Provider’s id"}
	FactPayment  = Text{"Toʻlov", "Платёж", "Payment"}
	FactCard     = Text{"Karta", "Карта", "Card"}
	FactPhone    = Text{"Kod yuborilgan telefon", "Телефон для кода", "Code sent to"}
	FactCreated  = Text{"Yaratilgan", "Создан", "Created"}
	FactPaid     = Text{"Toʻlangan", "Оплачен", "Paid"}
	FactTaken    = Text{"Olingan", "Списано", "Taken"}
	FactBack     = Text{"Qaytarilgan", "Возвращено", "Returned"}
	FactLeft     = Text{"Qaytarish mumkin", "Можно вернуть", "Left to return"}
	FactReceiver = Text{"Xabar manzili", "Адрес уведомлений", "Notified at"}
	FactReceipt  = Text{"Fiskal chek", "Фискальный чек", "Fiscal receipt"}
	FactReason   = Text{"Sabab", "Причина", "Reason"}
	FactMeta     = Text{"Ilova maʼlumotlari", "Данные приложения", "The app’s own data"}
	FactOpen     = Text{"Ochish", "Открыть", "Open"}
	AllAttempts  = Text{"Barcha urinishlar (%d)", "Все попытки (%d)", "All attempts (%d)"}
	AllOfShop    = Text{"Shu biznesning barcha hisoblari", "Все счета этого бизнеса", "All invoices of this business"}
)

// What can be done about an invoice.
var (
	DoNotify      = Text{"Xabarni qayta yuborish", "Отправить уведомление снова", "Send the webhook again"}
	DoCancel      = Text{"Hisobni bekor qilish", "Отменить счёт", "Cancel the invoice"}
	DoRelease     = Text{"Bandni boʻshatish", "Снять удержание", "Release the hold"}
	DoRefund      = Text{"Pulni qaytarish", "Вернуть деньги", "Refund"}
	DoReceipt     = Text{"Chekni qayta yuborish", "Отправить чек снова", "Send the receipt again"}
	DoSure        = Text{"Ha, bekor qilinsin", "Да, отменить", "Yes, cancel it"}
	DoBack        = Text{"Hisobga qaytish", "Назад к счёту", "Back to the invoice"}
	DecideTitle   = Text{"Qaror sizda", "Решение за вами", "This waits for your decision"}
	DecideText    = Text{"Provayderdan soʻrab boʻlmadi yoki u javob bermadi. Avval uning kabinetida tekshiring, keyin shu yerda yozing: qaror ismingiz bilan qoladi.", "Провайдера спросить нельзя, или он не отвечает. Сначала проверьте в его кабинете, затем запишите здесь: решение останется под вашим именем.", "The provider cannot be asked, or does not answer. Check in its cabinet first, then say so here: the decision stays under your name."}
	DecideWhy     = Text{"Qayerda va nima koʻrdingiz", "Где и что вы увидели", "Where you looked, and what you saw"}
	DecideYes     = Text{"Pul olingan", "Деньги списаны", "The money was taken"}
	DecideNo      = Text{"Pul olinmagan", "Деньги не списаны", "No money was taken"}
	DecideBackYes = Text{"Qaytarilgan", "Возврат сделан", "The refund was made"}
	DecideBackNo  = Text{"Qaytarilmagan", "Возврата не было", "The refund was not made"}
	AlarmTitle    = Text{"Tekshirish kerak", "Нужно проверить", "To be looked into"}
	AlarmText     = Text{"Buni provayder bilan aniqlab, nima qilganingizni yozing. Pul harakatlanmaydi.", "Выясните это с провайдером и запишите, что сделано. Деньги не движутся.", "Clear this up with the provider, and write down what was done. No money moves."}
	AlarmEnd      = Text{"Hal boʻldi", "Разобрались", "It is settled"}

	SupportTitle = Text{"Provayder yordami uchun matn", "Текст для поддержки провайдера", "Text for the provider’s support"}
	SupportCut   = Text{"(Faqat oxirgi %d ta xabar.)", "(Только последние сообщения: %d.)", "(The newest messages only: %d.)"}
	SupportHint  = Text{"Identifikatorlar va vaqtlar, sirlarsiz.", "Идентификаторы и время, без секретов.", "Ids and times, no secrets."}

	DoneNotify   = Text{"Xabar yuborilmoqda.", "Уведомление отправляется.", "The webhook is being sent."}
	DoneCancel   = Text{"Hisob bekor qilindi.", "Счёт отменён.", "The invoice was cancelled."}
	DoneReceipt  = Text{"Chek qayta yuborilmoqda.", "Чек отправляется снова.", "The receipt is being sent again."}
	DoneAsk      = Text{"Provayderdan soʻralmoqda. Javobi shu yerda koʻrinadi.", "Провайдеру задан вопрос. Ответ появится здесь.", "The provider is being asked. Its answer will stand here."}
	DoneDecide   = Text{"Qaror yozildi.", "Решение записано.", "The decision was written down."}
	DoneAlarm    = Text{"Yozib qoʻyildi.", "Записано.", "It was written down."}
	DoneRefund   = Text{"%s qaytarildi.", "Возвращено %s.", "%s was returned."}
	DoneAsked    = Text{"%s qaytarish ikkinchi kishini kutmoqda.", "Возврат %s ждёт второго человека.", "The refund of %s waits for a second person."}
	DonePending  = Text{"%s qaytarish yuborildi, javobi hali nomaʼlum.", "Возврат %s отправлен, ответа ещё нет.", "The refund of %s was sent; its outcome is not known yet."}
	DoneNot      = Text{"Provayder qaytarmadi: %s", "Провайдер не вернул деньги: %s", "The provider did not return it: %s"}
	DoneRefused  = Text{"Qaytarish rad etildi.", "Возврат отклонён.", "The refund was refused."}
	DoneRetry    = Text{"%d ta xabar qayta yuborilmoqda.", "Отправляются снова: %d.", "Events being sent again: %d."}
	DoneRetryAll = Text{"Hammasi navbat bilan qayta yuborilmoqda.", "Все отправляются снова, по очереди.", "All of them are being sent again, one after the other."}
)

// A refund: what is left, why, and who confirms.
var (
	RefundTitle      = Text{"Pulni qaytarish", "Возврат денег", "Refund"}
	RefundAmount     = Text{"Summa, soʻm", "Сумма, сум", "Amount, soum"}
	RefundAllHint    = Text{"Hammasi: %s", "Всё: %s", "All that is left: %s"}
	RefundWhy        = Text{"Sababi", "Причина", "Why"}
	RefundNext       = Text{"Davom etish", "Продолжить", "Continue"}
	RefundCheck      = Text{"Tekshiring: pul darhol qaytadi", "Проверьте: деньги вернутся сразу", "Check this: the money goes back at once"}
	RefundAskCheck   = Text{"Tekshiring: buni ikkinchi kishi tasdiqlaydi", "Проверьте: это подтвердит второй человек", "Check this: a second person will confirm it"}
	RefundDo         = Text{"%s qaytarilsin", "Вернуть %s", "Return %s"}
	RefundAskDo      = Text{"%s soʻralsin", "Запросить %s", "Ask for %s"}
	RefundAbove      = Text{"Chegara %s: undan ortigʻini ikkinchi kishi tasdiqlaydi.", "Лимит %s: сверх него подтверждает второй человек.", "The limit is %s: above it a second person confirms."}
	RefundReceiptIs  = Text{"Fiskal chek berilgan: qaytarish cheki kassangizdan chiqadi.", "Фискальный чек выдан: чек возврата делает ваша касса.", "A fiscal receipt was issued: its return receipt is your register’s."}
	RefundNeedsLines = Text{"%s qism uchun yangi chek satrlarini talab qiladi, ularni faqat ilova biladi: qismini API orqali (POST /api/refunds, ofd) qaytaring.", "Для части %s требует строки нового чека, а их знает только приложение: верните часть через API (POST /api/refunds, ofd).", "For a part %s wants the lines of the new receipt, which only the app knows: return a part by the API (POST /api/refunds with ofd)."}
	RefundWholeOnly  = Text{"Bu provayder faqat toʻliq qaytaradi.", "Этот провайдер возвращает только целиком.", "This provider returns the whole only."}
	RefundCannot     = Text{"Bu yerdan qaytarib boʻlmaydi.", "Отсюда вернуть нельзя.", "It cannot be returned from here."}
	RefundBadSum     = Text{"Summa soʻmda, masalan 150 000, va qolganidan koʻp emas.", "Сумма в сумах, например 150 000, и не больше остатка.", "An amount in soum, such as 150 000, and no more than is left."}
	RefundOldForm    = Text{"Bu shakl eskirgan edi. Tekshirib, yana bir marta yuboring.", "Эта форма устарела. Проверьте и отправьте ещё раз.", "That form was stale. Look it over and send it again."}
	RefundBadWhy     = Text{"Sababini yozing.", "Укажите причину.", "Say why."}
	RefundOurs       = Text{"biz", "мы", "us"}
	RefundTheirs     = Text{"provayder", "провайдер", "the provider"}

	ApprovalTitle    = Text{"Ikkinchi kishi kerak", "Нужен второй человек", "A second person is needed"}
	ApprovalText     = Text{"%s %s qaytarishni soʻragan: %s. Muddati: %s.", "%s просит вернуть %s: %s. Срок: %s.", "%s asks for %s to be returned: %s. It waits until %s."}
	ApprovalOwn      = Text{"Oʻzingiz soʻragansiz: boshqa kishi tasdiqlaydi.", "Вы просили сами: подтвердит другой человек.", "You asked for it yourself: another person confirms."}
	ApprovalNew      = Text{"Siz %s dan boshlab tasdiqlashingiz mumkin: huquqingizga bir kun toʻlishi kerak.", "Вы сможете подтвердить с %s: вашим правам должны исполниться сутки.", "You may confirm from %s: your right must be a day old."}
	RefundNew        = Text{"Chegaradan yuqorisini siz %s dan boshlab soʻrashingiz mumkin: huquqingizga bir kun toʻlishi kerak.", "Сверх лимита вы сможете запрашивать с %s: вашим правам должны исполниться сутки.", "Above the limit you may ask from %s: your right must be a day old."}
	SecondNobody     = Text{"Sizdan boshqa tasdiqlay oladigan xodim yoʻq. Ega «Xodimlar» sahifasida qoʻshsin: u hisobini sozlagandan bir kun keyin tasdiqlay oladi.", "Кроме вас, подтвердить некому. Владелец может добавить сотрудника на странице «Сотрудники»: он сможет подтверждать через сутки после настройки учётной записи.", "Nobody but you could confirm. An owner adds somebody on the page Staff, who may confirm a day after they have set up their account."}
	SecondFrom       = Text{"Hozir tasdiqlay oladigan xodim yoʻq. Birinchisi %s boʻladi, %s dan boshlab.", "Сейчас подтвердить некому. Первым сможет %s, с %s.", "Nobody can confirm yet. The first will be %s, from %s."}
	SecondTooLate    = Text{"Bu soʻrov undan oldin tugaydi: oʻshanda yana soʻrang.", "Запрос истечёт раньше: тогда запросите снова.", "The request ends before that: ask again then."}
	ApprovalDecides  = Text{"%s: %s qaytarilmagan, deydi. Sababi: %s. Boshqa xodim %s gacha tasdiqlasin: soʻng bu pulni yana qaytarish mumkin boʻladi.", "%s утверждает, что %s не возвращены. Причина: %s. Подтвердить должен другой сотрудник, до %s: после этого деньги можно будет вернуть ещё раз.", "%s says that %s was not returned. The reason: %s. Another person confirms this by %s: the money can then be returned once more."}
	ApprovalNotMade  = Text{"Tasdiqlash: pul qaytarilmagan", "Подтвердить: деньги не возвращены", "Confirm that it was not returned"}
	ApprovalConfirm  = Text{"Tasdiqlash: %s qaytarilsin", "Подтвердить возврат %s", "Confirm: return %s"}
	ApprovalRefuse   = Text{"Rad etish", "Отклонить", "Refuse"}
	ApprovalTakeBack = Text{"Soʻrovni qaytarib olish", "Отозвать запрос", "Take it back"}
	ApprovalAgain    = Text{"Tasdiqlangan, ammo provayder javob bermadi.", "Подтверждено, но провайдер был недоступен.", "It was confirmed, but the provider could not be reached."}

	MovePending   = Text{"Yuborildi", "Отправлен", "Sent"}
	MoveUnknown   = Text{"Nomaʼlum", "Неизвестно", "Unknown"}
	MoveSucceeded = Text{"Qaytarildi", "Возвращено", "Returned"}
	MoveFailed    = Text{"Qaytarilmadi", "Не вернули", "Not returned"}
)

// The timeline.
var (
	LaneProvider  = Text{"Provayder ⇄ biz", "Провайдер ⇄ мы", "Provider ⇄ us"}
	LaneApp       = Text{"Biz ⇄ ilova", "Мы ⇄ приложение", "Us ⇄ app"}
	TimelineTitle = Text{"Nima boʻlgan", "Что происходило", "What happened"}
	TimelineMore  = Text{"Keyingisi", "Дальше", "What came next"}
	TheyCalled    = Text{"ular chaqirdi", "вызвали нас", "they called us"}
	WeCalled      = Text{"biz chaqirdik", "вызвали мы", "we called them"}
	NoAnswer      = Text{"javobsiz", "без ответа", "no answer"}
	RawRequest    = Text{"Soʻrov (sirlarsiz)", "Запрос (без секретов)", "Request (redacted)"}
	RawResponse   = Text{"Javob (sirlarsiz)", "Ответ (без секретов)", "Response (redacted)"}
	TryNumber     = Text{"%d-urinish", "попытка %d", "try %d"}
	ByProvider    = Text{"provayder", "провайдер", "the provider"}
	ByAPI         = Text{"ilova", "приложение", "the app"}
	ByWorker      = Text{"shlyuz", "шлюз", "the gateway"}
	WhatInvoice   = Text{"Hisob", "Счёт", "Invoice"}
	WhatPayment   = Text{"Toʻlov", "Платёж", "Payment"}
	WhatRefund    = Text{"Qaytarish", "Возврат", "Refund"}
	WhatReceipt   = Text{"Chek", "Чек", "Receipt"}
	StateCreated  = Text{"boshlandi", "начат", "begun"}
)

// What an invoice may ask attention for, in a filter.
var (
	AttentionAmount   = Text{"Boshqa summa", "Другая сумма", "Another sum"}
	AttentionProvider = Text{"Provayder bilan farq", "Расхождение с провайдером", "Provider differs"}
)

// A list as a file.
var (
	CSVTiyin = Text{"Summa, tiyin", "Сумма, тийины", "Amount, tiyin"}
	CSVTold  = Text{"Ilova xabardor", "Приложение знает", "App told"}
	CSVYes   = Text{"ha", "да", "yes"}
	CSVNo    = Text{"yoʻq", "нет", "no"}
	CSVBegan = Text{"Kim boshlagan", "Кто начал", "Begun by"}

	CSVChanged = Text{"Oʻzgartirilgan", "Изменён", "Changed"}
	CSVTillID  = Text{"Kassa ID", "ID кассы", "Till id"}
	CSVSales   = Text{"Bugungi sotuvlar", "Продаж сегодня", "Sales today"}
	CSVSold    = Text{"Bugun sotildi, soʻm", "Продано сегодня, сум", "Sold today, soum"}
	CSVReturns = Text{"Bugungi qaytarishlar", "Возвратов сегодня", "Returns today"}
	CSVBack    = Text{"Bugun qaytarildi, soʻm", "Возвращено сегодня, сум", "Returned today, soum"}
	CSVUnsure  = Text{"Nomaʼlum natijalar", "Неизвестных исходов", "Outcomes not known"}
	CSVDayID   = Text{"Solishtirish ID", "ID сверки", "Reconciliation id"}
	CSVNumber  = Text{"№", "№", "№"}
	CSVAddress = Text{"IP manzil", "IP-адрес", "IP address"}
	CSVDetail  = Text{"Tafsilot", "Подробности", "Detail"}
	CSVWord    = Text{"Jurnal soʻzi", "Слово журнала", "The log’s word"}
	CSVEntryID = Text{"Yozuv ID", "ID записи", "Entry id"}
	CSVStaffID = Text{"Xodim ID", "ID сотрудника", "Staff id"}
	CSVMillis  = Text{"Millisekundlar", "Миллисекунды", "Milliseconds"}
	CSVDigest  = Text{"Zanjir imzosi", "Подпись цепи", "Chain digest"}
)

// Stuck deliveries.
var (
	StuckTitle    = Text{"Yetkazilmagan xabarlar", "Недоставленные уведомления", "Events that did not arrive"}
	StuckNone     = Text{"Hammasi yetib borgan.", "Всё доставлено.", "Everything has arrived."}
	StuckPick     = Text{"%s xabarini tanlash", "Выбрать уведомление %s", "Select the event of %s"}
	StuckRetry    = Text{"Tanlanganlarni qayta yuborish", "Отправить выбранные снова", "Send the selected again"}
	StuckOne      = Text{"Qayta yuborish", "Отправить снова", "Send again"}
	StuckAll      = Text{"Hammasini qayta yuborish", "Отправить все снова", "Send all again"}
	StuckSince    = Text{"qachondan beri", "начиная с", "since"}
	StuckEver     = Text{"boshidan", "с самого начала", "the beginning"}
	StuckHour     = Text{"oxirgi soat", "последнего часа", "an hour ago"}
	StuckDay      = Text{"oxirgi kun", "последних суток", "a day ago"}
	StuckWeek     = Text{"oxirgi hafta", "последней недели", "a week ago"}
	StuckDead     = Text{"endi urinilmaydi", "больше не пробуем", "given up"}
	EventStuck    = Text{"Yetmagan", "Не доставлено", "Stuck"}
	EventWaiting  = Text{"Yuborilmoqda", "Отправляется", "On its way"}
	EventArrived  = Text{"Yetgan", "Доставлено", "Arrived"}
	EventDead     = Text{"Toʻxtatilgan", "Прекращено", "Given up"}
	NothingPicked = Text{"Hech narsa tanlanmadi.", "Ничего не выбрано.", "Nothing was selected."}
)

// What stands in the way of an action.
var (
	CannotBegun       = Text{"Toʻlov boshlangan yoki natijasi nomaʼlum: tugashini kuting.", "Платёж начат, или его исход неизвестен: дождитесь конца.", "A payment has begun, or its outcome is unknown: wait for its end."}
	CannotOldForm     = Text{"Bu shakl eskirgan yoki ishlatilgan. Sahifani yangilab, qaytadan toʻldiring.", "Эта форма устарела или уже использована. Обновите страницу и заполните её заново.", "This form is stale or was used. Reload the page and fill it in anew."}
	CannotChanged     = Text{"Shu orada holat oʻzgardi. Yangisini koʻrib, qaytadan qaror qiling.", "Тем временем состояние изменилось. Посмотрите новое и решите заново.", "It has changed meanwhile. Look at how it stands now, and decide anew."}
	CannotState       = Text{"Hisobning hozirgi holati bunga yoʻl qoʻymaydi.", "Нынешнее состояние счёта этого не позволяет.", "The invoice’s present state does not allow this."}
	CannotNoEvent     = Text{"Hali xabar qiladigan hech narsa boʻlmagan.", "Пока не о чем уведомлять.", "Nothing has happened yet that could be told."}
	CannotLeft        = Text{"Buncha pul qolmagan.", "Столько уже не осталось.", "There is not as much left."}
	CannotRunning     = Text{"Oldingi qaytarish natijasi hali nomaʼlum.", "Исход прежнего возврата ещё неизвестен.", "The outcome of the former refund is not known yet."}
	CannotWaits       = Text{"Bir qaytarish allaqachon ikkinchi kishini kutmoqda.", "Один возврат уже ждёт второго человека.", "A refund waits for a second person already."}
	CannotSame        = Text{"Soʻragan kishi oʻzi tasdiqlay olmaydi.", "Кто запросил, тот не может подтвердить.", "Whoever asked cannot confirm."}
	CannotNew         = Text{"Chegaradan yuqorisiga ikki kishi kerak, ikkalasining huquqiga ham bir kun toʻlgan boʻlsin.", "Сверх лимита нужны двое, и права у каждого должны быть не меньше суток.", "Above the limit it takes two people, each with a right that is a day old."}
	CannotLate        = Text{"Bu soʻrovning muddati oʻtgan yoki u hal qilingan.", "Этот запрос истёк, или по нему уже решили.", "This request has run out, or was decided already."}
	CannotKnown       = Text{"Nomaʼlum narsa qolmadi.", "Неизвестного больше нет.", "Nothing is unknown any more."}
	CannotUpstream    = Text{"Provayder bilan bogʻlanib boʻlmadi. Hech narsa oʻzgarmadi; birozdan soʻng urinib koʻring.", "С провайдером связаться не удалось. Ничего не изменилось; попробуйте позже.", "The provider could not be reached. Nothing was changed; try again later."}
	CannotReason      = Text{"Sababini yozing (500 belgigacha).", "Напишите, почему (до 500 знаков).", "Say why (up to 500 characters)."}
	CannotHappened    = Text{"Boʻlganmi yoki yoʻqmi: birini tanlang.", "Выберите одно: было это или нет.", "Say whether it happened."}
	CannotHoldNoID    = Text{"Bu band boʻlar edi, ammo uning provayderdagi ID si nomaʼlum: biz uni yecha ham, boʻshata ham olmaymiz. Uni provayder kabinetida boʻshating yoki muddati tugashini kuting, keyin pul olinmagan deb qaror qiling.", "Это было бы удержание, ID которого у провайдера нам неизвестен: мы не сможем ни списать его, ни снять. Снимите его в кабинете провайдера или дождитесь его конца, затем решите, что деньги не списаны.", "This would be a hold whose id at the provider is not known here: we could neither capture nor release it. Release it in the provider’s cabinet, or let it run out, and then decide that no money was taken."}
	CannotNoUser      = Text{"Bu savdogarda merchantUserId yoʻq, usiz CLICK APIʼsi ishlamaydi: uni savdogar sahifasida kiriting yoki buni merchant.click.uz da qiling.", "У этого мерчанта нет merchantUserId, без него API CLICK не вызвать: укажите его на странице мерчанта или сделайте это на merchant.click.uz.", "This merchant has no merchantUserId, without which CLICK’s API cannot be called: enter it on the merchant’s page, or do this at merchant.click.uz."}
	CannotNoKeys      = Text{"Bu biznes provayder bilan faqat kassada ishlaydi, kalitlari bu yerda yoʻq: pulni kassada qaytaring yoki kalitlarni savdogar sahifasida kiriting.", "Этот бизнес работает с провайдером только на кассе, ключей здесь нет: верните деньги на кассе или укажите ключи на странице мерчанта.", "This business uses the provider at its till only, and its credentials are not here: return the money at the till, or enter them on the merchant’s page."}
	CannotNoRef       = Text{"Toʻlovning provayderdagi ID si nomaʼlum: pulni uning kabinetida yoki yordam xizmati orqali qaytaring.", "ID платежа у провайдера неизвестен: верните деньги в его кабинете или через его поддержку.", "The payment’s id at the provider is not known: return the money in its cabinet, or through its support."}
	CannotDayRuns     = Text{"Bu kun hali solishtirilmoqda yoki solishtirib boʻlmagan: farqni tugagach hal qiling.", "День ещё сверяется, или сверить его не удалось: улаживайте расхождения, когда сверка закончится.", "This day is still being compared, or could not be: settle its differences when that is done."}
	CannotBecause     = Text{"Bajarilmadi. Sababi ingliz tilida: %s", "Не выполнено. Причина по-английски: %s", "It was not done: %s"}
	CannotPayoutRuns  = Text{"Chiqim natijasi hali nomaʼlum.", "Исход выплаты ещё неизвестен.", "The outcome of the payout is not known yet."}
	CannotArrived     = Text{"Bu xabar yetib borgan.", "Это уведомление доставлено.", "This event has arrived."}
	CannotPayoutWaits = Text{"Bu chiqim allaqachon ikkinchi kishini kutmoqda.", "Эта выплата уже ждёт второго человека.", "This payout waits for a second person already."}
	CannotAskNow      = Text{"Bu provayderdan soʻrab boʻlmaydi: uning kabinetida koʻrib, shu yerda qaror qiling.", "Этого провайдера спросить нельзя: посмотрите в его кабинете и решите здесь.", "This provider cannot be asked: look in its cabinet, and decide here."}
)
