package render

import (
	"maps"

	"portcullis.dev/portcullis/pkg/gateway"
)

// The labels that say whose an object is. An object in another cluster than its gateway can have no owner
// reference, so these are what finds it again.
const (
	// LabelGateway is the name of the gateway; the namespace is the object's own.
	LabelGateway = "portcullis.dev/gateway"
	// LabelGatewayUID is the UID of the gateway: one that was deleted and made again is another one.
	LabelGatewayUID = "portcullis.dev/gateway-uid"
	// LabelCluster is the ID of the cluster.
	LabelCluster = "portcullis.dev/cluster"
)

// labelRevision is the control plane's revision, as label and as annotation of pods.
const labelRevision = "istio.io/rev"

// annotationProxyConfig is read by the injector, which lays it over the mesh's ProxyConfig.
const annotationProxyConfig = "proxy.istio.io/config"

// selector selects a gateway's pods. A Deployment's selector cannot be changed, so nothing that anybody can
// edit is in it.
func selector(p gateway.Placed) map[string]string {
	return map[string]string{
		"app":   gateway.ObjectName(p.Name),
		"istio": p.Name,
	}
}

// objectLabels are the labels of every object.
func objectLabels(p gateway.Placed) map[string]string {
	labels := selector(p)
	labels["app.kubernetes.io/part-of"] = "istio"
	labels["app.kubernetes.io/managed-by"] = "portcullis"
	labels[LabelGateway] = p.Name
	labels[LabelGatewayUID] = string(p.UID)
	labels[LabelCluster] = p.ClusterID
	return labels
}

// podLabels are the labels of the pods. Neither UID nor cluster is among them: a gateway that is made again,
// or adopted, must not restart over a label.
func podLabels(p gateway.Placed) map[string]string {
	labels := selector(p)
	if p.Mesh.Injection {
		labels["sidecar.istio.io/inject"] = "true"
		// The injector of the default revision leaves pods alone that name one.
		if p.Mesh.Revision != gateway.DefaultRevision {
			labels[labelRevision] = p.Mesh.Revision
		}
	} else {
		// We render the whole pod; the injector would add a second proxy to it.
		labels["sidecar.istio.io/inject"] = "false"
		labels[labelRevision] = p.Mesh.Revision
		labels["service.istio.io/canonical-name"] = gateway.ObjectName(p.Name)
		labels["service.istio.io/canonical-revision"] = "latest"
	}
	// Nor may ambient mode capture a gateway's traffic.
	labels["istio.io/dataplane-mode"] = "none"
	labels[LabelGateway] = p.Name
	return overlay(p.Spec.PodLabels, labels)
}

// podAnnotations are the annotations of the pods.
func podAnnotations(p gateway.Placed) (map[string]string, error) {
	annotations := map[string]string{
		// Where the agent serves Envoy's metrics and its own as one page.
		"prometheus.io/scrape": "true",
		"prometheus.io/port":   "15020",
		"prometheus.io/path":   "/stats/prometheus",
	}
	if !p.Mesh.Injection {
		annotations[labelRevision] = p.Mesh.Revision
		return overlay(p.Spec.PodAnnotations, annotations), nil
	}
	drain, _, err := drainTimeout(p)
	if err != nil {
		return nil, err
	}
	config, err := inJSON("annotation "+annotationProxyConfig, drainConfig(drain))
	if err != nil {
		return nil, err
	}
	annotations["inject.istio.io/templates"] = "gateway"
	annotations[annotationProxyConfig] = config
	return overlay(p.Spec.PodAnnotations, annotations), nil
}

// overlay is a new map with both; of a key that both have, the one on top wins. The users' are always below
// ours: policy refuses to replace ours, and rendering does not depend on that.
func overlay(below, onTop map[string]string) map[string]string {
	out := make(map[string]string, len(below)+len(onTop))
	maps.Copy(out, below)
	maps.Copy(out, onTop)
	return out
}
