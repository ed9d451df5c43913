package gateway

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// fillDefaults fills what is absent with the values that ASM documents. The rules mutate/defaults and
// mutate/port_targets fill the same at admission; this holds for objects that never passed it.
func fillDefaults(spec *v1beta1.IstioGatewaySpec) {
	fill(&spec.GatewayType, v1beta1.GatewayTypeIngress)
	fillExposure(spec)
	fill(&spec.ReplicaCount, 1)
	fill(&spec.RollingMaxSurge, "100%")
	fill(&spec.RollingMaxUnavailable, "25%")
	fillPod(spec)
	if spec.Compression != nil {
		fillCompression(spec.Compression)
	}
}

// fillExposure fills the settings of the Service.
func fillExposure(spec *v1beta1.IstioGatewaySpec) {
	fill(&spec.ServiceType, corev1.ServiceTypeLoadBalancer)
	fillPorts(spec.Ports)
	// Where nothing comes from outside there is no default either: the API server refuses the policy there.
	if fromOutside(spec) {
		fill(&spec.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster)
	}
}

// fromOutside says whether traffic comes from outside the cluster, going by a spec whose types are filled.
func fromOutside(spec *v1beta1.IstioGatewaySpec) bool {
	return *spec.ServiceType != corev1.ServiceTypeClusterIP && *spec.GatewayType != v1beta1.GatewayTypeEgress
}

// fillPod fills the settings of the pods.
func fillPod(spec *v1beta1.IstioGatewaySpec) {
	if noResources(spec.Resources) {
		spec.Resources = defaultResources()
	}
	fill(&spec.HostNetwork, false)
	// A pod on its node's network asks the node's resolver unless it is told to ask the cluster's.
	dnsPolicy := corev1.DNSClusterFirst
	if *spec.HostNetwork {
		dnsPolicy = corev1.DNSClusterFirstWithHostNet
	}
	fill(&spec.DNSPolicy, dnsPolicy)
	// The only default that makes an object: the switch in it is documented, and off.
	fill(&spec.Kernel, v1beta1.KernelConfiguration{})
	fill(&spec.Kernel.Enabled, false)
}

// fillCompression fills Envoy's defaults in a compression that is there; none is made. The content types have
// no default: unset, Envoy takes its own list, which grows with Envoy.
func fillCompression(compression *v1beta1.CompressorConfiguration) {
	fill(&compression.Enabled, false)
	fill(&compression.MinContentLength, 30)
	fill(&compression.DisableOnEtagHeader, false)
	fill(&compression.RemoveAcceptEncodingHeader, false)
	if compression.Gzip == nil {
		return
	}
	fill(&compression.Gzip.MemoryLevel, 5)
	fill(&compression.Gzip.CompressionLevel, "DEFAULT_COMPRESSION")
	fill(&compression.Gzip.CompressionStrategy, "DEFAULT_STRATEGY")
	fill(&compression.Gzip.WindowBits, 12)
	fill(&compression.Gzip.ChunkSize, 4096)
}

// defaultResources are what a proxy gets when nothing is said of it. Made anew each time, because a list of
// resources is a map, and what is returned here becomes part of a spec.
func defaultResources() *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewMilliQuantity(200, resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity(256<<20, resource.BinarySI),
		},
		Limits: corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewQuantity(2, resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity(2_000_000_000, resource.DecimalSI),
		},
	}
}

// noResources says whether resources say nothing: consoles write `{}` where they mean the default.
func noResources(resources *corev1.ResourceRequirements) bool {
	return resources == nil || len(resources.Limits)+len(resources.Requests)+len(resources.Claims) == 0
}

// fill sets a field that is absent.
func fill[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
