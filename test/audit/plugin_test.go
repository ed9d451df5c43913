package audit_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lines are the lines of a text that have a part.
func lines(text, part string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			out = append(out, line)
		}
	}
	return out
}

// verdicts is what the plugin says, by name, of the gateways that it audits, and how it exits.
func verdicts(args ...string) (map[string]string, int) {
	GinkgoHelper()
	command := exec.Command(plugin, append([]string{"audit", "--kubeconfig", plane.Kubeconfig, "-o", "json"}, args...)...)
	command.Stderr = GinkgoWriter
	text, _ := command.Output()
	var result struct {
		Results []struct{ Namespace, Name, Verdict string }
	}
	Expect(json.Unmarshal(text, &result)).To(Succeed(), string(text))
	out := map[string]string{}
	for _, one := range result.Results {
		out[one.Namespace+"/"+one.Name] = one.Verdict
	}
	return out, command.ProcessState.ExitCode()
}

var _ = Describe("kubectl portcullis audit", func() {
	It("says of the gateways of a cluster what the controller does, and tries policies before they hold", func(ctx context.Context) {
		Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "elsewhere"}})).To(Succeed())
		expectStored(ctx, gatewayOf("fine", `{clusterIds: [local]}`))
		bad := gatewayOf("bad", `{clusterIds: [local]}`)
		bad.Namespace, bad.Labels = "elsewhere", map[string]string{"owner": "web"}
		expectStored(ctx, bad)

		found, status := verdicts("-n", namespace)
		Expect(found).To(Equal(map[string]string{"istio-system/fine": "admitted"}))
		Expect(status).To(Equal(0))
		found, status = verdicts("-A")
		Expect(found).To(Equal(map[string]string{"istio-system/fine": "admitted", "elsewhere/bad": "refused"}))
		Expect(status).To(Equal(1))
		found, _ = verdicts("-A", "-l", "owner=web")
		Expect(found).To(Equal(map[string]string{"elsewhere/bad": "refused"}))

		policy := filepath.Join(GinkgoT().TempDir(), "acme.yaml")
		Expect(os.WriteFile(policy, []byte("apiVersion: portcullis.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {name: acme}\nspec:\n  enforcements: {namespace: Warn}\n"), 0o600)).To(Succeed())
		found, status = verdicts("-A", "--with", policy)
		Expect(found).To(Equal(map[string]string{"istio-system/fine": "admitted", "elsewhere/bad": "warned"}))
		Expect(status).To(Equal(0))
		// What holds in the cluster counts as well.
		expectPolicy(ctx)
		found, _ = verdicts("-n", namespace)
		Expect(found).To(Equal(map[string]string{"istio-system/fine": "refused"}))
	})
})
