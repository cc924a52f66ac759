package words

// What every page says.
var (
	TestBar    = Text{"SINOV: haqiqiy pul harakatlanmaydi", "ТЕСТ: настоящие деньги не движутся", "TEST: no real money moves"}
	Language   = Text{"Til", "Язык", "Language"}
	SkipToMain = Text{"Asosiy qismga oʻtish", "К содержанию", "Skip to content"}
	Copy       = Text{"Nusxa olish", "Копировать", "Copy"}
	Copied     = Text{"Nusxa olindi", "Скопировано", "Copied"}
)

// The states, in one or two words, as they stand beside their sign.
var (
	Paid      = Text{"Toʻlandi", "Оплачено", "Paid"}
	Waiting   = Text{"Kutilmoqda", "Ожидание", "Waiting"}
	Held      = Text{"Band qilindi", "Удержано", "On hold"}
	Failed    = Text{"Oʻtmadi", "Не прошёл", "Failed"}
	Cancelled = Text{"Bekor qilindi", "Отменено", "Cancelled"}
	Expired   = Text{"Muddati oʻtdi", "Срок истёк", "Expired"}
	Refunded  = Text{"Qaytarildi", "Возвращено", "Refunded"}
	Unknown   = Text{"Nomaʼlum", "Неизвестно", "Unknown"}
)
