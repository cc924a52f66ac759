package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// The boxes of the reference's section 24, "what a faithful sandbox must do", by their numbers: on the
// wire, without the gateway. Those of sim_test.go and of the folder above bear their numbers too.

// data makes a call that must be answered well.
func (r *rig) data(method, path, body string) map[string]any {
	r.t.Helper()
	status, m := r.post(method, path, body)
	data, _ := m["data"].(map[string]any)
	if status != http.StatusOK || m["success"] != true {
		r.t.Fatalf("%s %s %s: %d %v", method, path, body, status, m)
	}
	return data
}

// code is the word of a refusal, "" where it is none.
func (r *rig) code(method, path, body string) (status int, code string) {
	r.t.Helper()
	status, m := r.post(method, path, body)
	e, _ := m["error"].(map[string]any)
	code, _ = e["code"].(string)
	return status, code
}

// charge is a payment by a card's number, whose owner was sent a code where it takes one.
func (r *rig) charge(pan, expiry string) map[string]any {
	r.t.Helper()
	return r.data("POST", "/payment", `{"card":{"pan":"`+pan+`","expiry":"`+expiry+`"},"amount":500000,"store_id":6,"invoice_id":"O"}`)
}

// Each path of sections 5 to 13 is served under its own verb, and under no other: what the
// application says of nonsense is in its envelope, what nobody serves is not.
func TestScenario_MC_24_01_EachPathUnderItsVerb(t *testing.T) {
	r := newRig(t)
	const id = "a1df872e-d5aa-11ee-8de8-005056b4367d"
	verbs := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	for path, served := range map[string]string{
		"/payment/invoice": "POST", "/payment/invoice/" + id: "GET DELETE", "/payment/" + id + "/scanpay": "PUT",
		"/payment/card/bind": "POST", "/payment/card/bind/64b7": "GET", "/payment/card/64b7": "GET PUT DELETE", "/payment/card/check-pinfl": "POST",
		"/payment/card": "POST", "/payment/card/check/8600": "GET",
		"/payment": "POST", "/payment/" + id: "GET PUT DELETE", "/payment/" + id + "/fiscal": "PATCH", "/payment/" + id + "/partial": "DELETE",
		"/payment/hold/5": "GET PUT DELETE", "/payment/hold/5/charge": "PUT",
		"/payment/credit/" + id: "GET PUT", "/payment/application": "GET", "/payment/merchant-account/" + id: "GET",
		"/payment/store/6/history": "GET", "/payment/store/6/credit-history": "GET",
	} {
		for _, verb := range strings.Fields(served) {
			status, m := r.post(verb, path, `{}`)
			if _, spoke := m["success"]; !spoke {
				t.Errorf("%s %s is not served: %d %v", verb, path, status, m)
			}
			if e, refused := m["error"].(map[string]any); refused && (e["code"] == "" || e["details"] == "") {
				t.Errorf("%s %s: %v", verb, path, m)
			}
		}
		for _, verb := range verbs {
			if strings.Contains(served, verb) || strings.Count(path, "/") == 2 || strings.HasPrefix(path, "/payment/card/check-pinfl") || path == "/payment/card/bind" {
				continue // a path of two parts is a payment's own too
			}
			if _, m := r.post(verb, path, `{}`); m["success"] != nil {
				t.Errorf("%s %s is served: %v", verb, path, m)
			}
		}
	}
	if status, m := r.post("POST", "/payment/hold", `{}`); status != 400 || m["success"] != false {
		t.Errorf("a hold of nothing: %d %v", status, m)
	}
	if status, m := r.post("POST", "/payment/credit", `{}`); status != 400 || m["success"] != false {
		t.Errorf("a payout of nothing: %d %v", status, m)
	}
}

