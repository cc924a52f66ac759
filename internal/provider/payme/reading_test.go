package payme

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"
)

// FuzzObject holds our reading of an object against the standard decoder's tokens: the same names,
// the same bytes of each value, and the same refusals.
func FuzzObject(f *testing.F) {
	for _, body := range []string{
		`{}`, ` { } `, `{"a":1}`, "\t{ \"a\" : [1, {\"b\":\"}\"}] ,\n\"c\\u0061\":\"\\\\\\\"\" , \"\":null}", `{"a":1,"\u0061":2}`, `{"a":1,"A":2}`,
		`{"x":-1.5e+3 }`, `{"x":true,"y":{},"z":[],"t":""}`, `{"x":[[{"a":"]"},{}],[ ]]}`, `[]`, `"x"`, `7`, `null`, `{"id":{"id":1},"id":2}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		q, fault := readRequest([]byte(`{"id":1,"method":"m","params":` + string(body) + `}`))
		if !json.Valid(body) || fault == faultNotJSON { // of several values, or not of Unicode
			return
		}
		want, ok := objectByTokens(body)
		if got := q.Params; ok != (fault == nil) || ok && !maps.Equal(got, want) {
			t.Fatalf("%q is read as %q, %v; want %q, %v", body, got, fault, want, ok)
		}
	})
}

func objectByTokens(raw []byte) (params, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	out := params{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, false
		}
		name, ok := t.(string)
		if _, twice := out[name]; !ok || twice {
			return nil, false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, false
		}
		out[name] = string(value)
	}
	return out, true
}

// A call is read in eight allocations: its bytes once, and the three objects in it. The bound leaves
// room for the race detector.
func TestReadingIsCheap(t *testing.T) {
	body := []byte(`{"jsonrpc":"2.0","id":1234,"method":"CreateTransaction","params":{"id":"6385f0c5d9c5b7a8c3f1a001","time":1763812345678,"amount":500000,"account":{"order_id":"0198c0de-0000-7000-8000-00000000abcd"}}}`)
	n := testing.AllocsPerRun(100, func() {
		q, f := readRequest(body)
		if f == nil {
			_, f = decoder.readCreate(q.Params)
		}
		if f != nil {
			t.Error(f)
		}
	})
	if n > 14 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReading(b *testing.B) {
	body := []byte(`{"jsonrpc":"2.0","id":1234,"method":"CreateTransaction","params":{"id":"6385f0c5d9c5b7a8c3f1a001","time":1763812345678,"amount":500000,"account":{"order_id":"0198c0de-0000-7000-8000-00000000abcd"}}}`)
	b.ReportAllocs()
	for b.Loop() {
		if q, f := readRequest(body); f == nil {
			decoder.readCreate(q.Params)
		}
	}
}
