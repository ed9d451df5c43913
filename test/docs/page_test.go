package docs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository is the folder that the project is in.
const repository = "../.."

// install builds the plugin as a reader does, and returns a PATH that it is on. There is no kubectl here: what stands
// for it does the one thing that kubectl does with a plugin, which is to run it.
func install(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./cmd/kubectl-portcullis")
	build.Dir = repository
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the plugin: %v\n%s", err, output)
	}
	const kubectl = "#!/bin/sh\n[ \"$1\" = portcullis ] || { echo \"no cluster here\" >&2; exit 127; }\nshift\nexec kubectl-portcullis \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "kubectl"), []byte(kubectl), 0o700); err != nil {
		t.Fatal(err)
	}
	return bin + string(os.PathListSeparator) + os.Getenv("PATH")
}

// follow runs a command, and fails unless it prints what the page shows.
func follow(t *testing.T, page string, b block, c command, folder, path string) {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", c.run)
	shell.Dir = folder
	shell.Env = append(os.Environ(), "PATH="+path)
	output, err := shell.CombinedOutput()
	var exit *exec.ExitError
	refuses := errors.As(err, &exit) && exit.ExitCode() == 1
	switch {
	case err != nil && (c.silent || !refuses):
		t.Fatalf("%s:%d: %s: %v\n%s", page, b.line, c.run, err, output)
	case !c.silent && !c.matches(string(output)):
		t.Errorf("%s:%d: %s prints\n%s\nthe page says\n%s", page, b.line, c.run, output, c.prints)
	}
}

func TestPagesWorkWhenFollowedLiterally(t *testing.T) {
	path := install(t)
	// How many commands are followed at least: all of the page that need no cluster.
	for page, least := range map[string]int{"docs/policy-authors.md": 13, "docs/audit.md": 2} {
		t.Run(page, func(t *testing.T) {
			if followed := followAll(t, page, path); followed < least {
				t.Errorf("followed %d commands, want %d", followed, least)
			}
		})
	}
}

// followAll runs the commands of a page that need no cluster, and returns how many they are.
func followAll(t *testing.T, page, path string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, page))
	if err != nil {
		t.Fatal(err)
	}
	all, err := blocks(string(text))
	if err != nil {
		t.Fatal(err)
	}
	folder, followed := t.TempDir(), 0
	for _, b := range all {
		commands, err := b.commands()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range commands {
			switch b.where {
			case "":
				follow(t, page, b, c, folder, path)
			case "repository":
				follow(t, page, b, c, repository, path)
			case "cluster":
				if !strings.HasPrefix(c.run, "kubectl ") {
					t.Errorf("%s:%d: %s is said to need a cluster", page, b.line, c.run)
				}
				continue
			default:
				t.Errorf("%s:%d: nobody knows where to run a block marked %s", page, b.line, b.where)
			}
			followed++
		}
	}
	return followed
}

func TestBlocksAreAllThatAPageTellsItsReadersToRun(t *testing.T) {
	found, err := blocks("a\n```sh\nls\n```\nb\n\n```console cluster\n$ ls /\n/a\n/b\n$ cd\n```\n")
	if err != nil || len(found) != 2 {
		t.Fatalf("got %v and %v, want two", found, err)
	}
	if found[0] != (block{line: 2, language: "sh", text: "ls\n"}) {
		t.Errorf("got %+v", found[0])
	}
	if found[1] != (block{line: 7, language: "console", where: "cluster", text: "$ ls /\n/a\n/b\n$ cd\n"}) {
		t.Errorf("got %+v", found[1])
	}
	commands, err := found[1].commands()
	if err != nil || len(commands) != 2 || commands[0] != (command{run: "ls /", prints: "/a\n/b\n"}) || commands[1] != (command{run: "cd"}) {
		t.Errorf("got %+v and %v", commands, err)
	}
	if commands, err = found[0].commands(); err != nil || len(commands) != 1 || !commands[0].silent {
		t.Errorf("got %+v and %v", commands, err)
	}
}

func TestBlocksThatNobodyCouldRunAreRefused(t *testing.T) {
	for page, says := range map[string]string{
		"```\nls\n```\n":        `line 1: block must be sh or console, is ""`,
		"a\n```bash\nls\n```\n": `line 2: block must be sh or console, is "bash"`,
		"a\n\n```sh\nls\n`` \n": "line 3: block must end, does not",
	} {
		if _, err := blocks(page); err == nil || err.Error() != says {
			t.Errorf("%q: got %v, want %s", page, err, says)
		}
	}
	if _, err := (block{line: 4, language: "console", text: "ls\n"}).commands(); err == nil {
		t.Error("a console without a command is taken")
	}
}

func TestMatchesTakesWhatThePageShowsAndNothingElse(t *testing.T) {
	for _, test := range []struct {
		shows, prints string
		want          bool
	}{
		{"", "", true},
		{"", "a\n", false},
		{"a (b)\n", "a (b)\n", true},
		{"a (b)\n", "a b\n", false},
		{"a\n", "a\nb\n", false},
		{"a\nb\n", "a\n", false},
		{"a … b\n", "a 1 2 b\n", true},
		{"a … b\n", "a 1\n2 b\n", false},
		{"a\n…\nb\n", "a\n1\n2\nb\n", true},
		{"a\n…\nb\n", "a\nb\n", true},
		{"a\n…\nb\n", "a\n1\n", false},
	} {
		if got := (command{prints: test.shows}).matches(test.prints); got != test.want {
			t.Errorf("%q for %q: got %v", test.prints, test.shows, got)
		}
	}
}
