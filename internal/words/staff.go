package words

// The frame of the staff's pages.
var (
	Inbox     = Text{"Diqqat talab", "Требует внимания", "Needs you"}
	Menu      = Text{"Menyu", "Меню", "Menu"}
	MyAccount = Text{"Mening hisobim", "Моя учётная запись", "My account"}
	SignOut   = Text{"Chiqish", "Выйти", "Sign out"}
	FindLabel = Text{"Qidirish", "Поиск", "Search"}
	FindHint  = Text{"Telefon, buyurtma, ID, RRN, summa", "Телефон, заказ, ID, RRN, сумма", "Phone, order, ID, RRN, amount"}

	Opening     = Text{"Ochilmoqda", "Открываем", "Opening"}
	OpeningText = Text{"Sahifa oʻzi ochilmasa, uni yangilang.", "Если страница не открылась сама, обновите её.", "If the page does not open by itself, reload it."}

	NothingWaits = Text{"Hech narsa sizni kutmayapti.", "Ничего не требует вашего внимания.", "Nothing waits for you."}

	NoStaffPage     = Text{"Manzilni tekshiring: bu yerda hech narsa yoʻq.", "Проверьте адрес: здесь ничего нет.", "Check the address: there is nothing here."}
	NotAllowedTitle = Text{"Bunga ruxsatingiz yoʻq", "У вас нет на это прав", "You may not do this"}
	NotAllowedText  = Text{"Rolingiz buni ochmaydi. Kerak boʻlsa, egasidan soʻrang.", "Ваша роль этого не открывает. Если нужно, обратитесь к владельцу.", "Your role does not open this. Ask an owner if you need it."}
	ForeignTitle    = Text{"Soʻrov rad etildi", "Запрос отклонён", "The request was refused"}
	ForeignText     = Text{"U boshqa saytdan kelgan. Hech narsa bajarilmadi.", "Он пришёл с другого сайта. Ничего не сделано.", "It came from another site. Nothing was done."}
	NotNowTitle     = Text{"Hozir buni bajarib boʻlmaydi", "Сейчас это сделать нельзя", "That cannot be done now"}
	NotNowText      = Text{"Sahifa ochilganidan beri holat oʻzgargan boʻlishi mumkin. Orqaga qaytib, yangilang.", "Возможно, с тех пор как вы открыли страницу, всё изменилось. Вернитесь и обновите её.", "Things may have changed since you opened the page. Go back and reload it."}
	StaffOopsTitle  = Text{"Sahifani hozir koʻrsata olmaymiz", "Сейчас страницу показать не удаётся", "This page cannot be shown right now"}
	StaffOopsText   = Text{"Hech narsa bajarilmadi. Bir daqiqadan soʻng qayta urinib koʻring.", "Ничего не сделано. Попробуйте через минуту.", "Nothing was done. Try again in a minute."}
)

// The roles, and what each may do.
var (
	RoleViewer  = Text{"kuzatuvchi", "наблюдатель", "viewer"}
	RoleSupport = Text{"yordam", "поддержка", "support"}
	RoleRefunds = Text{"qaytarishlar", "возвраты", "refunds"}
	RoleOwner   = Text{"egasi", "владелец", "owner"}

	RoleViewerMay  = Text{"Faqat koʻradi", "Только смотрит", "Only looks"}
	RoleSupportMay = Text{"Xabarlarni qayta yuboradi, toʻlanmagan hisobni bekor qiladi", "Повторяет уведомления, отменяет неоплаченные счета", "Sends webhooks again, cancels unpaid invoices"}
	RoleRefundsMay = Text{"Pul qaytaradi, bandlarni boʻshatadi, noaniq toʻlovlar boʻyicha qaror qiladi", "Возвращает деньги, снимает удержания, решает по неизвестным исходам", "Returns money, releases holds, decides unknown outcomes"}
	RoleOwnerMay   = Text{"Savdogarlar, kassalar, xodimlar, chegaralar", "Мерчанты, кассы, сотрудники, лимиты", "Merchants, tills, staff, limits"}
)

// Signing in, and enrolling.
var (
	SignIn        = Text{"Kirish", "Войти", "Sign in"}
	Email         = Text{"E-pochta", "Эл. почта", "E-mail"}
	Password      = Text{"Parol", "Пароль", "Password"}
	CodeLabel     = Text{"Autentifikator kodi", "Код из аутентификатора", "Authenticator code"}
	CodeHint      = Text{"6 raqam; telefon yoʻqolgan boʻlsa, zaxira kodi", "6 цифр; если телефон потерян, резервный код", "6 digits; a recovery code if the phone is lost"}
	SignInRefused = Text{"Manzil, parol yoki kod notoʻgʻri. Har bir kod bir marta oʻtadi.", "Адрес, пароль или код неверны. Каждый код действует один раз.", "The address, the password or the code is wrong. Each code is good once."}
	SignInLocked  = Text{"Juda koʻp urinish. Keyingisidan oldin kuting: %s.", "Слишком много попыток. Подождите перед следующей: %s.", "Too many tries. Wait before the next: %s."}
	SignInBusy    = Text{"Hozir juda koʻp odam kirmoqda. Bir daqiqadan soʻng urinib koʻring.", "Сейчас входят слишком многие. Попробуйте через минуту.", "Too many people are signing in. Try again in a minute."}
)

