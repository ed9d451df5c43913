package render

import (
	"slices"
	"testing"

	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// environmentOf is the proxy's environment by name: a value, or where the value comes from.
func environmentOf(t testing.TB, deployment *appsv1ac.DeploymentApplyConfiguration) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, variable := range deployment.Spec.Template.Spec.Containers[0].Env {
		if _, again := out[*variable.Name]; again {
			t.Errorf("%s comes twice: the API server refuses that", *variable.Name)
		}
		out[*variable.Name] = ""
		if variable.Value != nil {
			out[*variable.Name] = *variable.Value
		}
		if variable.ValueFrom != nil {
			out[*variable.Name] = at(t, variable.ValueFrom)
		}
	}
	return out
}

// namesOf are the names of the proxy's environment, in its order.
func namesOf(deployment *appsv1ac.DeploymentApplyConfiguration) []string {
	var out []string
	for _, variable := range deployment.Spec.Template.Spec.Containers[0].Env {
		out = append(out, *variable.Name)
	}
	return out
}

func TestEnvironmentTellsTheAgentWhoItIs(t *testing.T) {
	field := func(path string) any { return map[string]any{"fieldRef": map[string]any{"fieldPath": path}} }
	limit := func(name string) any { return map[string]any{"resourceFieldRef": map[string]any{"resource": name}} }
	want := map[string]any{
		"PILOT_CERT_PROVIDER":          "istiod",
		"CA_ADDR":                      "istiod.istio-system.svc:15012",
		"POD_NAME":                     field("metadata.name"),
		"POD_NAMESPACE":                field("metadata.namespace"),
		"INSTANCE_IP":                  field("status.podIP"),
		"SERVICE_ACCOUNT":              field("spec.serviceAccountName"),
		"HOST_IP":                      field("status.hostIP"),
		"ISTIO_CPU_LIMIT":              limit("limits.cpu"),
		"GOMEMLIMIT":                   limit("limits.memory"),
		"PROXY_CONFIG":                 `{"discoveryAddress":"istiod.istio-system.svc:15012","drainDuration":"45s","terminationDrainDuration":"45s"}`,
		"ISTIO_META_POD_PORTS":         "[]",
		"ISTIO_META_APP_CONTAINERS":    "",
		"ISTIO_META_CLUSTER_ID":        clusterID,
		"ISTIO_META_NODE_NAME":         field("spec.nodeName"),
		"ISTIO_META_INTERCEPTION_MODE": "REDIRECT",
		"ISTIO_META_WORKLOAD_NAME":     "istio-edge",
		"ISTIO_META_OWNER":             "kubernetes://apis/apps/v1/namespaces/istio-system/deployments/istio-edge",
		"ISTIO_META_MESH_ID":           "cluster.local",
		"TRUST_DOMAIN":                 "cluster.local",
	}
	got := environmentOf(t, rendered(t, inputOf(t, `{}`)).Deployment)
	if asJSON(t, got) != asJSON(t, want) {
		t.Errorf("got  %s\nwant %s", asJSON(t, got), asJSON(t, want))
	}
}

func TestEnvironmentFollowsTheMesh(t *testing.T) {
	got := environmentOf(t, rendered(t, readInput(t, "testdata/mesh-profile.in.yaml")).Deployment)
	for name, want := range map[string]string{
		"CA_ADDR":                "ca.example.com:15012",
		"PROXY_CONFIG":           `{"discoveryAddress":"istiod-canary.istio-system.svc:15012","drainDuration":"45s","terminationDrainDuration":"45s"}`,
		"ISTIO_META_MESH_ID":     "mesh-1",
		"ISTIO_META_NETWORK":     "network-1",
		"TRUST_DOMAIN":           "example.com",
		"ISTIO_META_DNS_CAPTURE": "true",
		"BOOTSTRAP_XDS_AGENT":    "true",
	} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %s", name, got[name], want)
		}
	}
}

func TestEnvironmentIsOrdered(t *testing.T) {
	in := inputOf(t, `{env: [{name: Z, value: a}, {name: A, value: "$(Z)"}]}`)
	in.cluster.Spec.Mesh = meshOf("")
	in.cluster.Spec.Mesh.ProxyMetadata = map[string]string{"META_B": "1", "META_A": "2"}
	in.gateway.Annotations = map[string]string{gateway.AnnotationLogProject: "p"}
	names := namesOf(rendered(t, in).Deployment)
	want := []string{
		"ISTIO_META_MESH_ID", "META_A", "META_B",
		"aliyun_logs_mesh-ingress-log", "aliyun_logs_mesh-ingress-log_project", "aliyun_logs_mesh-ingress-log_logstore",
		"Z", "A",
	}
	if got := names[slices.Index(names, "ISTIO_META_MESH_ID"):]; !slices.Equal(got, want) {
		t.Errorf("got %v, want Istio's own, the mesh's sorted, access logs, and the user's in the user's order: %v", got, want)
	}
}