// Known from the start, without AddAccount: the public application, its registers, somebody else's,
// and a recipient whose account is inactive.
func TestScenario_MC_24_03_KnownFromTheStart(t *testing.T) {
	r := newRig(t)
	for _, store := range []string{`6`, `"` + publicStore + `"`, `105`} {
		r.data("POST", "/payment/invoice", `{"store_id":`+store+`,"amount":500000,"invoice_id":"O"}`)
	}
	for store, online := range map[string]bool{"6": false, "105": true} {
		uuid := fmt.Sprint(r.data("POST", "/payment/invoice", `{"store_id":`+store+`,"amount":500000,"invoice_id":"O"}`)["uuid"])
		r.do(simulator.Action{Kind: "pay", Ref: uuid})
		status, code := r.code("PATCH", "/payment/"+uuid+"/fiscal", `{"url":"https://ofd.soliq.uz/check?t=1"}`)
		if online != (code == "ERROR_FIELDS") || online != (status == 400) {
			t.Errorf("register %s: %d %s", store, status, code)
		}
	}
	if status, code := r.code("GET", "/payment/store/900/history?start_date=2026-11-21+00:00:00&end_date=2026-11-21+23:59:59", ""); status != 403 || code != "ERROR_ACCESS_DENIED" {
		t.Errorf("somebody else's register: %d %s", status, code)
	}
	active := map[string]int{}
	for _, who := range recipients {
		active[fmt.Sprint(r.data("GET", "/payment/merchant-account/"+who.uuid, "")["active"])]++
	}
	if active["1"] == 0 || active["0"] == 0 {
		t.Errorf("recipients by whether they are active: %v", active)
	}
}

// What each card of the sandbox does, when it is asked to pay and when its code is handed over.
func TestScenario_MC_24_05_WhatEachCardDoes(t *testing.T) {
	r := newRig(t)
	for pan, want := range map[string]string{QuietCard: "ERROR_CARD_SMS", UnsupportedCard: "CARD_NOT_SUPPORTED", UnknownCard: "ERROR_CARD_NOT_FOUND", TalkativeCard: "ERROR_SMS_TO_MANY"} {
		status, code := r.code("POST", "/payment", `{"card":{"pan":"`+pan+`","expiry":"2812"},"amount":500000,"store_id":6,"invoice_id":"O"}`)
		if status != 400 || code != want {
			t.Errorf("%s: %d %s, want %s", pan, status, code, want)
		}
	}
	if _, code := r.code("POST", "/payment", `{"card":{"pan":"`+GoodCard+`","expiry":"2807"},"amount":500000,"store_id":6,"invoice_id":"O"}`); code != "ERROR_CARD_NOT_FOUND" {
		t.Errorf("the good card with another expiry: %q", code)
	}
	for pan, want := range map[string]struct {
		status string // of the payment, after its code
		ps     string // the network's own word
		later  string // by the next tick; "": as before
	}{
		GoodCard: {"success", "", ""}, FreeCard: {"success", "", ""}, HumoCard: {"success", "", ""}, SecureCard: {"success", "", ""},
		PoorCard: {"error", "51", ""}, ShortCard: {"error", "51", ""}, BlockedCard: {"error", "62", ""},
		SlowCard: {"progress", "", "success"}, SlowPoorCard: {"progress", "", "error"},
	} {
		expiry := "2812"
		if pan == GoodCard {
			expiry = GoodExpiry
		}
		made := r.charge(pan, expiry)
		path := "/payment/" + fmt.Sprint(made["uuid"])
		if asks := made["otp_hash"] != nil; asks != (pan != FreeCard) {
			t.Errorf("%s asks for a code: %v", pan, asks)
		}
		if pan == SecureCard && made["phone"] != nil {
			t.Errorf("3-D Secure's code has a telephone: %v", made["phone"])
		}
		status, code := r.code("PUT", path, `{"otp":"`+GoodCode+`"}`)
		if open := want.later != ""; open != (code == "ERROR_DEBIT_UNKNOWN") || !open && status != 200 {
			t.Errorf("%s: %d %s", pan, status, code)
		}
		got := r.data("GET", path, "")
		if got["status"] != want.status || want.ps != "" && got["ps_response_code"] != want.ps {
			t.Errorf("%s: %v, %v", pan, got["status"], got["ps_response_code"])
		}
		if r.advance(time.Second); want.later != "" {
			if got := r.data("GET", path, ""); got["status"] != want.later {
				t.Errorf("%s later: %v", pan, got["status"])
			}
		}
	}
	part := r.charge(ShortCard, "2812")
	if got := r.data("PUT", "/payment/"+fmt.Sprint(part["uuid"]), `{"otp":"`+GoodCode+`","debit_available":true}`); got["status"] != "success" || got["payment_amount"] != 250000.0 {
		t.Errorf("what is there: %v %v", got["status"], got["payment_amount"])
	}
}

