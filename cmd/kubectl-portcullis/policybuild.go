package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/policy/bundle"
)

// buildOptions are the flags of policy build.
type buildOptions struct {
	streams genericiooptions.IOStreams
	// output is the file to write, - for standard output.
	output, revision string
	// keyFile holds the key that signs; empty for a bundle without a signature.
	keyFile, algorithm, keyID string
}

// newPolicyBuildCommand makes a bundle of a library.
func newPolicyBuildCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := buildOptions{streams: streams}
	command := &cobra.Command{
		Use:   "build DIR",
		Short: "Make an OPA bundle of a library of rules, for the webhook to download",
		Long: `Compiles a library of rules as the webhook would, and writes it as an OPA bundle: the modules without their tests, and
parameters.yaml as data.parameters. A library has the layout of policies/: main/ lib/ mutate/ validate/ and
parameters.yaml. With a key the bundle is signed, as by opa build.`,
		Example: `  kubectl portcullis policy build policies -o bundle.tar.gz --revision "$(git describe --always)"
  kubectl portcullis policy build policies -o bundle.tar.gz --signing-key release.pem --signing-alg ES256`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return o.run(command.Context(), args[0])
		},
	}
	flags := command.Flags()
	flags.StringVarP(&o.output, "output", "o", "bundle.tar.gz", "file to write; - for standard output")
	flags.StringVarP(&o.revision, "revision", "r", "", "what every decision by this bundle is traced to; a hash of the rules when empty")
	flags.StringVar(&o.keyFile, "signing-key", "", "file with the private key in PEM or, for HS algorithms, the secret")
	flags.StringVar(&o.algorithm, "signing-alg", "RS256", "algorithm of the signature")
	flags.StringVar(&o.keyID, "signing-key-id", "", "name of the key that verifies, in keys of the webhook's --bundle-config; its signing.keyid may say it instead")
	return command
}

// run builds a bundle of a folder. Nothing is written unless all of it can be.
func (o *buildOptions) run(ctx context.Context, folder string) error {
	engine, err := policy.New(ctx, os.DirFS(folder), policy.Options{})
	if err != nil {
		return fmt.Errorf("compiling %s: %w", folder, err)
	}
	opts := bundle.BuildOptions{Revision: cmp.Or(o.revision, engine.Revision()), Algorithm: o.algorithm, KeyID: o.keyID}
	if opts.SigningKey, err = o.key(); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := bundle.Build(&out, os.DirFS(folder), opts); err != nil {
		return fmt.Errorf("building the bundle: %w", err)
	}
	if o.output == "-" {
		_, err := out.WriteTo(o.streams.Out)
		return err
	}
	size := out.Len()
	if err := os.WriteFile(o.output, out.Bytes(), 0o600); err != nil {
		return err
	}
	signed := "not signed"
	if opts.SigningKey != "" {
		signed = "signed with " + o.algorithm
	}
	_, err = fmt.Fprintf(o.streams.Out, "%s: revision %s, %s, %d bytes\n", o.output, opts.Revision, signed, size)
	return err
}

// key is the key that signs, if there is to be a signature.
func (o *buildOptions) key() (string, error) {
	if o.keyFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(o.keyFile)
	if err != nil {
		return "", fmt.Errorf("reading --signing-key: %w", err)
	}
	if len(text) == 0 {
		return "", errors.New("--signing-key must be a file with a key, is empty")
	}
	return string(text), nil
}
