package gateway

import (
	"testing"
)

func TestPorts(t *testing.T) {
	for _, test := range []struct {
		name string
		spec string
		// want lists protocol, name, port and target of each port.
		want string
	}{
		{
			name: "leads a port to its own number",
			spec: `{ports: [{name: http2, port: 80}]}`,
			want: `[["TCP","http2",80,80]]`,
		},
		{
			name: "takes target 0 for none",
			spec: `{ports: [{name: https, port: 443, targetPort: 0}]}`,
			want: `[["TCP","https",443,443]]`,
		},
		{
			name: "takes an empty target for none",
			spec: `{ports: [{name: https, port: 443, targetPort: ""}]}`,
			want: `[["TCP","https",443,443]]`,
		},
		{
			name: "keeps a target, number or name",
			spec: `{ports: [{name: a, port: 80, targetPort: 8080}, {name: b, port: 81, targetPort: status-port}]}`,
			want: `[["TCP","a",80,8080],["TCP","b",81,"status-port"]]`,
		},
		{
			name: "keeps an Istio protocol as it is written",
			spec: `{ports: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 81, protocol: gRPC-Web}]}`,
			want: `[["HTTP","a",80,80],["gRPC-Web","b",81,81]]`,
		},
		{
			name: "names a port after its protocol and number",
			spec: `{ports: [{port: 80, protocol: HTTP}, {port: 443}, {port: 8443, protocol: GRPC-Web, name: ""}]}`,
			want: `[["HTTP","http-80",80,80],["TCP","tcp-443",443,443],["GRPC-Web","grpc-web-8443",8443,8443]]`,
		},
		{
			name: "gives a name that a later port has to that port",
			spec: `{ports: [{port: 80}, {name: tcp-80, port: 81}]}`,
			want: `[["TCP","tcp-80-2",80,80],["TCP","tcp-80",81,81]]`,
		},
		{
			name: "takes a name that an earlier port has for none",
			spec: `{ports: [{name: http, port: 80}, {name: http, port: 8080}]}`,
			want: `[["TCP","http",80,80],["TCP","tcp-8080",8080,8080]]`,
		},
		{
			name: "keeps names apart however many collide",
			spec: `{ports: [{port: 80}, {port: 80, protocol: tcp}, {port: 80, protocol: Tcp}]}`,
			want: `[["TCP","tcp-80",80,80],["tcp","tcp-80-2",80,80],["Tcp","tcp-80-3",80,80]]`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := portsJSON(t, effectiveIn(t, "", test.spec).Ports); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestPortsKeepWhatElseIsWritten(t *testing.T) {
	spec := `{ports: [{name: a, protocol: TCP, port: 80, targetPort: 8080, nodePort: 30080, appProtocol: http}]}`
	expectSame(t, effectiveIn(t, "", spec).Ports, specOf(t, spec).Ports)
}
