package words

// The landing page.
var (
	LandingTitle = Text{"Oʻzbekistondagi barcha toʻlovlar uchun bitta shlyuz", "Один шлюз для всех платежей Узбекистана", "One gateway for every way Uzbekistan pays"}
	LandingLede  = Text{"Ilovangiz hisob yaratadi, xaridor oʻz ilovasida toʻlaydi, siz esa imzolangan xabar olasiz. Oʻz serveringizda, bitta dasturda.", "Ваше приложение создаёт счёт, покупатель платит в своём приложении, вы получаете подписанное уведомление. На вашем сервере, одной программой.", "Your app makes an invoice, the buyer pays in the app they have, and you get a signed webhook. On your own server, in one program."}
	AllWell      = Text{"Ishlayapti", "Работает", "Running"}
	NotWell      = Text{"Hozir tayyor emas", "Сейчас не готов", "Not ready right now"}
	Companies    = Text{"Ulangan provayderlar", "Подключённые провайдеры", "Connected providers"}
	ReadDocs     = Text{"Hujjatlar", "Документация", "Documentation"}
	QuickStart   = Text{"Tez boshlash", "Быстрый старт", "Quickstart"}
	APIReference = Text{"API", "API", "API reference"}
	OpenAdmin    = Text{"Boshqaruv", "Админка", "Admin"}
	AskedAt      = Text{"%s da tekshirildi", "проверено в %s", "checked at %s"}
	CannotAsk    = Text{"Holatni soʻrab boʻlmadi", "Состояние узнать не удалось", "The status cannot be read"}
	CheckFails   = Text{"%s javob bermayapti", "%s не отвечает", "%s does not answer"}
	OpenSandbox  = Text{"Sinov muhiti", "Песочница", "Sandbox"}
	Promise1     = Text{"Hech narsa yoʻqolmaydi", "Ничего не теряется", "Nothing lost"}
	Promise1Text = Text{"Holat oʻzgarishi, uning tarixi va xabari bitta tranzaksiyada yoziladi.", "Изменение состояния, его запись в истории и уведомление пишутся одной транзакцией.", "A change of state, its line in the history and its webhook are one transaction."}
	Promise2     = Text{"Hech narsa ikki marta boʻlmaydi", "Ничего не повторяется", "Nothing doubled"}
	Promise2Text = Text{"Takroriy soʻrov, chaqiruv yoki xabar bazadagi yagona kalit tufayli zararsiz.", "Повтор запроса, вызова или уведомления безвреден благодаря уникальному ключу в базе.", "A request, callback or webhook that comes twice is harmless, by a unique key in the database."}
	Promise3     = Text{"Hech narsa taxmin qilinmaydi", "Ничего не угадывается", "Nothing guessed"}
	Promise3Text = Text{"Javob yoʻqolsa, natija nomaʼlum deb aytiladi va kompaniyadan soʻraladi.", "Если ответ потерян, результат называется неизвестным, и компанию спрашивают.", "When an answer is lost, the outcome is called unknown, and the company is asked."}
	NoPageTitle  = Text{"Bunday sahifa yoʻq", "Такой страницы нет", "There is no such page"}
	NoPageText   = Text{"Manzilni tekshiring yoki hujjatlardan boshlang.", "Проверьте адрес или начните с документации.", "Check the address, or start from the documentation."}
)
