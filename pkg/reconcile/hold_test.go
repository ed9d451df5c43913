package reconcile

import (
	"encoding/json"
	"errors"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// stamped is a gateway as the guard admitted it.
func stamped(t *testing.T, gw *v1beta1.IstioGateway) *v1beta1.IstioGateway {
	t.Helper()
	fingerprint, err := change.Fingerprint(gw)
	if err != nil {
		t.Fatal(err)
	}
	metav1.SetMetaDataAnnotation(&gw.ObjectMeta, gateway.AnnotationAdmitted, fingerprint)
	return gw
}

// running is a worker whose gateway runs in home already, as the guard admitted it.
func running(t *testing.T) bench {
	t.Helper()
	b := benchWith(t, stamped(t, pending(t, simple)))
	expectError(t, b.pass(t, home), "")
	b.server.calls = nil
	b.events()
	return b
}

// edit changes the stored gateway as a new generation.
func (b bench) edit(t *testing.T, edit func(*v1beta1.IstioGateway)) {
	t.Helper()
	gw := storedGateway(t, b.server)
	gw.Generation++
	edit(gw)
	if err := b.server.Update(t.Context(), gw); err != nil {
		t.Fatal(err)
	}
}

// profile gives home another proxy image.
func (b bench) profile(t *testing.T, image string) {
	t.Helper()
	cluster := &v1alpha1.GatewayCluster{}
	if err := b.server.Get(t.Context(), client.ObjectKey{Name: "home"}, cluster); err != nil {
		t.Fatal(err)
	}
	cluster.Spec.Mesh = &v1alpha1.MeshProfile{ProxyImage: image}
	if err := b.server.Update(t.Context(), cluster); err != nil {
		t.Fatal(err)
	}
}

// redescribed makes the stored Deployment say something else of itself, in our name.
func (b bench) redescribed(t *testing.T, edit func(*appsv1ac.DeploymentApplyConfiguration)) {
	t.Helper()
	owned, err := ours(b.stored(t))
	if err != nil {
		t.Fatal(err)
	}
	edit(owned)
	desired, _, err := convert(owned)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.server.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(desired), client.FieldOwner(FieldOwner), client.ForceOwnership); err != nil {
		t.Fatal(err)
	}
	b.server.calls, b.server.applied = nil, nil
}

// stored is the Deployment as it is.
func (b bench) stored(t *testing.T) *appsv1.Deployment {
	t.Helper()
	deployment := &appsv1.Deployment{}
	if err := b.server.Get(t.Context(), client.ObjectKey{Namespace: edge.Namespace, Name: "istio-edge"}, deployment); err != nil {
		t.Fatal(err)
	}
	return deployment
}

// template is the pod template that runs, as JSON.
func (b bench) template(t *testing.T) string {
	t.Helper()
	raw, err := json.Marshal(b.stored(t).Spec.Template)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// release stores what is held as pending and released.
func (b bench) release(t *testing.T) {
	t.Helper()
	gw := storedGateway(t, b.server)
	gw.Status.Clusters = []v1beta1.ClusterStatus{b.reported(t, home).entry}
	var err error
	if gw.Status.Pending, err = pendingOf(gw); err != nil {
		t.Fatal(err)
	}
	gw.Status.Pending.ReleasedBy = "edge-1"
	if err := b.server.Status().Update(t.Context(), gw); err != nil {
		t.Fatal(err)
	}
}

// labelled asks for another label of the pods.
func labelled(gw *v1beta1.IstioGateway) {
	gw.Spec.PodLabels = map[string]string{"team": "edge"}
}

func TestADeploymentSaysOfItselfWhatItRuns(t *testing.T) {
	b := running(t)
	said := b.stored(t).Annotations
	expectEqual(t, "generation", said[annotationGeneration], "3")
	expectEqual(t, "renderer", said[annotationRenderer], "1")
	objects, err := render.Render(gateway.Place(storedGateway(t, b.server), &registeredAs("home")[0]))
	if err != nil {
		t.Fatal(err)
	}
	hash, err := objects.TemplateHash()
	if err != nil {
		t.Fatal(err)
	}
	expectEqual(t, "hash", said[annotationTemplateHash], hash)
	var mesh v1alpha1.MeshProfile
	if err := json.Unmarshal([]byte(said[annotationMesh]), &mesh); err != nil {
		t.Fatal(err)
	}
	expectEqual(t, "mesh", mesh, *b.reported(t, home).entry.Mesh)
	if len(b.stored(t).Spec.Template.Annotations[annotationRenderer]) > 0 {
		t.Error("the pod template says so too: describing it would restart pods")
	}
}

func TestWhatTheGuardAdmittedIsApplied(t *testing.T) {
	b := running(t)
	b.edit(t, func(gw *v1beta1.IstioGateway) {
		labelled(gw)
		stamped(t, gw)
	})
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "label", b.stored(t).Spec.Template.Labels["team"], "edge")
	expectEqual(t, "generation", b.stored(t).Annotations[annotationGeneration], "4")
	if held := b.reported(t, home).entry.Held; held != nil {
		t.Errorf("got %+v held, want nothing", held)
	}
}

