package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// Quick pay by what a buyer's telephone shows. Multicard tells by the code whose it is. Nobody
// publishes by what, so the forms below are this simulator's own, made from the sample codes of
// the wallets.
func walletOf(code string) (ps string, ok bool) {
	switch {
	case strings.HasPrefix(code, "88"):
		return "click", true
	case strings.HasPrefix(code, "5050"):
		return "payme", true
	case strings.HasPrefix(code, "XAZNA"):
		return "xazna", true
	case strings.HasPrefix(code, "ANOR"), strings.HasPrefix(code, "OK-"), strings.HasPrefix(code, "NOFUNDS"), strings.HasPrefix(code, "UNKNOWN"):
		return "anorbank", true
	case len(code) >= 40:
		return "uzum", true
	}
	return "", false
}

// newCode makes a code; Params "wallet" says whose: click (default), payme, uzum, anorbank, xazna.
func (s *Simulator) newCode(a simulator.Action) (simulator.Report, error) {
	text := "88" + simulator.Digits(18)
	switch a.Params["wallet"] {
	case "payme":
		text = "5050" + simulator.Digits(16)
	case "uzum":
		text = "1" + simulator.Digits(42) // no other's begins so
	case "anorbank":
		text = "ANOR-" + simulator.Digits(12)
	case "xazna":
		text = "XAZNA-" + simulator.Digits(12)
	}
	code, err := s.codes.Make(text, a.Params, s.w.Now())
	return simulator.Report{Ref: code.Text, State: "created"}, err
}

var (
	errCode    = fields("Неверный код, либо приложение не поддерживается")
	errUnknown = &failure{status: http.StatusInternalServerError, code: "ERROR_DEBIT_UNKNOWN", details: "Результат списания неизвестен"}
	errBusy    = &failure{status: http.StatusTooManyRequests, code: "ERROR_TOO_MANY_REQUESTS", details: "Слишком много запросов"}
)

// scanpay serves PUT /payment/{uuid}/scanpay. The partner is asked before it answers, so it cannot
// run under the lock as the other calls do.
func (s *Simulator) scanpay(w http.ResponseWriter, r *http.Request) {
	s.w.Serve("payment.scanpay", w, r, func(w http.ResponseWriter, r *http.Request) {
		owner, word := s.bearer(r, "payment.scanpay")
		if owner == nil {
			http.Error(w, word, http.StatusUnauthorized)
			return
		}
		var in struct {
			Code string `json:"code"`
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		if err != nil || json.Unmarshal(body, &in) != nil || in.Code == "" {
			answer(w, nil, missing("code"))
			return
		}
		code := s.codes.Look(in.Code, s.w.Now())
		p, err := s.scan(owner, r.PathValue("uuid"), code)
		if err == nil && s.asks(p) {
			s.ask(r.Context(), p)
		}
		s.flush(r.Context())
		code.Answer(r, func() {
			if err != nil {
				answer(w, nil, err)
				return
			}
			s.mu.Lock()
			data := s.model(p)
			s.twist("payment.scanpay", data)
			s.mu.Unlock()
			answer(w, data, nil)
		})
	})
}

func (s *Simulator) asks(p *payment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.status == statusBilling
}

// scan debits the code for an invoice that is not paid yet.
func (s *Simulator) scan(owner *app, uuid string, code simulator.Code) (*payment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(uuid)
	if p == nil || p.store.app != owner {
		return nil, errNotFound
	}
	if p.status != statusDraft {
		return nil, errNotReady
	}
	ps, known := walletOf(code.Text)
	switch {
	case code.Plan == simulator.PlanUnreachable:
		return nil, errBusy
	case !known, code.Plan == simulator.PlanUsed, code.Plan == simulator.PlanExpired:
		return nil, errCode
	}
	p.ps, p.phone, p.pan = ps, code.Phone, code.Card
	s.move(p, statusProgress)
	switch code.Plan {
	case simulator.PlanNoFunds:
		p.responseCode, p.responseMsg = "51", "Недостаточно средств"
		s.move(p, statusError)
		return p, nil
	case simulator.PlanDecline:
		p.responseCode, p.responseMsg = "05", "Отклонено"
		s.move(p, statusError)
		return p, nil
	}
	s.codes.Use(code.Text)
	if code.Plan == simulator.PlanProcessing {
		p.settles, p.askAt = statusSuccess, s.w.Now().Add(time.Second)
		return nil, errUnknown
	}
	s.debited(p)
	return p, nil
}
