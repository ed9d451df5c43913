package render

import (
	"testing"

	"portcullis.dev/portcullis/pkg/gateway"
)

// TestRestarts is ASM's documented list of what restarts pods, and of what the list leaves out.
func TestRestarts(t *testing.T) {
	for _, test := range []struct {
		name       string
		mesh       string
		annotation string
		spec       string
		want       bool
	}{
		{name: "env restarts pods", spec: `{env: [{name: A, value: b}]}`, want: true},
		{name: "resources restart pods", spec: `{resources: {limits: {cpu: "4"}}}`, want: true},
		{name: "configVolumes restart pods", spec: `{configVolumes: [{name: a, configMapName: b, mountPath: /c}]}`, want: true},
		{name: "secretVolumes restart pods", spec: `{secretVolumes: [{name: a, secretName: b, mountPath: /c}]}`, want: true},
		{name: "podLabels restart pods", spec: `{podLabels: {a: b}}`, want: true},
		{name: "podAnnotations restart pods", spec: `{podAnnotations: {a: b}}`, want: true},
		{name: "kernel restarts pods", spec: `{kernel: {enabled: true, parameters: {net.core.somaxconn: "1"}}}`, want: true},
		{name: "kernel.enabled without parameters restarts nothing", spec: `{kernel: {enabled: true}}`, want: false},
		{name: "kernel.parameters that are off restart nothing", spec: `{kernel: {parameters: {net.core.somaxconn: "1"}}}`, want: false},
		{name: "hostNetwork restarts pods", spec: `{hostNetwork: true}`, want: true},
		{name: "dnsPolicy restarts pods", spec: `{dnsPolicy: Default}`, want: true},
		{name: "nodeSelector restarts pods", spec: `{nodeSelector: {a: b}}`, want: true},
		{name: "affinity restarts pods", spec: `{affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: a, operator: Exists}]}}]}}}`, want: true},
		{name: "tolerations restart pods", spec: `{tolerations: [{operator: Exists}]}`, want: true},
		{name: "runAsRoot restarts pods", spec: `{runAsRoot: true}`, want: true},
		{name: "lifecycle restarts pods", spec: `{lifecycle: {preStop: {sleep: {seconds: 5}}}}`, want: true},
		{name: "readinessProbe restarts pods", spec: `{readinessProbe: {periodSeconds: 1}}`, want: true},
		{name: "disableContainerPortExposed restarts pods", spec: `{ports: [{port: 80}], disableContainerPortExposed: false}`, want: true},
		{name: "the drain time restarts pods", annotation: gateway.AnnotationDrainTimeout, spec: `{}`, want: true},
		{name: "the access log's project restarts pods", annotation: gateway.AnnotationLogProject, spec: `{}`, want: true},
		{name: "the access log's configuration alone restarts nothing", annotation: gateway.AnnotationLogConfig, spec: `{}`, want: false},
		{name: "the canary annotation restarts nothing", annotation: gateway.AnnotationCanary, spec: `{}`, want: false},
		{name: "the metrics annotation restarts nothing", annotation: gateway.AnnotationExportMetrics, spec: `{}`, want: false},
		{name: "an annotation of ours restarts nothing", annotation: gateway.AnnotationApprovedBy, spec: `{}`, want: false},
		{name: "ports restart nothing", spec: `{ports: [{port: 80}, {port: 443, protocol: HTTPS}]}`, want: false},
		{name: "ports restart pods before mesh 1.16", mesh: "1.15.9", spec: `{ports: [{port: 80}]}`, want: true},
		{name: "ports restart nothing before mesh 1.16 when they are not exposed", mesh: "1.15.9", spec: `{ports: [{port: 80}], disableContainerPortExposed: true}`, want: false},
		{name: "replicaCount restarts nothing", spec: `{replicaCount: 5}`, want: false},
		{name: "an autoscaler restarts nothing", spec: `{minReplicas: 2, maxReplicas: 5, cpu: {targetAverageUtilization: 80}, memory: {targetAverageUtilization: 80}}`, want: false},
		{name: "how pods roll restarts nothing", spec: `{rollingMaxSurge: "1", rollingMaxUnavailable: "1"}`, want: false},
		{name: "the Service restarts nothing", spec: `{serviceType: ClusterIP, externalTrafficPolicy: Local, loadBalancerClass: a, loadBalancerIP: 192.0.2.1, serviceAnnotations: {a: b}, serviceLabels: {a: b}}`, want: false},
		{name: "gatewayType restarts nothing", spec: `{gatewayType: egress}`, want: false},
		{name: "compression restarts nothing", spec: `{compression: {enabled: true, gzip: {}}}`, want: false},
		{name: "autoCreateGatewayYaml restarts nothing", spec: `{autoCreateGatewayYaml: true}`, want: false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, after := inputOf(t, `{}`), inputOf(t, test.spec)
			if test.annotation != "" {
				after.gateway.Annotations = map[string]string{test.annotation: "30"}
			}
			before.cluster.Spec.Mesh = meshOf(test.mesh)
			after.cluster.Spec.Mesh = meshOf(test.mesh)
			if got := hash(t, rendered(t, before)) != hash(t, rendered(t, after)); got != test.want {
				t.Errorf("restarts pods: %t, want %t", got, test.want)
			}
		})
	}
}