func TestAnEditThatLeavesThePodsAloneLeavesTheDeploymentAlone(t *testing.T) {
	b := running(t)
	b.edit(t, func(gw *v1beta1.IstioGateway) {
		gw.Spec.ServiceLabels = map[string]string{"team": "edge"}
		stamped(t, gw)
	})
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "requests", b.server.calls, []string{"apply Service istio-edge"})
}

// Each of these would restart pods, and nothing explains it.
func TestHeldRestarts(t *testing.T) {
	tests := map[string]struct {
		change  func(*testing.T, bench)
		reason  v1beta1.HoldReason
		paths   []string
		applied bool
	}{
		"what went past the guard": {
			change: func(t *testing.T, b bench) { b.edit(t, labelled) },
			reason: v1beta1.NotAdmitted, paths: []string{"template.metadata.labels.team"},
		},
		"what went past a guard that never saw the gateway": {
			change: func(t *testing.T, b bench) {
				b.edit(t, func(gw *v1beta1.IstioGateway) { labelled(gw); gw.Annotations = nil })
			},
			reason: v1beta1.NotAdmitted, paths: []string{"template.metadata.labels.team"},
		},
		"a gateway that was put back": {
			change: func(t *testing.T, b bench) {
				b.edit(t, func(gw *v1beta1.IstioGateway) { labelled(gw); stamped(t, gw); gw.Generation = 2 })
			},
			reason: v1beta1.RestoredOlder, paths: []string{"template.metadata.labels.team"},
		},
		"a newer profile": {
			change: func(t *testing.T, b bench) { b.profile(t, "example.com/proxy:2") },
			reason: v1beta1.UpgradeHeld, paths: []string{"mesh.proxyImage"},
		},
		"what another renderer made": {
			change: func(t *testing.T, b bench) {
				b.redescribed(t, func(d *appsv1ac.DeploymentApplyConfiguration) {
					d.Annotations[annotationRenderer], d.Annotations[annotationTemplateHash] = "7", "other"
					delete(d.Spec.Template.Annotations, "prometheus.io/path")
				})
			},
			reason: v1beta1.UpgradeHeld, paths: []string{"renderer"},
		},
		"what another renderer made, beside a newer profile": {
			change: func(t *testing.T, b bench) {
				b.profile(t, "example.com/proxy:2")
				b.redescribed(t, func(d *appsv1ac.DeploymentApplyConfiguration) {
					d.Annotations[annotationRenderer] = "7"
					delete(d.Spec.Template.Annotations, "prometheus.io/path")
				})
			},
			reason: v1beta1.UpgradeHeld, paths: []string{"mesh.proxyImage", "renderer"},
		},
		"what a version made that described nothing": {
			change: func(t *testing.T, b bench) {
				b.redescribed(t, func(d *appsv1ac.DeploymentApplyConfiguration) {
					d.Annotations = nil
					delete(d.Spec.Template.Annotations, "prometheus.io/path")
				})
			},
			reason: v1beta1.UpgradeHeld, paths: []string{"renderer"},
		},
		"pods that somebody changed": {
			change: func(t *testing.T, b bench) {
				deployment := b.stored(t)
				deployment.Spec.Template.Spec.Containers[0].Image = "example.com/debug:1"
				if err := b.server.Update(t.Context(), deployment, client.FieldOwner("kubectl-edit")); err != nil {
					t.Fatal(err)
				}
			},
			reason: v1beta1.TemplateDrifted, paths: []string{"template.spec.containers.istio-proxy.image"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := running(t)
			test.change(t, b)
			before := b.template(t)
			expectError(t, b.pass(t, home), "")
			expectEqual(t, "template", b.template(t), before)
			held := b.reported(t, home).entry.Held
			if held == nil {
				t.Fatal("nothing is held")
			}
			expectEqual(t, "reason", held.Reason, test.reason)
			var paths []string
			for _, field := range held.Changes {
				paths = append(paths, field.Path)
			}
			expectEqual(t, "fields", paths, test.paths)

			expectError(t, b.pass(t, home), "")
			expectEqual(t, "held after another pass", b.reported(t, home).entry.Held, held)
			expectEqual(t, "template after another pass", b.template(t), before)

			b.release(t)
			expectError(t, b.pass(t, home), "")
			if b.template(t) == before {
				t.Error("what was released is not applied")
			}
			if held := b.reported(t, home).entry.Held; held != nil {
				t.Errorf("got %+v held after the release, want nothing", held)
			}
		})
	}
}

