package previous

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// repository is one with some commits of a chart, each of which is the text of its file; the working tree is in it.
func repository(t *testing.T, charts ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	run(t, "init", "--quiet")
	for _, text := range charts {
		write(t, text)
		run(t, "add", ".")
		run(t, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--allow-empty", "--message", text)
	}
}

func run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// write writes the chart of the working tree.
func write(t *testing.T, text string) {
	t.Helper()
	if err := os.MkdirAll(chart, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(chart, "Chart.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// found is what the chart before says.
func found(ctx context.Context, t *testing.T) string {
	t.Helper()
	path, commit, err := Chart(ctx, t.TempDir())
	if err != nil || commit == "" {
		t.Fatalf("got commit %q and %v", commit, err)
	}
	text, err := os.ReadFile(filepath.Join(path, "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheChartBeforeIsTheNewestOther(t *testing.T) {
	repository(t, "first", "second", "second")
	if got := found(t.Context(), t); got != "first" {
		t.Errorf("got %s, want the first", got)
	}
	write(t, "third")
	if got := found(t.Context(), t); got != "second" {
		t.Errorf("with changes that are not committed: got %s, want the second", got)
	}
}

func TestWithoutHistoryThereIsNoChartBefore(t *testing.T) {
	repository(t, "only")
	if _, _, err := Chart(t.Context(), t.TempDir()); !errors.Is(err, ErrNoHistory) {
		t.Errorf("got %v, want that there is no history", err)
	}
	t.Chdir(t.TempDir())
	if _, _, err := Chart(t.Context(), t.TempDir()); !errors.Is(err, ErrNoHistory) {
		t.Errorf("beside a repository: got %v, want that there is no history", err)
	}
}
