// Package previous finds the chart that came before this one, for what upgrades have to get along with.
package previous

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// chart is where the chart is in the repository.
const chart = "charts/portcullis"

// ErrNoHistory says that this is no clone of the repository, or one without the commit that would be needed.
var ErrNoHistory = errors.New("the history of the repository must reach back to the chart before this one, does not")

// Chart writes the chart before that of the working tree into a directory, and returns where it is, and of which commit:
// the newest one whose chart is another.
func Chart(ctx context.Context, directory string) (path, commit string, err error) {
	top, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return "", "", ErrNoHistory
	}
	commit, err = before(ctx, top)
	if err != nil {
		return "", "", err
	}
	archive := exec.CommandContext(ctx, "git", "-C", top, "archive", commit, chart)
	tar := exec.CommandContext(ctx, "tar", "-x", "-C", directory)
	if tar.Stdin, err = archive.StdoutPipe(); err != nil {
		return "", "", err
	}
	if err := errors.Join(tar.Start(), archive.Run(), tar.Wait()); err != nil {
		return "", "", fmt.Errorf("unpacking %s of %s: %w", chart, commit, err)
	}
	path = filepath.Join(directory, chart)
	_, err = os.Stat(filepath.Join(path, "Chart.yaml"))
	return path, commit, err
}

// before is the newest commit whose chart is another than that of the working tree.
func before(ctx context.Context, top string) (string, error) {
	// An error says that there are changes which are not committed.
	if _, err := git(ctx, top, "diff", "--quiet", "HEAD", "--", chart); err != nil {
		return git(ctx, top, "rev-parse", "HEAD")
	}
	last, err := git(ctx, top, "rev-list", "-1", "HEAD", "--", chart)
	if err != nil {
		return "", ErrNoHistory
	}
	commit, err := git(ctx, top, "rev-parse", "--verify", "--quiet", last+"^")
	if err != nil {
		return "", ErrNoHistory
	}
	return commit, nil
}

// git asks git something in a directory.
func git(ctx context.Context, directory string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", directory}, args...)...).Output()
	return string(bytes.TrimSpace(out)), err
}
