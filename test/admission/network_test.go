package admission_test

// networkRows are the rules about ports and what runs over them.
func networkRows() []row {
	const drained = `asm.alibabacloud.com/gateway-drain-timeout-seconds`
	draining := func(seconds, spec string) string {
		return with(`annotations: {`+drained+`: "`+seconds+`"}`, spec)
	}
	return []row{
		{
			rule: "ports",
			accepted: []asked{
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], runAsRoot: true, ports: [{name: http2, port: 80, targetPort: 80}, {name: https, port: 443, protocol: HTTPS}, {name: dns, port: 53, protocol: UDP}]}`)),
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], serviceAnnotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type: intranet}, ports: [{name: status-port, port: 15020}]}`)),
				{gateway: gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{name: http, port: 80}]}`), change: `{"spec":{"ports":[{"name":"http","port":8080}]}}`},
			},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{name: a, port: 80, targetPort: 15001}]}`),
					`ports: spec.ports[0].targetPort: must be free for traffic, is 15001, which istio-proxy keeps to itself (choose another target port)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{name: a, port: 80}, {name: a, port: 81}]}`),
					`ports: spec.ports[1].name: must be free, is a like that of spec.ports[0] (choose another one, or remove the port)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: TCP}]}`),
					`ports: spec.ports[1].port: must be free, is 80 over TCP like that of spec.ports[0] (choose another one, or remove the port)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{name: My_Port, port: 80}]}`),
					`ports: spec.ports[0].name: must be a DNS label of at most 63 characters, is My_Port (use lower-case letters, digits and hyphens)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{name: a, port: 80, targetPort: web}]}`),
					`ports: spec.ports[0].targetPort: must be a number, is web: the pods have no port of that name (write the number that the proxy is to listen on)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], hostNetwork: true, ports: [{name: a, port: 80}]}`),
					`ports: spec.ports[0].targetPort: must be at least 1024 on the host's network for a proxy that is not root, is 80 (choose a higher target port, or set spec.runAsRoot to true)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{name: a, port: 80, protocol: SPDY}]}`),
					`ports: spec.ports[0].protocol: must be one of GRPC, GRPC-WEB, HTTP, HTTP2, HTTP3, HTTPS, MONGO, MYSQL, QUIC, REDIS, SCTP, TCP, TLS, UDP, is SPDY (use TCP where none of them is what runs on the port)`),
				says(gw(`{clusterIds: [ancient], ports: [{name: a, port: 80, protocol: HTTP}]}`),
					`ports: spec.ports[0].protocol: must be TCP before mesh 1.9.7.107, is HTTP; the mesh is on 1.9.5 (use TCP, or update the mesh)`),
				changed(gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{name: http, port: 80, targetPort: 80}]}`), `{"spec":{"ports":[{"name":"web","port":8080,"targetPort":80}]}}`,
					`ports: spec.ports[0].name: must stay http while the number changes from 80 to 8080, is web: its node port would be lost (change the number first and the name later, or add the new port before removing the old one)`),
			},
			warned: []asked{says(gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{name: status-port, port: 15020}]}`),
				`ports: spec.ports[0].targetPort: must not lead to the metrics of a pod from a public load balancer, is 15020 in c8a4b2xxxxxx (remove the port, or set the annotation service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type to intranet)`)},
		},
		{
			rule: "drain",
			accepted: []asked{
				letIn(draining("30", `{clusterIds: [c8a4b2xxxxxx]}`)),
				letIn(draining("3600", `{clusterIds: [c8a4b2xxxxxx], serviceType: ClusterIP}`)),
				letIn(gw(`{clusterIds: [old-mesh], serviceAnnotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-connection-drain: "on", service.beta.kubernetes.io/alibaba-cloud-loadbalancer-connection-drain-timeout: "30"}}`)),
			},
			refused: []asked{
				says(draining("5", `{clusterIds: [c8a4b2xxxxxx]}`),
					`drain: metadata.annotations.`+drained+`: must be between 10 and 890 seconds behind a load balancer, is 5 (choose a time between them)`),
				says(draining("891", `{clusterIds: [c8a4b2xxxxxx]}`),
					`drain: metadata.annotations.`+drained+`: must be between 10 and 890 seconds behind a load balancer, is 891 (choose a time between them)`),
				says(draining("soon", `{clusterIds: [c8a4b2xxxxxx]}`),
					`drain: metadata.annotations.`+drained+`: must be a whole number of seconds above 0, is soon (write the number alone, in quotes, such as '30')`),
				says(draining("30", `{clusterIds: [old-mesh]}`),
					`drain: metadata.annotations.`+drained+`: must be on mesh 1.26 or later, is on 1.15.3 (update the mesh, or set the service annotations service.beta.kubernetes.io/alibaba-cloud-loadbalancer-connection-drain: 'on' and service.beta.kubernetes.io/alibaba-cloud-loadbalancer-connection-drain-timeout)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], serviceAnnotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-connection-drain-timeout: "61"}}`),
					`drain: spec.serviceAnnotations.service.beta.kubernetes.io/alibaba-cloud-loadbalancer-connection-drain-timeout: must be at most the 60 seconds that pods have to stop, is 61 (lower it, or raise the annotation `+drained+`)`),
			},
		},
		{
			rule: "compression",
			accepted: []asked{
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], compression: {}}`)),
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], compression: {enabled: true, gzip: {memory_level: 9, window_bits: 15, compression_level: BEST_SPEED}}}`)),
			},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], gatewayType: egress, serviceType: ClusterIP, compression: {enabled: true}}`),
					`compression: spec.compression.enabled: must be false on an egress gateway, is true (remove spec.compression)`),
			},
			warned: []asked{says(gw(`{clusterIds: [c8a4b2xxxxxx], compression: {enabled: true}}`),
				`compression: spec.compression.gzip: must be set for anything to be compressed, is absent (write gzip: {} for Envoy's defaults)`)},
		},
	}
}

