package main

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/test/env"
)

// measureFleet measures the controller with many clusters: its memory, and an edit beside a cluster that hangs. All
// clusters are views on one API server, each with its own objects alone.
func measureFleet(ctx context.Context, s sizes, results *table) (err error) {
	hub, err := newStage(ctx, env.Options{Audit: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, hub.plane.Stop()) }()
	elsewhere, err := newStage(ctx, env.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, elsewhere.plane.Stop()) }()
	crew, err := newCrew(ctx, hub)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crew.writes.close()) }()
	views := make([]*view, s.clusters)
	for i := range views {
		if views[i], err = newView(elsewhere.plane.Config, clusterOf(i)); err != nil {
			return err
		}
		defer views[i].close()
		if err := hub.register(ctx, views[i]); err != nil {
			return err
		}
	}
	return crew.measureFleet(ctx, s, views, results)
}

// measureFleet puts a gateway into each cluster, and measures.
func (c *crew) measureFleet(ctx context.Context, s sizes, views []*view, results *table) (err error) {
	if err := createGateways(ctx, c.stage.admin, s.clusters, clusterOf, func(*v1beta1.IstioGateway) {}); err != nil {
		return err
	}
	// One more is here too, beside the cluster that will hang.
	beside, err := newGateway("beside", local, clusterOf(0))
	if err != nil {
		return err
	}
	if err := c.stage.admin.Create(ctx, beside); err != nil {
		return err
	}
	if err := c.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.program.stop()) }()
	if _, err := c.settle(ctx, c.stage.admin); err != nil {
		return err
	}
	if err := results.noteMemory(fmt.Sprintf("controller's memory, %d clusters", s.clusters), 300, c.program); err != nil {
		return err
	}
	views[0].hang()
	return c.stage.measureEdits(ctx, s, "an edit beside a cluster that hangs", func(int) string { return beside.Name }, results)
}

// clusterOf is the ID of one of many clusters.
func clusterOf(i int) string {
	return fmt.Sprintf("c%04d", i)
}

// register registers a cluster, as istioctl create-remote-secret does.
func (s *stage) register(ctx context.Context, view *view) error {
	kubeconfig, err := clientcmd.Write(api.Config{
		Clusters:       map[string]*api.Cluster{"c": {Server: view.url(), CertificateAuthorityData: view.ca()}},
		AuthInfos:      map[string]*api.AuthInfo{"u": {Token: view.id}},
		Contexts:       map[string]*api.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	})
	if err != nil {
		return fmt.Errorf("writing the kubeconfig of cluster %s: %w", view.id, err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "istio-remote-secret-" + view.id, Labels: map[string]string{cluster.LabelRemoteSecret: "true"},
		},
		Data: map[string][]byte{view.id: kubeconfig},
	}
	if err := s.admin.Create(ctx, secret); err != nil {
		return fmt.Errorf("registering cluster %s: %w", view.id, err)
	}
	return nil
}