// What stands in the way at the doors.
var (
	TooOftenTitle    = Text{"Juda tez-tez", "Слишком часто", "Too often"}
	TooOftenText     = Text{"Shu manzildan soʻrovlar koʻp keldi. Bir daqiqadan soʻng urinib koʻring.", "С этого адреса пришло слишком много запросов. Попробуйте через минуту.", "Too many requests came from this address. Try again in a minute."}
	FormOld          = Text{"Sahifa eskirgan. Kodni qayta skanerlang.", "Страница устарела. Отсканируйте код заново.", "The page was too old. Scan the code again."}
	ProofAgain       = Text{"Bu oʻzingiz ekaningizni tasdiqlang", "Подтвердите, что это вы", "Confirm that it is you"}
	OwnAuthenticator = Text{"Oʻz autentifikatoringizni boshqa ega yoki serverdagi buyruq almashtiradi.", "Ваш собственный аутентификатор сбрасывает другой владелец или команда на сервере.", "Your own authenticator is reset by another owner, or by the command on the server."}
	RefundLimitNext  = Text{"%s dan boshlab: %s. Shu paytgacha avvalgisi amal qiladi.", "С %s: %s. До этого действует прежний.", "From %s: %s. Until then the present one counts."}
	RefundLimitEnds  = Text{"%s dan boshlab chegara boʻlmaydi. Shu paytgacha avvalgisi amal qiladi.", "С %s лимита не будет. До этого действует прежний.", "From %s there will be no limit. Until then the present one counts."}
)

// Enrolling.
var (
	EnrolTitle    = Text{"Hisobni sozlash", "Настройка учётной записи", "Set up your account"}
	EnrolFor      = Text{"Bu havola %s uchun. U bir marta va bir kun ishlaydi.", "Эта ссылка для %s. Она действует один раз и один день.", "This link is for %s. It is good once, for a day."}
	EnrolStep1    = Text{"1. Parol oʻylab toping", "1. Придумайте пароль", "1. Choose a password"}
	EnrolStep1Old = Text{"1. Hozirgi parolingiz", "1. Ваш нынешний пароль", "1. Your present password"}
	EnrolStep2    = Text{"2. Autentifikator ilovasida skanerlang", "2. Отсканируйте в приложении-аутентификаторе", "2. Scan with an authenticator app"}
	EnrolStep2Any = Text{"Google Authenticator va boshqa istalgan TOTP ilovasi mos keladi.", "Подойдёт Google Authenticator и любое другое приложение TOTP.", "Google Authenticator will do, and so will any other TOTP app."}
	EnrolSecret   = Text{"Skanerlab boʻlmasa, kalitni kiriting", "Если отсканировать нельзя, введите ключ", "If you cannot scan it, type the key"}
	EnrolQR       = Text{"Autentifikator kaliti, QR kod", "Ключ аутентификатора, QR-код", "The authenticator key, as a QR code"}
	EnrolStep3    = Text{"3. Ilova koʻrsatgan 6 raqam", "3. 6 цифр, которые показывает приложение", "3. The 6 digits that the app shows"}
	EnrolDo       = Text{"Tayyor", "Готово", "Done"}
	PasswordRule  = Text{"Kamida 12 belgi. Uzun ibora eng yaxshisi.", "Не короче 12 знаков. Лучше всего длинная фраза.", "At least 12 characters. A long phrase is best."}

	RecoveryTitle = Text{"Zaxira kodlari", "Резервные коды", "Recovery codes"}
	RecoveryText  = Text{"Telefon yoʻqolsa, har biri bir marta kod oʻrniga oʻtadi. Ular boshqa koʻrsatilmaydi: chop eting yoki parollar menejerida saqlang.", "Если телефон потеряется, каждый один раз заменит код. Больше их не покажут: распечатайте или сохраните в менеджере паролей.", "If the phone is lost, each stands in for a code once. They are not shown again: print them, or keep them in a password manager."}
	RecoveryKept  = Text{"Saqladim, davom etish", "Сохранил, продолжить", "I have kept them, go on"}

	NoLinkTitle = Text{"Havola endi ishlamaydi", "Ссылка больше не действует", "This link works no more"}
	NoLinkText  = Text{"U ishlatilgan yoki bir kundan eski. Egasidan yangisini soʻrang.", "Она использована или старше суток. Попросите у владельца новую.", "It was used, or is older than a day. Ask an owner for a new one."}

	PasswordLength  = Text{"Parol 12 dan 200 belgigacha boʻladi.", "В пароле должно быть от 12 до 200 знаков.", "A password has 12 to 200 characters."}
	PasswordWeak    = Text{"Bu parolni topish juda oson.", "Этот пароль слишком легко подобрать.", "This password is too easy to guess."}
	PasswordWrong   = Text{"Bu hisobning paroli emas.", "Это не пароль этой учётной записи.", "This is not the account’s password."}
	CodeWrong       = Text{"Ilova hozir bu kodni koʻrsatmayapti. Telefon soati toʻgʻriligini tekshiring.", "Сейчас приложение показывает не этот код. Проверьте часы телефона.", "This is not the code that the app shows now. Check the phone’s clock."}
	ProofWrong      = Text{"Parol yoki kod notoʻgʻri. Har bir kod bir marta oʻtadi.", "Пароль или код неверны. Каждый код действует один раз.", "The password or the code is wrong. Each code is good once."}
	EmailInvalid    = Text{"Bu e-pochta manzili emas.", "Это не адрес эл. почты.", "This is not an e-mail address."}
	AccountExists   = Text{"Bu manzilda hisob allaqachon bor.", "Учётная запись с этим адресом уже есть.", "There is an account of this address already."}
	AccountDisabled = Text{"Hisob oʻchirilgan.", "Учётная запись отключена.", "The account is disabled."}
	LastOwner       = Text{"Bu oxirgi ega. Avval boshqasini ega qiling.", "Это последний владелец. Сначала назначьте другого.", "This is the last owner. Make somebody else one first."}
	LimitInvalid    = Text{"Summa soʻmda, masalan 500 000.", "Сумма в сумах, например 500 000.", "An amount in soum, such as 500 000."}
)

