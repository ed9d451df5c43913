package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	sigsyaml "sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/env"
)

// Where the rights of a member cluster are, and the page about them.
const (
	manifest = "../../docs/member-clusters/rights.yaml"
	page     = "../../docs/member-clusters.md"
)

// account gives the controller its rights in a cluster, as people do, and returns a token.
func account(ctx context.Context, admin client.Client) string {
	GinkgoHelper()
	raw, err := os.ReadFile(manifest)
	Expect(err).NotTo(HaveOccurred())
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			break
		}
		Expect(err).NotTo(HaveOccurred())
		Expect(admin.Create(ctx, object)).To(Succeed())
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "portcullis-member"}}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(24 * 60 * 60))}}
	Expect(admin.SubResource("token").Create(ctx, account, request)).To(Succeed())
	return request.Status.Token
}

var _ = Describe("The rights that the page gives Portcullis in a member cluster", Serial, func() {
	It("are enough for everything that a gateway is made of, for its metrics and for the fence", func(ctx context.Context) {
		Expect(fleet["west"].plane.InstallKinds(env.ForeignKinds()...)).To(Succeed())
		DeferCleanup(func() { Expect(fleet["west"].plane.RemoveKinds(env.ForeignKinds()...)).To(Succeed()) })
		gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "whole", Annotations: map[string]string{
			gateway.AnnotationIssuer: "ours", gateway.AnnotationTLSHosts: "whole.example.com",
			gateway.AnnotationCanary: "true", gateway.AnnotationExportMetrics: "east",
		}}}
		Expect(sigsyaml.UnmarshalStrict([]byte(`{clusterIds: [west], ports: [{name: http, port: 80}], minReplicas: 2, maxReplicas: 4,
			cpu: {targetAverageUtilization: 80}, compression: {enabled: true, gzip: {}}, autoCreateGatewayYaml: true}`), &gw.Spec)).To(Succeed())
		Expect(hub.Create(ctx, gw)).To(Succeed())
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(HavePrefix("True"))
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionMetricsExported).Should(HavePrefix("True"))
		var kinds []string
		for _, object := range entryOf(ctx, gw, "west").Objects {
			kinds = append(kinds, object.Kind)
		}
		Expect(kinds).To(ConsistOf("ServiceAccount", "Role", "RoleBinding", "Service", "Deployment", "Deployment",
			"HorizontalPodAutoscaler", "PodDisruptionBudget", "EnvoyFilter", "Certificate", "Gateway"))
		for _, id := range []string{"east", "west"} {
			// It goes up a moment after the cluster is connected.
			Eventually(func(g Gomega) {
				registered := &v1alpha1.GatewayCluster{}
				g.Expect(hub.Get(ctx, client.ObjectKey{Name: id}, registered)).To(Succeed())
				g.Expect(meta.IsStatusConditionTrue(registered.Status.Conditions, v1alpha1.ConditionFenced)).To(BeTrue(), "%v", registered.Status.Conditions)
			}).Should(Succeed())
			Expect(reachability(ctx, id)).To(Equal("True Connected The cluster answers"))
		}
		Expect(hub.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
	})

	It("make a kubeconfig as the page says", func(ctx context.Context) {
		north := memberOn(start(ctx, env.Options{Controllers: true, Progress: GinkgoWriter}))
		text, err := os.ReadFile(page)
		Expect(err).NotTo(HaveOccurred())
		blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
		Expect(blocks).To(HaveLen(2), "the account, and the Secret")
		id := "c8a4b2xxxxxx"
		run := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", blocks[1][1])
		run.Dir = GinkgoT().TempDir()
		run.Env = append(os.Environ(), "KUBECONFIG="+contexts(north), "PATH="+filepath.Dir(north.plane.Kubectl)+":"+os.Getenv("PATH"))
		out, err := run.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(out))
		DeferCleanup(func(ctx context.Context) { Expect(hub.Delete(ctx, remoteSecret(id, nil))).To(Succeed()) })
		Eventually(reachability).WithArguments(ctx, id).Should(Equal("True Connected The cluster answers"))
		registered := &v1alpha1.GatewayCluster{}
		Expect(hub.Get(ctx, client.ObjectKey{Name: id}, registered)).To(Succeed())
		Expect(registered.Status.Facts.Nodes).To(HaveValue(BeEquivalentTo(4)))
		Expect(registered.Status.Facts.VirtualNodes).To(Equal(v1alpha1.VirtualNodesSome))
		Expect(registered.Status.Facts.KernelVersions).To(Equal([]string{"5.10.134-18.al8.x86_64"}))
	})
})

// contexts is a kubeconfig file of the hub, with a second context for a member.
func contexts(of member) string {
	GinkgoHelper()
	config, err := clientcmd.LoadFromFile(hubPlane.Kubeconfig)
	Expect(err).NotTo(HaveOccurred())
	other, err := clientcmd.LoadFromFile(of.plane.Kubeconfig)
	Expect(err).NotTo(HaveOccurred())
	context := other.Contexts[other.CurrentContext]
	config.Clusters["member"], config.AuthInfos["member"] = other.Clusters[context.Cluster], other.AuthInfos[context.AuthInfo]
	context.Cluster, context.AuthInfo = "member", "member"
	config.Contexts["MEMBER"] = context
	path := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(clientcmd.WriteToFile(*config, path)).To(Succeed())
	return path
}

// What the controller was refused would show in what it says.
var _ = AfterSuite(func() {
	var refused []string
	for line := range strings.Lines(string(log.Contents())) {
		if strings.Contains(line, "is forbidden: User ") {
			refused = append(refused, line)
		}
	}
	Expect(refused).To(BeEmpty())
})
