package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxBody bounds every request's body.
const maxBody = 64 << 10

// maxDepth bounds how deep arrays and objects may be nested: the deepest that any resource
// knows is four (a line of an ofd and its marks).
const maxDepth = 16

// node is one value of a JSON document as it was sent: a number keeps its digits, an object
// the order of its members. A body is read into nodes once; what is checked, what is handed
// to the use case and what an idempotency key is compared by are all made from them, so that
// no two parsers can disagree about money.
type node struct {
	kind  jsontext.Kind // { [ " 0 t f n
	text  string        // of a string: its value; of a number: its literal
	names []string      // of an object's members
	items []*node       // an array's elements; an object's values, as names has them
}

// member returns a member of an object, nil where there is none.
func (n *node) member(name string) *node {
	if n == nil {
		return nil
	}
	for i, s := range n.names {
		if s == name {
			return n.items[i]
		}
	}
	return nil
}

// append writes n as JSON: without white space, numbers as they came, members in their order.
func (n *node) append(b []byte) []byte {
	switch n.kind {
	case '{':
		b = append(b, '{')
		for i, name := range n.names {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, name), ':')
			b = n.items[i].append(b)
		}
		return append(b, '}')
	case '[':
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.append(b)
		}
		return append(b, ']')
	case '"':
		return appendString(b, n.text)
	case '0':
		return append(b, n.text...)
	case 't':
		return append(b, "true"...)
	case 'f':
		return append(b, "false"...)
	}
	return append(b, "null"...)
}

func appendString(b []byte, s string) []byte {
	b, err := jsontext.AppendQuote(b, s)
	if err != nil {
		panic("a string that was read as UTF-8 is none") // readJSON lets none pass
	}
	return b
}

// fault is one thing wrong with a request: a field's path, and what is wrong with it. It reads
// as one sentence, the path in quotes.
type fault struct{ field, words string }

func (f fault) String() string { return `"` + f.field + `" ` + f.words }

// readBody reads a request's JSON body. It returns nil for an empty one; whether that may be
// is the operation's to say. The error is one to answer with.
func readBody(w http.ResponseWriter, r *http.Request) (*node, error) {
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	switch _, large := errors.AsType[*http.MaxBytesError](err); {
	case large:
		return nil, errTooLarge
	case err != nil:
		return nil, invalid(fault{"body", "broke off: the request could not be read to its end"})
	case len(data) == 0:
		return nil, nil
	}
	if !isJSON(r.Header.Values("Content-Type")) {
		return nil, errMediaType
	}
	n, f := readJSON(data)
	if f != nil {
		return nil, invalid(*f)
	}
	return n, nil
}

// isJSON says whether a request says of itself that it is JSON in UTF-8.
func isJSON(header []string) bool {
	if len(header) != 1 {
		return false
	}
	kind, params, err := mime.ParseMediaType(header[0])
	if err != nil || kind != "application/json" {
		return false
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return false
		}
	}
	return true
}

// readJSON reads exactly one JSON value. It is stricter than most parsers: a name may stand
// once in an object, text is UTF-8 without NUL (which PostgreSQL cannot store), nothing
// follows the value. The first fault ends it.
func readJSON(data []byte) (*node, *fault) {
	if !utf8.Valid(data) {
		return nil, &fault{"body", "must be valid UTF-8"}
	}
	// The whole is in memory and its length is bounded: 64 KiB hold at most 64 Ki tokens.
	p := parser{jsontext.NewDecoder(bytes.NewReader(data))}
	n, err := p.value(0)
	if err == nil {
		if _, end := p.dec.ReadToken(); end != io.EOF {
			return nil, &fault{"body", "must be one JSON value: something follows it"}
		}
		return n, nil
	}
	if f, ok := errors.AsType[*parseFault](err); ok {
		return nil, &f.fault
	}
	return nil, syntaxFault(err, len(data))
}

type parser struct{ dec *jsontext.Decoder }

// parseFault carries a fault of our own out of the parser.
type parseFault struct{ fault }

func (f *parseFault) Error() string { return f.String() }

func (p parser) value(depth int) (*node, error) {
	token, err := p.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &node{kind: token.Kind()}
	switch n.kind {
	case '{', '[':
		if depth == maxDepth {
			return nil, &parseFault{fault{"body", "must not be nested deeper than " + strconv.Itoa(maxDepth) + " levels"}}
		}
		return n, p.inside(n, depth+1)
	case '"', '0':
		n.text = token.String()
		return n, p.noNUL(n.text)
	}
	return n, nil
}

// inside reads the members of an object or the elements of an array to its end.
func (p parser) inside(n *node, depth int) error {
	for {
		switch p.dec.PeekKind() {
		case '}', ']':
			_, err := p.dec.ReadToken()
			return err
		}
		if n.kind == '{' {
			name, err := p.dec.ReadToken()
			if err != nil {
				return err
			}
			text := name.String()
			if err := p.noNUL(text); err != nil {
				return err
			}
			n.names = append(n.names, text)
		}
		item, err := p.value(depth)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
}

func (p parser) noNUL(s string) error {
	if strings.IndexByte(s, 0) < 0 {
		return nil
	}
	return &parseFault{fault{fieldAt(p.dec.StackPointer()), "must not contain the NUL character"}}
}

// syntaxFault words what the JSON library found.
func syntaxFault(err error, length int) *fault {
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return &fault{"body", "is not valid JSON: it ends too early"}
	case ok && errors.Is(e.Err, jsontext.ErrDuplicateName):
		return &fault{fieldAt(e.JSONPointer), "must not be given twice"}
	case ok && e.ByteOffset < int64(length):
		return &fault{"body", fmt.Sprintf("is not valid JSON: see byte %d", e.ByteOffset+1)}
	}
	return &fault{"body", "is not valid JSON"}
}

// fieldAt says a JSON pointer as a path of fields: /ofd/0/mxik is ofd[0].mxik.
func fieldAt(p jsontext.Pointer) string {
	path := ""
	for token := range p.Tokens() {
		if _, err := strconv.ParseUint(token, 10, 16); err == nil && path != "" {
			path += "[" + token + "]"
		} else {
			path = join(path, token)
		}
	}
	if path == "" {
		return "body"
	}
	return path
}

// join makes the path of an object's member. A name that a caller invented is cut.
func join(path, name string) string {
	const most = 64
	if utf8.RuneCountInString(name) > most {
		name = string([]rune(name)[:most]) + "…"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