// What lists and forms of the staff's pages share.
var (
	Role       = Text{"Rol", "Роль", "Role"}
	State      = Text{"Holat", "Состояние", "State"}
	Address    = Text{"Manzil", "Адрес", "Address"}
	Who        = Text{"Kim", "Кто", "Who"}
	What       = Text{"Nima", "Что", "What"}
	Subject    = Text{"Nimaga", "С чем", "To what"}
	Save       = Text{"Saqlash", "Сохранить", "Save"}
	AmountSoum = Text{"Summa, soʻm", "Сумма, сум", "Amount, soum"}
)

// One's own account.
var (
	RecoveryLeft   = Text{"Qolgan zaxira kodlari", "Осталось резервных кодов", "Recovery codes left"}
	SignedInWhere  = Text{"Qayerda kirilgan", "Где выполнен вход", "Where you are signed in"}
	ThisBrowser    = Text{"shu brauzer", "этот браузер", "this browser"}
	SignedInAt     = Text{"Kirgan", "Вход", "Signed in"}
	SeenAt         = Text{"Oxirgi amal", "Последнее действие", "Last seen"}
	SignOutAll     = Text{"Hamma joydan chiqish", "Выйти везде", "Sign out everywhere"}
	ChangePassword = Text{"Parolni oʻzgartirish", "Сменить пароль", "Change the password"}
	ProofWhy       = Text{"Brauzer ochiq qolgan boʻlishi mumkin, shuning uchun yana bir bor soʻraymiz. Keyin qayta kirasiz.", "Браузер мог остаться открытым, поэтому спросим ещё раз. Затем вы войдёте заново.", "A browser may have been left open, so we ask once more. You sign in again afterwards."}
	EnrolPresent   = Text{"Hozirgi parol", "Нынешний пароль", "Present password"}
	NewPassword    = Text{"Yangi parol", "Новый пароль", "New password"}
	RecoveryNew    = Text{"Yangi oʻnta kod. Avvalgilari ishlamay qoladi; keyin qayta kirasiz.", "Десять новых кодов. Прежние перестанут действовать; затем вы войдёте заново.", "Ten new codes. Earlier ones stop working; you sign in again afterwards."}
	RecoveryMake   = Text{"Yangi kodlar", "Новые коды", "New codes"}
	KeysTitle      = Text{"Klaviatura", "Клавиатура", "Keyboard"}
	KeysText       = Text{"/ qidiruvga olib boradi, j va k roʻyxatda yuradi, r yetmagan xabarni qayta yuboradi. Ovoz bilan yozsangiz, bularni shu brauzerda oʻchiring.", "/ ведёт к поиску, j и k ходят по списку, r отправляет недоставленное снова. Если вы диктуете голосом, отключите это в этом браузере.", "/ leads to the search, j and k walk a list, r sends a stuck event again. If you dictate, turn these off in this browser."}
	KeysOff        = Text{"Bir harfli tugmalarni oʻchirish", "Отключить клавиши-буквы", "Turn single letters off"}
	KeysOn         = Text{"Bir harfli tugmalarni yoqish", "Включить клавиши-буквы", "Turn single letters on"}
	DidPassword    = Text{"Parol oʻzgardi. Yangisi bilan kiring.", "Пароль изменён. Войдите с новым.", "The password is changed. Sign in with the new one."}
)

// The staff.
var (
	StaffTitle       = Text{"Xodimlar", "Сотрудники", "Staff"}
	AddStaff         = Text{"Xodim qoʻshish", "Добавить сотрудника", "Add a person"}
	AddStaffText     = Text{"Bir martalik havola olasiz. U orqali xodim parol va autentifikator oʻrnatadi.", "Вы получите одноразовую ссылку. По ней сотрудник задаст пароль и аутентификатор.", "You get a one-time link, by which the person sets a password and an authenticator."}
	RolesAdd         = Text{"Har bir rol oldingilarining huquqlarini ham oʻz ichiga oladi.", "Каждая роль включает права предыдущих.", "Each role may all that the ones above it may."}
	LinkTitle        = Text{"Bir martalik havola", "Одноразовая ссылка", "One-time link"}
	LinkText         = Text{"Uni %s ga ishonchli yoʻl bilan bering. Bir kun ishlaydi va boshqa koʻrsatilmaydi.", "Передайте её %s надёжным путём. Она действует один день, и больше её не покажут.", "Give it to %s by a way you trust. It is good for a day and is not shown again."}
	StaffActive      = Text{"Ishlaydi", "Работает", "Active"}
	StaffInvited     = Text{"Taklif qilingan", "Приглашён", "Invited"}
	StaffDisabled    = Text{"Oʻchirilgan", "Отключён", "Disabled"}
	AddedAt          = Text{"Qoʻshilgan", "Добавлен", "Added"}
	WhatTheyDid      = Text{"Nimalarni koʻrgan va qilgan", "Что смотрел и делал", "What they looked at and did"}
	ChangeRole       = Text{"Rolni oʻzgartirish", "Сменить роль", "Change the role"}
	ResetTOTP        = Text{"Yangi autentifikator", "Новый аутентификатор", "New authenticator"}
	ResetTOTPText    = Text{"Hozirgi autentifikator va zaxira kodlari ishlamay qoladi, xodim hamma joydan chiqariladi. Yangi havola olasiz.", "Нынешний аутентификатор и резервные коды перестанут действовать, сотрудник выйдет везде. Вы получите новую ссылку.", "The present authenticator and recovery codes stop working, and the person is signed out everywhere. You get a new link."}
	ForgottenToo     = Text{"Parol ham unutilgan", "Пароль тоже забыт", "The password is forgotten too"}
	DisableStaff     = Text{"Hisobni oʻchirish", "Отключить", "Disable the account"}
	DisableStaffText = Text{"Xodim hamma joydan chiqariladi va qayta kira olmaydi. Jurnaldagi yozuvlari qoladi.", "Сотрудник выйдет везде и больше не войдёт. Его записи в журнале останутся.", "The person is signed out everywhere and let in no more. What they did stays in the log."}
	EnableStaff      = Text{"Qayta yoqish", "Включить снова", "Enable again"}
	RefundLimit      = Text{"Ikki kishilik qaytarish", "Возврат вдвоём", "Refunds by two people"}
	RefundLimitText  = Text{"Bu summadan katta qaytarishni boshqa xodim tasdiqlaydi. Soʻragan va tasdiqlagan kishining huquqiga bir kun toʻlgan boʻlishi kerak. API orqali qaytarishlarga tegmaydi.", "Возврат больше этой суммы подтверждает другой сотрудник. Права у обоих должны быть не меньше суток. Возвратов через API это не касается.", "A refund above this amount is confirmed by a second person. Both must have had their right for a day. Refunds made by the API are not bound by it."}
	RefundLimitHint  = Text{"Boʻsh: chegara yoʻq", "Пусто: без лимита", "Empty: no limit"}
	StaffNew         = Text{"chegaradan yuqorisida soʻzi %s dan hisobga olinadi", "сверх лимита слово учитывается с %s", "above the limit their word counts from %s"}
	DidRole          = Text{"Rol oʻzgardi.", "Роль изменена.", "The role is changed."}
	DidDisable       = Text{"Hisob oʻchirildi, xodim hamma joydan chiqarildi.", "Учётная запись отключена, сотрудник вышел везде.", "The account is disabled, and signed out everywhere."}
	DidEnable        = Text{"Hisob qayta yoqildi.", "Учётная запись снова включена.", "The account is enabled again."}
	DidLimit         = Text{"Chegara saqlandi.", "Лимит сохранён.", "The limit is saved."}
)

