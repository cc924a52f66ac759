package paysys

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
)

// refusal is an error that PaySys answered with.
type refusal struct {
	code             int64
	message, tracker string
}

func (r *refusal) Error() string { return fmt.Sprintf("PaySys refuses: %d %s", r.code, r.message) }

func (r *refusal) text() string { return strconv.FormatInt(r.code, 10) }

// class is what an error code means to us.
type class int

const (
	unheard  class = iota // not in the table: a no where nothing moves, else it may have been done
	declined              // the card, its owner or its bank: an answer, with a reason
	faulty                // our request or the merchant's settings: nothing happened
	rights                // the credentials
	done                  // it was done, or undone, before: the standing tells
	missing               // no such transaction
	lost                  // the system's own failure: it may have been done
)

// codes is the table of the documentation.
var codes = map[int64]struct {
	class  class
	reason string
}{
	-32300: {faulty, ""},
	-32301: {declined, pay.DeclineCard},
	-32302: {declined, pay.DeclineCard},
	-32303: {declined, pay.DeclinePhone},
	-32304: {declined, pay.DeclineCard},
	-32305: {declined, pay.DeclineCard},
	-32306: {declined, pay.DeclineOther},
	-32307: {declined, pay.DeclineOther},
	-32308: {declined, pay.DeclineWrongCode}, // or its time is over: the clock tells which
	-32309: {declined, pay.DeclineFunds},
	-32310: {declined, pay.DeclineBlocked},
	-32311: {declined, pay.DeclineSMS},
	-32312: {done, ""},
	-32313: {done, ""},
	-32314: {missing, ""},
	-32315: {faulty, ""},
	-32316: {faulty, ""},
	-32317: {faulty, ""},
	-32318: {lost, ""},
	-32319: {faulty, ""},
	-32320: {faulty, ""}, // our clock; nothing moved
	-32400: {lost, ""},
	-32504: {rights, ""},
	-32600: {faulty, ""},
	-32601: {faulty, ""},
	-32700: {faulty, ""},
}

// codeDone and the like are the codes that calls must tell apart.
const (
	codeCancelled = -32313
	codeWrongCode = -32308
)

// verdict sorts what a call came back with. moves: it is one that may move money.
//
// A no of the card or its bank is (reason, refusal, nil). done and missing are (“”, refusal, nil):
// the standing must be asked for. Everything else is an error.
func verdict(err error, moves bool) (reason string, no *refusal, _ error) {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		if e, ok := errors.AsType[*provider.Error](err); ok && !moves {
			e.NoMoney = true
		}
		return "", nil, err
	}
	kind := provider.KindInvalid
	switch c := codes[r.code]; c.class {
	case declined:
		return c.reason, r, nil
	case done, missing:
		return "", r, nil
	case unheard:
		if !moves {
			return pay.DeclineOther, r, nil
		}
		kind = provider.KindUnavailable
	case lost:
		kind = provider.KindUnavailable
	case rights:
		kind = provider.KindAuth
	}
	return "", r, &provider.Error{Kind: kind, NoMoney: !moves, Code: r.text(), Message: r.message, RequestID: r.tracker}
}