// Codes: wrong, too late, too soon after another, and none at all where the application has none.
func TestScenario_MC_24_06_Codes(t *testing.T) {
	r := newRig(t)
	path := "/payment/" + fmt.Sprint(r.charge(GoodCard, GoodExpiry)["uuid"])
	r.refused("PUT", path, `{}`, 400, "ERROR_FIELDS", "Не передан SMS-код")
	r.refused("PUT", path, `{"otp":"000000"}`, 400, "ERROR_WRONG_OTP", "Неверный код подтверждения")
	if status, code := r.code("POST", "/payment", `{"card":{"pan":"`+GoodCard+`","expiry":"`+GoodExpiry+`"},"amount":1,"store_id":6,"invoice_id":"O"}`); status != 429 || code != "ERROR_SMS_ALREADY_SENT" {
		t.Errorf("a second code at once: %d %s", status, code)
	}
	r.advance(codeEvery)
	r.charge(GoodCard, GoodExpiry)
	r.advance(codeLife - codeEvery + time.Second)
	r.refused("PUT", path, `{"otp":"`+GoodCode+`"}`, 423, "ERROR_WRONG_OTP", "Код подтверждения истек, запросите новый")
	r.advance(codeEvery)
	locked := "/payment/" + fmt.Sprint(r.charge(GoodCard, GoodExpiry)["uuid"])
	for range wrongTries {
		r.code("PUT", locked, `{"otp":"000000"}`)
	}
	if status, code := r.code("PUT", locked, `{"otp":"`+GoodCode+`"}`); status != 423 || code != "ERROR_WRONG_OTP" {
		t.Errorf("the right code after %d wrong ones: %d %s", wrongTries, status, code)
	}

	r.advance(codeEvery)
	session := fmt.Sprint(r.data("POST", "/payment/card/bind", `{"store_id":6,"redirect_url":"https://a.uz/","redirect_decline_url":"https://a.uz/","callback_url":"`+r.partner()+`"}`)["session_id"])
	r.do(simulator.Action{Kind: "bind", Link: "/card/" + session})
	token := fmt.Sprint(r.data("GET", "/payment/card/bind/"+session, "")["card_token"])
	for _, otp := range []string{"on", "off"} {
		r.do(simulator.Action{Kind: "switch", Params: map[string]string{"otp": otp}})
		made := r.data("POST", "/payment", `{"card":{"token":"`+token+`"},"amount":500000,"store_id":6,"invoice_id":"O"}`)
		if asks := made["otp_hash"] != nil; asks != (otp == "on") {
			t.Errorf("with the switch %s a code is asked for: %v", otp, asks)
		}
		r.advance(codeEvery)
	}
}

