// kubectl-portcullis gives the decisions of Portcullis at a terminal and in CI: kubectl portcullis review.
package main

import (
	"errors"
	"fmt"
	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	ctrl "sigs.k8s.io/controller-runtime"
)

// Exit statuses that pipelines build on.
const (
	exitRefused   = 1
	exitUndecided = 2
)

// errRefused says that everything was decided and something would be refused. The decision itself is on
// standard output.
var errRefused = errors.New("refused")

func main() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	err := newCommand(streams).ExecuteContext(ctrl.SetupSignalHandler())
	os.Exit(exitStatus(streams, err))
}

// exitStatus words an error that nobody has seen yet, and says how to exit.
func exitStatus(streams genericiooptions.IOStreams, err error) int {
	if err == nil {
		return 0
	}
	if errors.Is(err, errRefused) {
		return exitRefused
	}
	_, _ = fmt.Fprintln(streams.ErrOut, "error:", err)
	return exitUndecided
}