func TestAnApprovalOfSomethingElseReleasesNothing(t *testing.T) {
	b := running(t)
	b.profile(t, "example.com/proxy:2")
	expectError(t, b.pass(t, home), "")
	b.release(t)
	b.profile(t, "example.com/proxy:3")
	before := b.template(t)
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "template", b.template(t), before)
	expectEqual(t, "after", string(b.reported(t, home).entry.Held.Changes[0].After.Raw), `"example.com/proxy:3"`)
}

// The status tells a report a moment later than it is made. Were a failing pass to start from the status, it would unsay
// what is held, and with it who released it.
func TestAPassThatFailsUnsaysNothing(t *testing.T) {
	for name, failure := range map[string]error{"because somebody else wrote": conflict(), "because the cluster refuses": errors.New("refused")} {
		t.Run(name, func(t *testing.T) {
			b := running(t)
			b.profile(t, "example.com/proxy:2")
			expectError(t, b.pass(t, home), "")
			before := b.reported(t, home).entry

			b.server.refusing(failure, "get Deployment istio-edge")
			result, err := b.Reconcile(t.Context(), home)
			if err == nil && result.RequeueAfter == 0 {
				t.Fatal("nothing failed")
			}
			after := b.reported(t, home).entry
			if before.Held == nil {
				t.Fatal("nothing is held")
			}
			expectEqual(t, "held", after.Held, before.Held)
			expectEqual(t, "observedGeneration", after.ObservedGeneration, before.ObservedGeneration)
		})
	}
}

func TestAnUpgradeDoesNotComeWithAnAdmittedChange(t *testing.T) {
	b := running(t)
	b.profile(t, "example.com/proxy:2")
	b.edit(t, func(gw *v1beta1.IstioGateway) {
		labelled(gw)
		stamped(t, gw)
	})
	expectError(t, b.pass(t, home), "")
	deployment := b.stored(t)
	expectEqual(t, "label", deployment.Spec.Template.Labels["team"], "edge")
	expectEqual(t, "image", deployment.Spec.Template.Spec.Containers[0].Image, "docker.io/istio/proxyv2:1.26.0")
	expectEqual(t, "reason", b.reported(t, home).entry.Held.Reason, v1beta1.UpgradeHeld)
	expectEqual(t, "pinned image", b.reported(t, home).entry.Mesh.ProxyImage, "docker.io/istio/proxyv2:1.26.0")
}

func TestAProfileThatPodsCannotTellApartIsTaken(t *testing.T) {
	b := running(t)
	cluster := &v1alpha1.GatewayCluster{}
	if err := b.server.Get(t.Context(), client.ObjectKey{Name: "home"}, cluster); err != nil {
		t.Fatal(err)
	}
	cluster.Spec.Mesh = &v1alpha1.MeshProfile{Version: "1.26.0.7"}
	if err := b.server.Update(t.Context(), cluster); err != nil {
		t.Fatal(err)
	}
	before := b.template(t)
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "template", b.template(t), before)
	expectEqual(t, "pinned version", b.reported(t, home).entry.Mesh.Version, "1.26.0.7")
	if held := b.reported(t, home).entry.Held; held != nil {
		t.Errorf("got %+v held, want nothing", held)
	}
}

