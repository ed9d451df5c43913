package render

import (
	"strings"
	"testing"
)

func TestContainer(t *testing.T) {
	in := inputOf(t, `{}`)
	in.cluster.Spec.Mesh = meshOf("")
	in.cluster.Spec.Mesh.ProxyImage = "registry.example.com/proxyv2@sha256:0d5b"
	in.cluster.Spec.Mesh.ClusterDomain = "k8s.example.com"
	deployment := rendered(t, in).Deployment

	expectAt(t, deployment, `"istio-proxy"`, proxy("name")...)
	expectAt(t, deployment, `"registry.example.com/proxyv2@sha256:0d5b"`, proxy("image")...)
	expectAt(t, deployment, `["proxy","router","--domain=$(POD_NAMESPACE).svc.k8s.example.com","--proxyLogLevel=warning","--proxyComponentLogLevel=misc:error","--log_output_level=default:info"]`, proxy("args")...)
	expectAt(t, deployment, `null`, pod("containers", 1)...)
	expectAt(t, deployment, `null`, pod("initContainers")...)
	expectAt(t, deployment, `"istio-edge"`, pod("serviceAccountName")...)
}

func TestContainerPorts(t *testing.T) {
	const metrics = `{"containerPort":15020,"name":"metrics","protocol":"TCP"}`
	const status = `{"containerPort":15021,"name":"status-port","protocol":"TCP"}`
	const envoy = `{"containerPort":15090,"name":"http-envoy-prom","protocol":"TCP"}`
	const target = `{"containerPort":8080,"protocol":"TCP"}`
	for _, test := range []struct {
		name string
		mesh string
		spec string
		want []string
	}{
		{name: "are the proxy's own", spec: `{ports: [{port: 80, targetPort: 8080}]}`, want: []string{metrics, status, envoy}},
		{name: "are the proxy's own when the others are left out in so many words", spec: `{disableContainerPortExposed: true, ports: [{port: 80, targetPort: 8080}]}`, want: []string{metrics, status, envoy}},
		{name: "are the Service's too on request", spec: `{disableContainerPortExposed: false, ports: [{port: 80, targetPort: 8080}]}`, want: []string{metrics, status, envoy, target}},
		{name: "are the Service's before mesh 1.16", mesh: "1.15", spec: `{ports: [{port: 80, targetPort: 8080}]}`, want: []string{envoy, target}},
		{name: "are left out before mesh 1.16 on request", mesh: "1.15", spec: `{disableContainerPortExposed: true, ports: [{port: 80, targetPort: 8080}]}`, want: []string{envoy}},
		{name: "are listed once where several lead to one", mesh: "1.15", spec: `{ports: [{port: 80, targetPort: 8080}, {port: 8080, protocol: HTTP}, {port: 15090}]}`, want: []string{envoy, target}},
		{name: "are listed by protocol", mesh: "1.15", spec: `{ports: [{port: 8080, protocol: HTTPS}, {port: 8080, protocol: HTTP3}]}`, want: []string{envoy, target, `{"containerPort":8080,"protocol":"UDP"}`}},
		{name: "are not listed by name", mesh: "1.15", spec: `{ports: [{port: 80, targetPort: http-envoy-prom}]}`, want: []string{envoy}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := inputOf(t, test.spec)
			in.cluster.Spec.Mesh = meshOf(test.mesh)
			expectAt(t, rendered(t, in).Deployment, "["+strings.Join(test.want, ",")+"]", proxy("ports")...)
		})
	}
}

func TestProbes(t *testing.T) {
	const request = `"httpGet":{"path":"/healthz/ready","port":15021,"scheme":"HTTP"},`
	for spec, want := range map[string]string{
		`{}`:                                   `{"failureThreshold":4,` + request + `"periodSeconds":15,"successThreshold":1,"timeoutSeconds":1}`,
		`{readinessProbe: {}}`:                 `{"failureThreshold":4,` + request + `"periodSeconds":15,"successThreshold":1,"timeoutSeconds":1}`,
		`{readinessProbe: {periodSeconds: 2}}`: `{"failureThreshold":4,` + request + `"periodSeconds":2,"successThreshold":1,"timeoutSeconds":1}`,
		`{readinessProbe: {failureThreshold: 30, periodSeconds: 2, successThreshold: 3}}`: `{"failureThreshold":30,` + request + `"periodSeconds":2,"successThreshold":3,"timeoutSeconds":1}`,
	} {
		deployment := rendered(t, inputOf(t, spec)).Deployment
		expectAt(t, deployment, want, proxy("readinessProbe")...)
		// How fast a pod starts does not depend on how it is watched later.
		expectAt(t, deployment, `{"failureThreshold":30,`+request+`"periodSeconds":1,"timeoutSeconds":1}`, proxy("startupProbe")...)
		expectAt(t, deployment, `null`, proxy("livenessProbe")...)
	}
}

