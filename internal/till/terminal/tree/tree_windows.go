package tree

import (
	"errors"
	"os/exec"
	"strconv"
)

// Own has nothing to do here: the system knows who started whom.
func Own(*exec.Cmd) {}

// Kill ends a program and what it has started.
func Kill(cmd *exec.Cmd) error {
	err := exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
	if err == nil {
		return nil
	}
	return errors.Join(err, cmd.Process.Kill())
}
