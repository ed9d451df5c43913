package render

import (
	"testing"

	"portcullis.dev/portcullis/pkg/gateway"
)

func TestService(t *testing.T) {
	for _, test := range []struct {
		name string
		spec string
		// want maps a field of the Service's spec to its JSON; null when it must be left out.
		want map[string]string
	}{
		{
			name: "is a load balancer's unless said otherwise",
			spec: `{ports: [{port: 80}]}`,
			want: map[string]string{"type": `"LoadBalancer"`, "externalTrafficPolicy": `"Cluster"`, "loadBalancerClass": "null", "loadBalancerIP": "null"},
		},
		{
			name: "asks a load balancer for its class and address",
			spec: `{ports: [{port: 80}], loadBalancerClass: alibabacloud.com/nlb, loadBalancerIP: 203.0.113.10}`,
			want: map[string]string{"loadBalancerClass": `"alibabacloud.com/nlb"`, "loadBalancerIP": `"203.0.113.10"`},
		},
		{
			name: "asks no load balancer behind a node port",
			spec: `{ports: [{port: 80}], serviceType: NodePort, externalTrafficPolicy: Local, loadBalancerClass: alibabacloud.com/nlb, loadBalancerIP: 203.0.113.10}`,
			want: map[string]string{"type": `"NodePort"`, "externalTrafficPolicy": `"Local"`, "loadBalancerClass": "null", "loadBalancerIP": "null"},
		},
		{
			name: "says nothing of the outside inside a cluster",
			spec: `{ports: [{port: 80}], serviceType: ClusterIP, externalTrafficPolicy: Local, loadBalancerClass: alibabacloud.com/nlb, loadBalancerIP: 203.0.113.10}`,
			want: map[string]string{"type": `"ClusterIP"`, "externalTrafficPolicy": "null", "loadBalancerClass": "null", "loadBalancerIP": "null"},
		},
		{
			name: "says nothing of external traffic on an egress gateway",
			spec: `{ports: [{port: 80}], gatewayType: egress, externalTrafficPolicy: Local}`,
			want: map[string]string{"type": `"LoadBalancer"`, "externalTrafficPolicy": "null"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			service := rendered(t, inputOf(t, test.spec)).Service
			for field, want := range test.want {
				expectAt(t, service, want, "spec", field)
			}
		})
	}
}

func TestServiceHasBothFamiliesWhereItsLoadBalancerHasAnother(t *testing.T) {
	for version, want := range map[string]string{"": "null", "ipv4": "null", "ipv6": `"PreferDualStack"`, "DualStack": `"PreferDualStack"`, "dualstack": `"PreferDualStack"`} {
		for serviceType, want := range map[string]string{"LoadBalancer": want, "NodePort": "null"} {
			service := rendered(t, inputOf(t, `{ports: [{port: 80}], serviceType: `+serviceType+`,
				serviceAnnotations: {`+annotationIPVersion+`: "`+version+`"}}`)).Service
			expectAt(t, service, want, "spec", "ipFamilyPolicy")
			expectAt(t, service, "null", "spec", "ipFamilies")
		}
	}
}

func TestServiceIsLeftOutWithoutPorts(t *testing.T) {
	if got := rendered(t, inputOf(t, `{}`)).Service; got != nil {
		t.Errorf("got %s, want none: the API server refuses a Service without ports", asJSON(t, got))
	}
}

