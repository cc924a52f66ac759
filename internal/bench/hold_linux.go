package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hold reads files into the system's file cache and keeps them there until release is called. Some
// machines take file cache back that was not asked for some seconds, however much memory is free;
// with a history held, reading it tells of the program and not of their disk.
func hold(paths []string) (release func() error, err error) {
	if err := roomFor(paths); err != nil {
		return nil, err
	}
	var held [][]byte
	release = func() error {
		var err error
		for _, b := range held {
			err = errors.Join(err, unix.Munmap(b)) // unlocks as well
		}
		return err
	}
	for _, path := range paths {
		b, err := holdOne(path)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("hold %s in memory: %w", path, err), release())
		}
		if b != nil {
			held = append(held, b)
		}
	}
	return release, nil
}

// roomFor refuses what would leave the machine without memory.
func roomFor(paths []string) error {
	var size int64
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		size += info.Size()
	}
	free, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemAvailable"), " kB"), 10, 64)
	if err == nil && size > free<<10/4*3 {
		return fmt.Errorf("the history takes %s and the machine has %s of memory to spare: leave --hold out, or fill fewer invoices", inBytes(size), inBytes(free<<10))
	}
	return nil
}

// holdOne holds one file; an empty one is nothing to hold.
func holdOne(path string) ([]byte, error) {
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
