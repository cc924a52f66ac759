package words

// The frame of the staff's pages.
var (
	Inbox     = Text{"Diqqat talab", "Требует внимания", "Needs you"}
	Menu      = Text{"Menyu", "Меню", "Menu"}
	MyAccount = Text{"Mening hisobim", "Моя учётная запись", "My account"}
	SignOut   = Text{"Chiqish", "Выйти", "Sign out"}
	FindLabel = Text{"Qidirish", "Поиск", "Search"}
	FindHint  = Text{"Telefon, buyurtma, ID, RRN, summa", "Телефон, заказ, ID, RRN, сумма", "Phone, order, ID, RRN, amount"}

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
	RoleRefundsMay = Text{"Pul qaytaradi, noaniq toʻlovlar boʻyicha qaror qiladi", "Возвращает деньги, решает по неизвестным исходам", "Returns money, decides unknown outcomes"}
	RoleOwnerMay   = Text{"Savdogarlar, xodimlar, chegaralar", "Мерчанты, сотрудники, лимиты", "Merchants, staff, limits"}
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
