//go:build unix

package tree

import (
	"os/exec"
	"syscall"
)

// Own makes a program that is about to start the head of a group of its own.
func Own(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Kill ends a program that was started after Own, and all of its group.
func Kill(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