func TestLifecycleGoesThroughAsItIs(t *testing.T) {
	const hooks = `{"postStart":{"exec":{"command":["pilot-agent","wait"]}},"preStop":{"httpGet":{"path":"/quit","port":15020}},"stopSignal":"SIGTERM"}`
	expectAt(t, rendered(t, inputOf(t, `{lifecycle: `+hooks+`}`)).Deployment, hooks, proxy("lifecycle")...)
	expectAt(t, rendered(t, inputOf(t, `{}`)).Deployment, `null`, proxy("lifecycle")...)
}

func TestSecurity(t *testing.T) {
	const (
		user  = `{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"privileged":false,"readOnlyRootFilesystem":true,"runAsGroup":1337,"runAsNonRoot":true,"runAsUser":1337}`
		root  = `{"allowPrivilegeEscalation":false,"privileged":false,"readOnlyRootFilesystem":true,"runAsGroup":0,"runAsNonRoot":false,"runAsUser":0}`
		ports = `{"name":"net.ipv4.ip_unprivileged_port_start","value":"0"}`
	)
	for _, test := range []struct {
		name, spec, container, sysctls string
		// unprivileged is the value of ISTIO_META_UNPRIVILEGED_POD, null when the control plane must not know.
		unprivileged string
		hostNetwork  string
	}{
		{"is the proxy's user, which may bind every port", `{}`, user, `[` + ports + `]`, `null`, `null`},
		{"is the proxy's user in so many words", `{runAsRoot: false}`, user, `[` + ports + `]`, `null`, `null`},
		{"is root", `{runAsRoot: true}`, root, `[` + ports + `]`, `null`, `null`},
		{"sets nothing of the node's on the node's network, and says which ports are closed", `{hostNetwork: true, kernel: {enabled: true, parameters: {net.core.somaxconn: "1"}}}`, user, `null`, `"true"`, `true`},
		{"is root on the node's network, which may bind every port", `{hostNetwork: true, runAsRoot: true}`, root, `null`, `null`, `true`},
		{"sets the kernel's parameters, sorted", `{kernel: {enabled: true, parameters: {net.ipv4.tcp_wmem: "1 2 3", net.core.somaxconn: "4"}}}`, user, `[{"name":"net.core.somaxconn","value":"4"},` + ports + `,{"name":"net.ipv4.tcp_wmem","value":"1 2 3"}]`, `null`, `null`},
		{"sets no parameter that is off", `{kernel: {enabled: false, parameters: {net.core.somaxconn: "4"}}}`, user, `[` + ports + `]`, `null`, `null`},
		{"sets no parameter of the node", `{kernel: {enabled: true, parameters: {vm.swappiness: "1", kernel.printk: "1", net.core.netdev_max_backlog: "1", net.ipv4.tcp_max_orphans: "1"}}}`, user, `[` + ports + `]`, `null`, `null`},
		{"takes parameters that are on and none", `{kernel: {enabled: true}}`, user, `[` + ports + `]`, `null`, `null`},
	} {
		t.Run(test.name, func(t *testing.T) {
			deployment := rendered(t, inputOf(t, test.spec)).Deployment
			expectAt(t, deployment, test.container, proxy("securityContext")...)
			expectAt(t, deployment, test.sysctls, pod("securityContext", "sysctls")...)
			expectAt(t, deployment, `{"type":"RuntimeDefault"}`, pod("securityContext", "seccompProfile")...)
			expectAt(t, deployment, test.hostNetwork, pod("hostNetwork")...)
			if got := asJSON(t, environmentOf(t, deployment)["ISTIO_META_UNPRIVILEGED_POD"]); got != test.unprivileged {
				t.Errorf("the control plane is told %s, want %s", got, test.unprivileged)
			}
		})
	}
}
