// Package tree ends a vendor's program together with the programs that it has started: one that is
// left behind would hold the port of a pinpad, or go on with a sale that was given up.
//
// It also keeps two programs off one pinpad: a Lock is held by the program that runs, and so by one
// that has outlived the agent which started it.
package tree

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrBusy says that another program holds the lock.
var ErrBusy = errors.New("a program that was started before is still at work there")

// lockName is the file in a driver's folder that is locked.
const lockName = "chorsu.lock"

// Lock is a folder that one program at a time works in.
type Lock struct{ file *os.File }

// Take takes a folder, or fails with ErrBusy. Whoever takes it gives it to the program (Give) before
// that is started, and calls Free when the program has ended.
func Take(dir string) (*Lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, err
	}
	return &Lock{f}, nil
}

// Busy says whether a program works in a folder.
func Busy(dir string) bool {
	l, err := Take(dir)
	if err == nil {
		l.Free()
	}
	return errors.Is(err, ErrBusy)
}

// Give has a program that is about to start hold the lock, too, as long as it lives.
func (l *Lock) Give(cmd *exec.Cmd) { give(cmd, l.file) }

// Free gives the folder back, also where the program has left somebody behind that holds the file: it
// has ended in our sight.
func (l *Lock) Free() {
	unlock(l.file)
	l.file.Close()
}
