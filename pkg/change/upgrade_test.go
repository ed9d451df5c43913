package change

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/render"
)

// pinnedIn is a gateway in c1 that pins a profile there.
func pinnedIn(t *testing.T, spec string, mesh v1alpha1.MeshProfile) *v1beta1.IstioGateway {
	t.Helper()
	gw := gatewayOf(t, spec)
	gw.Status.Clusters = []v1beta1.ClusterStatus{{ClusterID: "c1", Mesh: &mesh}}
	return gw
}

// clusterWith is the cluster c1 with a mesh profile.
func clusterWith(mesh v1alpha1.MeshProfile) *v1alpha1.GatewayCluster {
	cluster := &v1alpha1.GatewayCluster{}
	cluster.Name, cluster.Spec.Mesh = "c1", &mesh
	return cluster
}

func TestUpgradeNamesWhatOfANewerProfileRestarts(t *testing.T) {
	const spec = `{spec: {clusterIds: [c1]}}`
	tests := map[string]struct {
		spec         string
		pinned, then v1alpha1.MeshProfile
		want         []Field
	}{
		"nothing when the profile is the same": {spec: spec},
		"nothing when a default is written out": {
			spec: spec, then: v1alpha1.MeshProfile{Version: "1.26.0", TrustDomain: "cluster.local"},
		},
		"the image": {
			spec: spec, pinned: v1alpha1.MeshProfile{ProxyImage: "p:1"}, then: v1alpha1.MeshProfile{ProxyImage: "p:2"},
			want: []Field{{Path: "mesh.proxyImage", Before: "p:1", After: "p:2"}},
		},
		"a version that changes what pods are": {
			spec: spec, pinned: v1alpha1.MeshProfile{Version: "1.15.3"}, then: v1alpha1.MeshProfile{Version: "1.26.0"},
			want: []Field{{Path: "mesh.version", Before: "1.15.3", After: "1.26.0"}},
		},
		"not a version that changes nothing": {
			spec: spec, pinned: v1alpha1.MeshProfile{Version: "1.25.0"}, then: v1alpha1.MeshProfile{Version: "1.26.0"},
		},
		"the image, and not a version that comes with it": {
			spec: spec, pinned: v1alpha1.MeshProfile{Version: "1.25.0", ProxyImage: "p:1"}, then: v1alpha1.MeshProfile{Version: "1.26.0", ProxyImage: "p:2"},
			want: []Field{{Path: "mesh.proxyImage", Before: "p:1", After: "p:2"}},
		},
		"all of several that restart alone": {
			spec: spec, pinned: v1alpha1.MeshProfile{ProxyImage: "p:1", TrustDomain: "a"}, then: v1alpha1.MeshProfile{ProxyImage: "p:2", TrustDomain: "b"},
			want: []Field{{Path: "mesh.meshID", Before: "a", After: "b"}, {Path: "mesh.proxyImage", Before: "p:1", After: "p:2"}, {Path: "mesh.trustDomain", Before: "a", After: "b"}},
		},
		"who completes the pods": {
			spec: spec, pinned: v1alpha1.MeshProfile{ProxyImage: "p:1"}, then: v1alpha1.MeshProfile{ProxyImage: "p:1", Injection: true},
			want: []Field{{Path: "mesh.injection", After: true}},
		},
		"not an image that the injector brings": {
			spec: spec, pinned: v1alpha1.MeshProfile{ProxyImage: "p:1", Injection: true}, then: v1alpha1.MeshProfile{ProxyImage: "p:2", Injection: true},
		},
		"what sets the parameters of nodes": {
			spec: `{spec: {clusterIds: [c1], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}}`, then: v1alpha1.MeshProfile{PrivilegedInit: true},
			want: []Field{{Path: "mesh.privilegedInit", After: true}},
		},
		"not what nobody asks it to set": {
			spec: spec, then: v1alpha1.MeshProfile{PrivilegedInit: true},
		},
		"a field that comes": {
			spec: spec, then: v1alpha1.MeshProfile{Network: "n1"},
			want: []Field{{Path: "mesh.network", After: "n1"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Upgrade(pinnedIn(t, test.spec, test.pinned), clusterWith(test.then))
			if err != nil {
				t.Fatal(err)
			}
			for i := range test.want {
				test.want[i].Effects, test.want[i].Clusters = []Effect{Restart}, []string{"c1"}
			}
			if same, err := Same(got, test.want); err != nil || !same {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestUpgradeIsNothingWhereNothingIsPinned(t *testing.T) {
	got, err := Upgrade(gatewayOf(t, `{spec: {clusterIds: [c1]}}`), clusterWith(v1alpha1.MeshProfile{ProxyImage: "p:2"}))
	if err != nil || len(got) > 0 {
		t.Errorf("got %+v, %v, want nothing", got, err)
	}
}

func TestUpgradeChangesNothingThatComesIn(t *testing.T) {
	gw, cluster := pinnedIn(t, `{spec: {clusterIds: [c1]}}`, v1alpha1.MeshProfile{ProxyImage: "p:1"}), clusterWith(v1alpha1.MeshProfile{ProxyImage: "p:2"})
	before, beforeCluster := gw.DeepCopy(), cluster.DeepCopy()
	if _, err := Upgrade(gw, cluster); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gw, before) || !reflect.DeepEqual(cluster, beforeCluster) {
		t.Error("what came in was changed")
	}
}

func TestRendererIsNamedWithWhatRuns(t *testing.T) {
	got := Renderer(3, "c1")
	want := Field{Path: "renderer", Before: int64(3), After: render.Version, Effects: []Effect{Restart}, Clusters: []string{"c1"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := Renderer(0, "c1"); got.Before != nil {
		t.Errorf("got %v before, want none: nobody knows", got.Before)
	}
}

// heldIn is one field that is held in a cluster.
func heldIn(id, path, after string) []Field {
	return []Field{{Path: path, After: after, Effects: []Effect{Restart}, Clusters: []string{id}}}
}

func TestMergeTellsOnceWhatIsTheSameInSeveralClusters(t *testing.T) {
	parts := [][]Field{heldIn("c2", "mesh.b", "1"), heldIn("c1", "mesh.b", "1"), heldIn("c1", "mesh.a", "1"), heldIn("c3", "mesh.b", "2")}
	got, err := Merge("uid", parts...)
	if err != nil {
		t.Fatal(err)
	}
	want := []Field{heldIn("c1", "mesh.a", "1")[0], heldIn("c1", "mesh.b", "1")[0], heldIn("c3", "mesh.b", "2")[0]}
	want[1].Clusters = []string{"c1", "c2"}
	if !reflect.DeepEqual(got.Changes, want) {
		t.Errorf("got %+v, want %+v", got.Changes, want)
	}
	if !reflect.DeepEqual(got.Effects[Restart], []string{"c1", "c2", "c3"}) || len(got.Effects[AddressLoss]) > 0 {
		t.Errorf("got effects %v", got.Effects)
	}
	if !reflect.DeepEqual(parts[0], heldIn("c2", "mesh.b", "1")) {
		t.Error("what came in was changed")
	}
	shuffled, err := Merge("uid", parts[3], parts[1], parts[2], parts[0])
	if err != nil || shuffled.Digest != got.Digest {
		t.Errorf("got digest %s, %v of another order, want %s", shuffled.Digest, err, got.Digest)
	}
	if elsewhere, err := Merge("another", parts...); err != nil || elsewhere.Digest == got.Digest {
		t.Errorf("another gateway has the same digest, %v", err)
	}
}

func TestPartIsWhatIsHeldInOneCluster(t *testing.T) {
	merged, err := Merge("uid", heldIn("c1", "mesh.a", "1"), heldIn("c2", "mesh.a", "1"), heldIn("c2", "mesh.b", "1"))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][]Field{
		"c1": heldIn("c1", "mesh.a", "1"),
		"c2": append(heldIn("c2", "mesh.a", "1"), heldIn("c2", "mesh.b", "1")...),
		"c3": nil,
	} {
		if got := Part(merged.Changes, id); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", id, got, want)
		}
	}
	if !reflect.DeepEqual(merged.Changes[0].Clusters, []string{"c1", "c2"}) {
		t.Error("what came in was changed")
	}
}

func TestAnUpgradeKeepsItsDigestOnItsWayThroughAnApproval(t *testing.T) {
	merged, err := Merge("uid", []Field{Renderer(1, "c1")}, []Field{Renderer(0, "c2")}, heldIn("c2", "mesh.a", "1"))
	if err != nil {
		t.Fatal(err)
	}
	approved, err := ToApproved(merged.Changes)
	if err != nil {
		t.Fatal(err)
	}
	back, err := FromApproved(approved)
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := Digest("uid", back); err != nil || digest != merged.Digest {
		t.Errorf("got %s, %v, want %s", digest, err, merged.Digest)
	}
	if same, err := Same(Part(back, "c1"), []Field{Renderer(1, "c1")}); err != nil || !same {
		t.Errorf("the part of c1 is another one, %v", err)
	}
}

func TestTemplateTellsFieldByFieldWhatDiffers(t *testing.T) {
	template := func(change func(*corev1.PodTemplateSpec)) corev1.PodTemplateSpec {
		out := corev1.PodTemplateSpec{}
		out.Labels = map[string]string{"app": "edge"}
		out.Spec.Containers = []corev1.Container{{Name: "istio-proxy", Image: "p:1", Args: []string{"a"}, Env: []corev1.EnvVar{{Name: "A", Value: "1"}}}}
		change(&out)
		return out
	}
	tests := map[string]struct {
		change func(*corev1.PodTemplateSpec)
		want   []string
	}{
		"nothing":              {func(*corev1.PodTemplateSpec) {}, nil},
		"an image":             {func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Image = "p:2" }, []string{"template.spec.containers.istio-proxy.image"}},
		"a label with a slash": {func(p *corev1.PodTemplateSpec) { p.Labels["a.b/c"] = "1" }, []string{"template.metadata.labels[a.b/c]"}},
		"a variable that comes": {func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env, corev1.EnvVar{Name: "B", Value: "2"})
		}, []string{"template.spec.containers.istio-proxy.env.B.name", "template.spec.containers.istio-proxy.env.B.value"}},
		"a list without names": {func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Args = []string{"b"} }, []string{"template.spec.containers.istio-proxy.args"}},
		"a list where a name comes twice": {func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "A", Value: "2"}}
		}, []string{"template.spec.containers.istio-proxy.env"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Template(template(func(*corev1.PodTemplateSpec) {}), template(test.change), "c1")
			if err != nil {
				t.Fatal(err)
			}
			var paths []string
			for _, field := range got {
				paths = append(paths, field.Path)
				if !reflect.DeepEqual(field.Effects, []Effect{Restart}) || !reflect.DeepEqual(field.Clusters, []string{"c1"}) {
					t.Errorf("%s: got effects %v in %v", field.Path, field.Effects, field.Clusters)
				}
			}
			if !equal(paths, test.want) {
				t.Errorf("got %v, want %v", paths, test.want)
			}
		})
	}
}
