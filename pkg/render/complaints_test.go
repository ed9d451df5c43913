package render

import (
	"strings"
	"testing"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// What users of other controllers complain of and rendering alone decides; docs/complaints.md lists all of it.
func TestWhatOthersComplainOf(t *testing.T) {
	t.Run("draining follows one number, and the grace period leaves room for it (istio#26524)", func(t *testing.T) {
		TestDrainingFollowsOneNumber(t)
	})

	t.Run("no container waits for somebody to replace its image (istio#37482)", func(t *testing.T) {
		for name, in := range cases(t) {
			if in.cluster.Spec.Mesh != nil && in.cluster.Spec.Mesh.Injection {
				// Somebody asked for the injector, which replaces it.
				continue
			}
			for _, container := range containersOf(rendered(t, in)) {
				if image := *container.Image; image == "auto" || !strings.Contains(image, "/") {
					t.Errorf("%s: container %s has image %s", name, *container.Name, image)
				}
			}
		}
	})

	t.Run("one pod has no budget that would block a drain (istio#12602)", func(t *testing.T) {
		if budget := rendered(t, inputOf(t, `{replicaCount: 1}`)).PodDisruptionBudget; budget != nil {
			t.Errorf("got %+v, want none", budget)
		}
		expectAt(t, rendered(t, inputOf(t, `{replicaCount: 2}`)).PodDisruptionBudget, `null`, "spec", "minAvailable")
	})

	t.Run("no sysctl is asked for on the host's network (kubernetes#72593)", func(t *testing.T) {
		pod := rendered(t, inputOf(t, `{hostNetwork: true, kernel: {enabled: true, parameters: {net.core.somaxconn: "1"}}}`)).Deployment.Spec.Template.Spec
		if pod.SecurityContext != nil && len(pod.SecurityContext.Sysctls) > 0 {
			t.Errorf("got %+v, want none", pod.SecurityContext.Sysctls)
		}
	})
}

// containersOf are the containers of a gateway's pods.
func containersOf(objects Objects) []corev1ac.ContainerApplyConfiguration {
	pod := objects.Deployment.Spec.Template.Spec
	return append(append([]corev1ac.ContainerApplyConfiguration{}, pod.InitContainers...), pod.Containers...)
}
