package change

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// What these tests hold the prediction against is what comes out of rendering both versions in each cluster by itself:
// the bytes of the pod template, and the Service as the cloud's controller reads it.

// outcome is what a version of a gateway is in a cluster, by its objects.
type outcome struct {
	placed, broken bool
	template       string
	// services are its Services, by their names.
	services map[string]*corev1.Service
}

// outcomeOf renders a version of a gateway in a cluster, under the pins of the stored one.
func outcomeOf(gw, stored *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster, id string) (outcome, error) {
	if gw == nil || !slices.Contains(placesOf(gw, stored, registered), id) {
		return outcome{}, nil
	}
	cluster := v1alpha1.GatewayCluster{}
	cluster.Name = id
	for _, known := range registered {
		if known.Name == id {
			cluster = *known.DeepCopy()
		}
	}
	for _, entry := range stored.Status.Clusters {
		if entry.ClusterID == id && entry.Mesh != nil {
			cluster.Spec.Mesh = entry.Mesh
		}
	}
	objects, err := render.Render(gateway.PlaceNewest(gw, &cluster))
	if err != nil {
		return outcome{placed: true, broken: true}, nil
	}
	template, err := json.Marshal(objects.Deployment.Spec.Template)
	if err != nil {
		return outcome{}, err
	}
	out := outcome{placed: true, template: string(template), services: map[string]*corev1.Service{}}
	for _, object := range objects.List() {
		if *object.GetKind() != "Service" {
			continue
		}
		raw, err := json.Marshal(object)
		if err != nil {
			return outcome{}, err
		}
		service := &corev1.Service{}
		if err := json.Unmarshal(raw, service); err != nil {
			return outcome{}, err
		}
		out.services[service.Name] = service
	}
	return out, nil
}

// placesOf lists the clusters where a gateway is.
func placesOf(gw, stored *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) []string {
	if gw.Annotations[gateway.AnnotationManagedByASM] != "true" {
		return gw.Spec.ClusterIDs
	}
	var managed, pinned []string
	for _, cluster := range registered {
		if cluster.Spec.Managed != nil && *cluster.Spec.Managed {
			managed = append(managed, cluster.Name)
		}
	}
	for _, entry := range stored.Status.Clusters {
		pinned = append(pinned, entry.ClusterID)
	}
	if len(managed) == 0 {
		return pinned
	}
	return []string{slices.Min(managed)}
}

// restarted says whether pods are replaced between two outcomes. What is broken counts as it.
func restarted(before, after outcome) bool {
	if !before.placed || !after.placed {
		return false
	}
	return before.broken || after.broken || before.template != after.template
}

// released says whether an address is given away between two outcomes. What is broken counts as it.
func released(before, after outcome) bool {
	if before.broken || after.broken {
		return true
	}
	for name, service := range before.services {
		if service.Spec.Type != corev1.ServiceTypeLoadBalancer {
			continue
		}
		stays := after.services[name]
		if stays == nil || stays.Spec.Type != corev1.ServiceTypeLoadBalancer ||
			controllerOf(service) != controllerOf(stays) || !staysAsItIs(service, stays) {
			return true
		}
	}
	return false
}

// controllerOf names the controller that takes a Service, and all by which it decides to.
func controllerOf(service *corev1.Service) string {
	class := "no class"
	if service.Spec.LoadBalancerClass != nil {
		class = "class " + *service.Spec.LoadBalancerClass
	}
	_, tunnel := service.Annotations["service.beta.kubernetes.io/alibaba-cloud-loadbalancer-tunnel-type"]
	words := []string{class, service.Annotations["service.beta.kubernetes.io/alibaba-cloud-loadbalancer-type"], service.Annotations["service.beta.kubernetes.io/class"]}
	if tunnel {
		words = append(words, "tunnel")
	}
	return strings.Join(words, "|")
}

// staysAsItIs goes through what the controllers of classic and of network load balancers compare, each for its own.
func staysAsItIs(before, after *corev1.Service) bool {
	if before.Spec.LoadBalancerIP != after.Spec.LoadBalancerIP {
		return false
	}
	controller := controllerOf(before)
	network := strings.HasPrefix(controller, "class alibabacloud.com/nlb|") || strings.HasPrefix(controller, "no class|nlb|")
	classic := controller == "no class||"
	shared := []string{"id=", "ip-version=ipv4", "resource-group-id=", "address-type=internet"}
	ofClassic := []string{"master-zoneid=", "slave-zoneid=", "network-type=", "ip="}
	ofNetwork := []string{"ipv6-address-type="}
	compared := shared
	if !network {
		compared = append(compared, ofClassic...)
	}
	if !classic {
		compared = append(compared, ofNetwork...)
	}
	for _, attribute := range compared {
		name, standard, _ := strings.Cut(attribute, "=")
		if asked(before, name, standard) != asked(after, name, standard) {
			return false
		}
	}
	return classic || zonesStay(asked(before, "zone-maps", ""), asked(after, "zone-maps", ""))
}

// zonesStay says whether each zone of the first list is in the second.
func zonesStay(before, after string) bool {
	for zone := range strings.SplitSeq(before, ",") {
		if before != "" && !strings.Contains(","+after+",", ","+zone+",") {
			return false
		}
	}
	return true
}

// asked is what a Service asks of its load balancer, as the controllers read it.
func asked(service *corev1.Service, name, standard string) string {
	for _, prefix := range []string{"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-", "service.beta.kubernetes.io/alicloud-loadbalancer-"} {
		if value, ok := service.Annotations[prefix+name]; ok {
			return cmp.Or(value, standard)
		}
	}
	return standard
}

// inYAML writes a value for people.
func inYAML(value any) string {
	raw, err := yaml.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
