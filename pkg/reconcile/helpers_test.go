package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// edge is the gateway that tests are about, and home the target that most of them work on.
var (
	edge = types.NamespacedName{Namespace: "istio-system", Name: "edge"}
	home = Target{Gateway: edge, Cluster: "home"}
)

// gatewayOf is the third generation of a gateway whose spec is written as YAML, with our finalizer.
func gatewayOf(t *testing.T, spec string, entries ...v1beta1.ClusterStatus) *v1beta1.IstioGateway {
	t.Helper()
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{
		Namespace: edge.Namespace, Name: edge.Name, UID: "5a1c0f4e", Generation: 3, Finalizers: []string{Finalizer},
	}}
	if err := yaml.UnmarshalStrict([]byte(spec), &gw.Spec); err != nil {
		t.Fatalf("reading the spec: %v", err)
	}
	gw.Status.Clusters = entries
	return gw
}

// deleted is a gateway that somebody deleted; the API server counts that as a new generation.
func deleted(gw *v1beta1.IstioGateway) *v1beta1.IstioGateway {
	gw = gw.DeepCopy()
	gw.DeletionTimestamp = &metav1.Time{Time: time.Unix(1_700_000_000, 0)}
	gw.Generation++
	return gw
}

// annotated is a gateway with one annotation.
func annotated(gw *v1beta1.IstioGateway, key, value string) *v1beta1.IstioGateway {
	gw = gw.DeepCopy()
	gw.Annotations = map[string]string{key: value}
	return gw
}

// entryIn is a gateway in a cluster where this generation is applied.
func entryIn(id string, state v1beta1.ClusterState) v1beta1.ClusterStatus {
	return v1beta1.ClusterStatus{ClusterID: id, State: state, ObservedGeneration: 3}
}

// failedIn is a gateway in a cluster where something stands in the way.
func failedIn(id, message string) v1beta1.ClusterStatus {
	entry := entryIn(id, v1beta1.ClusterFailed)
	entry.Message = message
	return entry
}

// registeredAs are clusters of these names; the one that is called home is the one that we run in.
func registeredAs(ids ...string) []v1alpha1.GatewayCluster {
	var out []v1alpha1.GatewayCluster
	for _, id := range ids {
		out = append(out, v1alpha1.GatewayCluster{
			ObjectMeta: metav1.ObjectMeta{Name: id},
			Spec:       v1alpha1.GatewayClusterSpec{Local: new(id == home.Cluster)},
		})
	}
	return out
}

// schemeOf knows every kind that the controller deals with.
func schemeOf(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatalf("registering types: %v", err)
		}
	}
	return scheme
}

// api is an API server in memory that counts what is asked of it, and can be made to refuse.
type api struct {
	client.WithWatch
	// calls are the requests in their order, each as its verb, kind and name; reads are not among them.
	calls []string
	// refuse answers a request with an error; with nil it goes through.
	refuse func(call string) error
	// applied are the objects that were applied, in their order.
	applied []request
	// mute makes it take every object that is applied, and do nothing with it.
	mute bool
}

// request is one object that was applied: by whom, by force or not, and as JSON.
type request struct {
	owner string
	force bool
	body  string
}

// apiWith is an API server that holds some objects.
func apiWith(t *testing.T, objects ...client.Object) *api {
	t.Helper()
	server := &api{refuse: func(string) error { return nil }}
	builder := fake.NewClientBuilder()
	for _, kind := range ownedKinds() {
		builder.WithIndex(kind.object, indexGateway, gatewayNamed)
	}
	server.WithWatch = interceptor.NewClient(builder.
		WithScheme(schemeOf(t)).
		WithObjects(objects...).
		WithStatusSubresource(&v1beta1.IstioGateway{}, &v1alpha1.ChangeApproval{}, &v1alpha1.GatewayCluster{}).
		WithReturnManagedFields().
		Build(), interceptor.Funcs{
		Get: func(ctx context.Context, inner client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			if err := server.refuse("get " + kindOf(inner, object) + " " + key.Name); err != nil {
				return err
			}
			return inner.Get(ctx, key, object, options...)
		},
		List: func(ctx context.Context, inner client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			if err := server.refuse("list " + kindOf(inner, list)); err != nil {
				return err
			}
			return inner.List(ctx, list, options...)
		},
		Delete: func(ctx context.Context, inner client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			if err := server.ask("delete", kindOf(inner, object), object.GetName()); err != nil {
				return err
			}
			return inner.Delete(ctx, object, options...)
		},
		Patch: func(ctx context.Context, inner client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			if err := server.ask("patch", kindOf(inner, object), object.GetName()); err != nil {
				return err
			}
			return inner.Patch(ctx, object, patch, options...)
		},
		Apply: func(ctx context.Context, inner client.WithWatch, configuration runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			kind, name := named(t, configuration)
			if dryRun(options) {
				// It answers with what it was given; the client in memory would write it.
				return server.refuse("foresee " + kind + " " + name)
			}
			if err := server.ask("apply", kind, name); err != nil {
				return err
			}
			server.applied = append(server.applied, requestOf(t, configuration, options))
			if server.mute {
				return nil
			}
			if err := compareVersion(ctx, t, inner, configuration); err != nil {
				return err
			}
			return inner.Apply(ctx, configuration, options...)
		},
		SubResourcePatch: func(ctx context.Context, inner client.Client, part string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			if err := server.ask("patch "+part, kindOf(inner, object), object.GetName()); err != nil {
				return err
			}
			return inner.SubResource(part).Patch(ctx, object, patch, options...)
		},
	})
	return server
}

