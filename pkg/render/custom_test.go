package render

import "testing"

func TestCompressionIsRenderedOnlyWhereItWorks(t *testing.T) {
	tests := map[string]struct {
		spec string
		want bool
	}{
		"nobody asks":                   {`{}`, false},
		"it is off":                     {`{compression: {enabled: false, gzip: {}}}`, false},
		"nobody says whether it is on":  {`{compression: {gzip: {}}}`, false},
		"there is nothing to do it":     {`{compression: {enabled: true}}`, false},
		"an egress gateway asks":        {`{gatewayType: egress, compression: {enabled: true, gzip: {}}}`, false},
		"an ingress gateway asks":       {`{gatewayType: ingress, compression: {enabled: true, gzip: {}}}`, true},
		"a gateway without a type asks": {`{compression: {enabled: true, gzip: {}}}`, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := rendered(t, inputOf(t, test.spec)).EnvoyFilter != nil; got != test.want {
				t.Errorf("rendered: %t, want %t", got, test.want)
			}
		})
	}
}

func TestAGatewayIsMadeOnlyForPortsThatRoutingCanHave(t *testing.T) {
	tests := map[string]struct {
		spec string
		want bool
	}{
		"nobody asks":              {`{ports: [{name: http, port: 80}]}`, false},
		"somebody asks not to":     {`{autoCreateGatewayYaml: false, ports: [{name: http, port: 80}]}`, false},
		"there is no port":         {`{autoCreateGatewayYaml: true}`, false},
		"the proxy's are the only": {`{autoCreateGatewayYaml: true, ports: [{name: status-port, port: 15020}, {name: health, port: 15021}]}`, false},
		"datagrams are the only":   {`{autoCreateGatewayYaml: true, ports: [{name: dns, port: 53, protocol: UDP}]}`, false},
		"there is one":             {`{autoCreateGatewayYaml: true, ports: [{name: http, port: 80}]}`, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := rendered(t, inputOf(t, test.spec)).Gateway != nil; got != test.want {
				t.Errorf("rendered: %t, want %t", got, test.want)
			}
		})
	}
}

func TestServersSpeakWhatThePortsSay(t *testing.T) {
	tests := map[string]string{
		`{name: http, port: 80}`:                                "HTTP",
		`{name: http-web, port: 80}`:                            "HTTP",
		`{name: http2, port: 80}`:                               "HTTP2",
		`{name: grpc-api, port: 80}`:                            "GRPC",
		`{name: https, port: 443}`:                              "TLS",
		`{name: tls-sni, port: 443}`:                            "TLS",
		`{name: mongo, port: 27017}`:                            "MONGO",
		`{name: tcp-0, port: 9000}`:                             "TCP",
		`{name: httpish, port: 9000}`:                           "TCP",
		`{name: web, port: 80, protocol: HTTP}`:                 "HTTP",
		`{name: http, port: 80, appProtocol: grpc}`:             "GRPC",
		`{name: web, port: 80, protocol: TCP, appProtocol: h2}`: "TCP",
	}
	for port, want := range tests {
		t.Run(port, func(t *testing.T) {
			objects := rendered(t, inputOf(t, `{autoCreateGatewayYaml: true, ports: [`+port+`]}`))
			if got := at(t, objects.Gateway, "spec", "servers", 0, "port", "protocol"); got != want {
				t.Errorf("got %v, want %s", got, want)
			}
		})
	}
}