// A scanned code's own form says whose it is; a wrong one is refused, and one whose answer comes as
// 500 is open until it is read.
func TestScenario_MC_24_08_ScannedCodes(t *testing.T) {
	r := newRig(t)
	scan := func(code string) (status int, word string, path string) {
		t.Helper()
		uuid := fmt.Sprint(r.data("POST", "/payment/invoice", `{"store_id":6,"amount":500000,"invoice_id":"O"}`)["uuid"])
		status, word = r.code("PUT", "/payment/"+uuid+"/scanpay", `{"code":"`+code+`"}`)
		return status, word, "/payment/" + uuid
	}
	for _, wallet := range []string{"click", "payme", "uzum", "anorbank", "xazna"} {
		code := r.do(simulator.Action{Kind: "code", Params: map[string]string{"wallet": wallet}}).Ref
		status, word, path := scan(code)
		if got := r.data("GET", path, ""); status != 200 || got["status"] != "success" || got["ps"] != wallet {
			t.Errorf("%s: %d %s, %v by %v", wallet, status, word, got["status"], got["ps"])
		}
		if status, word, _ := scan(code); status != 400 || word != "ERROR_FIELDS" {
			t.Errorf("%s, a second time: %d %s", wallet, status, word)
		}
	}
	if status, word, path := scan("HELLO"); status != 400 || word != "ERROR_FIELDS" || r.data("GET", path, "")["status"] != "draft" {
		t.Errorf("a code of nobody's: %d %s", status, word)
	}
	slow := r.do(simulator.Action{Kind: "code", Params: map[string]string{"plan": "processing"}}).Ref
	status, word, path := scan(slow)
	if status != 500 || word != "ERROR_DEBIT_UNKNOWN" || r.data("GET", path, "")["status"] != "progress" {
		t.Errorf("a 500: %d %s", status, word)
	}
	r.advance(2 * time.Second)
	if got := r.data("GET", path, ""); got["status"] != "success" {
		t.Errorf("and then: %v", got["status"])
	}
	over := r.do(simulator.Action{Kind: "code"}).Ref
	r.advance(6 * time.Minute)
	if status, word, _ := scan(over); status != 400 || word != "ERROR_FIELDS" {
		t.Errorf("a code that has run out: %d %s", status, word)
	}
}

// The switches of a callback change what they name, and nothing else of it.
func TestScenario_MC_24_10_SwitchesOfACallback(t *testing.T) {
	sent := func(names ...string) map[string]any {
		r := newRig(t)
		r.on(names...)
		rep := r.do(simulator.Action{Kind: "pay", Link: fmt.Sprint(r.invoice("")["checkout_url"])})
		if len(rep.Exchanges) != 1 {
			t.Fatalf("%v: %d messages", names, len(rep.Exchanges))
		}
		return jsonIn(t, rep.Exchanges[0].Request)
	}
	plain := sent()
	if _, has := plain["invoice_uuid"]; has || plain["billing_id"] != nil || fmt.Sprintf("%T", plain["amount"]) != "float64" {
		t.Errorf("without a switch: %v", plain)
	}
	if got := sent("invoice_uuid"); got["invoice_uuid"] == nil {
		t.Errorf("invoice_uuid: %v", got)
	}
	if got := sent("amount_text"); got["amount"] != "500000" {
		t.Errorf("amount_text: %v", got["amount"])
	}
	if got := sent("sign_billing"); got["billing_id"] == nil || got["sign"] == plain["sign"] {
		t.Errorf("sign_billing: %v", got)
	}
	hooks := newRig(t)
	hooks.on("webhooks")
	rep := hooks.do(simulator.Action{Kind: "pay", Link: fmt.Sprint(hooks.invoice("")["checkout_url"])})
	var statuses []string
	for _, x := range rep.Exchanges {
		statuses = append(statuses, fmt.Sprint(jsonIn(t, x.Request)["status"]))
	}
	if fmt.Sprint(statuses) != "[draft progress success]" {
		t.Errorf("webhooks say %v", statuses)
	}
}

