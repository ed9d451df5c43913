package charts_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/test/env"
)

var _ = DescribeTable("The API server accepts every object that the chart renders",
	func(ctx context.Context, values ...string) {
		// Certificates from files are the only ones that come with a CA; without them nobody looks at it.
		ca := "certificates.caBundle=" + filepath.Join(plane.Dir, "ca.crt")
		rendered, err := helm(ctx, append([]string{"template", "other", chart, "--set-file", ca}, set(values)...)...)
		Expect(err).NotTo(HaveOccurred())
		dryRun := exec.CommandContext(ctx, plane.Kubectl, "--kubeconfig", plane.Kubeconfig, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-")
		dryRun.Stdin = strings.NewReader(rendered)
		out, err := dryRun.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(out))
		Expect(strings.Count(string(out), "serverside-applied")).To(Equal(strings.Count("\n"+rendered, "\nkind: ")))
	},
	Entry("by default"),
	Entry("with one replica, and names and labels of its own", "webhook.replicas=1", "fullnameOverride=gate", "commonLabels.team=edge", "commonAnnotations.owner=edge"),
	Entry("without a controller", "mode=guard-only", "crds.istioGateway=false"),
	Entry("as pods for an API server elsewhere", "mode=guard-only", "install=pods", "webhook.url=https://guard.example.com", "webhook.kubeconfigSecret=hub",
		"webhook.service.type=LoadBalancer", "imagePullSecrets={registry}"),
	Entry("as what an API server elsewhere needs to know", "mode=guard-only", "install=api", "webhook.url=https://guard.example.com", "webhook.user=guard"),
	Entry("with a certificate from files, and rules from a bundle", "certificates.mode=files", "certificates.secretName=tls", "webhook.bundleSecret=bundle"),
	Entry("with decisions sent to a collector", "webhook.decisionLog.collectorSecret=collector", "webhook.decisionLog.maskAnnotations={example.com/token}"),
	Entry("with networks closed", "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.a=b", "networkPolicy.egress[0].ports[0].port=443"),
	Entry("with everything that pods can be told", "webhook.extraArgs={--zap-devel}", "webhook.extraEnv[0].name=A", "webhook.extraEnv[0].value=b",
		"webhook.podLabels.a=b", "webhook.podAnnotations.a=b", "webhook.nodeSelector.a=b", "webhook.tolerations[0].operator=Exists",
		"webhook.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey=kubernetes.io/hostname",
		"controller.fence.cloudControllers={ccm}", "controller.fence.emergencyGroup=oncall", "gatewayNamespaces={istio-system,kube-public}", "priorityClassName="),
)

var _ = DescribeTable("helm refuses, with what it must be,",
	func(ctx context.Context, want string, values ...string) {
		_, err := helm(ctx, append([]string{"template", "other", chart}, set(values)...)...)
		Expect(err).To(MatchError(ContainSubstring(want)))
	},
	Entry("a misspelt value", "additional properties 'replica' not allowed", "webhook.replica=3"),
	Entry("a mode that there is not", "'full', 'guard-only'", "mode=guard"),
	Entry("an argument that is none", "/webhook/extraArgs/0", "webhook.extraArgs={v}"),
	Entry("cert-manager without cert-manager", "certificates.mode cert-manager must come with cert-manager: the cluster has no Certificates", "certificates.mode=cert-manager"),
	Entry("a certificate from nowhere", "certificates.secretName must name a Secret with certificates.mode files, is empty", "certificates.mode=files"),
	Entry("monitors without their operator", "podMonitor.enabled must come with Prometheus' operator", "podMonitor.enabled=true"),
	Entry("half an installation without the way to the other half", "webhook.url must be the URL that the API server calls with install pods, is empty", "mode=guard-only", "install=pods"),
	Entry("half an installation with a controller", "mode must be guard-only with install api, is full", "install=api"),
	Entry("a certificate that ends before it can be renewed", "certificates.duration must be at least 30s, is 20s", "certificates.duration=20s"),
	Entry("a CA that ends too soon", "certificates.caDuration must be at least three times certificates.duration (168h), is 200h", "certificates.caDuration=200h"),
	Entry("a duration that is none", "/certificates/duration", "certificates.duration=1d"),
	Entry("files of API servers that call nobody", "webhook.url must be the URL in the API servers' files with webhook.static, is empty", "webhook.static=true"),
	Entry("files of API servers with a CA that changes", "certificates.mode must be files with webhook.static, whose CA nobody can replace, is self", "webhook.static=true", "webhook.url=https://guard.example.com"),
	Entry("a decision that may take longer than anybody waits", "webhook.evaluationDeadline must be less than webhook.timeoutSeconds (5s), is 0.1m", "webhook.evaluationDeadline=0.1m"),
	Entry("a label that is the chart's to say", "webhook.podLabels must leave label app.kubernetes.io/name to the chart", `webhook.podLabels.app\.kubernetes\.io/name=mine`),
	Entry("remote secrets where the controller may read none", "controller.remoteSecretNamespace must be one of gatewayNamespaces (a)", "gatewayNamespaces={a}"),
)

