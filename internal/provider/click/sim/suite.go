package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chorsu/chorsu/internal/provider/simulator"
)

// suite runs the fifteen cases that CLICK publishes for merchants, in their order, on three
// fresh orders. A case that is not answered as it must be stands in Report.Problems under its
// number; Report.State says how many passed.
func (s *sim) suite(ctx context.Context, act simulator.Action) (simulator.Report, error) {
	orders := strings.Split(act.Params["orders"], ",")
	svc, err := s.serviceOf(act.Params["service_id"])
	if err == nil && (len(orders) != 3 || act.Amount <= 0 || act.Amount == 300_00) {
		err = errors.New("the cases need three orders and their amount, which must not be 300 soum")
	}
	if err != nil {
		return simulator.Report{}, err
	}
	var a [3]*attempt
	for i, order := range orders {
		a[i] = s.newAttempt(svc, order, soum(act.Amount, "N.NN"), act.Amount)
		a[i].next = ""
	}
	prepare := func(more ...string) map[string]string { return pairs("action", "0", more...) }
	complete := func(more ...string) map[string]string { return pairs("action", "1", more...) }
	cases := []struct {
		on     *attempt
		params map[string]string
		want   code
		after  string // the order's state at CLICK
	}{
		{a[0], prepare("sign", "wrong"), -1, ""},
		{a[0], prepare("merchant_trans_id", "no-such-order"), -5, ""},
		{a[0], prepare(), 0, ""},
		{a[0], complete("sign", "wrong"), -1, ""},
		{a[0], complete("amount", "300"), -2, ""},
		{a[0], complete(), 0, paid},
		{a[0], complete(), -4, ""},
		{a[0], complete("error", "-5017"), -9, ""},
		{a[1], prepare(), 0, ""},
		{a[1], complete("merchant_prepare_id", "999999999"), -6, ""},
		{a[1], complete(), 0, paid},
		{a[2], prepare(), 0, ""},
		{a[2], complete("error", "-5017"), -9, refused},
		{a[2], complete("error", "-5017"), -9, ""},
		{a[2], complete(), -9, ""},
	}
	var rep simulator.Report
	passed := 0
	for i, c := range cases {
		var one simulator.Report
		ans := s.probe(ctx, c.on, &one, c.params, c.want)
		rep.Exchanges = append(rep.Exchanges, one.Exchanges...)
		for _, problem := range one.Problems {
			rep.Problems = append(rep.Problems, fmt.Sprintf("case %d: %s", i+1, problem))
		}
		if len(one.Problems) == 0 {
			passed++
		}
		s.mu.Lock()
		if c.params["action"] == "0" && c.want == 0 && ans.MerchantPrepareID != nil {
			c.on.prepareID = string(*ans.MerchantPrepareID)
		}
		if c.after != "" && len(one.Problems) == 0 {
			c.on.state = c.after
		}
		s.mu.Unlock()
	}
	rep.State = fmt.Sprintf("%d of %d", passed, len(cases))
	return rep, nil
}

func pairs(name, value string, more ...string) map[string]string {
	m := map[string]string{name: value}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return m
}
