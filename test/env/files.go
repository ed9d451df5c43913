package env

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// lockInterval is how often a lock that somebody else holds is asked for again.
const lockInterval = 200 * time.Millisecond

// lock holds the file until unlock is called or this process ends. It asks again and again instead of
// waiting in the kernel, where a context would not reach it.
func lock(ctx context.Context, path string, progress io.Writer) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	for waited := false; ; waited = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			// Closing releases it, and so does the kernel when we are killed.
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), file.Close())
		}
		if !waited {
			report(progress, "waiting for another process that builds the same\n")
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("waiting for %s: %w", path, ctx.Err()), file.Close())
		case <-time.After(lockInterval):
		}
	}
}

// link makes the path stand for the target, whatever it stood for before.
func link(target, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", path, err)
	}
	if err := os.Symlink(target, path); err != nil {
		return fmt.Errorf("linking %s: %w", path, err)
	}
	return nil
}

// exists tells whether there is a file, or something that leads to one.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// report tells of progress. Nothing depends on somebody hearing it.
func report(progress io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(progress, format, args...)
}