var _ = It("helm refuses a cluster that is too old", func(ctx context.Context) {
	_, err := helm(ctx, "template", "other", chart, "--kube-version", "1.29.9")
	Expect(err).To(MatchError(ContainSubstring("chart requires kubeVersion: >=1.30.0-0 which is incompatible with Kubernetes v1.29.9")))
})

// What is only for clusters that have more than Kubernetes is rendered, and looked at no further.
var _ = DescribeTable("helm renders for a cluster that has",
	func(ctx context.Context, api, want string, values ...string) {
		Expect(helm(ctx, append([]string{"template", "other", chart, "--api-versions", api}, set(values)...)...)).To(ContainSubstring(want))
	},
	Entry("cert-manager, whose CA it trusts", "cert-manager.io/v1/Certificate", "cert-manager.io/inject-ca-from: portcullis/other-portcullis-webhook", "certificates.mode=cert-manager"),
	Entry("Prometheus' operator", "monitoring.coreos.com/v1/PodMonitor", "kind: PodMonitor", "podMonitor.enabled=true"),
)

var _ = Describe("A release", func() {
	It("is the only one of a cluster", func(ctx context.Context) {
		_, err := helm(ctx, "install", "second", chart)
		Expect(err).To(MatchError(ContainSubstring("Portcullis must be installed once in a cluster: release portcullis in namespace portcullis is there already")))
	})

	It("sends the guard what every suite sends it", func(ctx context.Context) {
		wantMutating, wantValidating, err := env.Webhooks(url(), nil)
		Expect(err).NotTo(HaveOccurred())
		mutating, validating := &admissionregistrationv1.MutatingWebhookConfiguration{}, &admissionregistrationv1.ValidatingWebhookConfiguration{}
		Expect(admin.Get(ctx, client.ObjectKey{Name: release}, mutating)).To(Succeed())
		Expect(admin.Get(ctx, client.ObjectKey{Name: release}, validating)).To(Succeed())
		// The API server fills in what the file leaves out; so it does with this one.
		wantMutating.Name, wantValidating.Name = "wanted", "wanted"
		Expect(admin.Create(ctx, wantMutating, client.DryRunAll)).To(Succeed())
		Expect(admin.Create(ctx, wantValidating, client.DryRunAll)).To(Succeed())
		for i := range mutating.Webhooks {
			mutating.Webhooks[i].ClientConfig.CABundle = nil
		}
		for i := range validating.Webhooks {
			validating.Webhooks[i].ClientConfig.CABundle = nil
		}
		Expect(mutating.Webhooks).To(Equal(wantMutating.Webhooks))
		Expect(validating.Webhooks).To(Equal(wantValidating.Webhooks))
	})
})

// set gives helm values, one by one.
func set(values []string) []string {
	var args []string
	for _, value := range values {
		args = append(args, "--set", value)
	}
	return args
}