// The audit log.
var (
	AuditTitle  = Text{"Jurnal", "Журнал", "Audit log"}
	AuditText   = Text{"Kim nimani koʻrgan va qilgan. Unga faqat qoʻshiladi: har bir yozuv oldingisiga bogʻlangan.", "Кто что смотрел и делал. В него только добавляют: каждая запись связана с предыдущей.", "Who looked at what, and did what. It is only added to: each entry is bound to the one before it."}
	AuditVerify = Text{"Butunligini tekshirish", "Проверить целостность", "Verify"}
	AuditWhole  = Text{"Jurnal butun: %d yozuv. Oxirgisini boshqa joyga yozib qoʻying: keyin hech narsa kesilmaganini isbotlaydi.", "Журнал цел, записей: %d. Сохраните последнюю в другом месте: позже она докажет, что ничего не отрезано.", "The log is whole; entries: %d. Note the newest elsewhere: it proves later that nothing was cut off."}
	AuditBroken = Text{"Jurnal buzilgan: birinchi buzilgan yozuv № %d. Bazaga kim kira olishini tekshiring.", "Журнал повреждён: первая повреждённая запись № %d. Проверьте, кто имеет доступ к базе.", "The log is broken: the first broken entry is № %d. Find out who can reach the database."}
)

// AuditWhats are the words of the audit log, as people read them.
var AuditWhats = map[string]Text{
	"session.begun":               {"Kirdi", "Вошёл", "Signed in"},
	"session.refused":             {"Kirish rad etildi", "Вход отклонён", "Sign-in refused"},
	"session.locked":              {"Juda koʻp urinish: kutish boshlandi", "Слишком много попыток: начато ожидание", "Too many tries: must wait"},
	"session.ended":               {"Chiqdi", "Вышел", "Signed out"},
	"session.all_ended":           {"Hamma joydan chiqdi", "Вышел везде", "Signed out everywhere"},
	"access.refused":              {"Ruxsat berilmadi", "Доступ отклонён", "Access refused"},
	"staff.added":                 {"Xodim qoʻshildi", "Добавлен сотрудник", "Person added"},
	"staff.enrolled":              {"Hisobni sozladi", "Настроил учётную запись", "Account set up"},
	"staff.not_enrolled":          {"Hisobni sozlash rad etildi", "Настройка записи отклонена", "Account setup refused"},
	"staff.role":                  {"Rol oʻzgardi", "Сменена роль", "Role changed"},
	"staff.totp_reset":            {"Autentifikator olib tashlandi", "Сброшен аутентификатор", "Authenticator reset"},
	"staff.disabled":              {"Xodim oʻchirildi", "Сотрудник отключён", "Person disabled"},
	"staff.enabled":               {"Xodim yoqildi", "Сотрудник включён", "Person enabled"},
	"staff.password":              {"Parol oʻzgardi", "Сменён пароль", "Password changed"},
	"staff.not_proved":            {"Parol yoki kod bilan tasdiqlanmadi", "Не подтверждено паролем и кодом", "Not confirmed by password and code"},
	"staff.recovery":              {"Yangi zaxira kodlari", "Новые резервные коды", "New recovery codes"},
	"staff.seen":                  {"Xodim koʻrildi", "Просмотрен сотрудник", "Person looked at"},
	"limit.refund":                {"Qaytarish chegarasi", "Лимит возврата", "Refund limit set"},
	"audit.seen":                  {"Jurnal koʻrildi", "Просмотрен журнал", "Audit log looked at"},
	"audit.verified":              {"Jurnal tekshirildi", "Проверен журнал", "Audit log verified"},
	"merchant.seen":               {"Savdogar koʻrildi", "Просмотрен мерчант", "Merchant looked at"},
	"merchant.added":              {"Savdogar qoʻshildi", "Добавлен мерчант", "Merchant added"},
	"merchant.changed":            {"Savdogar oʻzgardi", "Изменён мерчант", "Merchant changed"},
	"merchant.on":                 {"Savdogar yoqildi", "Мерчант включён", "Merchant turned on"},
	"merchant.off":                {"Savdogar oʻchirildi", "Мерчант выключен", "Merchant turned off"},
	"merchant.checked":            {"Kalitlar sinaldi", "Проверены ключи", "Credentials tried"},
	"payout.seen":                 {"Toʻlov chiqimi koʻrildi", "Просмотрена выплата", "Payout looked at"},
	"payout.decided":              {"Chiqim boʻyicha qaror", "Решено по выплате", "Payout decided"},
	"payout.acknowledged":         {"Chiqim ogohlantirishi yopildi", "Тревога по выплате закрыта", "Payout’s alarm ended"},
	"reconciliation.seen":         {"Solishtirish koʻrildi", "Просмотрена сверка", "Reconciliation looked at"},
	"reconciliation.acknowledged": {"Solishtirish ogohlantirishi yopildi", "Тревога по сверке закрыта", "Reconciliation’s alarm ended"},
	"difference.settled":          {"Farq hal qilindi", "Расхождение улажено", "Difference settled"},
	"till.seen":                   {"Kassa koʻrildi", "Просмотрена касса", "Till looked at"},
	"till.added":                  {"Kassa qoʻshildi", "Добавлена касса", "Till added"},
	"till.revoked":                {"Kassa bekor qilindi", "Касса отозвана", "Till revoked"},
	"invoice.seen":                {"Hisob koʻrildi", "Просмотрен счёт", "Invoice looked at"},
	"invoice.searched":            {"Qidirildi", "Искал", "Searched"},
	"inbox.seen":                  {"Bosh sahifa koʻrildi", "Просмотрена главная", "First page looked at"},
	"list.seen":                   {"Roʻyxat koʻrildi", "Просмотрен список", "List looked at"},
	"list.exported":               {"Roʻyxat yuklab olindi", "Список выгружен", "List exported"},
	"invoice.told":                {"Xabar qayta yuborildi", "Уведомление отправлено снова", "Webhook sent again"},
	"invoice.cancelled":           {"Hisob bekor qilindi", "Счёт отменён", "Invoice cancelled"},
	"invoice.decided":             {"Nomaʼlum natija hal qilindi", "Решено по неизвестному исходу", "Unknown outcome decided"},
	"alarm.ended":                 {"Ogohlantirish yopildi", "Тревога закрыта", "Alarm ended"},
	"receipt.retried":             {"Chek qayta yuborildi", "Чек отправлен снова", "Receipt sent again"},
	"refund.asked":                {"Qaytarish soʻraldi", "Запрошен возврат", "Refund asked for"},
	"decision.asked":              {"Ikkinchi kishi kutilmoqda", "Ждёт второго человека", "Waits for a second person"},
	"refund.made":                 {"Pul qaytarildi", "Деньги возвращены", "Refund made"},
	"refund.pending":              {"Qaytarish javobi kutilmoqda", "Ответ на возврат ожидается", "Refund’s answer awaited"},
	"refund.waits":                {"Qaytarish ikkinchi kishini kutmoqda", "Возврат ждёт второго человека", "Refund waits for a second person"},
	"invoice.asked":               {"Provayderdan soʻraldi", "Провайдер спрошен", "Provider asked"},
	"payout.asked":                {"Chiqim haqida soʻraldi", "Спрошено о выплате", "Company asked of a payout"},
	"payout.told":                 {"Chiqim xabari qayta yuborildi", "Уведомление о выплате отправлено снова", "Payout’s webhook sent again"},
	"payout.waits":                {"Chiqim ikkinchi kishini kutmoqda", "Выплата ждёт второго человека", "Payout waits for a second person"},
	"payout.confirmed":            {"Chiqim yuborilmagani tasdiqlandi", "Подтверждено: выплата не отправлена", "Payout confirmed as not sent"},
	"payout.refused":              {"Chiqim boʻyicha rad etildi", "По выплате отклонено", "Payout’s question refused"},
	"refund.confirmed":            {"Qaytarish tasdiqlandi", "Возврат подтверждён", "Refund confirmed"},
	"refund.refused":              {"Qaytarish rad etildi", "Возврат отклонён", "Refund refused"},
	"delivery.retried":            {"Yetmagan xabar qayta yuborildi", "Недоставленное отправлено снова", "Stuck event sent again"},
}

