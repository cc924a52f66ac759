package example

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// ServeCallback answers one message: signature, form, shop, then the event.
func (a *account) ServeCallback(w http.ResponseWriter, r *http.Request, d provider.Desk) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		write(w, http.StatusBadRequest, reply{Error: errForm, Message: "the message did not arrive whole"})
		return
	}
	if !a.signed(r.Header.Get("X-Namuna-Signature"), body) {
		write(w, http.StatusOK, reply{Error: errSignature})
		return
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil || m.Payment == "" || m.Amount <= 0 {
		write(w, http.StatusOK, reply{Error: errForm})
		return
	}
	if m.Shop != a.shop {
		write(w, http.StatusOK, reply{Error: errShop})
		return
	}
	switch m.Event {
	case "begin":
		a.begin(w, r, d, m)
	case "paid":
		a.paid(w, r, d, m)
	case "undone":
		a.undone(w, r, d, m)
	default:
		write(w, http.StatusOK, reply{Error: errForm, Message: "an event is begin, paid or undone"})
	}
}

// ServeStranger answers a message for a shop that we do not have: as a wrong key.
func (company) ServeStranger(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, reply{Error: errSignature})
}

// signed compares in constant time. Both sides have the length of a SHA-256.
func (a *account) signed(header string, body []byte) bool {
	got, err := hex.DecodeString(header)
	m := hmac.New(sha256.New, a.secret)
	m.Write(body)
	return err == nil && hmac.Equal(got, m.Sum(nil))
}

// begin: a buyer chose this order; no money has moved.
func (a *account) begin(w http.ResponseWriter, r *http.Request, d provider.Desk, m message) {
	res, err := d.Open(r.Context(), provider.OpenOrder{
		Account: m.Order, Ref: m.Payment, Amount: pay.Tiyin(m.Amount),
		TheirTime: time.UnixMilli(m.Time), ExpiresAt: a.env.Now().Add(lapse),
		OnExpiry: pay.Cancelled, ExpiryReason: "lapsed",
	})
	a.reply(w, res, err, pay.Created, pay.Paid, pay.Refunded)
}

// paid: the buyer's money was taken.
func (a *account) paid(w http.ResponseWriter, r *http.Request, d provider.Desk, m message) {
	res, err := d.Confirm(r.Context(), provider.Key{Ref: m.Payment}, provider.Proof{
		At: time.UnixMilli(m.Time), Amount: pay.Tiyin(m.Amount),
	})
	a.reply(w, res, err, pay.Paid, pay.Refunded)
}

// undone: the attempt was given up, or its money went back.
func (a *account) undone(w http.ResponseWriter, r *http.Request, d provider.Desk, m message) {
	res, err := d.Cancel(r.Context(), provider.Key{Ref: m.Payment}, provider.CancelOrder{Reason: m.Reason})
	a.reply(w, res, err, pay.Cancelled, pay.Failed, pay.Refunded)
}

// reply words a desk's answer. A repeat may find the payment elsewhere than the message wants
// it: only the states in good are a yes.
func (a *account) reply(w http.ResponseWriter, res provider.Result, err error, good ...pay.State) {
	if err != nil {
		if refusal := provider.RefusalOf(err); refusal != "" {
			write(w, http.StatusOK, reply{Error: refusals[refusal]})
			return
		}
		write(w, http.StatusServiceUnavailable, reply{Error: "later"})
		return
	}
	for _, s := range good {
		if res.Payment.State == s {
			write(w, http.StatusOK, reply{OK: true, ID: res.Payment.ID, State: string(s), Again: res.Again})
			return
		}
	}
	write(w, http.StatusOK, reply{Error: "cancelled", ID: res.Payment.ID, State: string(res.Payment.State)})
}

func write(w http.ResponseWriter, status int, v reply) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
