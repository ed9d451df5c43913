package approvals_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
)

// kubectl runs the real one as somebody; an error holds what it wrote.
func (p *person) kubectl(ctx context.Context, in string, args ...string) error {
	command := exec.CommandContext(ctx, plane.Kubectl, append([]string{"--kubeconfig", p.kubeconfig, "-n", namespace}, args...)...)
	command.Stdin = bytes.NewBufferString(in)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
