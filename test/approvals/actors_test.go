package approvals_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
)

// past is a gateway that was stored before there was a guard: it has no stamps.
const past = `{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, metadata: {name: past, namespace: istio-system},
  spec: {clusterIds: [c1]}}`

// rooted makes pods run as root, and so restarts them; rootless goes back.
const (
	rooted   = `{"spec":{"runAsRoot":true}}`
	rootless = `{"spec":{"runAsRoot":null}}`
)

// parse reads YAML as kubectl does.
func parse(text string) *unstructured.Unstructured {
	GinkgoHelper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	Expect(err).NotTo(HaveOccurred())
	object := &unstructured.Unstructured{}
	Expect(json.Unmarshal(raw, object)).To(Succeed())
	return object
}

// create stores an object in YAML, as the administrator.
func create(ctx context.Context, text string) error {
	return admin.Create(ctx, parse(text))
}

// counter keeps the gateways of the specs apart.
var counter atomic.Int64

// newGateway is a fresh gateway without a load balancer in two clusters, which ann made.
func newGateway(ctx context.Context, spec ...string) *v1beta1.IstioGateway {
	GinkgoHelper()
	text := `{clusterIds: [c1, c2], serviceType: ClusterIP, ports: [{name: http, port: 8080}]}`
	if len(spec) > 0 {
		text = spec[0]
	}
	name := fmt.Sprintf("edge-%d", counter.Add(1))
	Expect(ann.Create(ctx, parse(`{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway,
	  metadata: {name: `+name+`, namespace: istio-system}, spec: `+text+`}`))).To(Succeed())
	return stored(ctx, name)
}

// stored is a gateway as it is stored.
func stored(ctx context.Context, name string) *v1beta1.IstioGateway {
	GinkgoHelper()
	gw := &v1beta1.IstioGateway{}
	Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, gw)).To(Succeed())
	return gw
}

// patch edits a gateway with a merge patch.
func (p *person) patch(ctx context.Context, name, patch string, options ...client.PatchOption) (*v1beta1.IstioGateway, error) {
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	err := p.Patch(ctx, gw, client.RawPatch(types.MergePatchType, []byte(patch)), options...)
	return gw, err
}

// expectRefused fails unless an edit is refused for want of an approval, and the gateway stays as it is.
func expectRefused(ctx context.Context, before *v1beta1.IstioGateway, err error) {
	GinkgoHelper()
	Expect(sentence(err)).To(ContainSubstring("_approval: "), "%v", err)
	Expect(stored(ctx, before.Name).Spec).To(Equal(before.Spec))
	Expect(stored(ctx, before.Name).Annotations).To(Equal(before.Annotations))
}

// approvalOf is an approval of what a merge patch does to a stored gateway, as an approver writes it.
func approvalOf(ctx context.Context, before *v1beta1.IstioGateway, patch string) *v1alpha1.ChangeApproval {
	GinkgoHelper()
	after := &v1beta1.IstioGateway{}
	Expect(json.Unmarshal(merged(before, patch), after)).To(Succeed())
	return approvalBetween(ctx, before, after)
}

// approvalBetween is an approval of the change between two versions of a gateway; nil is the deleted one.
func approvalBetween(ctx context.Context, before, after *v1beta1.IstioGateway) *v1alpha1.ChangeApproval {
	GinkgoHelper()
	clusters := &v1alpha1.GatewayClusterList{}
	Expect(admin.List(ctx, clusters)).To(Succeed())
	effect, err := change.Between(before, after, clusters.Items)
	Expect(err).NotTo(HaveOccurred())
	changes, err := change.ToApproved(effect.Changes)
	Expect(err).NotTo(HaveOccurred())
	return &v1alpha1.ChangeApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: before.Name + "-"},
		Spec:       v1alpha1.ChangeApprovalSpec{GatewayName: before.Name, Digest: effect.Digest, Changes: changes, Reason: "agreed upon"},
	}
}

// merged is a gateway after a merge patch, as JSON.
func merged(before *v1beta1.IstioGateway, patch string) []byte {
	GinkgoHelper()
	object, over := map[string]any{}, map[string]any{}
	Expect(json.Unmarshal([]byte(asJSON(before)), &object)).To(Succeed())
	Expect(json.Unmarshal([]byte(patch), &over)).To(Succeed())
	return []byte(asJSON(mergePatch(object, over)))
}

// mergePatch is RFC 7386 for objects.
func mergePatch(object, patch map[string]any) map[string]any {
	for key, value := range patch {
		inner, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(object, key)
		case isObject:
			under, _ := object[key].(map[string]any)
			if under == nil {
				under = map[string]any{}
			}
			object[key] = mergePatch(under, inner)
		default:
			object[key] = value
		}
	}
	return object
}

// approve approves what a merge patch does to a stored gateway.
func (p *person) approve(ctx context.Context, before *v1beta1.IstioGateway, patch string) *v1alpha1.ChangeApproval {
	GinkgoHelper()
	approval := approvalOf(ctx, before, patch)
	Expect(p.Create(ctx, approval)).To(Succeed())
	return approval
}

// used does what the controller does when it has brought a change to the clusters: it records that approvals were used,
// and what runs.
func used(ctx context.Context, name string) {
	GinkgoHelper()
	gw := stored(ctx, name)
	for approval := range strings.SplitSeq(gw.Annotations[gateway.AnnotationApprovedBy], ",") {
		if approval == "" {
			continue
		}
		patch := fmt.Sprintf(`{"status":{"usedBy":{"uid":%q,"generation":%d,"at":"2026-01-01T00:00:00Z"}}}`, gw.UID, gw.Generation)
		Expect(admin.Status().Patch(ctx, &v1alpha1.ChangeApproval{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: approval}},
			client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
	}
}

// approvedBy are the approvals that a stored gateway names.
func approvedBy(ctx context.Context, name string) string {
	GinkgoHelper()
	return stored(ctx, name).Annotations[gateway.AnnotationApprovedBy]
}

// expectAdmitted fails unless the stored gateway is the one that the guard says it admitted.
func expectAdmitted(ctx context.Context, name string) {
	GinkgoHelper()
	gw := stored(ctx, name)
	fingerprint, err := change.Fingerprint(gw)
	Expect(err).NotTo(HaveOccurred())
	Expect(gw.Annotations).To(HaveKeyWithValue(gateway.AnnotationAdmitted, fingerprint))
}
