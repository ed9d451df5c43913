package reconcile

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

func TestWhoCountsThePods(t *testing.T) {
	const asksForThree, isScaled = `{replicaCount: 3}`, `{replicaCount: 3, minReplicas: 2, maxReplicas: 8, cpu: {targetAverageUtilization: 80}}`
	others := counting{AtFirst: new(int32(2))}
	for name, test := range map[string]struct {
		spec     string
		live     int32
		said     counting
		replicas *int32
		says     counting
	}{
		"the gateway of a new Deployment":                  {asksForThree, 0, counting{}, new(int32(3)), counting{}},
		"the gateway, whatever somebody scaled":            {asksForThree, 9, counting{}, new(int32(3)), counting{}},
		"an autoscaler, which starts with its fewest":      {isScaled, 0, counting{}, nil, others},
		"an autoscaler that comes to live pods":            {isScaled, 9, counting{}, nil, others},
		"the gateway again, keeping what is live":          {asksForThree, 9, others, new(int32(9)), counting{Kept: 9, Asked: 3}},
		"the gateway again, which asks for more than live": {asksForThree, 2, others, new(int32(3)), counting{}},
		"the gateway, which kept them before":              {asksForThree, 5, counting{Kept: 9, Asked: 3}, new(int32(9)), counting{Kept: 9, Asked: 3}},
		"the gateway that asks for another number now":     {asksForThree, 9, counting{Kept: 9, Asked: 4}, new(int32(3)), counting{}},
		"the gateway that asks for more than it kept":      {asksForThree, 2, counting{Kept: 2, Asked: 3}, new(int32(3)), counting{}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := objectsOf(t, test.spec)
			placed := gateway.Placed{}
			placed.Spec.ReplicaCount = new(int32(3))
			var live *appsv1.Deployment
			if test.live > 0 {
				live = &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: new(test.live)}}
			}
			got := plan{objects: objects, placed: placed}.counted(live, test.said)
			expectEqual(t, "replicas", got.objects.Deployment.Spec.Replicas, test.replicas)
			expectEqual(t, "says", got.counting, test.says)
			text, err := got.counting.annotate(nil)
			expectError(t, err, "")
			read, err := countingIn(text)
			expectError(t, err, "")
			expectEqual(t, "reads", read, test.says)
		})
	}
}

func TestANewDeploymentStartsWithThePodsThatOthersKeep(t *testing.T) {
	for name, test := range map[string]struct {
		says string
		want []string
	}{
		"three":              {`{"atFirst":3}`, []string{"apply Deployment istio-edge", "apply Deployment istio-edge"}},
		"one, which it has":  {`{"atFirst":1}`, []string{"apply Deployment istio-edge"}},
		"its own, as stated": {``, []string{"apply Deployment istio-edge"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := apiWith(t)
			server.mute = true
			deployment := objectsOf(t, autoscaled).Deployment.WithAnnotations(map[string]string{annotationReplicas: test.says})
			_, err := newCluster(server, server).apply(t.Context(), deployment, "", false)
			expectError(t, err, "")
			expectEqual(t, "requests", server.calls, test.want)
		})
	}
}
