package monitoring_test

import "fmt"

// namespace is where gateways live.
const namespace = "istio-system"

// cluster is a GatewayCluster.
func cluster(name, where, image string) string {
	return fmt.Sprintf("{apiVersion: portcullis.dev/v1alpha1, kind: GatewayCluster, metadata: {name: %s}, spec: {%s, mesh: {version: 1.26.0, proxyImage: 'example.com/proxyv2:%s'}}}", name, where, image)
}

// gateway is a gateway in some clusters.
func gateway(name, clusters string) string {
	return fmt.Sprintf("{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, metadata: {name: %s, namespace: %s}, spec: {clusterIds: %s, ports: [{name: http, port: 80, protocol: HTTP}]}}", name, namespace, clusters)
}
