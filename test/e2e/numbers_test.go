//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
)

// What was measured is said once more at the end, where people look for it. Nothing here asserts a time.
var _ = ReportAfterSuite("The numbers", func(report Report) {
	_, _ = fmt.Fprintln(os.Stdout, "\nMeasured:")
	specs := report.SpecReports.WithLeafNodeType(types.NodeTypeIt)
	for _, spec := range specs {
		for _, entry := range spec.ReportEntries {
			_, _ = fmt.Fprintf(os.Stdout, "  %s: %s\n", entry.Name, entry.StringRepresentation())
		}
	}
	_, _ = fmt.Fprintf(os.Stdout, "  specs that passed: %d, within %s\n", specs.CountWithState(types.SpecStatePassed), report.RunTime.Round(time.Second))
})

// reportMemory says how much memory the pods of a component take.
func reportMemory(ctx context.Context, component string) {
	GinkgoHelper()
	for _, pod := range podsOf(ctx, component) {
		AddReportEntry(component+" RSS", fmt.Sprintf("%.0f MiB", metric(ctx, pod, "process_resident_memory_bytes")/(1<<20)))
	}
}

// metric is the value of a metric of a pod, as Prometheus would read it.
func metric(ctx context.Context, pod corev1.Pod, name string) float64 {
	GinkgoHelper()
	text, err := kubectl(ctx, "get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:8080/proxy/metrics", pod.Namespace, pod.Name))
	Expect(err).NotTo(HaveOccurred())
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(text)
	Expect(found).NotTo(BeNil(), "there is no metric %s", name)
	value, err := strconv.ParseFloat(found[1], 64)
	Expect(err).NotTo(HaveOccurred())
	return value
}
