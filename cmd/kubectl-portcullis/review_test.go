package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReviewSaysWhatTheGuardWould(t *testing.T) {
	tests := map[string]struct {
		spec   string
		status int
		want   []string
	}{
		"admits a gateway in a registered cluster": {
			`{clusterIds: [c1]}`, 0,
			[]string{"would be admitted"},
		},
		"refuses a gateway without a cluster": {
			`{}`, 1,
			[]string{
				"would be refused",
				"cluster_ids: spec.clusterIds: must name at least one cluster, names none (list the clusters with kubectl get gatewayclusters)",
			},
		},
		"says every reason at once": {
			`{clusterIds: [nowhere], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`, 1,
			[]string{
				"would be refused",
				"cluster_ids: spec.clusterIds[0]: must be the ID of a registered cluster, is nowhere (list the clusters with kubectl get gatewayclusters)",
				"kernel_parameters: spec.kernel.parameters.vm.swappiness: must be a parameter that a pod can set, is one of the whole node (remove it, and set it on the nodes)",
			},
		},
		"warns of what may go in": {
			`{clusterIds: [c1], cpu: {targetAverageUtilization: 80}}`, 0,
			[]string{
				"would be admitted",
				"Warning: autoscaling: spec.maxReplicas: must be set for an autoscaler to be made, is absent (set maxReplicas, or remove the target)",
			},
		},
		"says warnings after the reasons": {
			`{clusterIds: [c1, nowhere], cpu: {targetAverageUtilization: 80}}`, 1,
			[]string{
				"would be refused",
				"cluster_ids: spec.clusterIds[1]: must be the ID of a registered cluster, is nowhere (list the clusters with kubectl get gatewayclusters)",
				"Warning: autoscaling: spec.maxReplicas: must be set for an autoscaler to be made, is absent (set maxReplicas, or remove the target)",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := reviewed(t, "-f", file(t, edgeWith(test.spec)), "--with", file(t, clusters("c1")))
			expect(t, got, test.status, "istiogateway istio-system/edge: "+strings.Join(test.want, "\n  ")+"\n", "")
		})
	}
}