// compareVersion refuses what is applied to another version of an object than it names, and takes the version away: the
// client in memory counts versions twice when it is applied one, and refuses each. What is made may come with any.
func compareVersion(ctx context.Context, t *testing.T, inner client.Client, configuration runtime.ApplyConfiguration) error {
	t.Helper()
	object, ok := configuration.(interface {
		GetResourceVersion() string
		SetResourceVersion(string)
		GetNamespace() string
		GetName() string
		GroupVersionKind() schema.GroupVersionKind
	})
	if !ok || object.GetResourceVersion() == "" {
		return nil
	}
	stored := &metav1.PartialObjectMetadata{}
	stored.SetGroupVersionKind(object.GroupVersionKind())
	err := inner.Get(ctx, client.ObjectKey{Namespace: object.GetNamespace(), Name: object.GetName()}, stored)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err == nil && stored.ResourceVersion != object.GetResourceVersion() {
		return apierrors.NewConflict(schema.GroupResource{}, object.GetName(), errors.New("object was modified"))
	}
	object.SetResourceVersion("")
	return nil
}

// dryRun says whether an object is applied to see what would come of it.
func dryRun(options []client.ApplyOption) bool {
	return len((&client.ApplyOptions{}).ApplyOptions(options).DryRun) > 0
}

// ask notes a request that writes, and answers it.
func (a *api) ask(verb, kind, name string) error {
	call := verb + " " + kind + " " + name
	a.calls = append(a.calls, call)
	return a.refuse(call)
}

// refusing makes an API server answer some requests with an error.
func (a *api) refusing(err error, calls ...string) {
	a.refuse = func(call string) error {
		if slices.Contains(calls, call) {
			return err
		}
		return nil
	}
}

// kindOf is the kind of an object, or of a list.
func kindOf(c client.Client, object runtime.Object) string {
	gvk, err := c.GroupVersionKindFor(object)
	if err != nil {
		return err.Error()
	}
	return gvk.Kind
}

// named reads kind and name of what is applied.
func named(t *testing.T, configuration runtime.ApplyConfiguration) (kind, name string) {
	t.Helper()
	object, ok := configuration.(interface {
		GetKind() string
		GetName() string
	})
	if !ok {
		t.Fatalf("got %T, want what has a kind and a name", configuration)
	}
	return object.GetKind(), object.GetName()
}

// requestOf is what is asked for by applying an object.
func requestOf(t *testing.T, configuration runtime.ApplyConfiguration, options []client.ApplyOption) request {
	t.Helper()
	stated := (&client.ApplyOptions{}).ApplyOptions(options)
	body, err := json.Marshal(configuration)
	if err != nil {
		t.Fatalf("writing what is applied as JSON: %v", err)
	}
	return request{owner: stated.FieldManager, force: stated.Force != nil && *stated.Force, body: string(body)}
}

// outcomesHeld are outcomes that wake nobody, so that a report never waits for a reader.
func outcomesHeld() *outcomes {
	held := newOutcomes()
	held.changed = make(chan event.TypedGenericEvent[types.NamespacedName], 100)
	return held
}

// recorded keeps every event as a line: type, reason, action, the related object, and the sentence.
type recorded struct {
	lines []string
}

// Eventf keeps one event.
func (r *recorded) Eventf(_, related runtime.Object, kind, reason, action, note string, args ...any) {
	about, ok := related.(*corev1.ObjectReference)
	if !ok {
		about = &corev1.ObjectReference{}
	}
	r.lines = append(r.lines, fmt.Sprintf("%s %s %s %s/%s: ", kind, reason, action, about.Kind, about.Name)+fmt.Sprintf(note, args...))
}

// taken are the events since they were last taken.
func (r *recorded) taken() []string {
	out := r.lines
	r.lines = nil
	return out
}

// expectEqual compares two values, and shows both when they differ.
func expectEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// expectError holds an error to a text; none is wanted when the text is empty.
func expectError(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("error:\n got %q\nwant %q", got, want)
	}
}
