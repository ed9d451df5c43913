package change

import (
	"maps"
	"slices"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// The names that things have.
var (
	clusterIDs = []string{"c1", "c2", "c3", "c4", "c5"}
	versions   = []string{"", "1.9.7.107", "1.15.3", "1.16", "1.18.0.147", "1.26.0", "1.27.1"}
)

// alternatives are the values of fields that do not take any value, by their JSON path below spec or an override.
var alternatives = map[string][]string{
	"gatewayType":                {"ingress", "egress"},
	"serviceType":                {"LoadBalancer", "LoadBalancer", "LoadBalancer", "ClusterIP", "NodePort"},
	"loadBalancerClass":          {"alibabacloud.com/nlb", "alibabacloud.com/nlb", "example.com/other", ""},
	"loadBalancerIP":             {"192.0.2.1", "192.0.2.2", ""},
	"externalTrafficPolicy":      {"Cluster", "Local"},
	"dnsPolicy":                  {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"},
	"rollingMaxSurge":            {"100%", "25%", "1"},
	"rollingMaxUnavailable":      {"25%", "0", "1"},
	"ports[].protocol":           {"", "TCP", "UDP", "HTTP", "HTTPS", "GRPC", "http", "TCP", "TCP", "TCP", "TCP", "BOGUS"},
	"env[].name":                 {"A", "B", "POD_NAME", "PROXY_CONFIG", "aliyun_logs_mesh-ingress-log"},
	"secretVolumes[].mountPath":  {"/a", "/b", "/etc/istio/proxy"},
	"configVolumes[].mountPath":  {"/a", "/c", "/etc/istio/pod"},
	"serviceAnnotations{}":       {"", "internet", "intranet", "a", "b", "ipv4", "ipv6", "z1:v1,z2:v2", "z2:v2,z1:v1", "z1:v1,z2:v2,z3:v3", "nlb"},
	"compression.content_type[]": {"text/html", "text/plain"},
}

// keysOf are the keys of maps that mean something, by their JSON path.
var keysOf = map[string][]string{
	"serviceAnnotations": {
		keyword + "id", keyword + "ip-version", keyword + "resource-group-id", keyword + "address-type", keyword + "master-zoneid",
		keyword + "slave-zoneid", keyword + "network-type", keyword + "ip", keyword + "ipv6-address-type", keyword + "zone-maps",
		keyword + "type", keyword + "tunnel-type", keyword + "spec", keyword + "name", keyword + "connection-drain",
		olderKeyword + "id", olderKeyword + "address-type", olderKeyword + "ip-version", olderKeyword + "type",
		"service.beta.kubernetes.io/class", "example.com/other",
	},
	"podLabels":          {"a", "app", "example.com/b"},
	"podAnnotations":     {"a", "example.com/b", "prometheus.io/port"},
	"resources.limits":   {"cpu", "memory", "example.com/device"},
	"resources.requests": {"cpu", "memory"},
}

// annotations are the values of a gateway's annotations, by key.
var annotations = map[string][]string{
	gateway.AnnotationManagedByASM:         {"true", "false"},
	gateway.AnnotationExportMetrics:        {"c1", "c2"},
	gateway.AnnotationLogProject:           {"one", "two", ""},
	gateway.AnnotationLogConfig:            {"config", ""},
	gateway.AnnotationLogMachineGroup:      {"group", ""},
	gateway.AnnotationReplicasManagedByASM: {"true", "false"},
	gateway.AnnotationCanary:               {"true", "false"},
	gateway.AnnotationDrainTimeout:         {"30", "60", "45", "60", "30", "60", "soon"},
	gateway.AnnotationLoadBalancers:        furtherBalancers(),
	gateway.AnnotationIssuer:               {"ours", ""},
	gateway.AnnotationClusterIssuer:        {"theirs", ""},
	gateway.AnnotationTLSHosts:             {"a.example.com", "a.example.com,b.example.com"},
	"asm.alibabacloud.com/other":           {"a", "b"},
	"team":                                 {"edge", "core"},
	gateway.AnnotationAdmitted:             {"sha256:a", "sha256:b"},
}

// furtherBalancers are lists of further load balancers, among them the same ones in another order or writing, and one that
// nobody can read.
func furtherBalancers() []string {
	const private = `{name: private, annotations: {` + keyword + `address-type: intranet}}`
	const network = `{name: network, loadBalancerClass: alibabacloud.com/nlb, annotations: {` + keyword + `zone-maps: "z1:v1,z2:v2"}}`
	return []string{
		`[]`, `[` + private + `]`, `[` + private + `, ` + network + `]`, `[` + network + `, ` + private + `]`, `[` + network + `]`,
		`[{name: private, annotations: {` + keyword + `address-type: internet}}]`,
		`[{"name":"private","annotations":{"` + keyword + `address-type":"intranet"}}]`,
		`[{name: network, loadBalancerClass: alibabacloud.com/nlb, annotations: {` + keyword + `zone-maps: "z2:v2,z1:v1,z3:v3"}}]`,
		`[{name: private, loadBalancerIP: 192.0.2.9}]`, `[{name: private, externalTrafficPolicy: Local, ports: [80]}]`,
		`[{name: private, bogus: true}]`,
	}
}

// annotate changes one annotation, or takes it away.
func (g generator) annotate(gw *v1beta1.IstioGateway) {
	keys := slices.Sorted(maps.Keys(annotations))
	key := keys[g.choose(len(keys))]
	if gw.Annotations == nil {
		gw.Annotations = map[string]string{}
	}
	delete(gw.Annotations, key)
	if g.choose(4) > 0 {
		gw.Annotations[key] = g.of(annotations[key])
	}
}

// register registers most of the clusters.
func (g generator) register() []v1alpha1.GatewayCluster {
	var out []v1alpha1.GatewayCluster
	for _, id := range clusterIDs {
		cluster := v1alpha1.GatewayCluster{}
		cluster.Name = id
		switch g.choose(6) {
		case 0:
			continue
		case 1:
			cluster.Spec.Managed = new(true)
		case 2:
		default:
			cluster.Spec.Mesh = g.profile()
		}
		// Nothing that is rendered may depend on it: clusters of different facts are judged as one.
		cluster.Spec.Facts = &v1alpha1.ClusterFacts{VirtualNodes: []v1alpha1.VirtualNodes{"", "None", "Some", "All"}[g.choose(4)]}
		out = append(out, cluster)
	}
	return out
}

// pin pins mesh profiles in a gateway's status.
func (g generator) pin(gw *v1beta1.IstioGateway) {
	gw.Status.Clusters = nil
	for _, id := range g.some(clusterIDs) {
		entry := v1beta1.ClusterStatus{ClusterID: id}
		if g.choose(3) > 0 {
			entry.Mesh = g.profile()
		}
		gw.Status.Clusters = append(gw.Status.Clusters, entry)
	}
}

// profile is a mesh profile.
func (g generator) profile() *v1alpha1.MeshProfile {
	out := &v1alpha1.MeshProfile{Version: g.of(versions)}
	if g.choose(4) == 0 {
		out.ProxyImage, out.Revision = "registry.example/proxyv2:1", g.of([]string{"", "canary"})
		out.Injection, out.PrivilegedInit = g.choose(3) == 0, g.choose(2) == 0
	}
	return out
}
