package words_test

import (
	"testing"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/words"
)

// Every reason that the domain knows has a sentence of its own, in each language.
func TestEveryDeclineHasItsSentence(t *testing.T) {
	seen := map[string]string{}
	for _, reason := range pay.Declines {
		s := words.Decline(reason)
		for _, text := range []string{s.UZ, s.RU, s.EN} {
			if text == "" {
				t.Errorf("%s has an empty sentence", reason)
			}
			if of, ok := seen[text]; ok {
				t.Errorf("%s and %s read the same: %s", reason, of, text)
			}
			seen[text] = reason
		}
	}
	if words.Decline("what nobody knows") != words.Decline(pay.DeclineOther) {
		t.Error("an unknown reason does not read as a plain no")
	}
}
