package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// unprivilegedVariable tells the control plane that the proxy cannot bind ports below 1024.
const unprivilegedVariable = "ISTIO_META_UNPRIVILEGED_POD"

// environment is the proxy's environment: Istio's own, what the mesh gives every proxy, access logs, and the
// user's last. Of two variables of one name the first stays: the list is a map to the API server, which
// refuses a name that comes twice.
func environment(p gateway.Placed, drain int64) ([]*corev1ac.EnvVarApplyConfiguration, error) {
	brought, err := istioEnvironment(p, drain)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(p.Mesh.ProxyMetadata)) {
		brought = append(brought, variable(name, p.Mesh.ProxyMetadata[name]))
	}
	users, err := userEnvironment(p)
	if err != nil {
		return nil, err
	}
	// A user's variable of a name that is ours is refused at admission; it must not win here if it got past.
	taken := map[string]bool{}
	all := slices.DeleteFunc(slices.Concat(brought, accessLogEnvironment(p), users), func(v *corev1ac.EnvVarApplyConfiguration) bool {
		again := taken[*v.Name]
		taken[*v.Name] = true
		return again
	})
	if !p.Mesh.Injection {
		return all, nil
	}
	// The injector brings it, and knows it better; but not what follows from the gateway.
	return slices.DeleteFunc(all, func(v *corev1ac.EnvVarApplyConfiguration) bool {
		return slices.Contains(brought, v) && *v.Name != unprivilegedVariable
	}), nil
}

// istioEnvironment tells the agent where its control plane is, who it is and what it may use.
func istioEnvironment(p gateway.Placed, drain int64) ([]*corev1ac.EnvVarApplyConfiguration, error) {
	config, err := proxyConfig(p, drain)
	if err != nil {
		return nil, err
	}
	return append([]*corev1ac.EnvVarApplyConfiguration{
		// Where the certificate comes from, and who signs it.
		variable("PILOT_CERT_PROVIDER", "istiod"),
		variable("CA_ADDR", p.Mesh.CAAddress),
		// Who this pod is; arguments and the user's variables may refer to these.
		fieldVariable("POD_NAME", "metadata.name"),
		fieldVariable("POD_NAMESPACE", "metadata.namespace"),
		fieldVariable("INSTANCE_IP", "status.podIP"),
		fieldVariable("SERVICE_ACCOUNT", "spec.serviceAccountName"),
		fieldVariable("HOST_IP", "status.hostIP"),
		// Envoy's workers and Go's collector go by these, and by the whole node without them.
		resourceVariable("ISTIO_CPU_LIMIT", "limits.cpu"),
		resourceVariable("GOMEMLIMIT", "limits.memory"),
		variable("PROXY_CONFIG", config),
		variable("TRUST_DOMAIN", p.Mesh.TrustDomain),
	}, nodeMetadata(p)...), nil
}

// nodeMetadata is what the control plane is told of this proxy, and shows of it.
func nodeMetadata(p gateway.Placed) []*corev1ac.EnvVarApplyConfiguration {
	name := gateway.ObjectName(p.Name)
	out := []*corev1ac.EnvVarApplyConfiguration{
		// A gateway has no application beside it.
		variable("ISTIO_META_POD_PORTS", "[]"),
		variable("ISTIO_META_APP_CONTAINERS", ""),
		variable("ISTIO_META_CLUSTER_ID", p.ClusterID),
		fieldVariable("ISTIO_META_NODE_NAME", "spec.nodeName"),
		variable("ISTIO_META_INTERCEPTION_MODE", "REDIRECT"),
		variable("ISTIO_META_WORKLOAD_NAME", name),
		variable("ISTIO_META_OWNER", fmt.Sprintf("kubernetes://apis/apps/v1/namespaces/%s/deployments/%s", p.Namespace, name)),
		variable("ISTIO_META_MESH_ID", p.Mesh.MeshID),
	}
	// A mesh of one network names none.
	if p.Mesh.Network != "" {
		out = append(out, variable("ISTIO_META_NETWORK", p.Mesh.Network))
	}
	if unprivileged(p) {
		out = append(out, variable(unprivilegedVariable, "true"))
	}
	return out
}

// proxyConfig is Istio's ProxyConfig as JSON: where to find the control plane and how to drain. The rest is
// left to the agent's defaults, because whatever is in it restarts pods when it changes.
func proxyConfig(p gateway.Placed, drain int64) (string, error) {
	config := drainConfig(drain)
	config["discoveryAddress"] = gateway.ControlPlaneAddress(p.Mesh.Revision)
	return inJSON("PROXY_CONFIG", config)
}

// drainConfig is the part of Istio's ProxyConfig that says how to drain. Envoy closes what is left after the first, the
// agent ends Envoy after the second; set apart, the shorter would make the longer meaningless.
func drainConfig(drain int64) map[string]string {
	seconds := fmt.Sprintf("%ds", drain)
	return map[string]string{"drainDuration": seconds, "terminationDrainDuration": seconds}
}

// inJSON is a value as JSON; name says what it is, for the error.
func inJSON(name string, value any) (string, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("writing %s as JSON: %w", name, err)
	}
	return string(raw), nil
}

// userEnvironment is the environment that the gateway asks for, in its order: a value may refer to variables
// before it.
func userEnvironment(p gateway.Placed) ([]*corev1ac.EnvVarApplyConfiguration, error) {
	var out []*corev1ac.EnvVarApplyConfiguration
	for _, asked := range p.Spec.EnvVars {
		source, err := convert[corev1ac.EnvVarSourceApplyConfiguration](asked.ValueFrom)
		if err != nil {
			return nil, err
		}
		// A divisor that is not set comes out of its type as 0.
		if source != nil && source.ResourceFieldRef != nil && source.ResourceFieldRef.Divisor.IsZero() {
			source.ResourceFieldRef.Divisor = nil
		}
		out = append(out, &corev1ac.EnvVarApplyConfiguration{Name: new(asked.Name), Value: stated(asked.Value), ValueFrom: source})
	}
	return out, nil
}

// variable has a value; an empty one is left out, which is the same and has one spelling.
func variable(name, value string) *corev1ac.EnvVarApplyConfiguration {
	return &corev1ac.EnvVarApplyConfiguration{Name: &name, Value: stated(value)}
}

// fieldVariable has the value of a field of its pod.
func fieldVariable(name, path string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().
		WithFieldRef(corev1ac.ObjectFieldSelector().WithFieldPath(path)))
}

// resourceVariable has the value of a resource of its container.
func resourceVariable(name, resource string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().
		WithResourceFieldRef(corev1ac.ResourceFieldSelector().WithResource(resource)))
}
