package admission_test

import (
	"fmt"
	"strings"
)

// volumes is a list of so many volumes of ConfigMaps or Secrets.
func volumes(of string, count int) string {
	var out []string
	for i := range count {
		out = append(out, fmt.Sprintf("{name: v%d, %s: v%d, mountPath: /v%d}", i, of, i, i))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// podRows are the rules about what is in a gateway's pods.
func podRows() []row {
	const logs = `annotations: {asm.alibabacloud.com/aliyun-logs-project: logs}`
	return []row{
		{
			rule: "resources",
			accepted: []asked{
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], resources: {limits: {cpu: "2", memory: 4G}, requests: {cpu: 200m, memory: 256Mi}}}`)),
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], resources: {limits: {cpu: "0.5", memory: "1e9"}}}`)),
			},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], resources: {limits: {cpu: "1", memory: 1G}, requests: {memory: 2G}}}`),
					`resources: spec.resources.limits.memory: must be at least the request, which is 2G, is 1G (raise the limit, or lower the request)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], resources: {limits: {cpu: 10m, memory: 1G}}}`),
					`resources: spec.resources.limits.cpu: must be at least 50m for a proxy to start, is 10m (raise the limit)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], resources: {limits: {cpu: "1", memory: 1G}, requests: {cpu: "-1"}}}`),
					`resources: spec.resources.requests.cpu: must be a quantity of 0 or more, is -1 (write it with a unit of Kubernetes, for example 200m or 2Gi)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], overrides: {c9f3e7xxxxxx: {resources: {limits: {cpu: "1", memory: 1M}}}}}`),
					`resources: spec.overrides.c9f3e7xxxxxx.resources.limits.memory: must be at least 64Mi for a proxy to start, is 1M (raise the limit)`),
			},
			warned: []asked{says(gw(`{clusterIds: [c8a4b2xxxxxx], resources: {requests: {cpu: 200m, memory: 256Mi}}}`),
				`resources: spec.resources.limits.cpu: must be set for a proxy to leave something to others on its node, is absent (set the limit)`,
				`resources: spec.resources.limits.memory: must be set for a proxy to leave something to others on its node, is absent (set the limit)`)},
		},
		{
			rule:     "env",
			accepted: []asked{letIn(with(logs, `{clusterIds: [c8a4b2xxxxxx], env: [{name: TZ, value: Asia/Shanghai}, {name: aliyun_logs_own, value: stdout}]}`))},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], env: [{name: TZ, value: UTC}, {name: POD_NAME, value: x}]}`),
					`env: spec.env[1].name: must not be one that istio-proxy's own environment uses, is POD_NAME (remove it, or choose another name)`),
				says(with(logs, `{clusterIds: [c8a4b2xxxxxx], env: [{name: aliyun_logs_mesh-ingress-log, value: stdout}]}`),
					`env: spec.env[0].name: must not be one that istio-proxy's own environment uses, is aliyun_logs_mesh-ingress-log (remove it, or choose another name)`),
			},
		},
		{
			rule: "volumes",
			accepted: []asked{letIn(gw(`{clusterIds: [c8a4b2xxxxxx], secretVolumes: [{name: edge-certs, secretName: istio-edge-certs, mountPath: /etc/istio/edge-certs}],
  configVolumes: [{name: lua, configMapName: lua, mountPath: /etc/lua}]}`))},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], secretVolumes: [{name: certs, secretName: certs, mountPath: /etc/istio/proxy}]}`),
					`volumes: spec.secretVolumes[0].mountPath: must be apart from /etc/istio/proxy, which is taken, is /etc/istio/proxy (choose a path of its own, for example below /etc/my-gateway)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], secretVolumes: [{name: own, secretName: own, mountPath: /own}], configVolumes: [{name: own, configMapName: own, mountPath: /other}]}`),
					`volumes: spec.configVolumes[0].name: must be free, is own like that of another volume of the pod (choose another name)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], configVolumes: [{name: istio-token, configMapName: own, mountPath: /own}]}`),
					`volumes: spec.configVolumes[0].name: must be free, is istio-token like that of another volume of the pod (choose another name)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], secretVolumes: [{name: own, secretName: own, mountPath: /own}], configVolumes: [{name: other, configMapName: other, mountPath: /own}]}`),
					`volumes: spec.configVolumes[0].mountPath: must be apart from /own, which is taken, is /own (choose a path of its own, for example below /etc/my-gateway)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], configVolumes: [{name: lua, configMapName: lua, mountPath: etc/lua}]}`),
					`volumes: spec.configVolumes[0].mountPath: must be an absolute path without .. and :, is etc/lua (write the whole path in the proxy's container, for example /etc/my-gateway)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], configVolumes: [{name: my_lua, configMapName: lua, mountPath: /lua}]}`),
					`volumes: spec.configVolumes[0].name: must be a DNS label of at most 63 characters, is my_lua (use lower-case letters, digits and hyphens)`),
			},
		},
		{
			rule: "labels",
			accepted: []asked{letIn(gw(`{clusterIds: [c8a4b2xxxxxx], podLabels: {security.istio.io/tlsMode: istio, app: istio-edge}, serviceLabels: {team: edge},
  podAnnotations: {k8s.aliyun.com/eci-vswitch: "vsw-a,vsw-b"}}`))},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], podLabels: {app: mine}}`), `labels: spec.podLabels.app: must be istio-edge, is mine (remove it)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], serviceLabels: {istio: mine}}`), `labels: spec.serviceLabels.istio: must be edge, is mine (remove it)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], podAnnotations: {sidecar.istio.io/inject: "true"}}`),
					`labels: spec.podAnnotations.sidecar.istio.io/inject: must be false, is true (remove it)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], podAnnotations: {istio.io/rev: canary}}`),
					`labels: spec.podAnnotations.istio.io/rev: must be left to those who set it themselves, is canary (remove it)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], serviceAnnotations: {portcullis.dev/own: x}}`),
					`labels: spec.serviceAnnotations.portcullis.dev/own: must be left to those who set it themselves, is x (remove it)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], overrides: {c9f3e7xxxxxx: {podAnnotations: {prometheus.io/port: "1"}}}}`),
					`labels: spec.overrides.c9f3e7xxxxxx.podAnnotations.prometheus.io/port: must be 15020, is 1 (remove it)`),
			},
		},
		{
			rule:     "lifecycle",
			accepted: []asked{letIn(gw(`{clusterIds: [c8a4b2xxxxxx], readinessProbe: {periodSeconds: 5, failureThreshold: 3}, lifecycle: {preStop: {sleep: {seconds: 30}}}}`))},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], lifecycle: {preStop: {exec: {command: [sleep, "60"]}}}}`),
					`lifecycle: spec.lifecycle.preStop.exec.command: must end before the 60 seconds that pods have to stop, sleeps 60 (use preStop.sleep, which gives pods as much longer; a command's time is not known)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], lifecycle: {postStart: {tcpSocket: {port: 80}}}}`),
					`lifecycle: spec.lifecycle.postStart.tcpSocket: must be exec, httpGet or sleep, is tcpSocket: kubelets run no such hook (use one of the others, or remove the hook)`),
				says(gw(`{clusterIds: [machines], lifecycle: {preStop: {sleep: {seconds: 5}}}}`),
					`lifecycle: spec.lifecycle.preStop.sleep: must be on Kubernetes 1.30 or later, is on an earlier one in machines (use exec with the command sleep)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], readinessProbe: {successThreshold: 100}}`),
					`lifecycle: spec.readinessProbe.successThreshold: must be met within the 600 seconds that a rollout waits for a pod, takes 1500 (lower it or periodSeconds)`),
			},
			warned: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], readinessProbe: {failureThreshold: 30}}`),
					`lifecycle: spec.readinessProbe.failureThreshold: must take a pod that does not serve out within 300 seconds, takes 450 (lower it or periodSeconds)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], lifecycle: {preStop: {exec: {command: [/bin/sh, -c, sleep 30]}}}}`),
					`lifecycle: spec.lifecycle.preStop.exec.command: must leave pods the 45 seconds that they drain, leaves 30 (use preStop.sleep, which gives pods as much longer; a command's time is not known)`),
			},
		},
	}
}
