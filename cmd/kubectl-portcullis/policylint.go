package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"portcullis.dev/portcullis/pkg/policy/author"
)

// policyLintOptions are the flags of policy lint.
type policyLintOptions struct {
	streams genericiooptions.IOStreams
	// fix writes the formatting.
	fix bool
	// format is one of formats.
	format string
}

// newPolicyLintCommand holds rules to their form.
func newPolicyLintCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := policyLintOptions{streams: streams}
	command := &cobra.Command{
		Use:   "lint [DIR...]",
		Short: "Hold rules to their form",
		Long: `Says of the rules in the folders (the current one by default) what is not as it must be, with what to do:

  format      as opa fmt writes it; --fix does that
  syntax      what Rego can read
  compile     what compiles strictly, without the tests too
  package     the package that the folder says
  files       a rule and its test, named after the folder
  metadata    title, description, and related_resources or custom.sources
  answers     deny or warn, fill or ensure: what is asked of a rule
  builtins    none that asks anybody else, the clock or chance
  codes       from lib.result, never written by hand
  parameters  of rules that there are

Exit status: 0 when all is as it must be, 1 when something is not, 2 when that could not be said.`,
		Example: `  # The rules of a library
  kubectl portcullis policy lint policies

  # Write the formatting, then say what is left
  kubectl portcullis policy lint rules --fix`,
		RunE: func(_ *cobra.Command, folders []string) error {
			if err := checkFormat(o.format); err != nil {
				return err
			}
			return o.run(folders)
		},
	}
	command.Flags().BoolVar(&o.fix, "fix", false, "write the formatting")
	addFormat(command, &o.format)
	return command
}

// run lints all folders and prints what was found.
func (o *policyLintOptions) run(folders []string) error {
	libraries, err := openAll(folders)
	if err != nil {
		return err
	}
	if o.fix {
		if err := fix(libraries); err != nil {
			return err
		}
		if libraries, err = openAll(folders); err != nil {
			return err
		}
	}
	findings := []author.Finding{}
	for _, library := range libraries {
		findings = append(findings, library.Lint()...)
	}
	slices.SortFunc(findings, author.Finding.Compare)
	if err := o.print(findings); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	if len(findings) > 0 {
		return errRefused
	}
	return nil
}

// fix writes the formatting of what can be formatted. What cannot is for the linter to say.
func fix(libraries []library) error {
	for _, library := range libraries {
		for name, text := range library.Formatted() {
			file := filepath.Join(library.root, filepath.FromSlash(name))
			if err := os.WriteFile(file, text, 0o644); err != nil {
				return fmt.Errorf("writing the formatting: %w", err)
			}
		}
	}
	return nil
}

// print prints the findings the way that was asked for.
func (o *policyLintOptions) print(findings []author.Finding) error {
	if o.format == "json" {
		return printJSON(o.streams.Out, findings)
	}
	for _, finding := range findings {
		if _, err := fmt.Fprintln(o.streams.Out, finding); err != nil {
			return err
		}
	}
	return nil
}
