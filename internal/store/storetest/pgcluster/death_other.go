//go:build unix && !linux

package pgcluster

import "syscall"

// attributes leaves the end of the server to the watcher.
func attributes(who *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: who, Setsid: true}
}
