// Package images holds the images to what is promised of them, as far as that can be seen without a container engine.
package images

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repository is the folder that the project is in.
const repository = "../.."

// flags are those of the go build in a file.
func flags(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`go build (-trimpath [^\n]*?) -o `).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s builds nothing", name)
	}
	return string(found[1])
}

// build builds the webhook in a copy of the tree, as the Dockerfile does, and returns its path.
func build(t *testing.T) string {
	t.Helper()
	tree, out := t.TempDir(), filepath.Join(t.TempDir(), "webhook")
	for _, folder := range []string{"charts", "cmd", "pkg", "policies"} {
		if err := os.CopyFS(filepath.Join(tree, folder), os.DirFS(filepath.Join(repository, folder))); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(repository, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tree, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "bash", "-c", "CGO_ENABLED=0 go build "+flags(t, "Dockerfile")+" -o "+out+" ./cmd/webhook")
	command.Dir = tree
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, output)
	}
	return out
}

func TestTheSameSourcesMakeTheSameStaticBinary(t *testing.T) {
	first, second := build(t), build(t)
	var sums [2][sha256.Size]byte
	for i, path := range []string{first, second} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = sha256.Sum256(text)
		if bytes.Contains(text, []byte(filepath.Dir(filepath.Dir(path)))) {
			t.Error("the binary knows where it was built")
		}
	}
	if sums[0] != sums[1] {
		t.Errorf("built in two folders: got %x and %x", sums[0], sums[1])
	}
	binary, err := elf.Open(first)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = binary.Close() }()
	for _, part := range binary.Progs {
		if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
			t.Errorf("got a part of type %s: a scratch image has no libraries", part.Type)
		}
	}
}

func TestWhatIsTriedOnAClusterIsBuiltAsTheImagesAre(t *testing.T) {
	if got, want := flags(t, "Makefile"), flags(t, "Dockerfile"); got != want {
		t.Errorf("the Makefile builds with %s, the Dockerfile with %s", got, want)
	}
}

func TestTheImagesRunAsNobodyAndHoldNothingElse(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(string(text), "\nFROM ${BASE}\n")
	const want = "COPY --from=build /command /command\nUSER 65532:65532\nENTRYPOINT [\"/command\"]\n"
	if last != want {
		t.Errorf("got as the last stage\n%s\nwant\n%s", last, want)
	}
	if !strings.Contains(string(text), "\nARG BASE=gcr.io/distroless/static-debian12:nonroot\n") {
		t.Error("the base must be distroless, without a shell and for nobody")
	}
}
