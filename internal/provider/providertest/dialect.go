package providertest

import "time"

// Dialect lets the conformance suite speak to the gateway as one company does.
type Dialect interface {
	// Begin starts an attempt on the invoice: Payme's Create, Click's Prepare, Uzum's create.
	// Where our own call made the attempt (Multicard), it only reads what that call made.
	Begin(b *Bench, account string, amount int64) Attempt

	// Settle says that money was taken: Perform, Complete, confirm, success callback.
	Settle(b *Bench, a Attempt) Verdict

	// Undo takes it back from the company's side: Cancel, Complete with an error, reverse.
	// ok is false where the company has no such call.
	Undo(b *Bench, a Attempt) (v Verdict, ok bool)

	// Forge sends what Settle sends, with a wrong key or signature.
	Forge(b *Bench, a Attempt) Verdict

	// Foreign sends what Begin sends for another service or register than the merchant's. ok is
	// false where the message names none.
	Foreign(b *Bench, account string, amount int64) (v Verdict, ok bool)

	// Lapse is how long an attempt lives by the company's rule; 0: it does not lapse.
	Lapse() time.Duration
}

// Attempt is what Begin made.
type Attempt struct {
	Ref     string // the company's id
	Account string
	Amount  int64 // tiyin
	Extra   map[string]string
	Verdict Verdict
}

// Verdict is how the gateway's answer reads in the company's dialect.
type Verdict struct {
	Accepted bool   // the company counts it as done
	Repeat   bool   // the dialect has a word of its own for "done before", and this is it
	Code     string // the dialect's code of a refusal
	Answer   Answer
}