// AuditNotDone says of an entry that it came to nothing; %s is the entry's word.
var AuditNotDone = Text{"%s: bajarilmadi", "%s: не выполнено", "%s: not done"}

// Merchants.
var (
	MerchantsTitle     = Text{"Savdogarlar", "Мерчанты", "Merchants"}
	Merchant           = Text{"Savdogar", "Мерчант", "Merchant"}
	Company            = Text{"Provayder", "Провайдер", "Provider"}
	CompanyChoose      = Text{"Qaysi provayderda?", "У какого провайдера?", "At which provider?"}
	Source             = Text{"Ilova", "Приложение", "App"}
	SourceHint         = Text{"API dagi source", "source в API", "source in the API"}
	Business           = Text{"Biznes", "Бизнес", "Business"}
	BusinessHint       = Text{"API dagi businessId", "businessId в API", "businessId in the API"}
	DisplayName        = Text{"Xaridor koʻradigan nom", "Название для покупателя", "Name for buyers"}
	DisplayNameHint    = Text{"Boʻsh boʻlsa, biznesning ID si koʻrinadi", "Если пусто, виден ID бизнеса", "If empty, the id of the business is shown"}
	MerchantAdd        = Text{"Savdogar qoʻshish", "Добавить мерчанта", "Add a merchant"}
	MerchantExists     = Text{"Bu biznes bu provayderda allaqachon bor. Hech narsa oʻzgarmadi.", "Этот бизнес у этого провайдера уже есть. Ничего не изменено.", "This business is at this provider already. Nothing was changed."}
	MerchantExistsEdit = Text{"Borini oʻzgartirish", "Изменить существующего", "Change the one that is there"}
	MerchantProof      = Text{"Faqat nom oʻzgarsa kerak emas.", "Не нужно, только если меняется одно название.", "Not needed where only the name changes."}
	MerchantChange     = Text{"Oʻzgartirish", "Изменить", "Change"}
	MerchantOn         = Text{"Yoqilgan", "Включён", "On"}
	MerchantOff        = Text{"Oʻchirilgan", "Выключен", "Off"}
	MerchantTurnOn     = Text{"Yoqish", "Включить", "Turn on"}
	MerchantTurnOff    = Text{"Oʻchirish", "Выключить", "Turn off"}
	DidSave            = Text{"Saqlandi.", "Сохранено.", "Saved."}
	DidTurnOn          = Text{"Yoqildi: yangi toʻlovlar qabul qilinadi.", "Включён: новые платежи принимаются.", "On: new payments are taken."}
	DidTurnOff         = Text{"Oʻchirildi: yangi toʻlov qabul qilinmaydi, boshlanganlari tugallanadi.", "Выключен: новые платежи не принимаются, начатые завершатся.", "Off: no new payment is taken, begun ones are finished."}

	Credentials = Text{"Kalitlar", "Реквизиты доступа", "Credentials"}
	Settings    = Text{"Sozlamalar", "Настройки", "Settings"}
	SecretHint  = Text{"Saqlangach, boshqa koʻrsatilmaydi", "После сохранения больше не показывается", "Not shown again once saved"}
	SecretKeep  = Text{"Boʻsh: avvalgisi qoladi", "Пусто: остаётся прежним", "Empty: the present one stays"}
	SecretKept  = Text{"saqlangan, koʻrsatilmaydi", "сохранено, не показывается", "kept, not shown"}
	NotRequired = Text{"Majburiy emas", "Необязательно", "Not required"}
	TestKeyDrop = Text{"testKey ni oʻchirib tashlash", "Удалить testKey", "Take testKey away"}
	FormFaults  = Text{"Saqlanmadi. Maxfiy maydonlarni qayta kiriting.", "Не сохранено. Секретные поля введите заново.", "Not saved. Type the secret fields again."}
	Yes         = Text{"ha", "да", "yes"}

	OptionMode             = Text{"Rejim", "Режим", "Mode"}
	OptionAccountField     = Text{"Hisob maydonining nomi", "Имя поля счёта", "Name of the account field"}
	OptionUzumAttribute    = Text{"Uzum atributi", "Атрибут Uzum", "Uzum’s attribute"}
	OptionAmountUnit       = Text{"Summa birligi", "Единица сумм", "Unit of amounts"}
	OptionPartialRefund    = Text{"Qisman qaytarish mumkin", "Можно возвращать часть", "Parts may be returned"}
	OptionPartialReversal  = Text{"Qisman bekor qilish mumkin", "Можно отменять часть", "Parts may be reversed"}
	OptionRefuseLateCancel = Text{"Toʻlovdan keyin bekor qilishni rad etish", "Отклонять отмену после оплаты", "Refuse a cancel after payment"}
	OptionFiscalise        = Text{"Fiskal chekni provayder yaratadi", "Фискальный чек создаёт провайдер", "The provider makes the fiscal receipt"}
	OptionDirectCharge     = Text{"Pulni avval band qilmasdan, darhol yechish", "Списывать сразу, без предварительного удержания", "Charge at once, without a hold first"}
	OptionReconcileNightly = Text{"Har kecha provayder reyestri bilan solishtirish", "Каждую ночь сверять с реестром провайдера", "Compare with the provider’s register each night"}
	OptionRefundEvents     = Text{"Qisman qaytarish haqida ilovaga xabar berish", "Сообщать приложению о частичном возврате", "Tell the app of partial refunds"}
	OptionOwnTIN           = Text{"Sotuvchining STIR yoki JSHSHIR", "ИНН или ПИНФЛ продавца", "The seller’s TIN or PINFL"}
	OptionCallbackFrom     = Text{"Qaysi tarmoqlardan chaqiruv qabul qilinadi", "Из каких сетей принимать вызовы", "Networks from which calls are taken"}

	GoLive        = Text{"Ishga tushirish", "Запуск", "Going live"}
	GoLiveReady   = Text{"Hammasi koʻrildi: bu savdogar ishlamoqda.", "Всё было замечено: этот мерчант работает.", "Everything was seen: this merchant works."}
	StepDone      = Text{"bajarildi", "сделано", "done"}
	StepLeft      = Text{"qoldi", "осталось", "left"}
	StepSaved     = Text{"Kalitlar saqlangan", "Реквизиты сохранены", "Credentials are saved"}
	StepActive    = Text{"Savdogar yoqilgan", "Мерчант включён", "The merchant is on"}
	StepLive      = Text{"Jonli rejim, sinov emas", "Боевой режим, не тестовый", "Live mode, not test"}
	StepHeard     = Text{"Provayder bizni chaqirdi", "Провайдер нас вызвал", "The provider has called us"}
	StepPaid      = Text{"Birinchi toʻlov oʻtdi", "Первый платёж прошёл", "A first payment went through"}
	StepDelivered = Text{"Ilova xabarni qabul qildi", "Приложение приняло уведомление", "The app has taken a webhook"}
	StepReturned  = Text{"Qaytarish sinab koʻrildi", "Возврат опробован", "A refund was tried"}

	CallbackTitle = Text{"Kabinetga kiritiladigan manzillar", "Адреса для кабинета", "Addresses for the cabinet"}
	CallbackPaste = Text{"Ularni %s kabinetiga qoʻying.", "Вставьте их в кабинете %s.", "Paste them into the cabinet of %s."}
	CallbackSent  = Text{"%s manzilni har bir hisob bilan oladi: kiritish shart emas.", "%s получает адрес с каждым счётом: вводить ничего не нужно.", "%s is told the address with each invoice: there is nothing to paste."}
	CallbackNone  = Text{"%s bizni chaqirmaydi: kiritiladigan manzil yoʻq.", "%s нас не вызывает: вводить нечего.", "%s does not call us: there is nothing to paste."}
	HeardNever    = Text{"%s hali bizni chaqirmagan.", "%s ещё нас не вызывала.", "%s has not called us yet."}
	HeardLast     = Text{"%s oxirgi marta chaqirgan: %s, %s, javobimiz HTTP %d.", "%s, последний вызов: %s, %s, наш ответ HTTP %d.", "%s last called: %s, %s, and we answered HTTP %d."}

	CheckTitle    = Text{"Kalitlarni sinash", "Проверка реквизитов", "Try the credentials"}
	CheckText     = Text{"%s ga hech narsa qilmaydigan soʻrov yuboriladi.", "В %s уйдёт запрос, который ничего не делает.", "%s is asked by a call that does nothing else."}
	CheckDo       = Text{"Sinash", "Проверить", "Try"}
	CheckNone     = Text{"%s bilan kalitlarni sinaydigan soʻrov yoʻq: u bizni chaqiradi. Birinchi chaqiruv kalitlar toʻgʻriligini koʻrsatadi.", "У %s нет запроса, которым можно проверить реквизиты: она вызывает нас. Первый её вызов покажет, верны ли они.", "%s has no call by which the credentials could be tried: it calls us. Its first call shows whether they are right."}
	CheckFirst    = Text{"%s bilan kalitlarni sinaydigan soʻrov yoʻq. Birinchi toʻlov ular toʻgʻriligini koʻrsatadi.", "У %s нет запроса, которым можно проверить реквизиты. Верны ли они, покажет первый платёж.", "%s has no call by which the credentials could be tried. A first payment shows whether they are right."}
	CheckNothing  = Text{"%s kalit talab qilmaydi.", "%s не требует реквизитов.", "%s wants no credentials."}
	CreditGood    = Text{"%s kalitlarni qabul qildi.", "%s принимает эти реквизиты.", "%s takes these credentials."}
	CreditBad     = Text{"%s kalitlarni rad etdi. Ularni kabinet bilan solishtiring.", "%s отклоняет эти реквизиты. Сверьте их с кабинетом.", "%s does not take these credentials. Compare them with its cabinet."}
	CreditUnclear = Text{"%s hozir aniq javob bermadi. Birozdan soʻng urinib koʻring.", "%s сейчас не ответила внятно. Попробуйте позже.", "%s gave no clear answer. Try again soon."}
)

