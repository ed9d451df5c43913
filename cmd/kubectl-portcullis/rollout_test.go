package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// digestOf is a digest that a gateway's name tells apart.
func digestOf(name string) string {
	return "sha256:" + strings.Repeat("0", 64-len(name)) + strings.Repeat("a", len(name))
}

// pendingGateway is a Ready gateway with an upgrade that is held in c1 and c2, of five pods.
func pendingGateway(name string) *v1beta1.IstioGateway {
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: name, UID: "u", Generation: 2}}
	gw.Status.Clusters = []v1beta1.ClusterStatus{{ClusterID: "c1", Replicas: 2}, {ClusterID: "c2", Replicas: 3}, {ClusterID: "c3", Replicas: 7}}
	gw.Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: 2}}
	gw.Status.Pending = &v1beta1.PendingRestart{Digest: digestOf(name), Reason: v1beta1.UpgradeHeld, Changes: []v1alpha1.ApprovedChange{{
		Path: "mesh.proxyImage", Before: &apiextensionsv1.JSON{Raw: []byte(`"p:1"`)}, After: &apiextensionsv1.JSON{Raw: []byte(`"p:2"`)},
		Effects: []string{"Restart"}, Clusters: []string{"c1", "c2"},
	}}}
	return gw
}

// fleet is an API server in memory whose controller does something when an approval is made.
func fleet(t *testing.T, approved func(client.Client, *v1alpha1.ChangeApproval), gateways ...*v1beta1.IstioGateway) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	builder := fake.NewClientBuilder().WithScheme(scheme)
	for _, gw := range gateways {
		builder = builder.WithObjects(gw)
	}
	return interceptor.NewClient(builder.Build(), interceptor.Funcs{
		Create: func(ctx context.Context, inner client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if err := inner.Create(ctx, object, options...); err != nil {
				return err
			}
			if approval, ok := object.(*v1alpha1.ChangeApproval); ok {
				approved(inner, approval)
			}
			return nil
		},
	})
}

// rolls is a controller that rolls what is approved at once.
func rolls(t *testing.T) func(client.Client, *v1alpha1.ChangeApproval) {
	return func(server client.Client, approval *v1alpha1.ChangeApproval) {
		t.Helper()
		gw := &v1beta1.IstioGateway{}
		if err := server.Get(t.Context(), client.ObjectKey{Namespace: approval.Namespace, Name: approval.Spec.GatewayName}, gw); err != nil {
			t.Fatal(err)
		}
		gw.Status.Pending = nil
		if err := server.Update(t.Context(), gw); err != nil {
			t.Fatal(err)
		}
	}
}

// stuck is a controller that does nothing.
func stuck(client.Client, *v1alpha1.ChangeApproval) {}

// rolled runs rollout with some answers, and returns what it prints.
func rolled(t *testing.T, o rolloutOptions, server client.Client, answers string, names ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	o.streams = genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: io.Discard}
	o.answers = bufio.NewReader(strings.NewReader(answers))
	o.interval, o.timeout = time.Millisecond, 50*time.Millisecond
	err := o.run(t.Context(), server, "istio-system", names)
	return out.String(), err
}

// approvalsIn are the approvals that were made, by their gateway.
func approvalsIn(t *testing.T, server client.Client) map[string]v1alpha1.ChangeApprovalSpec {
	t.Helper()
	list := &v1alpha1.ChangeApprovalList{}
	if err := server.List(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	out := map[string]v1alpha1.ChangeApprovalSpec{}
	for _, approval := range list.Items {
		out[approval.Spec.GatewayName] = approval.Spec
	}
	return out
}

func TestRolloutShowsWhatIsHeldAndApprovesNothingUnasked(t *testing.T) {
	quiet := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "quiet"}}
	released := pendingGateway("released")
	released.Status.Pending.ReleasedBy = "released-1"
	server := fleet(t, stuck, pendingGateway("edge"), quiet, released)
	got, err := rolled(t, rolloutOptions{}, server, "y\n")
	want := `GATEWAY             CLUSTERS   PODS   REASON        DIGEST
istio-system/edge   c1,c2      5      UpgradeHeld   ` + digestOf("edge") + `
  mesh.proxyImage in c1, c2: "p:1" -> "p:2"

To approve it, gateway by gateway, run this again with --reason
`
	if err != nil || got != want {
		t.Errorf("got\n%s%v, want\n%s", got, err, want)
	}
	if made := approvalsIn(t, server); len(made) > 0 {
		t.Errorf("got approvals %v, want none", made)
	}
}

func TestRolloutSaysThatNothingIsPending(t *testing.T) {
	got, err := rolled(t, rolloutOptions{}, fleet(t, stuck), "")
	if err != nil || got != "Nothing is pending\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRolloutApprovesExactlyWhatItShowed(t *testing.T) {
	server := fleet(t, stuck, pendingGateway("a"), pendingGateway("b"), pendingGateway("c"))
	got, err := rolled(t, rolloutOptions{reason: "ticket 4711"}, server, "y\nno\nYES\n")
	if err != nil || strings.Count(got, "Approved istio-system/") != 2 {
		t.Fatalf("got %v\n%s", err, got)
	}
	made := approvalsIn(t, server)
	if _, declined := made["b"]; declined || len(made) != 2 {
		t.Fatalf("got approvals %v, want those of a and c", made)
	}
	spec := made["a"]
	if spec.Digest != digestOf("a") || spec.Reason != "ticket 4711" || spec.ApprovedBy != nil || len(spec.Changes) != 1 || spec.Changes[0].Path != "mesh.proxyImage" {
		t.Errorf("got %+v", spec)
	}
}

