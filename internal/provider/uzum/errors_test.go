package uzum

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/chorsu/chorsu/internal/provider"
)

// TestEveryRefusalHasACode compares the table with the catalogue: each refusal in each call
// answers with a code that the call may answer with.
func TestEveryRefusalHasACode(t *testing.T) {
	may := map[operation][]string{
		opCheck:   {attributeNotFound, alreadyPaid, orderClosed, internalError},
		opCreate:  {attributeNotFound, alreadyPaid, orderClosed, alreadyCreated, wrongAmount, amountTooSmall, amountTooLarge, internalError},
		opConfirm: {noTransaction, cannotConfirm, alreadyConfirmed, internalError},
		opReverse: {noTransaction, cannotReverse, alreadyReversed, internalError},
		opStatus:  {noTransaction, internalError},
	}
	for _, r := range provider.Refusals {
		if _, ok := refusals[r]; !ok {
			t.Errorf("%s is not in the table", r)
		}
		for _, op := range operations {
			code := codeOf(op, fmt.Errorf("wrapped: %w", r))
			if !slices.Contains(may[op], code) {
				t.Errorf("%s in %s is answered with %q", r, op, code)
			}
		}
	}
	if len(refusals) != len(provider.Refusals) {
		t.Errorf("the table has %d refusals, the desk %d", len(refusals), len(provider.Refusals))
	}
	for _, op := range operations {
		if code := codeOf(op, errors.New("connection refused")); code != internalError {
			t.Errorf("what cannot be told is %q in %s", code, op)
		}
	}
}

// TestCodesThatMatter are those on which money hangs.
func TestCodesThatMatter(t *testing.T) {
	for _, c := range []struct {
		op      operation
		refusal provider.Refusal
		want    string
	}{
		{opCheck, provider.NoAccount, "10007"}, {opCheck, provider.AlreadyPaid, "10008"},
		{opCheck, provider.Closed, "10009"}, {opCheck, provider.Expired, "10009"},
		{opCreate, provider.Busy, "10010"}, {opCreate, provider.WrongAmount, "10011"},
		{opCreate, provider.TooSmall, "10012"}, {opCreate, provider.TooLarge, "10013"},
		{opConfirm, provider.NoPayment, "10014"}, {opConfirm, provider.Expired, "10015"},
		{opConfirm, provider.Cancelled, "10015"}, {opConfirm, provider.AlreadyPaid, "10015"},
		{opConfirm, provider.Busy, "99999"}, // unknown elsewhere: Uzum asks again, nobody is told no
		{opReverse, provider.NotReversible, "10017"}, {opReverse, provider.NoPayment, "10014"},
		{opStatus, provider.NoPayment, "10014"},
	} {
		if got := codeOf(c.op, c.refusal); got != c.want {
			t.Errorf("%s in %s is %s, want %s", c.refusal, c.op, got, c.want)
		}
	}
}
