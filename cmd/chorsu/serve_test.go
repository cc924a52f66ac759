package main

import (
	"os"
	"testing"
)

func TestRoom(t *testing.T) {
	for _, x := range []struct {
		limit string
		err   error
		want  int64
	}{
		{"max\n", nil, enough},
		{"", os.ErrNotExist, enough},
		{"268435456\n", nil, 128 << 20},
		{"8589934592\n", nil, enough},
	} {
		if got := room([]byte(x.limit), x.err); got != x.want {
			t.Errorf("%q, %v: %d, want %d", x.limit, x.err, got, x.want)
		}
	}
}
