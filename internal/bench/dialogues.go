package bench

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// The messages that each company sends when a buyer pays, and no more than that: the sandbox's
// simulators play the companies faithfully, with repeats and books and judgement, and would be
// measured too.

// credentials are what a merchant registers with.
var credentials = map[string]map[string]string{
	"payme":     {"merchantId": "5e730e8e0b852a417aa49ceb", "key": "bench-payme-key"},
	"click":     {"serviceId": "12345", "merchantId": "6789", "secretKey": "bench-click-secret"},
	"uzum":      {"serviceId": "101202", "login": "bench", "password": "bench-uzum-password"},
	"multicard": {"applicationId": "bench", "secret": "bench-multicard-secret", "storeId": "a1df872e-d5aa-11ee-8de8-005056b4367d"},
}

// dialogues pay an invoice, and return how long the message took that decides.
var dialogues = map[string]func(ctx context.Context, c *client, callback string, inv invoice) (time.Duration, error){
	"payme": payme, "click": click, "uzum": uzum, "multicard": multicard,
}

// messages numbers what needs a number of its own.
var messages atomic.Int64

func init() { messages.Store(time.Now().UnixMicro()) } // no two runs on one database meet

// exchange sends one message and reads the answer.
func exchange(ctx context.Context, c *client, path string, header map[string]string, body []byte, out any) (took time.Duration, text []byte, err error) {
	began := time.Now()
	text, err = c.call(ctx, http.MethodPost, path, header, body, out)
	return time.Since(began), text, err
}

func basic(login, key string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+key))
}

// payme is CheckPerformTransaction, CreateTransaction and PerformTransaction.
func payme(ctx context.Context, c *client, callback string, inv invoice) (took time.Duration, err error) {
	n := messages.Add(1)
	id, account := fmt.Sprintf("%024x", n), map[string]any{"order_id": inv.ID}
	header := map[string]string{"Content-Type": "text/json; charset=UTF-8", "Authorization": basic("Paycom", credentials["payme"]["key"])}
	for _, m := range []struct {
		method string
		params map[string]any
	}{
		{"CheckPerformTransaction", map[string]any{"amount": amount, "account": account}},
		{"CreateTransaction", map[string]any{"id": id, "time": time.Now().UnixMilli(), "amount": amount, "account": account}},
		{"PerformTransaction", map[string]any{"id": id}},
	} {
		body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": n, "method": m.method, "params": m.params})
		if err != nil {
			return 0, err
		}
		var answer struct {
			Result struct{ State int }
			Error  *struct{ Code int }
		}
		var text []byte
		took, text, err = exchange(ctx, c, callback, header, body, &answer)
		if err != nil {
			return 0, err
		}
		if answer.Error != nil || m.method == "PerformTransaction" && answer.Result.State != 2 {
			return 0, fmt.Errorf("payme: %s was answered with %s", m.method, text)
		}
	}
	return took, nil
}

// click is Prepare and Complete.
func click(ctx context.Context, c *client, callback string, inv invoice) (took time.Duration, err error) {
	trans, prepared := fmt.Sprint(messages.Add(1)), ""
	secret, service, sum := credentials["click"]["secretKey"], credentials["click"]["serviceId"], fmt.Sprintf("%d.%02d", amount/100, amount%100)
	for _, action := range []string{"0", "1"} {
		at := time.Now().UTC().Add(5 * time.Hour).Format(time.DateTime) // Tashkent's
		sign := md5.Sum([]byte(trans + service + secret + inv.ID + prepared + sum + action + at))
		form := url.Values{
			"click_trans_id": {trans}, "service_id": {service}, "click_paydoc_id": {trans}, "merchant_trans_id": {inv.ID}, "amount": {sum},
			"action": {action}, "sign_time": {at}, "error": {"0"}, "error_note": {"Success"}, "sign_string": {hex.EncodeToString(sign[:])},
		}
		if action == "1" {
			form.Set("merchant_prepare_id", prepared)
		}
		var answer struct {
			Error             int   `json:"error"`
			MerchantPrepareID int64 `json:"merchant_prepare_id"`
		}
		var text []byte
		took, text, err = exchange(ctx, c, callback, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, []byte(form.Encode()), &answer)
		if err != nil {
			return 0, err
		}
		if answer.Error != 0 {
			return 0, fmt.Errorf("click: action %s was answered with %s", action, text)
		}
		prepared = fmt.Sprint(answer.MerchantPrepareID)
	}
	return took, nil
}

