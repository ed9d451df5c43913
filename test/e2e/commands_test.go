//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"os/exec"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// helm runs helm in the release's namespace, and returns what it says.
func helm(ctx context.Context, args ...string) (string, error) {
	return command(ctx, "helm", append(args, "--namespace", home)...)
}

// kubectl runs kubectl, and returns what it says.
func kubectl(ctx context.Context, args ...string) (string, error) {
	return command(ctx, "kubectl", args...)
}

// command runs a command, whose error says what it said.
func command(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return string(out), err
}

// parse is a gateway with a spec in YAML.
func parse(name, spec string) *v1beta1.IstioGateway {
	GinkgoHelper()
	gw := &v1beta1.IstioGateway{}
	gw.Namespace, gw.Name = namespace, name
	Expect(yaml.UnmarshalStrict([]byte(spec), &gw.Spec)).To(Succeed())
	return gw
}

// edited is a gateway as it is stored, and as it is to be.
func edited(ctx context.Context, gw *v1beta1.IstioGateway, edit func(*v1beta1.IstioGateway)) (before, after *v1beta1.IstioGateway) {
	GinkgoHelper()
	before = &v1beta1.IstioGateway{}
	Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), before)).To(Succeed())
	after = before.DeepCopy()
	edit(after)
	return before, after
}

// under runs something while somebody asks, without a pause, for a change that is not stored. It expects that each of
// these was let in, and that there were some.
func under(ctx context.Context, somebody client.Client, gw *v1beta1.IstioGateway, something func()) {
	GinkgoHelper()
	asking, stop := context.WithCancel(ctx)
	defer stop()
	type outcome struct {
		asked    int
		failures []error
	}
	done := make(chan outcome)
	go func() {
		defer GinkgoRecover()
		var out outcome
		for ; asking.Err() == nil; out.asked++ {
			patch := fmt.Sprintf(`{"spec":{"serviceLabels":{"asked":"%d"}}}`, out.asked)
			// Not with the context that ends: an answer that nobody waits for is no failure.
			if err := somebody.Patch(ctx, gw.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch)), client.DryRunAll); err != nil {
				out.failures = append(out.failures, err)
			}
		}
		done <- out
	}()
	something()
	stop()
	var out outcome
	Eventually(done).Should(Receive(&out))
	AddReportEntry("changes asked for meanwhile", out.asked)
	Expect(out.failures).To(BeEmpty(), "of %d", out.asked)
	Expect(out.asked).To(BeNumerically(">", 0))
}

// gone tells that an object is not there any more.
func gone(ctx context.Context, object client.Object) bool {
	return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(object), object))
}
