package all_test

import (
	"testing"

	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/all"
	"github.com/chorsu/chorsu/internal/words"
)

// Who cannot be asked for a refund by its API says in three languages where one is made.
func TestEveryRefundHintIsWhole(t *testing.T) {
	for _, e := range all.List() {
		info := e.Provider.Info()
		_, refunds := info.Account.(provider.Refunder)
		for _, l := range words.Langs {
			if hint := info.RefundHint; hint.In(l) == "" && (!refunds || hint != (words.Text{})) {
				t.Errorf("%s does not say in %s where refunds are made", info.Name, l)
			}
		}
	}
}
