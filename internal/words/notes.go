package words

import "strings"

// Note is what stands behind a change in a timeline, in l. The book keeps it in English, since
// whoever asks by the API reads it too; what a company or a person said stands in it as it came,
// and so does a note that is none of these.
func Note(l Lang, note string) string {
	if l == EN {
		return note
	}
	for _, t := range Notes {
		if said, ok := t.said(note); ok {
			return t.With(l, said...)
		}
	}
	return note
}

// said is what stands in the gaps of t's English where a note is made of it.
func (t Text) said(note string) (gaps []any, ok bool) {
	parts := strings.Split(t.EN, "%s")
	rest, ok := strings.CutPrefix(note, parts[0])
	if !ok {
		return nil, false
	}
	for i, part := range parts[1:] {
		at := strings.Index(rest, part)
		if i == len(parts)-2 { // the last one reaches to the end
			at = len(rest) - len(part)
			if !strings.HasSuffix(rest, part) {
				return nil, false
			}
		}
		if at <= 0 {
			return nil, false
		}
		gaps, rest = append(gaps, rest[:at]), rest[at+len(part):]
	}
	return gaps, rest == ""
}

// Notes are those that the book makes, the longer before those that they hold.
var Notes = []Text{
	// What people do.
	{"qaror: %s: %s", "решение: %s: %s", "decided by %s: %s"},
	{"koʻrib chiqdi: %s: %s", "разобрано: %s: %s", "seen by %s: %s"},
	{"qayta yubordi: %s", "отправлено снова: %s", "tried again by %s"},
	{"solishtirdi: %s: %s", "сверено: %s: %s", "reconciled by %s: %s"},
	{"%s kungi farq (%s) koʻrib chiqildi: %s: %s", "расхождение за %s (%s) разобрано: %s: %s", "a difference of %s at %s is settled (noted) by %s: %s"},
	{"%s kungi farqda %s soʻzi qabul qilindi: %s: %s", "по расхождению за %s принято слово %s: %s: %s", "a difference of %s at %s is settled (theirs) by %s: %s"},
	{"%s ikkinchi kishini kutmoqda: %s", "%s ждёт второго человека: %s", "%s waits for a second person: %s"},
	{"%s qaytarilmagan, deydi %s; ikkinchi kishi soʻraldi: %s", "%s не возвращены, утверждает %s; нужен второй человек: %s", "%s was not returned, says %s; a second person is asked: %s"},
	{"yuborilmagani tasdiqlanmadi", "что она не отправлена, не подтверждено", "that it was not sent was not confirmed"},
	{"%s tasdiqlanmadi", "%s не подтверждено", "%s was not confirmed"},
	{"bekor qildi: %s", "отменено: %s", "cancelled by %s"},

	// An invoice and its attempts.
	{"yaratdi: %s", "создано: %s", "made by %s"},
	{"istalgan provayderga oʻtkazildi", "переведено на любого провайдера", "moved to any provider"},
	{"boshqa provayderga oʻtkazildi: %s", "переведено на %s", "moved to %s"},
	{"toʻlanmasdan muddati oʻtdi", "срок истёк без оплаты", "ran out unpaid"},
	{"%s dan sahifa soʻraladi", "у %s запрошена страница", "asks %s for a page"},
	{"%s dan havola soʻraladi: %s", "у %s запрошена ссылка: %s", "asks %s for a link into %s"},
	{"sahifa nomaʼlum edi", "страница не была известна", "no page was known"},
	{"sahifa qaytarib olindi", "страница отозвана", "the page was taken back"},
	{"sahifa yaratilmadi: %s", "страница не создана: %s", "no page was made: %s"},
	{"javob yoʻqoldi; sahifa hech kimda yoʻq", "ответ потерян; страницы ни у кого нет", "the answer was lost; nobody has the page"},
	{"%s urinishni boshladi", "%s: попытка начата", "%s began an attempt"},
	{"%s urinishdan voz kechdi", "%s: попытка отменена", "%s gave the attempt up"},
	{"%s urinishni yopdi", "%s: попытка закрыта", "%s closed the attempt"},
	{"urinish muddati oʻtdi", "срок попытки истёк", "the attempt ran out"},
	{"%s pulni oldi", "%s: деньги списаны", "%s took the money"},
	{"hisobdan keyin keldi, u bu paytda %s edi", "пришло, когда счёт уже был %s", "came after the invoice was %s"},
	{"%s dan soʻraldi", "спрошено у %s", "asked %s"},
	{"%s bu toʻlovni bilmaydi", "%s не знает этого платежа", "%s does not know this payment"},

	// Cards and holds.
	{"karta orqali: %s", "списание с карты через %s", "charges a card at %s"},
	{"skanerlangan kod orqali: %s", "списание по коду через %s", "charges a scanned code at %s"},
	{"karta egasiga kod yuborildi", "владельцу карты отправлен код", "a code was sent to the card's owner"},
	{"kod notoʻgʻri", "код неверен", "the code was wrong"},
	{"kod kech keldi", "код пришёл слишком поздно", "the code came too late"},
	{"notoʻgʻri kodlar koʻp", "слишком много неверных кодов", "too many wrong codes"},
	{"xaridor qaytadan boshladi", "покупатель начал заново", "the buyer begins again"},
	{"hech narsa yechilmadi", "ничего не списано", "nothing was charged"},
	{"javob yoʻq: %s", "нет ответа: %s", "no answer: %s"},
	{"band qilingan puldan yechish soʻraldi: %s", "запрошено списание удержания: %s", "asks for the hold's capture: %s"},
	{"band qilingan pulni boʻshatish soʻraldi: %s", "запрошено снятие удержания: %s", "asks for the hold's release: %s"},
	{"pul hali band", "деньги ещё удержаны", "the money is still held"},
	{"pul boʻshatildi", "удержание снято", "the hold was released"},
	{"band qilish muddati oʻtdi", "срок удержания истёк", "the hold ran out"},
	{"pul yechilmasdan oldin boʻshab ketgan", "удержание пропало до списания", "the hold was gone before it was captured"},

	// Refunds and receipts.
	{"hali nomaʼlum", "пока неизвестно", "not known yet"},
	{"%s pulni qaytarmoqda", "%s возвращает деньги", "%s is returning the money"},
	{"%s da koʻrindi", "видно у %s", "seen at %s"},
	{"%s bu qaytarishni koʻrsatmaydi", "%s не показывает этого возврата", "%s does not show this refund"},
	{"%s kech aytdi", "%s сообщила поздно", "%s says so late"},
	{"sotuv cheki: %s", "чек продажи: %s", "sale receipt %s"},
	{"qaytarish cheki: %s", "чек возврата: %s", "refund receipt %s"},

	// In the shop.
	{"sotildi: %s", "продано: %s", "sold at %s"},
	{"%s orqali toʻlandi", "оплачено через %s", "paid through %s"},
	{"tasdiqlandi", "одобрено", "approved"},
	{"tasdiqlandi, %s", "одобрено, %s", "approved, %s"},
	{"hal qildi: %s", "решено: %s", "resolved by %s"},
	{"kassa aytadi: %s", "касса сообщает: %s", "the till says: %s"},
	{"kassa toʻlangan-toʻlanmaganini bilmaydi", "касса не знает, оплачено ли", "the till does not know whether it was paid"},
	{"bu shlyuzga xabar berilishidan oldin sotilgan", "продано до того, как шлюз стал узнавать о продажах", "sold before this gateway was told of sales"},

	// Payouts.
	{"hech narsa yuborilmadi: %s", "ничего не отправлено: %s", "nothing was sent: %s"},
	{"bir kunda hech kim tasdiqlamadi", "за сутки никто не подтвердил", "nobody confirmed it within a day"},
	{"javob yoʻqoldi, hech narsa tasdiqlanmadi", "ответ потерян, ничего не подтверждено", "the answer was lost, and nothing was confirmed"},
	{"%s bu chiqimni bilmaydi", "%s не знает этой выплаты", "%s does not know this payout"},
	{"tasdiq yetib bormagan: hali kutmoqda", "подтверждение не дошло: ещё ждёт", "its confirmation never arrived: it still waits"},

	{"yuborilmagan, deydi %s; ikkinchi kishi soʻraldi: %s", "не отправлена, утверждает %s; нужен второй человек: %s", "was not sent, says %s; a second person is asked: %s"},

	// What was put before a person.
	{"%s javobi yoʻqoldi: pul harakatlangan boʻlishi mumkin", "ответ %s потерян: деньги могли переместиться", "the answer of %s was lost: money may have moved"},
	{"%s ning qaytarishga javobi yoʻqoldi: u bajarilgan boʻlishi mumkin", "ответ %s на возврат потерян: он мог быть сделан", "the answer of %s to a refund was lost: it may have been made"},
	{"%s javobi yoʻqoldi: pul ketgan boʻlishi mumkin", "ответ %s потерян: деньги могли уйти", "the answer of %s was lost: the money may have been sent"},
	{"%s pulni olganini aytadi, ammo urinish muddati oʻtgan edi", "%s сообщает, что списала деньги, но срок попытки истёк", "%s says that it took the money, but the attempt had run out"},
	{"%s pulni olganini aytadi, ammo hisobning boshqa toʻlovi: %s", "%s сообщает, что списала деньги, но другой платёж счёта: %s", "%s says that it took the money, but another payment of the invoice is %s"},
	{"%s pulni olganini aytadi, ammo %s, kutilgani %s", "%s сообщает, что списала деньги, но %s вместо %s", "%s says that it took the money, but %s instead of %s"},
	{"hisob muddati oʻtgach %s sahifasini yopmadi: toʻlangan-toʻlanmaganini oʻsha yerda koʻring", "%s не закрыл свою страницу после того, как срок счёта истёк: посмотрите там, оплачена ли она", "%s did not let its page be taken back after the invoice had run out: see there whether it was paid"},
	{"%s: %s yechilgan, kutilgani %s", "%s сообщает, что списала %s вместо %s", "%s says that it captured %s instead of %s"},
	{"%s fiskal chekni yarata olmadi: %s", "%s не смогла создать фискальный чек: %s", "%s could not make the fiscal receipt: %s"},
	{"band qilish muddati oʻtdi, %s dan soʻrab boʻlmaydi", "срок удержания истёк, и у %s нельзя спросить, что с ним стало", "the hold has run out, and %s cannot be asked what became of it"},
	{"%s toʻlovni %s deydi, bizda u toʻlangan", "%s называет платёж %s, а у нас он оплачен", "%s calls a payment %s that is paid in our book"},
	{"kassa %s qaytardi, ammo bunday sotuvni xabar qilmagan", "касса вернула %s по продаже, о которой не сообщала", "the till returned %s of a sale that it has not reported"},
	{"kassa toʻlanmagan sotuv boʻyicha %s qaytardi", "касса вернула %s по неоплаченной продаже", "the till returned %s of a sale that was not paid"},
	{"kassa %s qaytardi", "касса вернула %s", "the till returned %s"},
}
