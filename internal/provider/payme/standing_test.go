package payme

import (
	"testing"
	"time"

	"github.com/chorsu/chorsu/internal/pay"
)

// Every state of a payment has one number at Payme, or none: then the answer is to come back.
func TestStandingOfEveryState(t *testing.T) {
	created, paid, ended := time.UnixMilli(1_700_000_000_001), time.UnixMilli(1_700_000_000_002), time.UnixMilli(1_700_000_000_003)
	five, ten, three := int64(5), int64(10), int64(3)
	for _, c := range []struct {
		payment pay.Payment
		want    *checked
	}{
		{pay.Payment{State: pay.Created}, &checked{State: 1}},
		{pay.Payment{State: pay.Paid, PaidAt: paid}, &checked{State: 2, PerformTime: 1_700_000_000_002}},
		{pay.Payment{State: pay.Refunded, PaidAt: paid, EndedAt: ended, Reason: "5"}, &checked{State: -2, PerformTime: 1_700_000_000_002, CancelTime: 1_700_000_000_003, Reason: &five}},
		{pay.Payment{State: pay.Refunded, PaidAt: paid, EndedAt: ended, Reason: "by hand"}, &checked{State: -2, PerformTime: 1_700_000_000_002, CancelTime: 1_700_000_000_003, Reason: &five}},
		{pay.Payment{State: pay.Cancelled, EndedAt: ended, Reason: "3"}, &checked{State: -1, CancelTime: 1_700_000_000_003, Reason: &three}},
		{pay.Payment{State: pay.Cancelled, EndedAt: ended}, &checked{State: -1, CancelTime: 1_700_000_000_003, Reason: &ten}},
		{pay.Payment{State: pay.Failed, EndedAt: ended, Reason: "3"}, &checked{State: -1, CancelTime: 1_700_000_000_003, Reason: &three}},
		{pay.Payment{State: pay.Unknown}, nil},
		{pay.Payment{State: pay.Held}, nil},
	} {
		c.payment.ID, c.payment.CreatedAt = "pay-1", created
		got, f := standing(c.payment)
		if c.want == nil {
			if f != faultSystem {
				t.Errorf("%s: %+v", c.payment.State, got)
			}
			continue
		}
		c.want.Transaction, c.want.CreateTime = "pay-1", 1_700_000_000_001
		if f != nil || got.State != c.want.State || got.CreateTime != c.want.CreateTime || got.PerformTime != c.want.PerformTime ||
			got.CancelTime != c.want.CancelTime || got.Transaction != "pay-1" || (got.Reason == nil) != (c.want.Reason == nil) ||
			got.Reason != nil && *got.Reason != *c.want.Reason {
			t.Errorf("%s: got %+v, want %+v", c.payment.State, got, c.want)
		}
	}
}
