//go:build unix

package tree

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// Own makes a program that is about to start the head of a group of its own.
func Own(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Started is called once the program runs; there is nothing to do here.
func Started(*exec.Cmd) {}

// lock takes the file's lock, which belongs to all who have the open file from us.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrBusy
	}
	return err
}

func unlock(f *os.File) { syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

func give(cmd *exec.Cmd, f *os.File) { cmd.ExtraFiles = append(cmd.ExtraFiles, f) }

// Kill ends a program that was started after Own, and all of its group.
func Kill(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
