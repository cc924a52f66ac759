//go:build !linux

package bench

import "errors"

func hold([]string) (func() error, error) {
	return nil, errors.New("files can be held in memory on Linux only: leave --hold out")
}
