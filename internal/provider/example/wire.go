package example

// message is what Namuna Pay posts to the callback address.
type message struct {
	Event   string `json:"event"`   // begin, paid, undone
	Shop    string `json:"shop"`    // the shop's id
	Payment string `json:"payment"` // the company's id of the attempt
	Order   string `json:"order"`   // how the buyer named the invoice; only in begin
	Amount  int64  `json:"amount"`  // tiyin
	Time    int64  `json:"time"`    // of the event, milliseconds since 1970
	Reason  string `json:"reason"`  // only in undone
}

// reply is what it wants to hear, always with HTTP 200. Any other status means: come back.
type reply struct {
	OK      bool   `json:"ok"`
	ID      string `json:"id,omitempty"`    // our id of the attempt
	State   string `json:"state,omitempty"` // where the attempt stands at our side
	Again   bool   `json:"again,omitempty"` // heard before
	Error   string `json:"error,omitempty"` // a code of errors.go
	Message string `json:"message,omitempty"`
}

// refundRequest and refundReply are POST /v1/refunds. The same refund id is one refund.
type refundRequest struct {
	Shop    string `json:"shop"`
	Payment string `json:"payment"`
	Refund  string `json:"refund"` // ours
	Amount  int64  `json:"amount"`
}

type refundReply struct {
	ID     string `json:"id"`
	State  string `json:"state"` // done, refused
	Reason string `json:"reason"`
}

// paymentReply is GET /v1/payments/{id}.
type paymentReply struct {
	Payment  string `json:"payment"`
	State    string `json:"state"` // created, paid, undone
	Amount   int64  `json:"amount"`
	Refunded int64  `json:"refunded"`
	Time     int64  `json:"time"`
}

// errorReply is any answer of theirs that is not 2xx.
type errorReply struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}
