package render

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// These hold every golden to what the API server demands, so that a change shows here first. The suites under
// test/ apply the goldens for real.

func TestNamesAndLabelsAreValid(t *testing.T) {
	for name, in := range cases(t) {
		objects := rendered(t, in)
		if problems := validation.IsDNS1035Label(*objects.Deployment.Name); problems != nil {
			t.Errorf("%s: a Service cannot be named %s: %v", name, *objects.Deployment.Name, problems)
		}
		labels := []map[string]string{objects.Deployment.Labels, objects.Deployment.Spec.Template.Labels}
		for _, set := range labels {
			for key, value := range set {
				if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); problems != nil {
					t.Errorf("%s: label %s=%s: %v", name, key, value, problems)
				}
			}
		}
		for key := range objects.Deployment.Spec.Template.Annotations {
			if problems := validation.IsQualifiedName(key); problems != nil {
				t.Errorf("%s: annotation %s: %v", name, key, problems)
			}
		}
	}
}

func TestServicePortsAreValid(t *testing.T) {
	for name, in := range cases(t) {
		service := rendered(t, in).Service
		if service == nil {
			continue
		}
		names, taken := map[string]bool{}, map[string]bool{}
		for _, port := range service.Spec.Ports {
			if problems := validation.IsDNS1123Label(*port.Name); problems != nil {
				t.Errorf("%s: port %s: %v", name, *port.Name, problems)
			}
			key := asJSON(t, []any{*port.Port, *port.Protocol})
			if taken[key] {
				t.Errorf("%s: port %s comes twice", name, key)
			}
			taken[key] = true
			if names[*port.Name] {
				t.Errorf("%s: port name %s comes twice", name, *port.Name)
			}
			names[*port.Name] = true
			if port.AppProtocol != nil && validation.IsQualifiedName(*port.AppProtocol) != nil {
				t.Errorf("%s: port %s has appProtocol %s, which is no name", name, *port.Name, *port.AppProtocol)
			}
		}
	}
}

func TestContainersAreValid(t *testing.T) {
	for name, in := range cases(t) {
		container := rendered(t, in).Deployment.Spec.Template.Spec.Containers[0]
		variables := map[string]bool{}
		for _, variable := range container.Env {
			if problems := validation.IsEnvVarName(*variable.Name); problems != nil {
				t.Errorf("%s: variable %s: %v", name, *variable.Name, problems)
			}
			if variables[*variable.Name] {
				t.Errorf("%s: variable %s comes twice", name, *variable.Name)
			}
			variables[*variable.Name] = true
			if variable.Value != nil && variable.ValueFrom != nil {
				t.Errorf("%s: variable %s has a value and a source", name, *variable.Name)
			}
		}
		for _, port := range container.Ports {
			if port.Name != nil && validation.IsValidPortName(*port.Name) != nil {
				t.Errorf("%s: container port %s is no port name", name, *port.Name)
			}
		}
	}
}

func TestSysctlsAreSortedAndEachComesOnce(t *testing.T) {
	for name, in := range cases(t) {
		spec := rendered(t, in).Deployment.Spec.Template.Spec
		var names []string
		for _, sysctl := range spec.SecurityContext.Sysctls {
			names = append(names, *sysctl.Name)
		}
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%s: got %v, want them sorted, each once", name, names)
		}
		if spec.HostNetwork != nil && len(names) > 0 {
			t.Errorf("%s: sets %v on the node's network, which the kubelet refuses without end", name, names)
		}
	}
}

func TestProbesAndGraceAreValid(t *testing.T) {
	for name, in := range cases(t) {
		spec := rendered(t, in).Deployment.Spec.Template.Spec
		if *spec.TerminationGracePeriodSeconds < drainMarginSeconds {
			t.Errorf("%s: %d s of grace leave no time to stop", name, *spec.TerminationGracePeriodSeconds)
		}
		for _, probe := range []*corev1ac.ProbeApplyConfiguration{spec.Containers[0].ReadinessProbe, spec.Containers[0].StartupProbe} {
			// What the injector brings is none of ours.
			if probe == nil && in.cluster.Spec.Mesh != nil && in.cluster.Spec.Mesh.Injection {
				continue
			}
			if *probe.PeriodSeconds < 1 || *probe.FailureThreshold < 1 || *probe.TimeoutSeconds < 1 {
				t.Errorf("%s: a probe cannot be %s", name, asJSON(t, probe))
			}
		}
		// Kubernetes takes no other number of successes to start.
		if probe := spec.Containers[0].StartupProbe; probe != nil && probe.SuccessThreshold != nil && *probe.SuccessThreshold != 1 {
			t.Errorf("%s: startup takes %d successes, must be 1", name, *probe.SuccessThreshold)
		}
	}
}
