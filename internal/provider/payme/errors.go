package payme

import (
	"strings"

	"github.com/chorsu/chorsu/internal/provider"
)

// Payme's numbers for what went wrong. Those from −31050 to −31099 speak of the account, and
// how they are shared out is ours.
const (
	codeNotPost  = -32300
	codeSystem   = -32400 // come back later
	codeAuth     = -32504
	codeRequest  = -32600
	codeMethod   = -32601
	codeParams   = -32602 // SetFiscalData's own
	codeNotJSON  = -32700
	codeFiscalID = -32001 // SetFiscalData's own: no such transaction

	codeAmount     = -31001
	codeNotFound   = -31003
	codeDelivered  = -31007 // it cannot be cancelled any more
	codeImpossible = -31008 // not in this state

	codeAccount    = -31050 // no such order
	codeNotPayable = -31051 // paid, cancelled or expired
	codeBusy       = -31052 // another transaction holds it
)

// fault is an error on its way to Payme.
type fault struct {
	code  int
	words sentence
	data  string
}

// about says what f is about: the field at fault, or the name of a method.
func (f *fault) about(what string) *fault {
	if len(what) > maxAbout {
		what = strings.ToValidUTF8(what[:maxAbout], "")
	}
	return &fault{code: f.code, words: f.words, data: what}
}

// maxAbout bounds how much of a method's name is given back.
const maxAbout = 64

func (f *fault) wire() *wireError {
	return &wireError{Code: f.code, Message: f.words, Data: f.data}
}

// The faults that are found without the desk.
var (
	faultNotPost = &fault{code: codeNotPost, words: wordsNotPost}
	faultNotJSON = &fault{code: codeNotJSON, words: wordsNotJSON}
	faultRequest = &fault{code: codeRequest, words: wordsRequest}
	faultParams  = &fault{code: codeParams, words: wordsRequest}
	faultAuth    = &fault{code: codeAuth, words: wordsAuth}
	faultMethod  = &fault{code: codeMethod, words: wordsMethod}
	faultSystem  = &fault{code: codeSystem, words: wordsSystem}

	faultAmount  = &fault{code: codeAmount, words: wordsOf[provider.WrongAmount]}
	faultAccount = &fault{code: codeAccount, words: wordsOf[provider.NoAccount]}
	faultState   = &fault{code: codeImpossible, words: wordsState}
	faultLapsed  = &fault{code: codeImpossible, words: wordsOf[provider.Expired]}
	faultOther   = &fault{code: codeImpossible, words: wordsOther}
)

// row is what one refusal of the desk is in Payme's numbers, by what Payme was doing. The
// columns differ because Payme allows each method only some numbers: it may not hear of an
// account when it performs, nor of a state when it only checks.
type row struct{ check, create, perform, cancel, read, fiscal int }

// codes holds every refusal. A row says what is true in each method, also where the desk has
// no way to refuse so today.
var codes = map[provider.Refusal]row{
	provider.NoAccount:     {codeAccount, codeAccount, codeNotFound, codeNotFound, codeNotFound, codeFiscalID},
	provider.NoPayment:     {codeAccount, codeImpossible, codeNotFound, codeNotFound, codeNotFound, codeFiscalID},
	provider.WrongAmount:   {codeAmount, codeAmount, codeImpossible, codeDelivered, codeSystem, codeSystem},
	provider.TooSmall:      {codeAmount, codeAmount, codeImpossible, codeDelivered, codeSystem, codeSystem},
	provider.TooLarge:      {codeAmount, codeAmount, codeImpossible, codeDelivered, codeSystem, codeSystem},
	provider.AlreadyPaid:   {codeNotPayable, codeNotPayable, codeImpossible, codeDelivered, codeSystem, codeSystem},
	provider.Closed:        {codeNotPayable, codeNotPayable, codeImpossible, codeDelivered, codeSystem, codeSystem},
	provider.Cancelled:     {codeNotPayable, codeImpossible, codeImpossible, codeDelivered, codeSystem, codeSystem},
	provider.Expired:       {codeNotPayable, codeImpossible, codeImpossible, codeDelivered, codeSystem, codeSystem},
	provider.Busy:          {codeBusy, codeImpossible, codeImpossible, codeSystem, codeSystem, codeSystem},
	provider.NotReversible: {codeNotPayable, codeImpossible, codeImpossible, codeDelivered, codeSystem, codeSystem},
	provider.Unavailable:   {codeNotPayable, codeNotPayable, codeImpossible, codeSystem, codeSystem, codeSystem},
}

// refused words an error of the desk. One that is no refusal means that we could not tell.
func (a *account) refused(method string, err error) *fault {
	r := provider.RefusalOf(err)
	line, ok := codes[r]
	if !ok {
		return faultSystem
	}
	f := &fault{words: wordsOf[r]}
	switch method {
	case methodCheckPerform:
		f.code = line.check
	case methodCreate:
		f.code = line.create
	case methodPerform:
		f.code = line.perform
	case methodCancel:
		f.code = line.cancel
	case methodFiscal:
		f.code = line.fiscal
	default:
		f.code = line.read
	}
	switch {
	case f.code == codeSystem:
		return faultSystem
	case f.code == codeAmount:
		f.data = "amount"
	case f.code <= codeAccount && f.code >= -31099:
		f.data = a.field
	}
	return f
}
