package scan2pay

import (
	"encoding/json"
	"testing"
)

// FuzzAnswer: an answer is a yes only where is_success is true.
func FuzzAnswer(f *testing.F) {
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		var into map[string]any
		no, err := readAnswer(status, body, &into)
		if err != nil || no != nil {
			return
		}
		var plain struct {
			Success *bool `json:"is_success"`
		}
		if json.Unmarshal(body, &plain) != nil || plain.Success == nil || !*plain.Success {
			t.Fatalf("a yes by %q", body)
		}
	})
}
