package evidence

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

const form = "application/x-www-form-urlencoded"

// The companies' own samples, from their documentation and from captures: what helps in a dispute
// stays, what would help a thief goes.
func TestSamples(t *testing.T) {
	for _, c := range []struct{ name, contentType, body, want string }{
		{"multicard: auth", "", `{"application_id":"rhmt_test","secret":"Pw18axeBFo8V7NamKHXX"}`,
			`{"application_id":"‹9 chars›","secret":"‹20 chars›"}`},
		{"multicard: token", "", `{"token":"eyJhbGciOiJIUzI1NiJ9.e30.abc","role":"dev","expiry":"2023-03-18 16:40:31"}`,
			`{"token":"‹28 chars›","role":"dev","expiry":"‹19 chars›"}`},
		{"multicard: auth refused", "", `{"errors":[{"message":[{"message":"application_id required","field":"application_id"}]}]}`,
			`{"errors":[{"message":[{"message":"application_id required","field":"application_id"}]}]}`},
		{"multicard: invoice", "", `{"store_id":"a1df872e-d5aa-11ee-8de8-005056b4367d","amount":500000,"invoice_id":"0198c0de-0000-7000-8000-00000000abcd","lang":"ru","return_url":"https://shop.uz/orders/1?token=abc","ofd":[{"qty":1,"price":500000,"total":500000,"mxik":"06401004002000000","package_code":"1506113","name":"Osh","vat":0}]}`,
			`{"store_id":"a1df872e-d5aa-11ee-8de8-005056b4367d","amount":500000,"invoice_id":"0198c0de-0000-7000-8000-00000000abcd","lang":"ru","return_url":"https://shop.uz/‹6 chars›/‹1 digits›?token=‹3 chars›","ofd":[{"qty":1,"price":500000,"total":500000,"mxik":"06401004002000000","package_code":"1506113","name":"‹3 chars›","vat":0}]}`},
		{"multicard: invoice made", "", `{"success":true,"data":{"store_id":6,"amount":500000,"uuid":"f6339f31-6a09-11f0-9a1b-00505680eaf6","short_link":"https://l.multicard.uz/1m1e12","sms":null,"added_on":"2025-07-26 15:19:06","payment":{"id":753967,"status":"draft","otp_hash":"9b2f","ps_response_msg":null},"checkout_url":"https://app.rhmt.uz/invoice/f6339f31-6a09-11f0-9a1b-00505680eaf6"}}`,
			`{"success":true,"data":{"store_id":6,"amount":500000,"uuid":"f6339f31-6a09-11f0-9a1b-00505680eaf6","short_link":"https://l.multicard.uz/‹6 chars›","sms":null,"added_on":"2025-07-26 15:19:06","payment":{"id":753967,"status":"draft","otp_hash":"‹4 chars›","ps_response_msg":null},"checkout_url":"https://app.rhmt.uz/invoice/f6339f31-6a09-11f0-9a1b-00505680eaf6"}}`},
		{"multicard: success callback", "", `{"store_id":6,"amount":500000,"invoice_id":"ORDER-1","billing_id":null,"payment_time":"2025-07-26 15:19:06","phone":"998901234567","card_pan":"860030******5959","ps":"uzcard","card_token":"63f1e2d3c4b5a69788776655","uuid":"f6339f31-6a09-11f0-9a1b-00505680eaf6","sign":"18bb488f5a93b03dcbce5d27ee2f6ac5"}`,
			`{"store_id":6,"amount":500000,"invoice_id":"‹7 chars›","billing_id":null,"payment_time":"2025-07-26 15:19:06","phone":"‹phone …4567›","card_pan":"860030******5959","ps":"uzcard","card_token":"‹24 chars›","uuid":"f6339f31-6a09-11f0-9a1b-00505680eaf6","sign":"‹32 chars›"}`},
		{"multicard: refused", "", `{"success":false,"error":{"code":"ERROR_CARD_SMS","details":"На карте 986027******1519 не подключено SMS-информирование"}}`,
			`{"success":false,"error":{"code":"ERROR_CARD_SMS","details":"На карте 986027******1519 не подключено SMS-информирование"}}`},
		{"multicard: partial refund", "", `{"refund_amount":100000,"card_pan":"8600533364098829","ofd":[]}`,
			`{"refund_amount":100000,"card_pan":"‹16 digits›","ofd":[]}`},
		{"multicard: code shown at a till", "", `{"code":"5012"}`, `{"code":"‹4 digits›"}`},
		{"multicard: edge proxy", "text/plain", "RBAC: access denied", "RBAC: access denied"},

		{"click: complete", form, `click_trans_id=1485296553&service_id=17449&click_paydoc_id=1574969493&merchant_trans_id=0198c0de-0000-7000-8000-00000000abcd&amount=110000&action=1&sign_time=2021-10-05+20%3A17%3A14&error=0&error_note=Success&merchant_prepare_id=20226190&sign_string=be6b3f7d1e600b37ece603c08f07a566`,
			`click_trans_id=1485296553&service_id=17449&click_paydoc_id=1574969493&merchant_trans_id=0198c0de-0000-7000-8000-00000000abcd&amount=110000&action=1&sign_time=2021-10-05 20:17:14&error=0&error_note=Success&merchant_prepare_id=20226190&sign_string=‹32 chars›`},
		{"click: a buyer typed a card number for an order", form, `merchant_trans_id=8600533364098829&amount=1000.50`,
			`merchant_trans_id=‹16 digits›&amount=1000.50`},
		{"click: answer", "application/json", `{"click_trans_id":9223372036854775807,"merchant_trans_id":"0198c0de-0000-7000-8000-00000000abcd","merchant_confirm_id":20226190,"error":-9,"error_note":"Transaction cancelled"}`,
			`{"click_trans_id":9223372036854775807,"merchant_trans_id":"0198c0de-0000-7000-8000-00000000abcd","merchant_confirm_id":20226190,"error":-9,"error_note":"Transaction cancelled"}`},
		{"click: pass", "", `{"service_id":1,"otp_data":"1234567415821","amount":5000,"cashbox_code":"KASSA-1","transaction_id":"0198c0de-0000-7000-8000-00000000abcd"}`,
			`{"service_id":1,"otp_data":"‹13 digits›","amount":5000,"cashbox_code":"KASSA-1","transaction_id":"0198c0de-0000-7000-8000-00000000abcd"}`},
		{"click: pass answer", "", `{"error_code":0,"payment_id":1946296773,"payment_status":2,"card_type":"private","processing_type":"UZCARD","card_number":"860002******8331","phone_number":"998221234567"}`,
			`{"error_code":0,"payment_id":1946296773,"payment_status":2,"card_type":"private","processing_type":"UZCARD","card_number":"860002******8331","phone_number":"‹phone …4567›"}`},
		{"click: token", "", `{"card_token":"3B1DF3F1-7358-407C-B57F-0F6351310803","sms_code":12345,"card_number":"8600 55** **** 3244"}`,
			`{"card_token":"‹36 chars›","sms_code":"‹5 digits›","card_number":"8600 55** **** 3244"}`},

		{"payme: create", "text/json; charset=UTF-8", `{"method":"CreateTransaction","params":{"id":"6385f0c5d9c5b7a8c3f1a001","time":1700000000000,"amount":5000000,"account":{"zakaz":"0198c0de-0000-7000-8000-00000000abcd","kod":"parol123"}},"id":17}`,
			`{"method":"CreateTransaction","params":{"id":"6385f0c5d9c5b7a8c3f1a001","time":1700000000000,"amount":5000000,"account":{"zakaz":"0198c0de-0000-7000-8000-00000000abcd","kod":"‹8 chars›"}},"id":17}`},
		{"payme: refused", "", `{"error":{"code":-31050,"message":{"ru":"Заказ не найден","uz":"Buyurtma topilmadi","en":"Not found"},"data":"order_id"},"id":17}`,
			`{"error":{"code":-31050,"message":{"ru":"Заказ не найден","uz":"Buyurtma topilmadi","en":"Not found"},"data":"order_id"},"id":17}`},
		{"payme: performed", "", `{"result":{"transaction":"5123","perform_time":1700000000123,"state":2},"id":18}`,
			`{"result":{"transaction":"5123","perform_time":1700000000123,"state":2},"id":18}`},
		{"payme: a method that we forgot", "", `{"method":"ChangePassword","params":{"password":"qwerty12"},"id":1}`,
			`{"method":"ChangePassword","params":{"password":"‹8 chars›"},"id":1}`},
		{"payme: verify a card", "", `{"id":123,"method":"cards.verify","params":{"token":"NTg0YTgxZWIxYTYwMGY","code":"666666"}}`,
			`{"id":123,"method":"cards.verify","params":{"token":"‹19 chars›","code":"‹6 digits›"}}`},
		{"payme: card", "", `{"jsonrpc":"2.0","id":1,"result":{"card":{"number":"860006******6311","expire":"03/99","token":"5f8a","verify":false}}}`,
			`{"jsonrpc":"2.0","id":1,"result":{"card":{"number":"860006******6311","expire":"‹5 chars›","token":"‹4 chars›","verify":false}}}`},
		{"payme: fiscal", "", `{"method":"SetFiscalData","params":{"id":"6385f0c5d9c5b7a8c3f1a001","type":"PERFORM","fiscal_data":{"receipt_id":121,"status_code":0,"message":"accepted","terminal_id":"EP000000000025","fiscal_sign":"800031554082","qr_code_url":"https://ofd.soliq.uz/epi?t=EP000000000025&r=1&c=20221028171340&s=854971301623","date":"20220706221021"}},"id":3}`,
			`{"method":"SetFiscalData","params":{"id":"6385f0c5d9c5b7a8c3f1a001","type":"PERFORM","fiscal_data":{"receipt_id":121,"status_code":0,"message":"accepted","terminal_id":"EP000000000025","fiscal_sign":"800031554082","qr_code_url":"https://ofd.soliq.uz/epi?t=‹14 chars›&r=‹1 digits›&c=‹14 digits›&s=‹12 digits›","date":"20220706221021"}},"id":3}`},

		{"uzum: create", "", `{"serviceId":1,"timestamp":1700000000000,"transId":"7d0d3b36-1f8c-4b5a-9f0d-111111111111","amount":2500000,"params":{"account":"1234567890","hisob":5724}}`,
			`{"serviceId":1,"timestamp":1700000000000,"transId":"7d0d3b36-1f8c-4b5a-9f0d-111111111111","amount":2500000,"params":{"account":"‹10 digits›","hisob":"‹4 digits›"}}`},
		{"uzum: confirm", "", `{"serviceId":1,"timestamp":1700000000000,"transId":"7d0d3b36-1f8c-4b5a-9f0d-111111111111","paymentSource":"UZCARD","tariff":null,"processingReferenceNumber":"000","phone":"998901234567","cardType":2}`,
			`{"serviceId":1,"timestamp":1700000000000,"transId":"7d0d3b36-1f8c-4b5a-9f0d-111111111111","paymentSource":"UZCARD","tariff":null,"processingReferenceNumber":"000","phone":"‹phone …4567›","cardType":2}`},
		{"uzum: refused", "", `{"serviceId":1,"transId":"7d0d3b36-1f8c-4b5a-9f0d-111111111111","status":"FAILED","errorCode":"10007","transTime":1700000000000,"data":{"fio":{"value":"Иванов И."}}}`,
			`{"serviceId":1,"transId":"7d0d3b36-1f8c-4b5a-9f0d-111111111111","status":"FAILED","errorCode":"10007","transTime":1700000000000,"data":{"fio":{"value":"‹9 chars›"}}}`},

		// Sample numbers of this company fail Luhn's sum; they are masked by the name of their field.
		{"paysys: prepare", "", `{"method":"pam.prepare_payment","params":{"card_number":"8600330410689500","card_expire":"2603","phone_number":"998901234567","amount":100000,"vendor_id":1,"product":"0198c0de-0000-7000-8000-00000000abcd","comment":"x","hold":true},"id":"aa"}`,
			`{"method":"pam.prepare_payment","params":{"card_number":"‹16 digits›","card_expire":"‹4 digits›","phone_number":"‹phone …4567›","amount":100000,"vendor_id":1,"product":"0198c0de-0000-7000-8000-00000000abcd","comment":"‹1 chars›","hold":true},"id":"aa"}`},
		{"paysys: confirmed", "", `{"id":"c","error":null,"result":{"details":{"id":"6fb","masked_card_number":"860033******1501","transaction_id":"167075","reference_number":"123456789012","amount":100000,"date":1700000000},"card":{"id":"a","token":"sss"}},"mx_id":"abcd"}`,
			`{"id":"c","error":null,"result":{"details":{"id":"6fb","masked_card_number":"860033******1501","transaction_id":"167075","reference_number":"123456789012","amount":100000,"date":1700000000},"card":{"id":"a","token":"‹3 chars›"}},"mx_id":"abcd"}`},

		{"nothing", "", "  ", ""},
		{"a page", "text/html", "<html>кирилл</html>", "‹text, 19 chars›"},
		{"broken JSON", "application/json", `{"secret":"abc"`, "‹text, 15 chars›"},
		{"two values", "application/json", `{"id":1}{"secret":"abc"}`, "‹text, 24 chars›"},
		{"a bare secret", "application/json", `"abc"`, "‹text, 5 chars›"},
		{"a broken form", form, "secret", "‹text, 6 chars›"},
		{"a form with a broken escape", form, "id=%zz", "‹text, 6 chars›"},
		{"too deep", "", strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40), "‹text, 80 chars›"},
	} {
		if got := Redact([]byte(c.body), c.contentType); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// What stays of a value depends on what its field holds: nothing else gets through in its place.
func TestClasses(t *testing.T) {
	long := strings.Repeat("a", 65)
	for name, c := range map[string]struct{ kept, masked []string }{
		"transaction_id": {[]string{"6385f0c5d9c5b7a8c3f1a001", "167075", "1700000000000", "EP000000000025", "a.b:c/d_e-f"}, []string{"a b", long, "кирилл", `a"b`, "8600533364098829", "9860090101219724", "8600-5333-6409-8829", "4111111111111111"}},
		"order_id":       {[]string{"0198c0de-0000-7000-8000-00000000abcd"}, []string{"order_1", "901234567", "0198C0DE-0000-7000-8000-00000000ABCD"}},
		"amount":         {[]string{"1000", "1000.50", "1000000000000", "-5"}, []string{"8600533364098829", "1e5", "1,000", "10.", ".5", "1.0000"}},
		"sign_time":      {[]string{"2021-10-05 20:17:14", "2021-10-05", "1700000000", "1700000000000", "20220706221021", "2026-05-12T10:01:23.000Z", "2026-05-12T10:01:23+05:00"}, []string{"8600533364098829", "8600-5333-6409-8829", "2026-13-01", "2026-05-12 8600533364098829", "yesterday at two"}},
		"status":         {[]string{"success", "-1", "SUCCESS", "PAID_2"}, []string{"666666777", "a b", long}},
		"card_pan":       {[]string{"860030******5959", "8600 55** **** 3244", "986027••••••1519", "****1501"}, []string{"8600533364098829", "860053336409*829", "86005333 6409 8829", "8600533364098829****"}},
		"phone":          {[]string{"+99890*****50"}, []string{"123", "8600533364098829", "not a phone"}},
	} {
		for _, v := range c.kept {
			if got := show(classOf("", name), v, false); got != v {
				t.Errorf("%s: %q is shown as %q", name, v, got)
			}
		}
		for _, v := range c.masked {
			if got := show(classOf("", name), v, false); got != shape(v) {
				t.Errorf("%s: %q is shown as %q", name, v, got)
			}
		}
	}
	for phone, want := range map[string]string{"998901234567": "‹phone …4567›", "+998 (90) 123-45-67": "‹phone …4567›", "901234567": "‹phone …4567›"} {
		if got := maskPhone(phone); got != want {
			t.Errorf("%q: %q", phone, got)
		}
	}
}

func TestURLs(t *testing.T) {
	for in, want := range map[string]string{
		"https://api.click.uz/v2/merchant/payment/status_by_mti/17449/0198c0de-0000-7000-8000-00000000abcd/2026-11-21": "https://api.click.uz/v2/merchant/payment/status_by_mti/17449/0198c0de-0000-7000-8000-00000000abcd/2026-11-21",
		"https://api.click.uz/v2/merchant/payment/partial_reversal/17449/1946296773/1000.50":                           "https://api.click.uz/v2/merchant/payment/partial_reversal/17449/1946296773/1000.50",
		"https://api.click.uz/v2/merchant/card_token/17449/3b1df3f1-7358-407c-b57f-0f6351310803":                       "https://api.click.uz/v2/merchant/card_token/‹5 digits›/‹36 chars›",
		"https://mesh.multicard.uz/payment/card/check/8600533364098829":                                                "https://mesh.multicard.uz/payment/card/check/‹16 digits›",
		"https://mesh.multicard.uz/payment/card/63f1e2d3c4b5a69788776655":                                              "https://mesh.multicard.uz/payment/card/‹24 chars›",
		"https://mesh.multicard.uz/payment/f6339f31-6a09-11f0-9a1b-00505680eaf6/partial":                               "https://mesh.multicard.uz/payment/f6339f31-6a09-11f0-9a1b-00505680eaf6/partial",
		"https://mesh.multicard.uz/payment/unknown/12345":                                                              "https://mesh.multicard.uz/payment/‹7 chars›/‹5 digits›",
		"https://checkout.paycom.uz/bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw":                  "https://checkout.paycom.uz/‹64 chars›",
		"http://user:secret@x.uz/api/callbacks/payme/0198c0de-0000-7000-8000-00000000abcd?key=secret&amount=1":         "http://x.uz/api/callbacks/payme/0198c0de-0000-7000-8000-00000000abcd?key=‹6 chars›&amount=1",
		"/api/callbacks/uzum/0198c0de-0000-7000-8000-00000000abcd/check?secret":                                        "/api/callbacks/uzum/0198c0de-0000-7000-8000-00000000abcd/check?‹6 chars›",
		"https://my.click.uz/services/pay?service_id=1&ac.order_id=8600533364098829&ofd[0][name]=x":                    "https://my.click.uz/services/pay?service_id=1&ac.order_id=‹16 digits›&ofd[0][name]=‹1 chars›",
		"https://8600533364098829.example.uz/":                                                                         "https://‹16 digits›.example.uz/",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := maskURL(u); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func stepOf(u *url.URL, body []byte) string {
	_, method := redacted(nil, body, "")
	return step(u, method)
}

func TestSteps(t *testing.T) {
	for _, c := range []struct{ url, body, want string }{
		{"/api/callbacks/payme/0198c0de-0000-7000-8000-00000000abcd", `{"method":"PerformTransaction","params":{}}`, "PerformTransaction"},
		{"/api/callbacks/payme/0198c0de-0000-7000-8000-00000000abcd", `{"method":"666666777"}`, "/payme"},
		{"/api/callbacks/uzum/0198c0de-0000-7000-8000-00000000abcd/confirm", `{}`, "/uzum/confirm"},
		{"/api/callbacks/click/0198c0de-0000-7000-8000-00000000abcd", `action=0`, "/click"},
		{"https://mesh.multicard.uz/payment/f6339f31-6a09-11f0-9a1b-00505680eaf6/partial", `{}`, "/payment/partial"},
		{"https://mesh.multicard.uz/payment/card/check/8600533364098829", ``, "/payment/card/check"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := stepOf(u, []byte(c.body)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.url, c.body, got, c.want)
		}
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"": "",
		"dial tcp 127.0.0.1:4003: connect: connection refused":                             "dial tcp 127.0.0.1:4003: connect: connection refused",
		`Post "https://mesh.multicard.uz/payment/card/63f1e2d3c4b5a69788776655": EOF`:      `Post "https://mesh.multicard.uz/payment/card/‹24 chars›": EOF`,
		"see https://x.uz/api/payment?key=abc, please.":                                    "see https://x.uz/api/payment?key=‹3 chars›, please.",
		"path /payment/card/abc failed":                                                    "path /payment/card/‹3 chars› failed",
		"card 8600 5333 6409 8829 or 8600-5333-6409-8829 or 8600533364098829.":             "card ‹16 digits› or ‹16 digits› or ‹16 digits›.",
		"card 8600\u00a05333\u00a06409\u00a08829":                                          "card ‹16 digits›",
		"call +998 90 123-45-67 or 998901234567":                                           "call +‹phone …4567› or ‹phone …4567›",
		"key=MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=, Bearer eyJhbGciOiJIUzI1NiJ9.e30.abcdefghi": "key=‹32 chars›=, Bearer ‹34 chars›",
		"invoice 0198c0de-0000-7000-8000-00000000abcd at 2026-11-21 10:20:30":              "invoice 0198c0de-0000-7000-8000-00000000abcd at 2026-11-21 10:20:30",
		"invoice 01981234-5678-7123-8456-789012345678":                                     "invoice 01981234-5678-7123-8456-789012345678",
		"lookup pg-12.internal.example.com: no such host":                                  "lookup pg-12.internal.example.com: no such host",
		"Недостаточно средств на карте 986027******1519":                                   "Недостаточно средств на карте 986027******1519",
		"insufficientFundsOnTheCardAccount":                                                "insufficientFundsOnTheCardAccount",
		"\xff\xfe 8600533364098829":                                                        "\xff\xfe ‹16 digits›",
	} {
		if got := Mask(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

// ─── Nothing secret survives ──────────────────────────────────────────────────────────────

// secrets look like what companies hand out: keys, tokens, passwords, codes, of 8 and more.
var secrets = rapid.StringMatching(`[A-Za-z][A-Za-z0-9]{5,40}[0-9][a-zA-Z]`)

// unknown makes names of fields that nobody has looked at.
var unknown = rapid.StringMatching(`(x|my|new)_[a-z]{3,10}`).Filter(func(s string) bool { return classOf("", s) == masked })

// known makes names that stand in the rules, those of free text left out: there a short secret
// cannot be told from a word.
func known() *rapid.Generator[string] {
	names := slices.Sorted(maps.Keys(classes))
	return rapid.SampledFrom(slices.DeleteFunc(names, func(name string) bool {
		return classes[name] == note || strings.Contains(name, ".")
	}))
}

// tree makes JSON with the secret at unknown fields, among known fields and at any depth, also
// inside accounts, lists and strings of languages.
func tree(t *rapid.T, secret string, depth int) any {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		if depth < 5 {
			return map[string]any{
				unknown.Draw(t, "unknown"): tree(t, secret, depth+1),
				known().Draw(t, "known"):   map[string]any{unknown.Draw(t, "inner"): tree(t, secret, depth+1)},
				"account":                  map[string]any{unknown.Draw(t, "account"): secret},
				"status":                   "paid",
			}
		}
	case 1:
		if depth < 5 {
			return []any{tree(t, secret, depth+1), 1, nil, true}
		}
	case 2:
		return secret + " " + secret
	}
	return secret
}

func TestPlantedSecrets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := secrets.Draw(t, "secret")
		body, err := json.Marshal(map[string]any{unknown.Draw(t, "top"): tree(t, secret, 0)})
		if err != nil {
			t.Fatal(err)
		}
		field := unknown.Draw(t, "field")
		query := url.Values{field: {secret}, "amount": {"100"}, "account": {secret}, "ac." + field: {secret}}.Encode()
		u, err := url.Parse("https://x.uz/api/payment/" + secret + "/card/" + secret + "?" + query)
		if err != nil {
			t.Fatal(err)
		}
		address, err := json.Marshal(map[string]any{"checkout_url": u.String(), "return_url": "https://x.uz/" + secret, "qr_code": secret})
		if err != nil {
			t.Fatal(err)
		}
		for what, shown := range map[string]string{
			"JSON":     Redact(body, "application/json"),
			"form":     Redact([]byte(query), form),
			"half":     Redact(body[:len(body)-1], "application/json"),
			"text":     Redact([]byte("answer "+secret), "text/plain"),
			"bare":     Redact([]byte(secret), form),
			"URL":      maskURL(u),
			"in a URL": Redact(address, ""),
			"in text":  Mask("no answer from " + u.String()),
			"step":     stepOf(u, body),
		} {
			if strings.Contains(shown, secret[:6]) {
				t.Errorf("%s: %q shows in %s", what, secret, shown)
			}
		}
	})
}

// A card's number shows nowhere: not in any field, not as a number, not in any grouping, not in
// free text, addresses or names.
func TestPlantedCards(t *testing.T) {
	cards := []string{"8600533364098829", "9860090101219724", "8600330410689500", "5614681005030279", "4111111111111111", "5555555555554444", "378282246310005"}
	names := slices.Sorted(maps.Keys(classes))
	rapid.Check(t, func(t *rapid.T) {
		card := rapid.SampledFrom(cards).Draw(t, "card")
		group := card[:4] + "%s" + card[4:8] + "%s" + card[8:12] + "%s" + card[12:]
		gap := rapid.SampledFrom([]string{"", " ", "-", "\u00a0"}).Draw(t, "gap")
		text := fmt.Sprintf(group, gap, gap, gap)
		name := rapid.SampledFrom(names).Draw(t, "name")
		parent, name, ok := strings.Cut(name, ".")
		if !ok {
			parent, name = "data", parent
		}
		body, err := json.Marshal(map[string]any{name: text, parent: map[string]any{name: []any{text, json.Number(card)}}, "card " + text: 1})
		if err != nil {
			t.Fatal(err)
		}
		noCard(t, card, Redact(body, ""))
		noCard(t, card, Redact([]byte(url.Values{name: {text}, "x[" + name + "]": {text}}.Encode()), form))
		noCard(t, card, Mask("refund to "+text+" failed"))
		noCard(t, card, maskURL(&url.URL{Scheme: "https", Host: "x.uz", Path: "/api/payment/" + text, RawQuery: "id=" + card}))
	})
}

// noCard fails where the number's digits stand in text one after the other, whatever is between.
func noCard(t *rapid.T, card, text string) {
	t.Helper()
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		if r == ' ' || r == '-' || r == '\u00a0' || r == '+' {
			return -1
		}
		return '.'
	}, text)
	if strings.Contains(digits, card) {
		t.Errorf("%s shows in %s", card, text)
	}
}

