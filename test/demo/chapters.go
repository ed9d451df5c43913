package main

// The gateways of the samples, and what one of them is in the cluster.
const (
	ingress = "myexample-customingressgateway"
	// owned selects everything that was made of the ingress gateway.
	owned = "kubectl get deployment,hpa,pdb,service,serviceaccount,role,rolebinding -l portcullis.dev/gateway=" + ingress
)

// chapters is the story that the demo tells.
func chapters() []chapter {
	return []chapter{
		{"A platform team registers its clusters", []step{
			{run: "kubectl config set-context --current --namespace=istio-system", shows: []string{"modified"}},
			{run: "kubectl apply -f docs/samples/clusters.yaml", shows: []string{"c8a4b2xxxxxx created", "c9f3e7xxxxxx created", "managed-by-asm created"}},
			{run: "kubectl get gatewayclusters -o custom-columns=CLUSTER:.metadata.name,LOCAL:.spec.local,MANAGED:.spec.managed,MESH:.spec.mesh.version",
				shows: []string{"c8a4b2xxxxxx", "1.26.0.1"}},
		}},
		{"An application team asks before it applies", []step{
			{say: "The same decision as the cluster's, without a cluster.",
				run:   "kubectl portcullis review -f docs/samples/ingress.yaml --with docs/samples/clusters.yaml",
				shows: []string{ingress, "would be admitted"}},
			{say: "Every field says what it does.", run: "kubectl explain igw.spec.minReplicas", shows: []string{"Fewest pods", "Default: 1"}},
		}},
		{"It applies its gateways, and the guard fills in what they leave out", []step{
			{run: "kubectl apply -f docs/samples/ingress.yaml", shows: []string{"created"},
				then: filled("docs/samples/ingress.yaml", ingress, "spec.ports[2].targetPort: 0")},
			{run: "kubectl apply -f docs/samples/egress.yaml", shows: []string{"created"}},
			{run: "kubectl apply -f docs/samples/managed.yaml", shows: []string{"created"},
				then: filled("docs/samples/managed.yaml", "ingressgateway")},
			{say: "Without it, the pods of a serverless gateway would stay away from the nodes that it is for.",
				run: "kubectl get igw ingressgateway -o jsonpath='{.spec.tolerations}{\"\\n\"}'", shows: []string{"virtual-kubelet.io/provider"}},
			{run: "kubectl apply -f docs/samples/virtual-nodes.yaml", shows: []string{"created"},
				then: filled("docs/samples/virtual-nodes.yaml", "virtual-nodes")},
			{run: "kubectl apply -f docs/samples/volumes.yaml", shows: []string{"created"},
				then: filled("docs/samples/volumes.yaml", "volumes")},
		}},
		{"What would hurt does not go in", refusals()},
		{"The controller makes the gateways real", reality()},
		{"An autoscaler scales, and its replicas are left alone", autoscaling()},
		{"A restart needs somebody else's word", approvals()},
		{"A newer proxy rolls nothing by itself", upgrade()},
		{"A deleted gateway leaves nothing", leaving()},
	}
}

// refusals are edits that somebody makes on a bad day, each with the rule that refuses it.
func refusals() []step {
	patch := "kubectl patch igw " + ingress + " --type=merge -p "
	return []step{
		{say: "A typo in a cluster's ID.", refused: true,
			run:   patch + `'{"spec":{"clusterIds":["c8a4b2xxxxxx","c9f3e7xxxxxy"]}}'`,
			shows: []string{"cluster_ids: spec.clusterIds[1]: ", "c9f3e7xxxxxy", "override_clusters: spec.overrides.c9f3e7xxxxxx: "}},
		{say: "An autoscaler that can do nothing right.", refused: true,
			run:   patch + `'{"spec":{"minReplicas":6,"maxReplicas":2}}'`,
			shows: []string{"minReplicas"}},
		{say: "A kernel parameter that belongs to the whole node.", refused: true,
			run:   patch + `'{"spec":{"kernel":{"enabled":true,"parameters":{"vm.swappiness":"10"}}}}'`,
			shows: []string{"kernel_parameters: spec.kernel.parameters.vm.swappiness: "}},
		{say: "A gateway that would never start where it is.", refused: true,
			run:   "sed 's/istio-system/default/' docs/samples/egress.yaml | kubectl apply -f -",
			shows: []string{"namespace: metadata.namespace: "}},
		{say: "A misspelt field, which would be lost in silence.", refused: true,
			run:   "sed 's/egressgateway/another/; s/replicaCount/replicaCuont/' docs/samples/egress.yaml | kubectl apply -f -",
			shows: []string{`unknown field "spec.replicaCuont"`}},
		{say: "The ASM team's cluster takes no node-bound gateway.", refused: true,
			run:   `kubectl patch igw ingressgateway --type=merge -p '{"spec":{"hostNetwork":true}}'`,
			shows: []string{"managed_placement: spec.hostNetwork: "}},
		{say: "Nothing of this went in.",
			run:   "kubectl get igw " + ingress + " -o jsonpath='{.metadata.generation} {.spec.clusterIds}{\"\\n\"}'",
			shows: []string{`1 ["c8a4b2xxxxxx","c9f3e7xxxxxx"]`}},
	}
}