func TestReplicasFollowWhileTheRestartIsHeld(t *testing.T) {
	b := running(t)
	b.edit(t, func(gw *v1beta1.IstioGateway) {
		labelled(gw)
		gw.Spec.ReplicaCount = new(int32(4))
	})
	before := b.template(t)
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "replicas", *b.stored(t).Spec.Replicas, int32(4))
	expectEqual(t, "template", b.template(t), before)
}

// What runs is what is pinned, whatever the status says: a crash between rolling and writing it down must not roll back.
func TestThePinIsWhatRuns(t *testing.T) {
	b := running(t)
	b.profile(t, "example.com/proxy:2")
	expectError(t, b.pass(t, home), "")
	b.release(t)
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "image", b.stored(t).Spec.Template.Spec.Containers[0].Image, "example.com/proxy:2")
	// The status still pins the profile before, and what was released is forgotten.
	gw := storedGateway(t, b.server)
	gw.Status.Pending = nil
	if err := b.server.Status().Update(t.Context(), gw); err != nil {
		t.Fatal(err)
	}
	b.clusters.local = newCluster(b.server, b.server)
	before := b.template(t)
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "template", b.template(t), before)
	expectEqual(t, "pinned image", b.reported(t, home).entry.Mesh.ProxyImage, "example.com/proxy:2")
}

func TestWhatSomebodyElseWroteOverADescriptionSaysNothing(t *testing.T) {
	b := running(t)
	deployment := b.stored(t)
	deployment.Annotations[annotationMesh] = `{"proxyImage":"example.com/evil:1"}`
	if err := b.server.Update(t.Context(), deployment, client.FieldOwner("kubectl-annotate")); err != nil {
		t.Fatal(err)
	}
	gw := storedGateway(t, b.server)
	gw.Status.Clusters = []v1beta1.ClusterStatus{b.reported(t, home).entry}
	if err := b.server.Status().Update(t.Context(), gw); err != nil {
		t.Fatal(err)
	}
	before := b.template(t)
	_ = b.pass(t, home)
	expectEqual(t, "template", b.template(t), before)
}

func TestWhatCannotBeForeseenIsNotApplied(t *testing.T) {
	b := running(t)
	b.edit(t, func(gw *v1beta1.IstioGateway) { labelled(gw); stamped(t, gw) })
	b.server.refusing(errors.New("refused"), "foresee Deployment istio-edge")
	expectError(t, b.pass(t, home), "foreseeing Deployment istio-system/istio-edge: refused")
	expectEqual(t, "requests", b.server.calls, []string(nil))
}

func TestDescriptionsThatCannotBeReadAreErrors(t *testing.T) {
	good := map[string]string{annotationTemplateHash: "h", annotationGeneration: "1", annotationRenderer: "1", annotationMesh: "{}"}
	for annotation, want := range map[string]string{
		annotationGeneration: `annotation portcullis.dev/generation of Deployment istio-edge must be a number: strconv.ParseInt: parsing "x": invalid syntax`,
		annotationRenderer:   `annotation portcullis.dev/renderer of Deployment istio-edge must be a number: strconv.ParseInt: parsing "x": invalid syntax`,
		annotationReplicas:   `reading Deployment istio-edge: annotation portcullis.dev/replicas must say who counts the pods: invalid character 'x' looking for beginning of value`,
		annotationMesh:       `annotation portcullis.dev/mesh of Deployment istio-edge must be a mesh profile: invalid character 'x' looking for beginning of value`,
	} {
		t.Run(annotation, func(t *testing.T) {
			said := appsv1ac.Deployment("istio-edge", "istio-system").WithAnnotations(good).WithAnnotations(map[string]string{annotation: "x"})
			_, err := descriptionIn(said)
			expectError(t, err, want)
		})
	}
}
