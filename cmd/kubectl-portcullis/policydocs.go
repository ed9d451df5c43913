package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// newPolicyDocsCommand writes the page of rules.
func newPolicyDocsCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "docs [DIR]",
		Short: "Write the page of rules, in Markdown",
		Long: `Writes what the rules in a folder say of themselves, by default those that this binary carries: what each is about,
its sentences with what to do, its parameters and their defaults, and where to read more.`,
		Example: `  kubectl portcullis policy docs policies > docs/rules.md`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, folders []string) error {
			library, err := open(folders)
			if err != nil {
				return err
			}
			return library.Docs(streams.Out)
		},
	}
}
