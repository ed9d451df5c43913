package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/policy/author"
	"portcullis.dev/portcullis/policies"
)

// newPolicyCommand is what authors of rules work with.
func newPolicyCommand(streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{
		Use:   "policy",
		Short: "Write, test and try out rules",
		Long: `What the author of a rule needs, from the first line to the change that it would have made. Needs no cluster.

Rules lie as in a library: validate/<rule>/ and mutate/<rule>/, or own/<policy>/validate/<rule>/ for those of a
GatewayPolicy, each with its test. A folder without a main/ of its own stands on the rules that this binary carries.`,
		Args: cobra.NoArgs,
	}
	command.AddCommand(
		newPolicyNewCommand(streams),
		newPolicyTestCommand(streams),
		newPolicyLintCommand(streams),
		newPolicyBenchCommand(streams),
		newPolicyDocsCommand(streams),
		newPolicyPackCommand(streams),
		newPolicyReplayCommand(streams),
		newPolicyShowCommand(streams),
		newPolicyBuildCommand(streams),
	)
	return command
}

// formats are the ways to print what a policy command found.
func formats() []string {
	return []string{"table", "json"}
}

// addFormat names the flag that chooses one of formats.
func addFormat(command *cobra.Command, format *string) {
	command.Flags().StringVar(format, "format", "table", "how to print: "+strings.Join(formats(), ", "))
}

// checkFormat refuses what is none of formats.
func checkFormat(format string) error {
	if !slices.Contains(formats(), format) {
		return fmt.Errorf("--format must be one of %s, is %q", strings.Join(formats(), ", "), format)
	}
	return nil
}

// library is some rules as an author works on them.
type library struct {
	*author.Set
	// root is the folder that the rules' paths begin at.
	root string
}

// openAll reads the rules of some folders, the current one when none is named; those that lie in one library as one.
func openAll(folders []string) ([]library, error) {
	if len(folders) == 0 {
		folders = []string{"."}
	}
	within := map[string][]string{}
	var roots []string
	for _, folder := range folders {
		root, inside, err := author.Find(folder)
		if err != nil {
			return nil, err
		}
		if within[root] == nil {
			roots = append(roots, root)
		}
		within[root] = append(within[root], inside)
	}
	var libraries []library
	for _, root := range roots {
		set, err := author.Load(author.Source{
			Rules: os.DirFS(root), Name: shownFrom(root), Within: within[root],
			Library: policies.FS, Capabilities: policy.Capabilities(),
		})
		if err != nil {
			return nil, err
		}
		libraries = append(libraries, library{Set: set, root: root})
	}
	return libraries, nil
}

// open reads the rules of a folder, or those that the binary carries when none is named.
func open(folders []string) (library, error) {
	if len(folders) > 0 {
		libraries, err := openAll(folders)
		if err != nil {
			return library{}, err
		}
		return libraries[0], nil
	}
	set, err := author.Load(author.Source{Rules: policies.FS, Name: "portcullis", Capabilities: policy.Capabilities()})
	return library{Set: set}, err
}

// engine compiles the rules as the guard does. The GatewayPolicies among them match every gateway.
func (l library) engine(ctx context.Context) (*policy.Engine, error) {
	rules, err := l.FS()
	if err != nil {
		return nil, err
	}
	options := policy.Options{Deadline: deadline}
	for _, own := range l.Own() {
		options.Policies = append(options.Policies, policy.Policy{Name: own.Policy, Parameters: own.Parameters, Modules: own.Modules})
	}
	engine, err := policy.New(ctx, rules, options)
	if err != nil {
		return nil, fmt.Errorf("compiling the rules: %w", err)
	}
	return engine, nil
}

// shownFrom is a folder as a person in the current one calls it.
func shownFrom(root string) string {
	here, err := os.Getwd()
	if err != nil {
		return root
	}
	// Links may stand between the two; a path that leads nowhere is worse than a long one.
	shown, err := filepath.Rel(here, root)
	if err != nil {
		return root
	}
	return filepath.ToSlash(shown)
}
