package admission_test

import "strings"

// balancerRows are the rule about load balancers beside a gateway's own.
func balancerRows() []row {
	const field = `load_balancers: metadata.annotations.portcullis.dev/load-balancers: `
	const list = `[{name: private, externalTrafficPolicy: Local}, {name: partners, ports: [443]}]`
	asking := func(balancers, spec string) string {
		return with(`annotations: {portcullis.dev/load-balancers: "`+balancers+`"}`, spec)
	}
	const spec = `{clusterIds: [c8a4b2xxxxxx], ports: [{name: http, port: 80}, {name: https, port: 443}]}`
	return []row{{
		rule: "load_balancers",
		accepted: []asked{
			letIn(asking(list, spec)),
			letIn(asking(`[]`, spec)),
		},
		refused: []asked{
			says(asking(`[{name: a}, {name: b}, {name: c}, {name: d}, {name: e}]`, spec),
				field+`must list at most 4 load balancers, lists 5 (remove some, or make another gateway)`),
			says(asking(list, strings.Replace(spec, "{", "{gatewayType: egress, serviceType: LoadBalancer, ", 1)),
				field+`must be absent on an egress gateway, is set (remove it)`),
			says(asking(list, strings.Replace(spec, "{", "{serviceType: ClusterIP, ", 1)),
				field+`must be absent on a gateway that has no load balancer itself in any cluster, is set (remove it)`),
			{
				beside:  named("edge-private", `{clusterIds: [c8a4b2xxxxxx]}`),
				gateway: asking(list, spec),
				says:    []string{field + `must make Services of names that are free, makes istio-edge-private, which is the Service of gateway istio-system/edge-private (choose another name)`},
			},
		},
	}}
}