// A hold by its number and by its payment's uuid: active, charged in part, released, run out.
func TestScenario_MC_24_13_Holds(t *testing.T) {
	r := newRig(t)
	session := fmt.Sprint(r.data("POST", "/payment/card/bind", `{"store_id":6,"redirect_url":"https://a.uz/","redirect_decline_url":"https://a.uz/","callback_url":"`+r.partner()+`"}`)["session_id"])
	r.do(simulator.Action{Kind: "bind", Link: "/card/" + session})
	token := fmt.Sprint(r.data("GET", "/payment/card/bind/"+session, "")["card_token"])
	for _, minutes := range []string{"0", "43201", `"soon"`} {
		if status, code := r.code("POST", "/payment/hold", `{"card":{"token":"`+token+`"},"amount":500000,"store_id":6,"invoice_id":"O","expiry":`+minutes+`}`); status != 400 || code != "ERROR_FIELDS" {
			t.Errorf("%s minutes: %d %s", minutes, status, code)
		}
	}
	held := func() (byNumber, byUUID string) {
		t.Helper()
		h := r.data("POST", "/payment/hold", `{"card":{"token":"`+token+`"},"amount":500000,"store_id":6,"invoice_id":"O","expiry":60}`)
		p, _ := h["payment"].(map[string]any)
		if h["status"] != "draft" || h["expiry"] == nil || p["status"] != "draft" {
			t.Fatalf("%v", h)
		}
		byNumber, byUUID = fmt.Sprintf("/payment/hold/%.0f", h["id"]), "/payment/hold/"+fmt.Sprint(p["uuid"])
		if got := r.data("PUT", byNumber, `{"otp":"`+GoodCode+`"}`); got["status"] != "active" {
			t.Fatalf("confirmed: %v", got["status"])
		}
		if got := r.data("GET", byUUID, ""); got["status"] != "active" || got["id"] != h["id"] {
			t.Fatalf("by the payment's uuid: %v", got)
		}
		return byNumber, byUUID
	}
	number, uuid := held()
	if status, code := r.code("PUT", number+"/charge", `{"amount":500001}`); status != 400 || code != "ERROR_FIELDS" {
		t.Errorf("more than is held: %d %s", status, code)
	}
	if got := r.data("PUT", uuid+"/charge", `{"amount":200000}`); got["status"] != "success" || got["payment_amount"] != 200000.0 {
		t.Errorf("a part: %v %v", got["status"], got["payment_amount"])
	}
	r.refused("DELETE", number, `{}`, 403, "ERROR_PAYMENT_APPLIED", "Холд не активен")
	r.refused("PUT", number+"/charge", `{}`, 403, "ERROR_PAYMENT_APPLIED", "Холд не активен")

	number, _ = held()
	if got := r.data("DELETE", number, `{}`); got["status"] != "canceled" {
		t.Errorf("released: %v", got["status"])
	}
	number, uuid = held()
	r.advance(time.Hour)
	r.refused("PUT", uuid+"/charge", `{}`, 403, "ERROR_PAYMENT_APPLIED", "Холд не активен")
	if got := r.data("GET", number, ""); got["status"] != "canceled" {
		t.Errorf("run out: %v", got["status"])
	}
}

// What is done to the company is no part of its protocol: the next outcome, its tokens, a balance.
func TestScenario_MC_24_18_TheControls(t *testing.T) {
	r := newRig(t)
	uuid := fmt.Sprint(r.invoice("")["uuid"])
	for _, after := range []string{"", "true"} {
		r.do(simulator.Action{Kind: "fail_next", Params: map[string]string{"step": "invoice.cancel", "code": "ERROR_X", "details": "слова", "status": "418", "after": after}})
		r.refused("DELETE", "/payment/invoice/"+uuid, `{}`, 418, "ERROR_X", "слова")
		if got := r.data("GET", "/payment/"+uuid, ""); (got["status"] == "canceled") != (after != "") {
			t.Errorf("after %q the payment is %v", after, got["status"])
		}
	}
	r.do(simulator.Action{Kind: "deposit", Amount: 12_345, Params: map[string]string{"application": publicApp}})
	if got := r.data("GET", "/payment/application", ""); fmt.Sprint(got["wallet_sum"]) != "12345" {
		t.Errorf("the deposit is %v", got["wallet_sum"])
	}
	r.do(simulator.Action{Kind: "expire_tokens"})
	if status, m := r.post("GET", "/payment/application", ""); status != 401 || m["text"] != "Jwt is expired" {
		t.Errorf("an old token: %d %v", status, m)
	}
}

// jsonIn is the body of a message as an exchange keeps it.
func jsonIn(t *testing.T, request string) (m map[string]any) {
	t.Helper()
	_, body, _ := strings.Cut(request, "\n")
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	return m
}