func TestServicePorts(t *testing.T) {
	for _, test := range []struct {
		name, spec, want string
	}{
		{
			name: "keeps their order and names",
			spec: `{ports: [{name: b, port: 81}, {name: a, port: 80}]}`,
			want: `[{"name":"b","port":81,"protocol":"TCP","targetPort":81},{"name":"a","port":80,"protocol":"TCP","targetPort":80}]`,
		},
		{
			name: "carries Istio's protocols over TCP and says which they are",
			spec: `{ports: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 81, protocol: gRPC-Web}]}`,
			want: `[{"appProtocol":"http","name":"a","port":80,"protocol":"TCP","targetPort":80},{"appProtocol":"grpc-web","name":"b","port":81,"protocol":"TCP","targetPort":81}]`,
		},
		{
			name: "carries QUIC and HTTP3 over UDP, beside TCP on the same port",
			spec: `{ports: [{name: a, port: 443, protocol: HTTPS}, {name: b, port: 443, protocol: HTTP3}, {name: c, port: 444, protocol: QUIC}]}`,
			want: `[{"appProtocol":"https","name":"a","port":443,"protocol":"TCP","targetPort":443},{"name":"b","port":443,"protocol":"UDP","targetPort":443},{"name":"c","port":444,"protocol":"UDP","targetPort":444}]`,
		},
		{
			name: "takes the application's protocol from the user first",
			spec: `{ports: [{name: a, port: 80, protocol: HTTP, appProtocol: kubernetes.io/h2c}]}`,
			want: `[{"appProtocol":"kubernetes.io/h2c","name":"a","port":80,"protocol":"TCP","targetPort":80}]`,
		},
		{
			name: "leads to a port by its name",
			spec: `{ports: [{name: a, port: 80, targetPort: status-port}]}`,
			want: `[{"name":"a","port":80,"protocol":"TCP","targetPort":"status-port"}]`,
		},
		{
			name: "asks for a node port that is written",
			spec: `{ports: [{name: a, port: 80, nodePort: 30080}]}`,
			want: `[{"name":"a","nodePort":30080,"port":80,"protocol":"TCP","targetPort":80}]`,
		},
		{
			name: "asks for no node port inside a cluster",
			spec: `{serviceType: ClusterIP, ports: [{name: a, port: 80, nodePort: 30080}]}`,
			want: `[{"name":"a","port":80,"protocol":"TCP","targetPort":80}]`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectAt(t, rendered(t, inputOf(t, test.spec)).Service, test.want, "spec", "ports")
		})
	}
}

func TestServiceAnnotations(t *testing.T) {
	const prefix = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"
	for _, test := range []struct {
		name  string
		spec  string
		drain string
		want  string
	}{
		{name: "are none unless asked for", spec: `{ports: [{port: 80}]}`, want: `null`},
		{name: "are the user's", spec: `{ports: [{port: 80}], serviceAnnotations: {a: b, c: d}}`, want: `{"a":"b","c":"d"}`},
		{name: "are left out behind a node port", spec: `{ports: [{port: 80}], serviceType: NodePort, serviceAnnotations: {a: b}}`, drain: "30", want: `null`},
		{name: "are left out inside a cluster", spec: `{ports: [{port: 80}], serviceType: ClusterIP, serviceAnnotations: {a: b}}`, drain: "30", want: `null`},
		{
			name: "let the load balancer drain as long as the pods", spec: `{ports: [{port: 80}], serviceAnnotations: {a: b}}`, drain: "030",
			want: `{"a":"b","` + prefix + `connection-drain":"on","` + prefix + `connection-drain-timeout":"30"}`,
		},
		{
			name: "leave draining as the user asks for it", drain: "30",
			spec: `{ports: [{port: 80}], serviceAnnotations: {"` + prefix + `connection-drain": "off", "` + prefix + `connection-drain-timeout": "10"}}`,
			want: `{"` + prefix + `connection-drain":"off","` + prefix + `connection-drain-timeout":"10"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := inputOf(t, test.spec)
			if test.drain != "" {
				in.gateway.Annotations = map[string]string{gateway.AnnotationDrainTimeout: test.drain}
			}
			expectAt(t, rendered(t, in).Service, test.want, "metadata", "annotations")
		})
	}
}

func TestServiceLabelsAddToOurs(t *testing.T) {
	service := rendered(t, inputOf(t, `{ports: [{port: 80}], serviceLabels: {team: payments, app: other}}`)).Service
	expectAt(t, service, `"payments"`, "metadata", "labels", "team")
	expectAt(t, service, `"istio-edge"`, "metadata", "labels", "app")
}