// TestTwoWritingsOfTheSameGiveTheSameBytes is what keeps a tidied-up YAML file from restarting anything.
func TestTwoWritingsOfTheSameGiveTheSameBytes(t *testing.T) {
	for _, test := range []struct {
		name, one, other string
	}{
		{"quantities", `{resources: {limits: {cpu: 2000m, memory: 1024Mi}, requests: {cpu: 0.5}}}`, `{resources: {requests: {cpu: 500m}, limits: {memory: "1073741824", cpu: 2}}}`},
		{"documented defaults", `{ports: [{port: 80}]}`, `{gatewayType: ingress, serviceType: LoadBalancer, externalTrafficPolicy: Cluster, replicaCount: 1, resources: {requests: {cpu: 200m, memory: 256Mi}, limits: {cpu: "2", memory: 2G}}, rollingMaxSurge: 100%, rollingMaxUnavailable: 25%, dnsPolicy: ClusterFirst, hostNetwork: false, kernel: {enabled: false}, ports: [{name: tcp-80, port: 80, targetPort: 80, protocol: TCP}]}`},
		{"readiness numbers", `{}`, `{readinessProbe: {failureThreshold: 4, periodSeconds: 15, successThreshold: 1}}`},
		{"not root", `{}`, `{runAsRoot: false}`},
		{"empty objects", `{}`, `{readinessProbe: {}, resources: {}, kernel: {parameters: {}}, cpu: {}, memory: {}, compression: {}, podLabels: {}, podAnnotations: {}, serviceAnnotations: {}, nodeSelector: {}}`},
		{"empty lists", `{}`, `{env: [], ports: [], tolerations: [], secretVolumes: [], configVolumes: []}`},
		{"the lower bound of an autoscaler", `{maxReplicas: 5, cpu: {targetAverageUtilization: 80}}`, `{minReplicas: 1, maxReplicas: 5, cpu: {targetAverageUtilization: 80}}`},
		{"ports outside the pod template", `{ports: [{port: 80}]}`, `{ports: [{port: 80}], disableContainerPortExposed: true}`},
		{"the case of a protocol", `{ports: [{name: a, port: 80, protocol: http}]}`, `{ports: [{name: a, port: 80, protocol: HTTP}]}`},
		{"a divisor of one", `{env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1}}}]}`, `{env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1000m}}}]}`},
		{"no divisor", `{env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]}`, `{env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 0}}}]}`},
		{"an empty value", `{env: [{name: A}]}`, `{env: [{name: A, value: ""}]}`},
		{"overrides", `{replicaCount: 3, podAnnotations: {a: b}}`, `{overrides: {c8a4b2e19d04: {replicaCount: 3, podAnnotations: {a: b}}}}`},
		{"the other cluster's overrides", `{}`, `{overrides: {c9f3e7a51b60: {replicaCount: 3}}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			one, other := all(t, rendered(t, inputOf(t, test.one))), all(t, rendered(t, inputOf(t, test.other)))
			if one != other {
				t.Errorf("one   %s\nother %s", one, other)
			}
		})
	}
}

func TestPullSecretsAreASet(t *testing.T) {
	in := inputOf(t, `{}`)
	in.cluster.Spec.Mesh = meshOf("")
	in.cluster.Spec.Mesh.ImagePullSecrets = []string{"b", "a", "b"}
	expectAt(t, rendered(t, in).Deployment, `[{"name":"a"},{"name":"b"}]`, pod("imagePullSecrets")...)
}

func TestSchedulingGoesThroughAsItIs(t *testing.T) {
	const affinity = `{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"labelSelector":{"matchLabels":{"app":"istio-edge"}},"topologyKey":"kubernetes.io/hostname"}]}}`
	const tolerations = `[{"effect":"NoSchedule","key":"b","operator":"Equal","value":"c"},{"operator":"Exists","tolerationSeconds":0}]`
	deployment := rendered(t, inputOf(t, `{affinity: `+affinity+`, tolerations: `+tolerations+`, nodeSelector: {a: b}}`)).Deployment
	expectAt(t, deployment, affinity, pod("affinity")...)
	expectAt(t, deployment, tolerations, pod("tolerations")...)
	expectAt(t, deployment, `{"a":"b"}`, pod("nodeSelector")...)
}

func TestResources(t *testing.T) {
	for spec, want := range map[string]string{
		`{}`:                                             `{"limits":{"cpu":"2","memory":"2G"},"requests":{"cpu":"200m","memory":"256Mi"}}`,
		`{resources: {limits: {cpu: 1}}}`:                `{"limits":{"cpu":"1"}}`,
		`{resources: {requests: {cpu: 1}}}`:              `{"requests":{"cpu":"1"}}`,
		`{resources: {claims: [{name: a}]}}`:             `{"claims":[{"name":"a"}]}`,
		`{resources: {claims: [{name: a, request: b}]}}`: `{"claims":[{"name":"a","request":"b"}]}`,
	} {
		expectAt(t, rendered(t, inputOf(t, spec)).Deployment, want, proxy("resources")...)
	}
}
