package admission_test

import (
	"context"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// specOf is what is stored of a gateway's spec.
func specOf(gateway *unstructured.Unstructured) map[string]any {
	GinkgoHelper()
	spec, _, err := unstructured.NestedMap(gateway.Object, "spec")
	Expect(err).NotTo(HaveOccurred())
	return spec
}

var _ = Describe("What the author of a gateway left open", func() {
	It("is filled with the documented defaults", func(ctx context.Context) {
		gateway := expectCreated(ctx, gatewayYAML("filled", `{clusterIds: [c8a4b2xxxxxx], ports: [{port: 80}, {port: 443, targetPort: 0, protocol: HTTPS}]}`))
		Expect(specOf(gateway)).To(Equal(map[string]any{
			"clusterIds":            []any{"c8a4b2xxxxxx"},
			"gatewayType":           "ingress",
			"serviceType":           "LoadBalancer",
			"externalTrafficPolicy": "Cluster",
			"replicaCount":          int64(1),
			"rollingMaxSurge":       "100%",
			"rollingMaxUnavailable": "25%",
			"dnsPolicy":             "ClusterFirst",
			"hostNetwork":           false,
			"kernel":                map[string]any{"enabled": false},
			"resources": map[string]any{
				"requests": map[string]any{"cpu": "200m", "memory": "256Mi"},
				"limits":   map[string]any{"cpu": "2", "memory": "2G"},
			},
			"ports": []any{
				map[string]any{"name": "tcp-80", "port": int64(80), "protocol": "TCP", "targetPort": int64(80)},
				map[string]any{"name": "https-443", "port": int64(443), "protocol": "HTTPS", "targetPort": int64(443)},
			},
		}))
	})

	It("is filled for a request in the other version too", func(ctx context.Context) {
		gateway := parse(gatewayYAML("versioned", `{clusterIds: [c8a4b2xxxxxx]}`))
		gateway.SetAPIVersion("istio.alibabacloud.com/v1")
		Expect(admin.Create(ctx, gateway)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, gateway)).To(Succeed()) })
		Expect(gateway.GetAPIVersion()).To(Equal("istio.alibabacloud.com/v1"))
		Expect(specOf(gateway)).To(HaveKeyWithValue("replicaCount", int64(1)))
	})

	It("is filled once: applying the stored gateway again changes nothing", func(ctx context.Context) {
		gateway := expectCreated(ctx, gatewayYAML("settled", `{clusterIds: [serverless], ports: [{port: 80}]}`))
		version := gateway.GetResourceVersion()
		Expect(admin.Update(ctx, gateway)).To(Succeed())
		Expect(gateway.GetResourceVersion()).To(Equal(version))
		Expect(gateway.GetGeneration()).To(Equal(int64(1)))
	})

	It("is left as the author wrote it where they wrote something", func(ctx context.Context) {
		written := map[string]any{
			"gatewayType": "egress", "serviceType": "ClusterIP", "replicaCount": int64(3), "rollingMaxSurge": "1",
			"dnsPolicy": "Default", "resources": map[string]any{"limits": map[string]any{"cpu": "1"}},
		}
		gateway := parse(gatewayYAML("written", `{clusterIds: [c8a4b2xxxxxx]}`))
		for key, value := range runtime.DeepCopyJSON(written) {
			gateway.Object["spec"].(map[string]any)[key] = value
		}
		Expect(admin.Create(ctx, gateway)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, gateway)).To(Succeed()) })
		for key, value := range written {
			Expect(specOf(gateway)).To(HaveKeyWithValue(key, value))
		}
		Expect(specOf(gateway)).NotTo(HaveKey("externalTrafficPolicy"), "a ClusterIP Service has none")
	})

	It("is a toleration in a serverless cluster, once, after the author's own", func(ctx context.Context) {
		gateway := expectCreated(ctx, gatewayYAML("tolerant", `{clusterIds: [serverless], tolerations: [{key: mine, operator: Exists}]}`))
		Expect(specOf(gateway)["tolerations"]).To(Equal([]any{
			map[string]any{"key": "mine", "operator": "Exists"},
			map[string]any{"key": "virtual-kubelet.io/provider", "operator": "Equal", "value": "alibabacloud", "effect": "NoSchedule"},
		}))
	})
})

var _ = Describe("The samples of the documentation", func() {
	samples, err := filepath.Glob("../../docs/samples/*.yaml")
	It("are there", func() {
		Expect(err).NotTo(HaveOccurred())
		Expect(len(samples)).To(BeNumerically(">=", 5))
	})
	for _, sample := range samples {
		if filepath.Base(sample) == "clusters.yaml" {
			continue
		}
		It("are accepted, and keep every field: "+filepath.Base(sample), func(ctx context.Context) {
			text, err := os.ReadFile(sample)
			Expect(err).NotTo(HaveOccurred())
			written := parse(string(text))
			stored := written.DeepCopy()
			Expect(admin.Create(ctx, stored)).To(Succeed())
			DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, stored)).To(Succeed()) })
			expectKept("spec", specOf(written), specOf(stored))
			Expect(client.ObjectKeyFromObject(stored)).To(Equal(client.ObjectKeyFromObject(written)))
		})
	}
})

// expectKept finds every value that was written in what is stored. The one value that the guard replaces is a
// target port of 0, which means the port itself.
func expectKept(path string, written, stored any) {
	GinkgoHelper()
	switch written := written.(type) {
	case map[string]any:
		fields, ok := stored.(map[string]any)
		Expect(ok).To(BeTrue(), "%s is no object any more", path)
		for key, value := range written {
			if key == "targetPort" && value == int64(0) {
				value = written["port"]
			}
			expectKept(path+"."+key, value, fields[key])
		}
	case []any:
		items, ok := stored.([]any)
		Expect(ok).To(BeTrue(), "%s is no list any more", path)
		Expect(len(items)).To(BeNumerically(">=", len(written)), path)
		for i, item := range written {
			expectKept(path, item, items[i])
		}
	default:
		Expect(stored).To(Equal(written), path)
	}
}