// What the schema refuses no rule sees, and the sentence is the API server's own.
func TestReviewSaysWhatTheAPIServerWould(t *testing.T) {
	tests := map[string]struct{ spec, want string }{
		"an unknown field": {
			`{clusterIds: [c1], replicas: 2}`,
			"schema: spec.replicas: must be a field of IstioGateway, is unknown (see kubectl explain istiogateway.spec)",
		},
		"an unknown field deep inside": {
			`{clusterIds: [c1], compression: {gzip: {level: 1}}}`,
			"schema: spec.compression.gzip.level: must be a field of IstioGateway, is unknown (see kubectl explain istiogateway.spec)",
		},
		"two unknown fields": {
			`{clusterIds: [c1], replicas: 2, Ports: []}`,
			"schema: spec.Ports: must be a field of IstioGateway, is unknown (see kubectl explain istiogateway.spec)\n  " +
				"schema: spec.replicas: must be a field of IstioGateway, is unknown (see kubectl explain istiogateway.spec)",
		},
		"a kernel parameter that does not exist": {
			`{clusterIds: [c1], kernel: {parameters: {fs.file-max: "1"}}}`,
			"schema: spec.kernel.parameters.fs.file-max: must be a field of IstioGateway, is unknown (see kubectl explain istiogateway.spec)",
		},
		"text for a number": {
			`{clusterIds: [c1], replicaCount: two}`,
			`schema: spec.replicaCount: Invalid value: "string": spec.replicaCount in body must be of type integer: "string"`,
		},
		"a number for a kernel parameter": {
			`{clusterIds: [c1], kernel: {parameters: {net.core.somaxconn: 1}}}`,
			`schema: spec.kernel.parameters.net.core.somaxconn: Invalid value: "integer": spec.kernel.parameters.net.core.somaxconn in body must be of type string: "integer"`,
		},
		"an object for a list": {
			`{clusterIds: [c1], ports: {}}`,
			`schema: spec.ports: Invalid value: "object": spec.ports in body must be of type array: "object"`,
		},
		"null for a list": {
			`{clusterIds: [c1], ports: null}`,
			`schema: spec.ports: Invalid value: "null": spec.ports in body must be of type array: "null"`,
		},
		"a number for the spec": {
			`3`,
			`schema: spec: Invalid value: "integer": spec in body must be of type object: "integer"`,
		},
		"a type of gateway that does not exist": {
			`{clusterIds: [c1], gatewayType: cross-network}`,
			`schema: spec.gatewayType: Unsupported value: "cross-network": supported values: "ingress", "egress"`,
		},
		"a minimum above the maximum": {
			`{clusterIds: [c1], minReplicas: 5, maxReplicas: 2}`,
			`schema: spec: Invalid value: minReplicas must not be above maxReplicas`,
		},
		"a cluster that is named twice": {
			`{clusterIds: [c1, c1]}`,
			`schema: spec.clusterIds[1]: Duplicate value: "c1"`,
		},
		"a variable that is set twice": {
			`{clusterIds: [c1], env: [{name: A}, {name: A}]}`,
			`schema: spec.env[1]: Duplicate value: {"name":"A"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := reviewed(t, "-f", file(t, edgeWith(test.spec)), "--with", file(t, clusters("c1")))
			expect(t, got, 1, "istiogateway istio-system/edge: would be refused\n  "+test.want+"\n", "")
		})
	}
}

func TestReviewJudgesEitherVersion(t *testing.T) {
	for _, version := range []string{"v1beta1", "v1"} {
		t.Run(version, func(t *testing.T) {
			text := strings.Replace(edgeWith(`{clusterIds: [c1]}`), "/v1beta1", "/"+version, 1)
			got := decoded[result](t, reviewed(t, "-f", file(t, text), "--with", file(t, clusters("c1")), "-o", "json"))
			if !got.Allowed {
				t.Errorf("refused: %v", got.Denials)
			}
			if want := "istio.alibabacloud.com/" + version; got.Gateway["apiVersion"] != want {
				t.Errorf("got apiVersion %v, want it to stay %s", got.Gateway["apiVersion"], want)
			}
			if spec := got.Gateway["spec"].(map[string]any); spec["replicaCount"] != 1.0 {
				t.Errorf("nothing was filled in: %v", spec)
			}
		})
	}
}

func TestReviewTakesTheNamespaceOfTheFlagWhereAGatewayNamesNone(t *testing.T) {
	homeless := file(t, strings.Replace(edgeWith(`{clusterIds: [c1]}`), ", namespace: istio-system", "", 1))
	with := file(t, clusters("c1"))

	got := reviewed(t, "-f", homeless, "--with", with)
	expect(t, got, 1, "istiogateway default/edge: would be refused\n  namespace: metadata.namespace: must be istio-system, is default (create the gateway in istio-system)\n", "")

	got = reviewed(t, "-f", homeless, "--with", with, "-n", "istio-system")
	expect(t, got, 0, "istiogateway istio-system/edge: would be admitted\n", "")

	got = reviewed(t, "-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "--with", with, "-n", "elsewhere")
	expect(t, got, 0, "istiogateway istio-system/edge: would be admitted\n", "")
}

func TestReviewAdmitsEverySampleOfTheDocumentation(t *testing.T) {
	const folder = "../../docs/samples"
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) < 6 {
		t.Fatalf("found %d samples, want the five gateways and the clusters", len(entries))
	}
	for _, entry := range entries {
		if entry.Name() == "clusters.yaml" {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			got := reviewed(t, "-f", filepath.Join(folder, entry.Name()), "--with", filepath.Join(folder, "clusters.yaml"))
			if got.status != 0 || !strings.Contains(got.out, "would be admitted\n") || got.errOut != "" {
				t.Errorf("got exit status %d\n%s%s", got.status, got.out, got.errOut)
			}
		})
	}
}
