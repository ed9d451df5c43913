package env

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// assetsVariable is where envtest's users keep programs of their own.
const assetsVariable = "KUBEBUILDER_ASSETS"

// version is what the Kubernetes programs say of themselves; unset, the API server refuses to be any version.
const version = " -X k8s.io/component-base/version.gitVersion=v1.36.3" +
	" -X k8s.io/component-base/version.gitMajor=1" +
	" -X k8s.io/component-base/version.gitMinor=36"

// program is one program of the control plane.
type program struct {
	name string
	// module is the folder under modules that pins it, source its package there.
	module, source string
	// ldflags are the linker's, beyond those that every program gets.
	ldflags string
	// given says that whoever sets KUBEBUILDER_ASSETS must have it there, as envtest demands.
	given bool
}

// programs lists the control plane in the order in which it is built.
func programs() []program {
	kubernetes := func(name string, given bool) program {
		return program{name: name, module: "kubernetes", source: "k8s.io/kubernetes/cmd/" + name, ldflags: version, given: given}
	}
	return []program{
		{name: "etcd", module: "etcd", source: "go.etcd.io/etcd/server/v3", given: true},
		kubernetes("kube-apiserver", true),
		kubernetes("kube-controller-manager", false),
		kubernetes("kube-scheduler", false),
		kubernetes("kubectl", true),
		{name: "kwok", module: "kwok", source: "sigs.k8s.io/kwok/cmd/kwok"},
	}
}

// Assets returns the directory with the control plane's programs. What is missing is built into the user's
// cache, with a line of progress for each program; programs in KUBEBUILDER_ASSETS win over ours. Several
// processes may ask at once, and a build that was interrupted is taken up again.
func Assets(ctx context.Context, progress io.Writer) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	dir, err := assetsDir(filepath.Join(root, "test", "env", "modules"))
	if err != nil || complete(dir) {
		return dir, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("creating the cache: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(dir, ".lock"), progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	all := programs()
	for i, p := range all {
		title := fmt.Sprintf("%s (%d of %d)", p.name, i+1, len(all))
		if err := p.provide(ctx, root, dir, title, progress); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// provide puts the program into the directory, unless somebody did already.
func (p program) provide(ctx context.Context, root, dir, title string, progress io.Writer) error {
	path := filepath.Join(dir, p.name)
	if exists(path) {
		return nil
	}
	given := os.Getenv(assetsVariable)
	theirs := filepath.Join(given, p.name)
	if given != "" && exists(theirs) {
		return link(theirs, path)
	}
	if given != "" && p.given {
		return fmt.Errorf("%s must hold %s, %s has none", assetsVariable, p.name, given)
	}
	report(progress, "building %s … ", title)
	start := time.Now()
	if err := p.build(ctx, root, path); err != nil {
		report(progress, "\n")
		return fmt.Errorf("building %s: %w", p.name, err)
	}
	report(progress, "%.0f s\n", time.Since(start).Seconds())
	return nil
}

// build compiles the program under another name first, so that what has its name is whole.
func (p program) build(ctx context.Context, root, path string) error {
	partial := path + ".partial"
	command := exec.CommandContext(ctx, "go", append(p.arguments(), "-o", partial, p.source)...)
	command.Dir = filepath.Join(root, "test", "env", "modules", p.module)
	// Flags and workspaces of whoever calls us are meant for our own module.
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(output)))
	}
	return os.Rename(partial, path)
}

// arguments are the arguments of go that decide what comes out.
func (p program) arguments() []string {
	return []string{"build", "-mod=readonly", "-buildvcs=false", "-ldflags", "-s -w" + p.ldflags}
}

// assetsDir names the directory after all that decides what is in it, so that nothing in it is ever stale.
func assetsDir(modules string) (string, error) {
	key := sha256.New()
	key.Write(fmt.Appendln(nil, runtime.Version(), runtime.GOOS, runtime.GOARCH, os.Getenv(assetsVariable)))
	for _, p := range programs() {
		key.Write(fmt.Appendln(nil, p.name, p.source, p.arguments()))
		for _, name := range []string{"go.mod", "go.sum"} {
			content, err := os.ReadFile(filepath.Join(modules, p.module, name))
			if err != nil {
				return "", fmt.Errorf("reading what pins %s: %w", p.name, err)
			}
			key.Write(content)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache: %w", err)
	}
	return filepath.Join(cache, "portcullis", "controlplane", fmt.Sprintf("%x", key.Sum(nil)[:6])), nil
}

// complete tells whether every program is in the directory.
func complete(dir string) bool {
	for _, p := range programs() {
		if !exists(filepath.Join(dir, p.name)) {
			return false
		}
	}
	return true
}

// moduleRoot asks go where this module is; the compiler's own record of it is gone under -trimpath.
func moduleRoot(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "portcullis.dev/portcullis").Output()
	if err != nil {
		return "", fmt.Errorf("finding this module: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}