// Tills, as the staff's pages show them.
var (
	TillsTitle    = Text{"Kassalar", "Кассы", "Tills"}
	TillsText     = Text{"Doʻkondagi kassa yonida ishlaydigan va sotuvlarni shu yerga xabar qiladigan dasturlar.", "Программы, которые работают рядом с кассой в магазине и сообщают сюда о продажах.", "Programs beside the cash registers of a shop, which report its sales here."}
	TillAdd       = Text{"Yangi kassani ulash", "Подключить новую кассу", "Pair a new till"}
	TillName      = Text{"Kassa nomi", "Название кассы", "Name of the till"}
	TillNameHint  = Text{"Masalan: 1-kassa, Chilonzor", "Например: Касса 1, Чиланзар", "For example: Till 1, Chilonzor"}
	TillShop      = Text{"Doʻkon", "Магазин", "Shop"}
	TillShopHint  = Text{"Biznesning ID si: kassaning sotuvlari shu yerda turadi", "ID бизнеса: под ним стоят продажи кассы", "Id of the business under which the till’s sales stand"}
	TillSourceIs  = Text{"Doʻkon hech bir ilovaga tegishli boʻlmasa: till", "Если магазин не относится ни к одному приложению: till", "Where the shop belongs to no app: till"}
	TillNotify    = Text{"Sotuvlar haqida xabar yuboriladigan manzil", "Адрес для уведомлений о продажах", "Where webhooks of its sales go"}
	TillFaultName = Text{"Nom 1 dan 100 tagacha belgidan iborat boʻlsin.", "Название: от 1 до 100 знаков.", "A name has 1 to 100 characters."}
	TillFaultShop = Text{"Ilova va doʻkon 1 dan 255 tagacha belgidan iborat boʻlsin.", "Приложение и магазин: от 1 до 255 знаков.", "App and shop have 1 to 255 characters."}
	TillSeen      = Text{"Oxirgi xabar", "Последнее сообщение", "Last heard of"}
	TillToday     = Text{"Bugun", "Сегодня", "Today"}
	TillDevice    = Text{"Qurilma", "Устройство", "Device"}
	TillVersion   = Text{"Versiya", "Версия", "Version"}
	TillPairedAt  = Text{"Ulangan", "Подключена", "Paired"}
	TillRevokedAt = Text{"Bekor qilingan", "Отозвана", "Revoked"}
	TillMadeAt    = Text{"Qoʻshilgan", "Добавлена", "Added"}
	TillSold      = Text{"%d ta sotuv, %s", "продаж: %d, %s", "sales: %d, %s"}
	TillBack      = Text{"%d ta qaytarish, %s", "возвратов: %d, %s", "returns: %d, %s"}
	TillUnsure    = Text{"%d ta natija nomaʼlum", "неизвестных исходов: %d", "outcomes not known: %d"}
	TillNothing   = Text{"bugun xabar boʻlmagan", "сегодня ничего", "nothing today"}
	TillNever     = Text{"hali yoʻq", "ещё нет", "not yet"}
	TillIsNew     = Text{"Kod kutilmoqda", "Ждёт кода", "Waits for its code"}
	TillIsOver    = Text{"Kod muddati oʻtgan", "Код истёк", "Its code ran out"}
	TillIsPaired  = Text{"Ulangan", "Подключена", "Paired"}
	TillIsRevoked = Text{"Bekor qilingan", "Отозвана", "Revoked"}
	TillCodeTitle = Text{"Ulash kodi", "Код подключения", "Pairing code"}
	TillCodeText  = Text{"%s uchun. Kod bir marta ishlaydi, %s gacha, va faqat hozir koʻrsatiladi.", "Для «%s». Код действует один раз, до %s, и показывается только сейчас.", "For %s. The code is good once, until %s, and is shown only now."}
	TillCodeFile  = Text{"Kassadagi till.yaml fayliga shu qatorni yozing:", "Впишите эту строку в файл till.yaml на кассе:", "Write this line into till.yaml on the till:"}
	TillCodeRun   = Text{"Soʻng u yerda ishga tushiring:", "Затем запустите там:", "Then run there:"}
	TillCodeLost  = Text{"Kod yoʻqolsa, u qayta koʻrsatilmaydi: yangi kassa ulang.", "Если код потерян, он больше не показывается: подключите новую кассу.", "A code that is lost is not shown again: pair a new till."}
	TillOverText  = Text{"Kod ishlatilmasdan muddati oʻtdi. Yangi kassa ulang; bu qatorni bekor qilish mumkin.", "Код истёк неиспользованным. Подключите новую кассу; эту можно отозвать.", "The code ran out unused. Pair a new till; this one can be revoked."}
	TillRevoke    = Text{"Kassani bekor qilish", "Отозвать кассу", "Revoke the till"}
	TillRevokeFor = Text{"Kassa yoʻqolgan, oʻgʻirlangan yoki almashtirilgan boʻlsa. Kodi ham, kaliti ham darhol ishlamay qoladi va bu qaytarilmaydi. Xabar qilganlari qoladi. Kassaning oʻzi savdoni davom ettiradi, lekin bu yerga hech narsa kelmaydi.", "Если касса потеряна, украдена или заменена. Её код и ключ сразу перестают действовать, и вернуть это нельзя. Всё, о чём она сообщила, остаётся. Сама касса продаёт дальше, но сюда больше ничего не приходит.", "For a till that is lost, stolen or replaced. Its code and its token open nothing from that moment, and this cannot be undone. What it has reported stays. The till itself goes on selling, but nothing more arrives here."}
	TillRevokeYes = Text{"Ha, «%s» endi ulanmasin", "Да, «%s» больше не подключать", "Yes, %s is to connect no more"}
	TillRevokeTo  = Text{"Tasdiqlash uchun katakchani belgilang.", "Поставьте отметку, чтобы подтвердить.", "Tick the box to confirm."}
	TillSalesLink = Text{"Doʻkonning hisoblari", "Счета магазина", "The shop’s invoices"}
	DidTillRevoke = Text{"Kassa bekor qilindi: uning kaliti endi hech narsani ochmaydi.", "Касса отозвана: её ключ больше ничего не открывает.", "The till is revoked: its token opens nothing any more."}
)

