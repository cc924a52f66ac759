package bench

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// hold reads files into the system's file cache and keeps them there until release is called. Some
// machines take file cache back that was not asked for some seconds, however much memory is free;
// with a history held, reading it tells of the program and not of their disk.
func hold(paths []string) (release func() error, err error) {
	var held [][]byte
	release = func() error {
		var err error
		for _, b := range held {
			err = errors.Join(err, unix.Munmap(b)) // unlocks as well
		}
		return err
	}
	for _, path := range paths {
		b, err := held1(path)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("hold %s in memory: %w", path, err), release())
		}
		if b != nil {
			held = append(held, b)
		}
	}
	return release, nil
}

// held1 holds one file; an empty one is nothing to hold.
func held1(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping stays
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return nil, err
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	if err := unix.Mlock(b); err != nil {
		return nil, errors.Join(fmt.Errorf("%w (the limit of locked memory is `ulimit -l`)", err), unix.Munmap(b))
	}
	return b, nil
}
