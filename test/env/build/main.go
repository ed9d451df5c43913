// Build makes sure that the test control plane's programs are there, or with the argument monitoring those of
// Prometheus, and prints the directory they are in.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"portcullis.dev/portcullis/test/env"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run stops at Ctrl-C; the next run takes up what was left.
func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	provide := env.Assets
	if slices.Contains(os.Args[1:], "monitoring") {
		provide = env.Monitoring
	}
	dir, err := provide(ctx, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Println(dir)
	return nil
}