func TestRolloutTakesNoAnswerForNo(t *testing.T) {
	server := fleet(t, stuck, pendingGateway("a"))
	if _, err := rolled(t, rolloutOptions{reason: "r"}, server, ""); err != nil {
		t.Fatal(err)
	}
	if made := approvalsIn(t, server); len(made) > 0 {
		t.Errorf("got approvals %v, want none", made)
	}
}

func TestRolloutKeepsToTheGatewaysThatAreNamed(t *testing.T) {
	server := fleet(t, stuck, pendingGateway("a"), pendingGateway("b"))
	if _, err := rolled(t, rolloutOptions{reason: "r", yes: true}, server, "", "b"); err != nil {
		t.Fatal(err)
	}
	if made := approvalsIn(t, server); len(made) != 1 || made["b"].Digest == "" {
		t.Errorf("got approvals %v, want that of b alone", made)
	}
	_, err := rolled(t, rolloutOptions{}, server, "", "bb")
	if err == nil || err.Error() != `there is no IstioGateway bb in namespace "istio-system"` {
		t.Errorf("got %v, want the name that is none", err)
	}
}

func TestRolloutGoesOnWithTheNextWaveWhenTheOneBeforeIsReady(t *testing.T) {
	server := fleet(t, rolls(t), pendingGateway("a"), pendingGateway("b"), pendingGateway("c"))
	got, err := rolled(t, rolloutOptions{reason: "r", yes: true, wave: 2}, server, "")
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for line := range strings.Lines(got) {
		words := strings.Fields(line)
		if words[0] == "Approved" || words[0] == "Rolled" {
			order = append(order, words[0]+" "+strings.TrimSuffix(words[1], ":"))
		}
	}
	want := "Approved istio-system/a,Approved istio-system/b,Rolled istio-system/a,Rolled istio-system/b,Approved istio-system/c,Rolled istio-system/c"
	if strings.Join(order, ",") != want {
		t.Errorf("got %v, want %s", order, want)
	}
}

func TestRolloutStopsAtAWaveThatIsNotReady(t *testing.T) {
	server := fleet(t, stuck, pendingGateway("a"), pendingGateway("b"))
	_, err := rolled(t, rolloutOptions{reason: "r", yes: true, wave: 1}, server, "")
	if err == nil || !strings.Contains(err.Error(), "rolling IstioGateway istio-system/a: it must be Ready within") || !strings.Contains(err.Error(), "it has not rolled everywhere") {
		t.Errorf("got %v", err)
	}
	if made := approvalsIn(t, server); len(made) != 1 {
		t.Errorf("got approvals %v, want that of a alone", made)
	}
}

func TestMissingSaysWhatAGatewayLacks(t *testing.T) {
	tests := map[string]struct {
		change func(*v1beta1.IstioGateway)
		want   string
	}{
		"nothing":        {func(gw *v1beta1.IstioGateway) { gw.Status.Pending = nil }, ""},
		"a roll":         {func(*v1beta1.IstioGateway) {}, "it has not rolled everywhere"},
		"its own digest": {func(gw *v1beta1.IstioGateway) { gw.Status.Pending.Digest = digestOf("x") }, "something else is held now"},
		"a report":       {func(gw *v1beta1.IstioGateway) { gw.Status.Pending, gw.Generation = nil, 3 }, "nothing is reported of its pods"},
		"pods": {func(gw *v1beta1.IstioGateway) {
			gw.Status.Pending = nil
			gw.Status.Conditions[0].Status, gw.Status.Conditions[0].Message = metav1.ConditionFalse, "Pods are not all available in: c1"
		}, "Pods are not all available in: c1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			gw := pendingGateway("edge")
			test.change(gw)
			if got := missing(gw, digestOf("edge")); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRolloutSaysWhatTheServerRefused(t *testing.T) {
	for said, want := range map[string]string{
		"unreachable": "approving what is pending of IstioGateway istio-system/a: making the ChangeApproval: unreachable",
		`admission webhook "g" denied the request: you may not`: "approving what is pending of IstioGateway istio-system/a: refused",
	} {
		server := interceptor.NewClient(fleet(t, stuck, pendingGateway("a")).(client.WithWatch), interceptor.Funcs{
			Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
				return errors.New(said)
			},
		})
		_, err := rolled(t, rolloutOptions{reason: "r", yes: true}, server, "")
		if err == nil || err.Error() != want || errors.Is(err, errRefused) != strings.HasSuffix(want, "refused") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestRolloutRefusesFlagsThatMakeNoSense(t *testing.T) {
	tests := map[string]struct{ args, want string }{
		"a negative wave":         {"--wave=-1", "--wave must not be negative, is -1"},
		"no time to wait":         {"--timeout=0s", "--timeout must be positive, is 0s"},
		"approval without reason": {"--yes", "--yes approves, and needs a --reason for those who read the record later"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := portcullis(t, "", "rollout", test.args)
			expect(t, got, 2, "", "error: "+test.want+"\n")
		})
	}
}
