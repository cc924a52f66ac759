package uzum

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzDecode: what was validated is what was decoded. Each message that is taken is read again
// by another decoder, which must find the same.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		`{"serviceId":101202,"timestamp":1698361456728,"params":{"order_id":"O1"}}`,
		`{"serviceId":101202,"timestamp":1698361456728,"transId":"5c398d7e-76b6-11ee-96da-f3a095c6289d","params":{"order_id":17},"amount":2500000}`,
		`{"serviceId":101202,"transId":"T","paymentSource":"UZCARD","tariff":null,"processingReferenceNumber":"000","phone":"998901234567","cardType":2}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, op := range operations {
			q, code := decode(op, body)
			if code != "" {
				continue
			}
			var again map[string]json.RawMessage
			if err := json.Unmarshal(body, &again); err != nil {
				t.Fatalf("%s of %q is taken, and not by another reader: %v", op, body, err)
			}
			var service int64
			if err := json.Unmarshal(again["serviceId"], &service); err != nil || service != q.ServiceID {
				t.Fatalf("%s of %q: service %d, another reader says %d (%v)", op, body, q.ServiceID, service, err)
			}
			if op != opCheck {
				var id string
				if err := json.Unmarshal(again["transId"], &id); err != nil || id != q.TransID || id == "" || len(id) > 64 {
					t.Fatalf("%s of %q: transId %q, another reader says %q (%v)", op, body, q.TransID, id, err)
				}
			}
			if op == opCreate {
				var amount int64
				if err := json.Unmarshal(again["amount"], &amount); err != nil || amount != q.Amount {
					t.Fatalf("%s of %q: amount %d, another reader says %d (%v)", op, body, q.Amount, amount, err)
				}
			}
			if op == opCheck || op == opCreate {
				sameParams(t, q, again["params"])
			}
		}
	})
}

func sameParams(t *testing.T, q request, raw json.RawMessage) {
	var params map[string]json.RawMessage
	if err := json.Unmarshal(raw, &params); err != nil || len(params) != len(q.Params) {
		t.Fatalf("params %q are read as %v (%v)", raw, params, err)
	}
	for name, value := range params {
		if !bytes.Equal(bytes.TrimSpace(value), q.Params[name]) {
			t.Fatalf("param %q is %q, another reader says %q", name, q.Params[name], value)
		}
		order, ok := orderName(q.Params[name])
		if ok && (order == "" || len(order) > 255) {
			t.Fatalf("param %q names the order %q", value, order)
		}
	}
}
