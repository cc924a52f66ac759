package pgcluster

import "syscall"

// attributes has the kernel stop the server (at once: SIGQUIT) when its starter dies, should
// the watcher have died before it.
func attributes(who *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: who, Setsid: true, Pdeathsig: syscall.SIGQUIT}
}
