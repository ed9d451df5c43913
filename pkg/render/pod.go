package render

import (
	"maps"
	"slices"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// podTemplate is what a gateway's pods are made from. Whatever changes in it restarts all of them, so nothing
// is in it that the pods do not need.
//
// The shape is that of Istio's own hydrated gateways, with the image pinned: what was reviewed is what runs,
// whatever an injector in the cluster would make of it. Where the mesh profile asks for injection it is that of Istio's
// gateway chart, and has nothing that the injector brings.
// https://github.com/istio/istio/blob/master/manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml
// https://github.com/istio/istio/blob/master/manifests/charts/gateway/templates/deployment.yaml
func podTemplate(p gateway.Placed) (*corev1ac.PodTemplateSpecApplyConfiguration, error) {
	spec, err := podSpec(p)
	if err != nil {
		return nil, err
	}
	annotations, err := podAnnotations(p)
	if err != nil {
		return nil, err
	}
	return corev1ac.PodTemplateSpec().
		WithLabels(podLabels(p)).
		WithAnnotations(annotations).
		WithSpec(spec), nil
}

// podSpec is the pod: one proxy, and what prepares its node where that is asked for.
func podSpec(p gateway.Placed) (*corev1ac.PodSpecApplyConfiguration, error) {
	drain, _, err := drainTimeout(p)
	if err != nil {
		return nil, err
	}
	proxy, err := container(p, drain)
	if err != nil {
		return nil, err
	}
	affinity, err := convert[corev1ac.AffinityApplyConfiguration](p.Spec.Affinity)
	if err != nil {
		return nil, err
	}
	// One list makes both, so that no volume is without its mount.
	volumes, mounts := volumes(p)
	spec := corev1ac.PodSpec().
		WithServiceAccountName(gateway.ObjectName(p.Name)).
		WithTerminationGracePeriodSeconds(gracePeriod(p, drain)).
		WithSecurityContext(podSecurityContext(p)).
		// Stated although Kubernetes has a default: it is another one on the node's network.
		WithDNSPolicy(valueOf(p.Spec.DNSPolicy)).
		WithImagePullSecrets(imagePullSecrets(p)...).
		WithNodeSelector(p.Spec.NodeSelector).
		WithTolerations(tolerations(p)...).
		WithInitContainers(initContainers(p)...).
		WithContainers(proxy.WithVolumeMounts(mounts...)).
		WithVolumes(volumes...)
	spec.Affinity = affinity
	// Stated only when it is on: off is what every pod is.
	if valueOf(p.Spec.HostNetwork) {
		spec.WithHostNetwork(true)
	}
	return spec, nil
}

// imagePullSecrets are the credentials for the image's registry, sorted, each once: they are a set, and its
// order in the mesh profile must not restart pods.
func imagePullSecrets(p gateway.Placed) []*corev1ac.LocalObjectReferenceApplyConfiguration {
	var out []*corev1ac.LocalObjectReferenceApplyConfiguration
	for _, name := range slices.Compact(slices.Sorted(slices.Values(p.Mesh.ImagePullSecrets))) {
		out = append(out, corev1ac.LocalObjectReference().WithName(name))
	}
	return out
}

// tolerations are the taints that the pods tolerate, in the order of the gateway. An empty key, effect or
// operator means something (all keys, all effects, Equal) and is left out, as the user left it out.
func tolerations(p gateway.Placed) []*corev1ac.TolerationApplyConfiguration {
	var out []*corev1ac.TolerationApplyConfiguration
	for _, toleration := range p.Spec.Tolerations {
		out = append(out, &corev1ac.TolerationApplyConfiguration{
			Key:               stated(toleration.Key),
			Operator:          stated(toleration.Operator),
			Value:             stated(toleration.Value),
			Effect:            stated(toleration.Effect),
			TolerationSeconds: clone(toleration.TolerationSeconds),
		})
	}
	return out
}

// resources are the CPU and memory of the proxy, as the user wrote them: what is missing of them is not
// filled in, because half a default beside half a wish is neither.
func resources(p gateway.Placed) *corev1ac.ResourceRequirementsApplyConfiguration {
	out := corev1ac.ResourceRequirements()
	asked := p.Spec.Resources
	if asked == nil {
		return out
	}
	if len(asked.Limits) > 0 {
		out.WithLimits(maps.Clone(asked.Limits))
	}
	if len(asked.Requests) > 0 {
		out.WithRequests(maps.Clone(asked.Requests))
	}
	// Devices of dynamic resource allocation: the API has them in this type, so they go through.
	for _, claim := range asked.Claims {
		out.WithClaims(&corev1ac.ResourceClaimApplyConfiguration{Name: new(claim.Name), Request: stated(claim.Request)})
	}
	return out
}
