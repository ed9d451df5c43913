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

// assetsVariable is where envtest's users keep control planes of their own.
const assetsVariable = "KUBEBUILDER_ASSETS"

// version is what the Kubernetes programs say of themselves; unset, the API server refuses to be any version.
const version = " -X k8s.io/component-base/version.gitVersion=v1.36.3" +
	" -X k8s.io/component-base/version.gitMajor=1" +
	" -X k8s.io/component-base/version.gitMinor=36"

// kit is programs that are built together and lie in one directory.
type kit struct {
	// name is that of the directory's parent in the user's cache.
	name string
	// programs are in the order in which they are built.
	programs []program
	// given is the directory in which whoever runs us has programs of their own; empty for none.
	given string
}

// program is one program of a kit.
type program struct {
	name string
	// module is the folder under modules that pins it, source its package there.
	module, source string
	// ldflags are the linker's, beyond those that every program gets.
	ldflags string
	// tags are build tags.
	tags string
	// given says that whoever sets KUBEBUILDER_ASSETS must have it there, as envtest demands.
	given bool
}

// controlPlane is the kit of the control plane.
func controlPlane() kit {
	kubernetes := func(name string, given bool) program {
		return program{name: name, module: "kubernetes", source: "k8s.io/kubernetes/cmd/" + name, ldflags: version, given: given}
	}
	return kit{name: "controlplane", given: os.Getenv(assetsVariable), programs: []program{
		{name: "etcd", module: "etcd", source: "go.etcd.io/etcd/server/v3", given: true},
		kubernetes("kube-apiserver", true),
		kubernetes("kube-controller-manager", false),
		kubernetes("kube-scheduler", false),
		kubernetes("kubectl", true),
		{name: "kwok", module: "kwok", source: "sigs.k8s.io/kwok/cmd/kwok"},
	}}
}

// monitoring is the kit of Prometheus. Of all the places in which it can look for targets it keeps files and HTTP: the
// others are most of its code.
func monitoring() kit {
	prometheus := func(name string) program {
		return program{name: name, module: "prometheus", source: "github.com/prometheus/prometheus/cmd/" + name, tags: "remove_all_sd"}
	}
	return kit{name: "monitoring", programs: []program{prometheus("promtool"), prometheus("prometheus")}}
}

// Assets returns the directory with the control plane's programs. What is missing is built into the user's
// cache, with a line of progress for each program; programs in KUBEBUILDER_ASSETS win over ours. Several
// processes may ask at once, and a build that was interrupted is taken up again.
func Assets(ctx context.Context, progress io.Writer) (string, error) {
	return controlPlane().directory(ctx, progress)
}

// Monitoring returns the directory with prometheus and promtool, which are built as the control plane's programs are.
func Monitoring(ctx context.Context, progress io.Writer) (string, error) {
	return monitoring().directory(ctx, progress)
}

// directory returns where the kit's programs are, once all of them are there.
func (k kit) directory(ctx context.Context, progress io.Writer) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	dir, err := k.path(filepath.Join(root, "test", "env", "modules"))
	if err != nil || k.complete(dir) {
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
	for i, p := range k.programs {
		title := fmt.Sprintf("%s (%d of %d)", p.name, i+1, len(k.programs))
		if err := k.provide(ctx, p, root, dir, title, progress); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// provide puts a program into the directory, unless somebody did already.
func (k kit) provide(ctx context.Context, p program, root, dir, title string, progress io.Writer) error {
	path := filepath.Join(dir, p.name)
	if exists(path) {
		return nil
	}
	theirs := filepath.Join(k.given, p.name)
	if k.given != "" && exists(theirs) {
		return link(theirs, path)
	}
	if k.given != "" && p.given {
		return fmt.Errorf("%s must hold %s, %s has none", assetsVariable, p.name, k.given)
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
	out := []string{"build", "-mod=readonly", "-buildvcs=false", "-ldflags", "-s -w" + p.ldflags}
	if p.tags != "" {
		out = append(out, "-tags", p.tags)
	}
	return out
}

// path names the directory after all that decides what is in it, so that nothing in it is ever stale.
func (k kit) path(modules string) (string, error) {
	key := sha256.New()
	key.Write(fmt.Appendln(nil, runtime.Version(), runtime.GOOS, runtime.GOARCH, k.given))
	for _, p := range k.programs {
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
	return filepath.Join(cache, "portcullis", k.name, fmt.Sprintf("%x", key.Sum(nil)[:6])), nil
}

// complete tells whether every program is in the directory.
func (k kit) complete(dir string) bool {
	for _, p := range k.programs {
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
