package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
)

// atOnce is how many requests of ours are under way at once: as many as the controller has workers.
const atOnce = 16

// spec is a gateway as people write it: three ports and an autoscaler.
const spec = `
gatewayType: ingress
serviceType: LoadBalancer
externalTrafficPolicy: Local
ports:
- {name: status-port, port: 15021, targetPort: 15021, protocol: TCP}
- {name: http2, port: 80, targetPort: 8080, protocol: TCP}
- {name: https, port: 443, targetPort: 8443, protocol: TCP}
replicaCount: 2
minReplicas: 2
maxReplicas: 10
cpu: {targetAverageUtilization: 80}
resources: {limits: {cpu: "2", memory: 2G}, requests: {cpu: 200m, memory: 256Mi}}
podAnnotations: {team: edge}
serviceAnnotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec: slb.s2.small}
`

// newGateway is a gateway in some clusters, as the guard lets it in.
func newGateway(name string, clusters ...string) (*v1beta1.IstioGateway, error) {
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := yaml.UnmarshalStrict([]byte(spec), &gw.Spec); err != nil {
		return nil, fmt.Errorf("reading the gateway: %w", err)
	}
	gw.Spec.ClusterIDs = clusters
	fingerprint, err := change.Fingerprint(gw)
	if err != nil {
		return nil, err
	}
	metav1.SetMetaDataAnnotation(&gw.ObjectMeta, gateway.AnnotationAdmitted, fingerprint)
	return gw, nil
}

// nameOf is the name of one of many gateways.
func nameOf(i int) string {
	return fmt.Sprintf("g%04d", i)
}

// createGateways creates many gateways, each in the cluster of its number.
func createGateways(ctx context.Context, to client.Client, count int, cluster func(int) string, edit func(*v1beta1.IstioGateway)) error {
	return inParallel(count, func(i int) error {
		gw, err := newGateway(nameOf(i), cluster(i))
		if err != nil {
			return err
		}
		edit(gw)
		if err := to.Create(ctx, gw); err != nil {
			return fmt.Errorf("creating IstioGateway %s: %w", gw.Name, err)
		}
		return nil
	})
}

// inParallel does many things, so many at once.
func inParallel(count int, do func(int) error) error {
	next := make(chan int)
	errs := make([]error, atOnce)
	var workers sync.WaitGroup
	for worker := range atOnce {
		workers.Go(func() {
			for i := range next {
				errs[worker] = errors.Join(errs[worker], do(i))
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	workers.Wait()
	return errors.Join(errs...)
}

// unapplied counts the gateways whose status does not say that all of them is applied.
func unapplied(ctx context.Context, from client.Client) (int, error) {
	list := &v1beta1.IstioGatewayList{}
	if err := from.List(ctx, list); err != nil {
		return 0, fmt.Errorf("listing IstioGateways: %w", err)
	}
	count := 0
	for _, gw := range list.Items {
		if !isApplied(&gw) {
			count++
		}
	}
	return count, nil
}

// isApplied says whether a gateway's status says that all of it is applied.
func isApplied(gw *v1beta1.IstioGateway) bool {
	for _, condition := range gw.Status.Conditions {
		if condition.Type == v1beta1.ConditionReconciled {
			return condition.Status == metav1.ConditionTrue && condition.ObservedGeneration == gw.Generation
		}
	}
	return false
}
