package render

import (
	"testing"

	"portcullis.dev/portcullis/pkg/gateway"
)

// TestReplicas holds the three objects together that say how many pods there are.
func TestReplicas(t *testing.T) {
	for _, test := range []struct {
		name string
		spec string
		// managed is the annotation replicas-managed-by-asm.
		managed string
		// replicas is the Deployment's, null when others count.
		replicas string
		// bounds are minReplicas and maxReplicas of the autoscaler, nothing when there is none.
		bounds []string
		// budget says whether there is a disruption budget.
		budget bool
	}{
		{name: "are one by default, without a budget that nothing could keep", spec: `{}`, replicas: "1"},
		{name: "are the user's", spec: `{replicaCount: 2}`, replicas: "2", budget: true},
		{name: "may be none", spec: `{replicaCount: 0}`, replicas: "0"},
		{name: "are an autoscaler's by CPU", spec: `{replicaCount: 3, maxReplicas: 5, cpu: {targetAverageUtilization: 80}}`, replicas: "null", bounds: []string{"1", "5"}},
		{name: "are an autoscaler's by memory", spec: `{maxReplicas: 5, memory: {targetAverageUtilization: 80}}`, replicas: "null", bounds: []string{"1", "5"}},
		{name: "get a budget when the autoscaler keeps two", spec: `{minReplicas: 2, maxReplicas: 5, cpu: {targetAverageUtilization: 80}}`, replicas: "null", bounds: []string{"2", "5"}, budget: true},
		{name: "get no budget by the count that the autoscaler replaces", spec: `{replicaCount: 9, minReplicas: 1, maxReplicas: 5, cpu: {targetAverageUtilization: 80}}`, replicas: "null", bounds: []string{"1", "5"}},
		{name: "are the user's where nothing bounds an autoscaler", spec: `{replicaCount: 1, cpu: {targetAverageUtilization: 80}}`, replicas: "1"},
		{name: "are the user's where only the lower bound is set", spec: `{replicaCount: 2, minReplicas: 2, cpu: {targetAverageUtilization: 80}}`, replicas: "2", budget: true},
		{name: "are the user's where an autoscaler has nothing to measure", spec: `{replicaCount: 2, minReplicas: 1, maxReplicas: 1}`, replicas: "2", budget: true},
		{name: "are the user's where consoles write empty targets", spec: `{replicaCount: 2, minReplicas: 1, maxReplicas: 1, cpu: {}, memory: {}}`, replicas: "2", budget: true},
		{name: "are the user's when the autoscaler is switched off", spec: `{autoscaleEnabled: false, replicaCount: 2, minReplicas: 3, maxReplicas: 5, cpu: {targetAverageUtilization: 80}}`, replicas: "2", budget: true},
		{name: "are an autoscaler's when it is switched on", spec: `{autoscaleEnabled: true, maxReplicas: 5, cpu: {targetAverageUtilization: 80}}`, replicas: "null", bounds: []string{"1", "5"}},
		{name: "are not an autoscaler's by the switch alone", spec: `{autoscaleEnabled: true}`, replicas: "1"},
		{name: "are others' when the user says so, and none is certain", spec: `{replicaCount: 3}`, managed: "false", replicas: "null"},
		{name: "are others' beside our own autoscaler", spec: `{minReplicas: 2, maxReplicas: 5, cpu: {targetAverageUtilization: 80}}`, managed: "false", replicas: "null", bounds: []string{"2", "5"}, budget: true},
		{name: "stay the user's by any other word", spec: `{replicaCount: 3}`, managed: "true", replicas: "3", budget: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := inputOf(t, test.spec)
			if test.managed != "" {
				in.gateway.Annotations = map[string]string{gateway.AnnotationReplicasManagedByASM: test.managed}
			}
			objects := rendered(t, in)
			expectAt(t, objects.Deployment, test.replicas, "spec", "replicas")
			if got := objects.PodDisruptionBudget != nil; got != test.budget {
				t.Errorf("has a budget: %t, want %t", got, test.budget)
			}
			if test.bounds == nil {
				if objects.HorizontalPodAutoscaler != nil {
					t.Errorf("got autoscaler %s, want none", asJSON(t, objects.HorizontalPodAutoscaler))
				}
				return
			}
			expectAt(t, objects.HorizontalPodAutoscaler, test.bounds[0], "spec", "minReplicas")
			expectAt(t, objects.HorizontalPodAutoscaler, test.bounds[1], "spec", "maxReplicas")
		})
	}
}

func TestAutoscalerScalesTheDeployment(t *testing.T) {
	objects := rendered(t, inputOf(t, `{maxReplicas: 5, cpu: {targetAverageUtilization: 80}, memory: {targetAverageUtilization: 70}}`))
	expectAt(t, objects.HorizontalPodAutoscaler, `{"apiVersion":"apps/v1","kind":"Deployment","name":"istio-edge"}`, "spec", "scaleTargetRef")
	expectAt(t, objects.HorizontalPodAutoscaler, `"cpu"`, "spec", "metrics", 0, "resource", "name")
	expectAt(t, objects.HorizontalPodAutoscaler, `{"averageUtilization":80,"type":"Utilization"}`, "spec", "metrics", 0, "resource", "target")
	expectAt(t, objects.HorizontalPodAutoscaler, `"memory"`, "spec", "metrics", 1, "resource", "name")
	expectAt(t, objects.HorizontalPodAutoscaler, `{"averageUtilization":70,"type":"Utilization"}`, "spec", "metrics", 1, "resource", "target")
}

func TestBudgetLetsAQuarterGo(t *testing.T) {
	budget := rendered(t, inputOf(t, `{replicaCount: 4}`)).PodDisruptionBudget
	expectAt(t, budget, `"25%"`, "spec", "maxUnavailable")
	expectAt(t, budget, `null`, "spec", "minAvailable")
}

func TestRollingUpdate(t *testing.T) {
	for spec, want := range map[string]string{
		`{}`: `{"maxSurge":"100%","maxUnavailable":"25%"}`,
		`{rollingMaxSurge: "1", rollingMaxUnavailable: "0"}`:     `{"maxSurge":1,"maxUnavailable":0}`,
		`{rollingMaxSurge: "0%", rollingMaxUnavailable: "100%"}`: `{"maxSurge":"0%","maxUnavailable":"100%"}`,
	} {
		expectAt(t, rendered(t, inputOf(t, spec)).Deployment, want, "spec", "strategy", "rollingUpdate")
	}
}

func TestABudgetIsNotOverTheCanary(t *testing.T) {
	in := inputOf(t, `{replicaCount: 3}`)
	expectAt(t, rendered(t, in).PodDisruptionBudget, "null", "spec", "selector", "matchExpressions")
	in.gateway.Annotations = map[string]string{gateway.AnnotationCanary: "true"}
	expectAt(t, rendered(t, in).PodDisruptionBudget, `[{"key":"portcullis.dev/canary","operator":"DoesNotExist"}]`, "spec", "selector", "matchExpressions")
}