// uzum is check, create and confirm.
func uzum(ctx context.Context, c *client, callback string, inv invoice) (took time.Duration, err error) {
	header := map[string]string{"Content-Type": "application/json", "Authorization": basic(credentials["uzum"]["login"], credentials["uzum"]["password"])}
	trans, account := uuid.NewString(), map[string]any{"order_id": inv.ID}
	for _, m := range []struct {
		method, status string
		fields         map[string]any
	}{
		{"check", "OK", map[string]any{"params": account}},
		{"create", "CREATED", map[string]any{"params": account, "transId": trans, "amount": amount}},
		{"confirm", "CONFIRMED", map[string]any{"transId": trans, "paymentSource": "UZCARD", "cardType": 2}},
	} {
		m.fields["serviceId"], m.fields["timestamp"] = 101202, time.Now().UnixMilli()
		body, err := json.Marshal(m.fields)
		if err != nil {
			return 0, err
		}
		var answer struct{ Status string }
		var text []byte
		took, text, err = exchange(ctx, c, callback+"/"+m.method, header, body, &answer)
		if err != nil {
			return 0, err
		}
		if answer.Status != m.status {
			return 0, fmt.Errorf("uzum: %s was answered with %s", m.method, text)
		}
	}
	return took, nil
}

// multicardStore is the register's number, which only its answers tell.
const multicardStore = 6

// multicard is the success callback; the hosted invoice was made with the order. The page's
// address names both sides' ids of it.
func multicard(ctx context.Context, c *client, callback string, inv invoice) (took time.Duration, err error) {
	rest, invoiceID := path.Split(inv.CheckoutURL)
	theirs := path.Base(rest)
	sign := md5.Sum(fmt.Appendf(nil, "%d%s%d%s", multicardStore, invoiceID, amount, credentials["multicard"]["secret"]))
	body, err := json.Marshal(map[string]any{
		"store_id": multicardStore, "amount": amount, "invoice_id": invoiceID, "billing_id": nil, "uuid": theirs, "phone": "998901234567",
		"payment_time": time.Now().UTC().Add(5 * time.Hour).Format(time.DateTime), "card_pan": "860030******9140", "ps": "uzcard",
		"receipt_url": "https://checkout.multicard.uz/check/" + theirs, "sign": hex.EncodeToString(sign[:]),
	})
	if err != nil {
		return 0, err
	}
	var answer struct{ Success bool }
	took, text, err := exchange(ctx, c, callback, map[string]string{"Content-Type": "application/json"}, body, &answer)
	if err == nil && !answer.Success {
		err = fmt.Errorf("multicard: the success callback was answered with %s", text)
	}
	return took, err
}

// multicardAPI is what the gateway calls at Multicard: a token, and a hosted invoice.
func multicardAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/auth") {
		io.WriteString(w, `{"token":"bench","role":"merchant","expiry":"2099-01-01 00:00:00"}`)
		return
	}
	var asked struct {
		Amount    int64  `json:"amount"`
		InvoiceID string `json:"invoice_id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := uuid.NewString()
	json.NewEncoder(w).Encode(map[string]any{"success": true, "data": map[string]any{
		"uuid": id, "store_id": multicardStore, "amount": asked.Amount, "invoice_id": asked.InvoiceID,
		"checkout_url": "https://checkout.multicard.uz/invoice/" + id + "/" + asked.InvoiceID,
	}})
}
