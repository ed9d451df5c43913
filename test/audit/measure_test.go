package audit_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// residentMiB is how much memory a process has now, and at most had, as Linux tells.
func residentMiB(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, line := range lines(string(text), "Vm") {
		if fields := strings.Fields(line); fields[0] == "VmRSS:" || fields[0] == "VmHWM:" {
			kib, _ := strconv.Atoi(fields[1])
			out = append(out, fmt.Sprintf("%s %d MiB", fields[0], kib/1024))
		}
	}
	return strings.Join(out, ", ")
}

// refusedNow counts the gateways that are out of compliance.
func refusedNow(ctx context.Context) int {
	list := &v1beta1.IstioGatewayList{}
	if err := admin.List(ctx, list); err != nil {
		return -1
	}
	count := 0
	for _, gw := range list.Items {
		if meta.IsStatusConditionFalse(gw.Status.Conditions, v1beta1.ConditionCompliant) {
			count++
		}
	}
	return count
}

// Not a test: it prints what an audit of many gateways takes, with AUDIT_GATEWAYS set to how many. They stay, so it is for a
// run with -ginkgo.focus "Many gateways".
var _ = Describe("Many gateways", func() {
	It("are audited in a time and a memory that this prints", func(ctx context.Context) {
		many, _ := strconv.Atoi(os.Getenv("AUDIT_GATEWAYS"))
		if many == 0 {
			Skip("AUDIT_GATEWAYS says how many; none are asked for")
		}
		SetDefaultEventuallyTimeout(10 * time.Minute)
		for i := range many {
			// Paused, so that what is measured is the audit.
			gw := gatewayOf(fmt.Sprintf("many-%d", i), `{clusterIds: [local], ports: [{name: http, port: 80}, {name: https, port: 443}]}`)
			gw.Annotations = map[string]string{"portcullis.dev/paused": "true"}
			Expect(admin.Create(ctx, gw)).To(Succeed())
		}
		begun := time.Now()
		Eventually(refusedNow).WithArguments(ctx).Should(Equal(0))
		expectPolicy(ctx)
		turned := time.Now()
		Eventually(refusedNow).WithArguments(ctx).WithPolling(time.Second).Should(Equal(many))
		AddReportEntry(fmt.Sprintf("%d gateways began to be refused, and said so, within %s; the controller: %s",
			many, time.Since(turned).Round(time.Second), residentMiB(running.session.Command.Process.Pid)))
		command := exec.Command("/usr/bin/time", "-f", "%e s, %U s of processor, %M KiB", plugin, "audit", "--kubeconfig", plane.Kubeconfig, "-n", namespace, "-o", "json")
		var said strings.Builder
		command.Stderr = &said
		text, _ := command.Output()
		AddReportEntry(fmt.Sprintf("kubectl portcullis audit: %s; %d bytes of JSON; all in all %s", strings.TrimSpace(said.String()), len(text), time.Since(begun).Round(time.Second)))
	})
})
