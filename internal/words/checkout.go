package words

// What the buyer reads on the hosted page. The truth about the money comes first.
var (
	PayTitle  = Text{"Toʻlov: %s", "Оплата: %s", "Pay %s"} // the sum
	Order     = Text{"Buyurtma %s", "Заказ %s", "Order %s"}
	PayTo     = Text{"Oluvchi", "Получатель", "To"}
	Items     = Text{"Tarkibi", "Состав", "Items"}
	PayUntil  = Text{"Toʻlov muddati: %s gacha", "Оплатить можно до %s", "Can be paid until %s"}
	PayNumber = Text{"Toʻlov raqami", "Номер для оплаты", "Pay number"}

	ChooseWay  = Text{"Qanday toʻlaysiz?", "Как оплатите?", "How do you want to pay?"}
	LastUsed   = Text{"oxirgi marta", "в прошлый раз", "last time"}
	OtherWays  = Text{"Boshqa usullar", "Другие способы", "Other ways to pay"}
	NoWayNow   = Text{"Hozircha bu hisobni toʻlab boʻlmaydi. Doʻkonga murojaat qiling.", "Сейчас этот счёт оплатить нельзя. Обратитесь в магазин.", "This bill cannot be paid right now. Please ask the shop."}
	OpenApp    = Text{"%s orqali toʻlash", "Оплатить через %s", "Pay with %s"}
	OpenAgain  = Text{"%sni qayta ochish", "Открыть %s снова", "Open %s again"}
	OpenHere   = Text{"Shu kompyuterda ochish", "Открыть на этом компьютере", "Open on this computer"}
	ScanTitle  = Text{"Telefoningiz bilan skanerlang", "Отсканируйте телефоном", "Scan with your phone"}
	ScanHint   = Text{"Kamera %s toʻlovini ochadi.", "Камера откроет оплату через %s.", "The camera opens the payment in %s."}
	QRWords    = Text{"%s orqali toʻlash havolasi, QR kod", "Ссылка на оплату через %s, QR-код", "Link to pay with %s, as a QR code"}
	TypeHint   = Text{"yoki ilovada raqamni kiriting", "или введите номер в приложении", "or type this number in the app"}
	GoToPage   = Text{"Toʻlov sahifasiga oʻtish", "Перейти на страницу оплаты", "Go to the payment page"}
	WatchHere  = Text{"Toʻlov oʻtishi bilan shu sahifa oʻzi yangilanadi.", "Страница обновится сама, как только платёж пройдёт.", "This page updates by itself once you have paid."}
	CloseOK    = Text{"Bu sahifani yopsangiz ham boʻladi: toʻlov yoʻqolmaydi.", "Страницу можно закрыть: платёж не потеряется.", "You may close this page; the payment will not be lost."}
	CheckNow   = Text{"Hozir tekshirish", "Проверить сейчас", "Check now"}
	BackToShop = Text{"Doʻkonga qaytish", "Вернуться в магазин", "Back to the shop"}

	WaitTitle    = Text{"Toʻlovni kutyapmiz", "Ждём оплату", "Waiting for your payment"}
	WaitText     = Text{"Toʻlov %sda boshlandi. Uni oʻsha yerda tasdiqlang.", "Платёж начат в %s. Подтвердите его там.", "The payment has begun in %s. Confirm it there."}
	WaitOther    = Text{"Boshqa usulni tanlash uchun avval bu toʻlovni %sda bekor qiling.", "Чтобы выбрать другой способ, сначала отмените этот платёж в %s.", "To pay another way, first cancel this payment in %s."}
	WaitOtherAt  = Text{"Tugallanmasa, boshqa usulni keyinroq tanlash mumkin: %s.", "Если он не завершится, другой способ можно будет выбрать позже: %s.", "If it is not finished, another way can be chosen later: %s."}
	TriedFailed  = Text{"%s: toʻlov oʻtmadi. Pul yechilmadi. Qayta urinib koʻring yoki boshqa usulni tanlang.", "%s: платёж не прошёл. Деньги не списаны. Попробуйте ещё раз или выберите другой способ.", "%s: the payment did not go through. No money was taken. Try again, or choose another way."}
	PageNotMade  = Text{"%s hozir javob bermayapti. Pul yechilmadi. Birozdan soʻng urinib koʻring yoki boshqa usulni tanlang.", "%s сейчас не отвечает. Деньги не списаны. Попробуйте позже или выберите другой способ.", "%s does not answer right now. No money was taken. Try again soon, or choose another way."}
	AttemptRuns  = Text{"Bu hisob boʻyicha toʻlov allaqachon boshlangan. Yana toʻlamang.", "По этому счёту платёж уже начат. Не платите ещё раз.", "A payment of this bill has begun already. Do not pay again."}
	UnknownTitle = Text{"Natija hali nomaʼlum", "Результат пока неизвестен", "We do not know yet"}
	UnknownText  = Text{"Pul yechilgan boʻlishi mumkin. QAYTA TOʻLAMANG. Natija aniqlanishi bilan shu sahifada koʻrsatamiz.", "Деньги могли быть списаны. НЕ ПЛАТИТЕ ЕЩЁ РАЗ. Как только результат станет известен, он появится на этой странице.", "Money may have been taken. DO NOT PAY AGAIN. This page will show the outcome as soon as it is known."}
	UnknownKeep  = Text{"Bu sahifani saqlab qoʻying. Doʻkonga murojaat qilsangiz, toʻlov raqamini ayting.", "Сохраните эту страницу. Обращаясь в магазин, назовите номер для оплаты.", "Keep this page. If you contact the shop, tell them the pay number."}

	PaidTitle      = Text{"Toʻlandi", "Оплачено", "Paid"}
	PaidText       = Text{"Pul qabul qilindi. Boshqa hech narsa toʻlash shart emas.", "Деньги получены. Больше платить ничего не нужно.", "The money was received. There is nothing more to pay."}
	PaidAlready    = Text{"Bu hisob toʻlangan. Qayta toʻlamang.", "Этот счёт уже оплачен. Не платите ещё раз.", "This bill is already paid. Do not pay it again."}
	PaidReturned   = Text{"Shundan %s qaytarildi.", "Из них возвращено %s.", "%s of it was returned."}
	PaidReturning  = Text{"Pulni qaytarish boshlangan, natijasi hali nomaʼlum.", "Возврат денег начат, его исход пока неизвестен.", "A return of the money was begun; its outcome is not known yet."}
	FiscalReceipt  = Text{"Fiskal chek", "Фискальный чек", "Fiscal receipt"}
	FiscalOpen     = Text{"Chekni ochish", "Открыть чек", "Open the receipt"}
	FiscalQR       = Text{"Fiskal chek havolasi, QR kod", "Ссылка на фискальный чек, QR-код", "Link to the fiscal receipt, as a QR code"}
	By             = Text{"Usul", "Способ", "Paid with"}
	At             = Text{"Vaqti", "Время", "Time"}
	Card           = Text{"Karta", "Карта", "Card"}
	Sum            = Text{"Summa", "Сумма", "Amount"}
	HeldTitle      = Text{"Pul kartangizda band qilindi", "Деньги удержаны на карте", "The money is on hold"}
	HeldText       = Text{"U hali yechilmagan. Doʻkon buyurtmani tasdiqlasa, yechiladi; aks holda boʻshatiladi. Qayta toʻlamang.", "Они ещё не списаны. Магазин спишет их, подтвердив заказ, или освободит. Не платите ещё раз.", "It has not been taken yet. The shop takes it when it confirms the order, or releases it. Do not pay again."}
	RefundedTitle  = Text{"Pul qaytarildi", "Деньги возвращены", "The money was returned"}
	RefundedText   = Text{"Toʻlov toʻliq qaytarildi. Pul kartangizga yetib borish vaqti bankingizga bogʻliq.", "Платёж возвращён полностью. Когда деньги поступят на карту, зависит от вашего банка.", "The whole payment was returned. When it reaches your card depends on your bank."}
	FailedTitle    = Text{"Toʻlov oʻtmadi", "Платёж не прошёл", "The payment did not go through"}
	FailedText     = Text{"Pul yechilmadi. Yangi hisob uchun doʻkonga qayting.", "Деньги не списаны. За новым счётом вернитесь в магазин.", "No money was taken. Go back to the shop for a new bill."}
	CancelledTitle = Text{"Hisob bekor qilindi", "Счёт отменён", "This bill was cancelled"}
	CancelledText  = Text{"Pul yechilmadi. Uni endi toʻlab boʻlmaydi.", "Деньги не списаны. Оплатить его больше нельзя.", "No money was taken. It can no longer be paid."}
	ReleasedText   = Text{"Kartangizda band qilingan pul boʻshatildi. Qachon koʻrinishi bankingizga bogʻliq.", "Удержание на карте снято. Когда это станет видно, зависит от вашего банка.", "The hold on your card was released. When you see it depends on your bank."}
	ExpiredTitle   = Text{"Toʻlov muddati oʻtdi", "Срок оплаты истёк", "The time to pay has run out"}
	ExpiredText    = Text{"Pul yechilmadi. Yangi hisob uchun doʻkonga qayting.", "Деньги не списаны. За новым счётом вернитесь в магазин.", "No money was taken. Go back to the shop for a new bill."}

	NoBillTitle = Text{"Bunday hisob yoʻq", "Такого счёта нет", "There is no such bill"}
	NoBillText  = Text{"Havola toʻliq koʻchirilganini tekshiring yoki doʻkondan qayta soʻrang.", "Проверьте, целиком ли скопирована ссылка, или запросите её в магазине ещё раз.", "Check that the whole link was copied, or ask the shop for it again."}
	OopsTitle   = Text{"Sahifani hozir koʻrsata olmaymiz", "Сейчас страницу показать не удаётся", "This page cannot be shown right now"}
	OopsText    = Text{"Toʻlovingizga bu taʼsir qilmaydi. Bir daqiqadan soʻng sahifani yangilang; toʻlagan boʻlsangiz, qayta toʻlamang.", "На ваш платёж это не влияет. Обновите страницу через минуту; если вы уже платили, не платите ещё раз.", "This does not change your payment. Reload in a minute; if you have paid, do not pay again."}
	MovedTitle  = Text{"Bu amal endi mumkin emas", "Это действие больше недоступно", "That can no longer be done"}
)

// Ways tells under a company's name how one pays there.
var Ways = map[string]Text{
	"payme":     {"Payme ilovasi yoki karta", "Приложение Payme или карта", "Payme app or card"},
	"click":     {"Click ilovasi yoki karta", "Приложение Click или карта", "Click app or card"},
	"uzum":      {"Uzum Bank ilovasi", "Приложение Uzum Bank", "Uzum Bank app"},
	"multicard": {"Bank kartasi yoki ilova", "Банковская карта или приложение", "Bank card or an app"},
}
