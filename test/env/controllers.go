package env

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// How long the controllers may take to bring the nodes to life, and how often we look.
const (
	startTimeout = time.Minute
	pollInterval = 100 * time.Millisecond
)

// stages tell kwok what becomes of nodes, pods and Services.
//
//go:embed stages.yaml
var stages []byte

// nodes are the fake nodes.
//
//go:embed nodes.yaml
var nodes []byte

// startControllers starts what brings objects to life, and returns when every node is Ready.
func (c *ControlPlane) startControllers(ctx context.Context, assets string) error {
	ca, config := filepath.Join(c.Dir, "ca.crt"), filepath.Join(c.Dir, "stages.yaml")
	if err := os.WriteFile(ca, c.Config.CAData, 0o644); err != nil {
		return fmt.Errorf("writing the CA: %w", err)
	}
	if err := os.WriteFile(config, stages, 0o644); err != nil {
		return fmt.Errorf("writing kwok's stages: %w", err)
	}
	// Port 0 keeps them from serving: nobody asks them anything.
	commands := [][]string{
		{"kube-controller-manager", "--kubeconfig", c.Kubeconfig, "--leader-elect=false", "--secure-port=0",
			"--root-ca-file", ca, "--service-account-private-key-file", filepath.Join(c.Dir, "apiserver", "sa-signer.key"),
			// Each controller is a user of its own, as in clusters of people: policies tell them from administrators.
			"--use-service-account-credentials",
			// Nobody wants to wait the usual 15 seconds for an autoscaler.
			"--horizontal-pod-autoscaler-sync-period=1s"},
		{"kube-scheduler", "--kubeconfig", c.Kubeconfig, "--leader-elect=false", "--secure-port=0"},
		// Leases keep the nodes Ready without a stage for their heartbeats.
		{"kwok", "--kubeconfig", c.Kubeconfig, "--config", config, "--manage-all-nodes", "--node-lease-duration-seconds=40"},
	}
	for _, command := range commands {
		if err := c.Run(filepath.Join(assets, command[0]), command[1:]...); err != nil {
			return err
		}
	}
	return c.createNodes(ctx)
}

// createNodes creates the fake nodes and waits until they are Ready.
func (c *ControlPlane) createNodes(ctx context.Context) error {
	var list corev1.NodeList
	if err := yaml.UnmarshalStrict(nodes, &list); err != nil {
		return fmt.Errorf("reading the nodes: %w", err)
	}
	admin, err := client.New(c.Config, client.Options{})
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	for _, node := range list.Items {
		if err := admin.Create(ctx, &node); err != nil {
			return fmt.Errorf("creating node %s: %w", node.Name, err)
		}
	}
	err = wait.PollUntilContextTimeout(ctx, pollInterval, startTimeout, true, func(ctx context.Context) (bool, error) {
		if err := c.Check(); err != nil {
			return false, err
		}
		var list corev1.NodeList
		err := admin.List(ctx, &list)
		return allReady(list.Items), err
	})
	if err != nil {
		return fmt.Errorf("waiting for the nodes: %w", err)
	}
	return nil
}

// allReady tells whether pods can be scheduled to every node: a taint says not-ready for a moment longer
// than the node itself does.
func allReady(nodes []corev1.Node) bool {
	for _, node := range nodes {
		for _, taint := range node.Spec.Taints {
			if taint.Key == corev1.TaintNodeNotReady {
				return false
			}
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue {
				return false
			}
		}
	}
	return true
}
