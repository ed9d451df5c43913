package render

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// fragments are parts of a spec that go together in every combination.
var fragments = []string{
	`gatewayType: egress`,
	`serviceType: ClusterIP`,
	`externalTrafficPolicy: Local`,
	`ports: [{port: 80}, {name: tcp-80, port: 443, protocol: HTTPS}]`,
	`replicaCount: 3`,
	`minReplicas: 2`,
	`maxReplicas: 4`,
	`cpu: {targetAverageUtilization: 80}`,
	`autoscaleEnabled: false`,
	`resources: {limits: {cpu: 2000m, memory: 1024Mi}}`,
	`podLabels: {app: other, a: b}`,
	`podAnnotations: {a: b}`,
	`serviceAnnotations: {a: b}`,
	`hostNetwork: true`,
	`runAsRoot: true`,
	`kernel: {enabled: true, parameters: {net.core.somaxconn: "1"}}`,
	`env: [{name: A, value: b}, {name: POD_NAME, value: c}]`,
	`lifecycle: {preStop: {sleep: {seconds: 5}}}`,
	`readinessProbe: {periodSeconds: 5}`,
	`disableContainerPortExposed: false`,
	`secretVolumes: [{name: a, secretName: b, mountPath: /c}]`,
	`configVolumes: [{name: a, configMapName: b, mountPath: /c}]`,
	`tolerations: [{operator: Exists}]`,
	`dnsPolicy: Default`,
}

// overridable are the fragments that may stand in an override too.
var overridable = []string{
	`replicaCount: 5`,
	`minReplicas: 3`,
	`maxReplicas: 6`,
	`cpu: {targetAverageUtilization: 50}`,
	`autoscaleEnabled: true`,
	`resources: {requests: {cpu: 1}}`,
	`podAnnotations: {c: d}`,
	`serviceAnnotations: {c: d}`,
	`serviceType: NodePort`,
}

// some are a few of the parts.
func some(random *rand.Rand, parts []string) []string {
	var out []string
	for _, part := range parts {
		if random.IntN(3) == 0 {
			out = append(out, part)
		}
	}
	return out
}

func TestEveryCombinationRenders(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		spec := `{` + strings.Join(some(random, fragments), `, `) + `}`
		in := inputOf(t, spec)
		in.cluster.Spec.Mesh = meshOf([]string{"1.15", "1.26"}[random.IntN(2)])
		objects := rendered(t, in)

		hpa, replicas := objects.HorizontalPodAutoscaler, objects.Deployment.Spec.Replicas
		if (hpa == nil) == (replicas == nil) {
			t.Errorf("%s: replicas are stated by both or by nobody", spec)
		}
		if budget := objects.PodDisruptionBudget; budget != nil && hpa != nil && *hpa.Spec.MinReplicas < 2 {
			t.Errorf("%s: a budget over one pod", spec)
		}
		if service := objects.Service; service != nil && *service.Spec.Type == "ClusterIP" && service.Spec.ExternalTrafficPolicy != nil {
			t.Errorf("%s: the API server refuses the Service", spec)
		}
		environmentOf(t, objects.Deployment)
	}
}

func TestAnOverrideIsTheSameAsTheSpecForItsCluster(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		parts := some(random, overridable)
		// Nothing below what is overridden, so that merging and writing out must come to the same.
		base := strings.Join(some(random, []string{fragments[0], fragments[3], fragments[13], fragments[14]}), `, `)
		override := strings.Join(parts, `, `)

		inOverride := all(t, rendered(t, inputOf(t, `{`+both(base, `overrides: {`+clusterID+`: {`+override+`}}`)+`}`)))
		inSpec := all(t, rendered(t, inputOf(t, `{`+both(base, override)+`}`)))
		elsewhere := all(t, rendered(t, inputOf(t, `{`+both(base, `overrides: {other: {`+override+`}}`)+`}`)))
		plain := all(t, rendered(t, inputOf(t, `{`+base+`}`)))

		if inOverride != inSpec {
			t.Errorf("%s over %s: got %s, want %s", override, base, inOverride, inSpec)
		}
		if elsewhere != plain {
			t.Errorf("%s in another cluster changes this one", override)
		}
	}
}

// both joins two parts of a mapping, of which either may be empty.
func both(one, other string) string {
	return strings.Trim(one+`, `+other, `, `)
}