// No body makes the redactor panic, and what it writes is valid text of bounded size.
func FuzzRedact(f *testing.F) {
	f.Add([]byte(`{"id":1,"params":{"account":{"a":"b"}},"message":{"ru":"x"}}`), "application/json")
	f.Add([]byte(`a=b&c=%D0%B0&ofd[0][name]=x`), form)
	f.Add([]byte(`{"id":1e999,"amount":-0.0,"\u0000":"\ud800"}`), "")
	f.Add([]byte(`[[[[]]]]`), "")
	f.Add([]byte("\xff\xfe"), "text/plain")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		out := Redact(body, contentType)
		if !utf8.ValidString(bound(out)) || len(bound(out)) > maxMessage {
			t.Errorf("%d bytes of %q", len(out), out)
		}
		if len(body) > 0 && body[0] == '{' && json.Valid(body) && !json.Valid([]byte(out)) && !strings.HasPrefix(out, "‹text") {
			t.Errorf("%s became %s", body, out)
		}
	})
}

// No text makes Mask panic, and no long run of digits stays.
func FuzzMask(f *testing.F) {
	f.Add("card 8600 5333 6409 8829, https://x.uz/a?b=c +998901234567")
	f.Add("http://[::1")
	f.Add("\xff0198c0de-0000-7000-8000-00000000abcd\xc2")
	f.Fuzz(func(t *testing.T, text string) {
		if once := Mask(text); maskDigits(once) != once {
			t.Errorf("%q became %q, with digits left to mask", text, once)
		}
	})
}