// serviceRows is the rule about Services.
func serviceRows() []row {
	const nlb = `loadBalancerClass: alibabacloud.com/nlb, serviceAnnotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-zone-maps: `
	const key = `service.beta.kubernetes.io/alibaba-cloud-loadbalancer-`
	const old = `service.beta.kubernetes.io/alicloud-loadbalancer-`
	return []row{{
		rule: "service",
		accepted: []asked{
			letIn(gw(`{clusterIds: [c8a4b2xxxxxx], externalTrafficPolicy: Local}`)),
			letIn(gw(`{clusterIds: [c8a4b2xxxxxx], ` + nlb + `"cn-hangzhou-k:vsw-a,cn-hangzhou-j:vsw-b"}}`)),
			letIn(gw(`{clusterIds: [bare], serviceType: NodePort}`)),
			letIn(gw(`{clusterIds: [c8a4b2xxxxxx], serviceAnnotations: {` + old + `address-type: internet}}`)),
		},
		refused: []asked{
			says(gw(`{clusterIds: [c8a4b2xxxxxx], serviceType: ClusterIP, externalTrafficPolicy: Local}`),
				`service: spec.externalTrafficPolicy: must be absent on a ClusterIP Service, is Local (remove it)`),
			says(gw(`{clusterIds: [c8a4b2xxxxxx], gatewayType: egress, externalTrafficPolicy: Local}`),
				`service: spec.externalTrafficPolicy: must be absent on an egress gateway, is Local (remove it)`),
			says(gw(`{clusterIds: [c8a4b2xxxxxx], serviceType: NodePort, loadBalancerClass: alibabacloud.com/nlb}`),
				`service: spec.loadBalancerClass: must be absent without serviceType LoadBalancer, is alibabacloud.com/nlb (remove it, or set spec.serviceType to LoadBalancer)`),
			says(gw(`{clusterIds: [old-mesh], loadBalancerClass: example.com/own}`),
				`service: spec.loadBalancerClass: must be absent before mesh 1.18, is example.com/own; the mesh is on 1.15.3 (remove it, or update the mesh)`),
			says(gw(`{clusterIds: [bare]}`),
				`service: spec.serviceType: must be another type in bare, which gives no Service a load balancer, is LoadBalancer (set spec.overrides.bare.serviceType to NodePort or ClusterIP)`),
			says(gw(`{clusterIds: [c8a4b2xxxxxx], `+nlb+`"cn-hangzhou-k:vsw-a"}}`),
				`service: spec.serviceAnnotations.`+key+`zone-maps: must list a vSwitch in each of at least 2 zones, lists 1 (write it as zone-a:vsw-a,zone-b:vsw-b)`),
			says(gw(`{clusterIds: [c8a4b2xxxxxx], serviceAnnotations: {`+old+`spec: slb.s1.small, `+key+`spec: slb.s2.small}}`),
				`service: spec.serviceAnnotations.`+old+`spec: must say the same as `+key+`spec, which is slb.s2.small, is slb.s1.small (remove it: its keyword is the old one)`),
		},
		warned: []asked{says(gw(`{clusterIds: [machines], externalTrafficPolicy: Local}`),
			`service: spec.externalTrafficPolicy: must be Cluster for nodes without a pod to take traffic, is Local with fewer pods than nodes in machines (set it to Cluster, or raise the number of pods to that of the nodes)`)},
	}}
}
