package words

// The cashier's page of the till.
var (
	TillTitle      = Text{"Kassa", "Касса", "Till"}
	TillSum        = Text{"Summa, soʻm", "Сумма, сум", "Sum, soum"}
	TillScan       = Text{"Mijozning QR kodini skanerlang", "Отсканируйте QR-код покупателя", "Scan the buyer's QR code"}
	TillWallet     = Text{"Qaysi hamyon", "Какой кошелёк", "Which wallet"}
	TillCard       = Text{"Karta", "Карта", "Card"}
	TillShowQR     = Text{"QR koʻrsatish", "Показать QR", "Show a QR"}
	TillClear      = Text{"Bekor", "Сброс", "Clear"}
	TillCheck      = Text{"Tekshirish", "Проверить", "Check again"}
	TillShiftEnd   = Text{"Smena yakuni", "Конец смены", "End of shift"}
	TillWaiting    = Text{"Natija kutilmoqda…", "Ожидаем результат…", "Waiting for the result…"}
	TillPaid       = Text{"Toʻlandi", "Оплачено", "Paid"}
	TillDeclined   = Text{"Toʻlanmadi. Pul yechilmadi.", "Не оплачено. Деньги не списаны.", "Not paid. No money was taken."}
	TillUnknown    = Text{"NATIJA NOMAʼLUM", "РЕЗУЛЬТАТ НЕИЗВЕСТЕН", "THE RESULT IS NOT KNOWN"}
	TillDoNot      = Text{"Naqd olmang, qayta toʻlatmang.", "Не берите наличные и не повторяйте оплату.", "Take no cash, and do not charge again."}
	TillAlone      = Text{"Terminal jurnaliga qarang, soʻng qaror qiling.", "Посмотрите журнал терминала и примите решение.", "Look into the terminal's journal, then decide."}
	TillAgainst    = Text{"Qaror qilingan edi, keyin boshqacha javob keldi. Pulni tekshiring va qayta qaror qiling.", "Решение было принято, а потом пришёл другой ответ. Проверьте деньги и решите снова.", "It was decided, and then the answer was another. Look where the money is, and decide again."}
	TillRefused    = Text{"qabul qilinmagan hisobotlar: {n}", "не приняты отчёты: {n}", "reports refused: {n}"}
	TillReceipts   = Text{"Hamyon chek havolasini qabul qilmadi. Chekni qayta yuboring yoki yordam soʻrang.", "Кошелёк не принимает ссылку на чек. Отправьте чек ещё раз или обратитесь в поддержку.", "The wallet's company refuses the fiscal receipt's link. Send it again, or ask for help."}
	TillWho        = Text{"Kim qaror qiladi", "Кто решает", "Who decides"}
	TillApprove    = Text{"Pul yechilgan", "Деньги списаны", "It was paid"}
	TillVoid       = Text{"Pul yechilmagan", "Деньги не списаны", "It was not paid"}
	TillRRN        = Text{"RRN (chekdan)", "RRN (с чека)", "RRN (from the slip)"}
	TillLast       = Text{"Oxirgi amallar", "Последние операции", "Last operations"}
	TillOurs       = Text{"Bizning hisob", "По нашему журналу", "By our journal"}
	TillTerminals  = Text{"Terminal hisoboti", "Отчёт терминала", "The terminal's report"}
	TillAgree      = Text{"Hisoblar mos keldi.", "Итоги сходятся.", "The totals agree."}
	TillMore       = Text{"terminalda {sum} koʻp", "у терминала больше на {sum}", "the terminal has {sum} more"}
	TillLess       = Text{"terminalda {sum} kam", "у терминала меньше на {sum}", "the terminal has {sum} less"}
	TillCounts     = Text{"summa bir xil, amallar soni boshqa", "сумма та же, число операций другое", "the sum is the same, the number of operations is not"}
	TillCompare    = Text{"Terminal jamini raqamda bermaydi: hisobotini bizning hisob bilan solishtiring.", "Терминал не сообщает итоги числами: сравните его отчёт с нашим журналом.", "The terminal tells no totals in numbers: compare its report with our journal."}
	TillDiffers    = Text{"Terminal va bank hisoblari mos kelmadi (095): bankka murojaat qiling.", "Итоги терминала и банка не совпали (095): обратитесь в банк.", "The terminal's totals and the bank's differ (095): ask the bank."}
	TillLook       = Text{"Oxirgi amallarni terminal jurnali bilan solishtiring.", "Сверьте последние операции с журналом терминала.", "Compare the last operations with the terminal's journal."}
	TillClosing    = Text{"Smena yopilganining javobi yoʻqoldi. Yana F10 bosing.", "Ответ на закрытие смены потерян. Нажмите F10 ещё раз.", "The answer to the closing was lost. Press F10 again."}
	TillShiftSum   = Text{"Jami", "Всего", "Together"}
	TillDifference = Text{"Farq", "Разница", "Difference"}
	TillSales      = Text{"Sotuvlar", "Продажи", "Sales"}
	TillReturns    = Text{"Qaytarishlar", "Возвраты", "Returns"}
	TillPrint      = Text{"Chek chiqarish", "Печать чека", "Print the slip"}
	TillToken      = Text{"Kassa kaliti (TILL_TOKEN)", "Ключ кассы (TILL_TOKEN)", "The till's token (TILL_TOKEN)"}
	TillNoSum      = Text{"Avval summani kiriting.", "Сначала введите сумму.", "Type the sum first."}
	TillNoLink     = Text{"Agent javob bermayapti.", "Агент не отвечает.", "The agent does not answer."}
	TillGateway    = Text{"Shlyuz", "Шлюз", "Gateway"}
	TillQRLeft     = Text{"Bu QR kod hali toʻlanishi mumkin.", "Этот QR-код ещё могут оплатить.", "This QR code can still be paid."}
	TillStopping   = Text{"Terminaldan toʻxtatish soʻraldi. Natijani kuting.", "Терминал попросили остановиться. Дождитесь результата.", "The terminal was asked to stop. Wait for the result."}
	TillNoStop     = Text{"Bu terminalni bu yerdan toʻxtatib boʻlmaydi: undagi qizil tugmani bosing.", "Отсюда этот терминал не остановить: нажмите на нём красную кнопку.", "This terminal cannot be stopped from here: press its red key."}
	TillQRWaits    = Text{"Mijoz QR kodni skanerlasin", "Пусть покупатель отсканирует QR-код", "Let the buyer scan this QR code"}
)
