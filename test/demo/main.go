// Demo shows Portcullis on a control plane of its own: it types what a user would type, prints what comes
// back, and stops at the first thing that is not as it says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	keep := flag.Bool("keep", false, "leave everything running at the end, until Ctrl-C")
	flag.Parse()
	if err := run(*keep); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run starts everything, goes through the chapters and stops everything, whatever happens.
func run(keep bool) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	began := time.Now()
	stage, err := start(ctx)
	if err != nil {
		return fmt.Errorf("setting the stage: %w", err)
	}
	defer func() { err = errors.Join(err, stage.stop()) }()

	people := &audience{stage: stage}
	if err := people.watch(ctx, chapters()); err != nil {
		return errors.Join(err, stage.explain())
	}
	fmt.Printf("\n%s All of it came true, in %.0f seconds.\n", people.summary(), time.Since(began).Seconds())
	if keep {
		fmt.Printf("\nEverything keeps running until Ctrl-C:\n  export PATH=%s:$PATH KUBECONFIG=%s\n", stage.path(), stage.plane.Kubeconfig)
		<-ctx.Done()
	}
	return nil
}
