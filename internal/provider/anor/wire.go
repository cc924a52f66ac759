package anor

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/provider"
)

// maxAnswer bounds what is read of one answer, which is some hundred bytes long.
const maxAnswer = 64 << 10

// order asks for a charge. The amount is in tiyin.
type order struct {
	Service     int64  `json:"service_id"`
	Code        string `json:"otp_data"`
	Amount      int64  `json:"amount"`
	Cashbox     string `json:"cashbox_code"`
	Transaction string `json:"transaction_id"`
}

// answer is what every call answers.
type answer struct {
	Code        *int64 `json:"error_code"`
	Note        string `json:"error_note"`
	Message     string `json:"message"`
	Payment     int64  `json:"payment_id"`
	Status      *int64 `json:"payment_status"`
	Transaction string `json:"transaction_id"`
	Phone       string `json:"phone_number"`
	Card        string `json:"card_number"`
}

// auth is who, the proof, and the second at which it was made.
func (a *account) auth() string {
	at := strconv.FormatInt(a.now().Unix(), 10)
	sum := sha1.Sum([]byte(at + a.secret))
	return a.user + ":" + hex.EncodeToString(sum[:]) + ":" + at
}

func (a *account) call(ctx context.Context, method, path string, in any) (answer, error) {
	body := []byte{}
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return answer{}, provider.NotSent(err)
		}
	}
	req, err := http.NewRequest(method, a.base+"/merchant/payment"+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, provider.NotSent(err)
	}
	req.Header["Auth"] = []string{a.auth()}
	req.Header.Set("Content-Type", "application/json")
	status, text, err := provider.Exchange(ctx, a.http, req, maxAnswer)
	if err != nil {
		return answer{}, err
	}
	return readAnswer(status, text)
}

// readAnswer judges an answer: HTTP 200 for everything of business.
func readAnswer(status int, text []byte) (answer, error) {
	fail := &provider.Error{Kind: provider.KindUnavailable, Code: "HTTP " + strconv.Itoa(status)}
	switch status {
	case http.StatusOK:
	case http.StatusUnauthorized:
		fail.Kind = provider.KindAuth
		return answer{}, fail
	case http.StatusTooManyRequests:
		fail.Kind = provider.KindRateLimited
		return answer{}, fail
	case http.StatusBadRequest, http.StatusNotFound:
		fail.Kind = provider.KindInvalid
		return answer{}, fail
	default:
		return answer{}, fail
	}
	var ans answer
	if err := json.Unmarshal(text, &ans); err != nil || ans.Code == nil {
		fail.Err = errors.New("the answer cannot be understood")
		return answer{}, fail
	}
	if ans.Note == "" {
		ans.Note = ans.Message
	}
	ans.Note, ans.Card = clip(ans.Note), clip(ans.Card)
	return ans, nil
}

func clip(text string) string {
	text = strings.ToValidUTF8(text, "")
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return text
}