func TestEnvironmentKeepsTheFirstOfAName(t *testing.T) {
	in := inputOf(t, `{env: [{name: POD_NAME, value: user}, {name: META, value: user}, {name: A, value: first}, {name: A, value: second}]}`)
	in.cluster.Spec.Mesh = meshOf("")
	in.cluster.Spec.Mesh.ProxyMetadata = map[string]string{"META": "mesh", "TRUST_DOMAIN": "mesh"}
	got := environmentOf(t, rendered(t, in).Deployment)
	for name, want := range map[string]string{"META": `"mesh"`, "TRUST_DOMAIN": `"cluster.local"`, "A": `"first"`, "POD_NAME": `{"fieldRef":{"fieldPath":"metadata.name"}}`} {
		if asJSON(t, got[name]) != want {
			t.Errorf("%s: got %s, want %s", name, asJSON(t, got[name]), want)
		}
	}
}

func TestEnvironmentCarriesTheUsersSources(t *testing.T) {
	const env = `[
		{"name":"A","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"spec.nodeName"}}},
		{"name":"B","valueFrom":{"configMapKeyRef":{"key":"k","name":"c","optional":true}}},
		{"name":"C","valueFrom":{"secretKeyRef":{"key":"k","name":"s"}}},
		{"name":"D","valueFrom":{"resourceFieldRef":{"containerName":"istio-proxy","divisor":"1Mi","resource":"limits.memory"}}},
		{"name":"E","valueFrom":{"fileKeyRef":{"key":"k","path":"p","volumeName":"v"}}}]`
	got := environmentOf(t, rendered(t, inputOf(t, `{env: `+env+`}`)).Deployment)
	for name, want := range map[string]string{
		"A": `{"fieldRef":{"apiVersion":"v1","fieldPath":"spec.nodeName"}}`,
		"B": `{"configMapKeyRef":{"key":"k","name":"c","optional":true}}`,
		"C": `{"secretKeyRef":{"key":"k","name":"s"}}`,
		"D": `{"resourceFieldRef":{"containerName":"istio-proxy","divisor":"1Mi","resource":"limits.memory"}}`,
		"E": `{"fileKeyRef":{"key":"k","path":"p","volumeName":"v"}}`,
	} {
		if asJSON(t, got[name]) != want {
			t.Errorf("%s: got %s, want %s", name, asJSON(t, got[name]), want)
		}
	}
}

func TestAccessLogs(t *testing.T) {
	for _, test := range []struct {
		name        string
		annotations map[string]string
		want        map[string]string
	}{
		{
			name: "are left alone without a project",
			annotations: map[string]string{
				gateway.AnnotationLogConfig: "c", gateway.AnnotationLogMachineGroup: "g", gateway.AnnotationLogProject: "",
			},
			want: map[string]string{},
		},
		{
			name:        "go to ASM's log store of the project",
			annotations: map[string]string{gateway.AnnotationLogProject: "p"},
			want: map[string]string{
				"aliyun_logs_mesh-ingress-log":          "stdout",
				"aliyun_logs_mesh-ingress-log_project":  "p",
				"aliyun_logs_mesh-ingress-log_logstore": "mesh-ingress-log",
			},
		},
		{
			name: "reuse a configuration and a machine group",
			annotations: map[string]string{
				gateway.AnnotationLogProject: "p", gateway.AnnotationLogConfig: "c", gateway.AnnotationLogMachineGroup: "g",
			},
			want: map[string]string{
				"aliyun_logs_c": "stdout", "aliyun_logs_c_project": "p", "aliyun_logs_c_logstore": "mesh-ingress-log", "aliyun_logs_c_machinegroup": "g",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := inputOf(t, `{}`)
			usual := environmentOf(t, rendered(t, in).Deployment)
			in.gateway.Annotations = test.annotations
			got := environmentOf(t, rendered(t, in).Deployment)
			for name := range usual {
				delete(got, name)
			}
			if asJSON(t, got) != asJSON(t, test.want) {
				t.Errorf("got %s, want %s", asJSON(t, got), asJSON(t, test.want))
			}
		})
	}
}