// reality is what the accepted gateways become.
func reality() []step {
	return []step{
		{run: "kubectl wait igw egressgateway virtual-nodes volumes --for=condition=Ready --timeout=60s", shows: []string{"condition met"}},
		{run: "kubectl wait deployment istio-" + ingress + " --for=condition=Available --timeout=60s", shows: []string{"condition met"}},
		{say: "Objects of one gateway.", run: owned, shows: []string{"deployment.apps/istio-" + ingress, "service/istio-" + ingress, "203.0.113."}, eventually: true},
		{say: "Pods run; the virtual node took the pod that asked for it.",
			run:   "kubectl get pods -o wide",
			shows: []string{"istio-egressgateway-", "virtual-kubelet-zone-a"}, hides: []string{"0/1", "Pending"}},
		{run: "kubectl get igw", shows: []string{"203.0.113.", "egressgateway"}, eventually: true},
		{say: "In the other cluster it is what its override says.",
			run:   "kubectl --kubeconfig $ELSEWHERE get deployment istio-" + ingress + " -n istio-system -o jsonpath='replicas={.spec.replicas} memory={.spec.template.spec.containers[0].resources.limits.memory}{\"\\n\"}'",
			shows: []string{"replicas=2 memory=4G"}, eventually: true},
		{say: "What could not be done is said: nobody gave the kubeconfig of the third cluster.",
			run:   `kubectl get igw ingressgateway -o jsonpath='{.status.conditions[?(@.type=="Reconciled")].message}{"\n"}'`,
			shows: []string{"Cluster managed-by-asm: ", "not connected"}, eventually: true},
	}
}

// autoscaling turns an autoscaler on, lets it scale, and edits the gateway meanwhile.
func autoscaling() []step {
	replicas := "kubectl get deployment istio-" + ingress + " -o jsonpath='replicas={.spec.replicas}{\"\\n\"}'"
	return []step{
		{run: "kubectl patch igw " + ingress + ` --type=merge -p '{"spec":{"minReplicas":2,"maxReplicas":5}}'`, shows: []string{"patched"}},
		{say: "Kubernetes' own autoscaler raises one replica to the two that are the fewest.",
			run: replicas, shows: []string{"replicas=2\n"}, eventually: true},
		{run: "kubectl get events --field-selector reason=SuccessfulRescale -o custom-columns=WHO:.involvedObject.name,WHAT:.message",
			shows: []string{"istio-" + ingress, "New size: 2"}, eventually: true},
		{run: "kubectl get hpa istio-" + ingress, shows: []string{"Deployment/istio-" + ingress}},
		{say: "It would scale further on load; here we do what it does then.",
			run: "kubectl scale deployment istio-" + ingress + " --replicas=4", shows: []string{"scaled"}},
		{say: "An edit makes the controller apply everything anew.",
			run:   "kubectl patch igw " + ingress + ` --type=merge -p '{"spec":{"serviceLabels":{"edited":"after-scaling"}}}'`,
			shows: []string{"patched"}},
		{run: "kubectl wait igw " + ingress + " --for=jsonpath='{.status.clusters[0].observedGeneration}'=3 --timeout=60s", shows: []string{"condition met"}},
		{run: "kubectl get service istio-" + ingress + " -L edited", shows: []string{"after-scaling"}},
		{say: "The replicas are the autoscaler's, still.", run: replicas, shows: []string{"replicas=4\n"}},
		{run: "kubectl rollout status deployment istio-" + ingress + " --timeout=60s", shows: []string{"successfully rolled out"}},
	}
}