// GoLiveBy is what a person does by hand before a company's first real payment.
var GoLiveBy = map[string]Text{
	"click":     {"CLICK yangi xizmatni oʻchirilgan holda beradi: yoqishni soʻrang. Manzillar merchant.click.uz da (Xizmatlar, qalamcha) kiritiladi. Server TAS-IX dan tashqarida boʻlsa, domen, IP va portni oldindan yuboring; IP oʻzgarmas boʻlsin.", "Новый сервис CLICK выдаёт выключенным: попросите включить. Адреса вводятся на merchant.click.uz (Сервисы, карандаш). Если сервер вне TAS-IX, заранее сообщите домен, IP и порт; IP должен быть постоянным.", "CLICK gives a new service switched off: ask for it to be turned on. The addresses are entered at merchant.click.uz (Services, the pencil). If the server is outside TAS-IX, send its domain, IP and port first; the IP must not change."},
	"payme":     {"Payme Business kabinetida kassa sozlamalariga Endpoint URL ni kiriting va kassani jonli rejimga oʻtkazing.", "В кабинете Payme Business укажите Endpoint URL в настройках кассы и переведите кассу в боевой режим.", "In the Payme Business cabinet, enter the Endpoint URL in the settings of the cash desk and switch it to live."},
	"uzum":      {"Manzillarni, login va parolni Uzum menejeriga bering: ular oʻzlari kiritishadi.", "Передайте адреса, логин и пароль менеджеру Uzum: их внесут там.", "Give the addresses, login and password to your manager at Uzum, who enters them."},
	"multicard": {"Multicard faqat https manzilni chaqiradi va chiquvchi manzillari hujjatda berilgan.", "Multicard вызывает только https-адрес; её исходящие адреса указаны в документации.", "Multicard calls only an https address; the addresses it calls from are in its documentation."},
}
