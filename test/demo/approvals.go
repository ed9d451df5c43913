package main

// What an edit of a bad day would be, and who lets it in. The story's teller is the author; bob may approve.
const (
	blue = `{"spec":{"overrides":{"c9f3e7xxxxxx":{"podAnnotations":{"color":"blue"}}}}}`
	// color is what the pods of the ingress gateway are to be in a cluster.
	color = " get deployment istio-" + ingress + " -n istio-system -o jsonpath='color={.spec.template.metadata.annotations.color}{\"\\n\"}'"
	asBob = "KUBECONFIG=$BOB kubectl portcullis "
)

// approvals is a restart that one person wants and another lets happen, in one cluster of two.
func approvals() []step {
	edit := "kubectl patch igw " + ingress + " --type=merge -p '" + blue + "'"
	return []step{
		{say: "Pods would restart in one cluster of two. Nobody but the author wants it so far.", run: edit, refused: true,
			shows: []string{"restart_approval: spec.overrides.c9f3e7xxxxxx.podAnnotations", "restarts every pod in c9f3e7xxxxxx", "digest sha256:"},
			hides: []string{"every pod in c8a4b2xxxxxx"}},
		{say: "Somebody else sees what it does, and approves exactly that.",
			run:   "kubectl get igw " + ingress + " -o yaml > $WORK/blue.yaml && kubectl patch --local -f $WORK/blue.yaml --type=merge -p '" + blue + "' -o yaml > $WORK/after.yaml && " + asBob + "approve -n istio-system -f $WORK/after.yaml --reason 'CHG-1234: the shop goes blue' --yes",
			shows: []string{"spec.overrides.c9f3e7xxxxxx.podAnnotations", "by bob"}},
		{say: "The same edit as before goes in.", run: edit, shows: []string{"patched"}},
		{say: "Pods restart in the cluster that it was about,",
			run: "kubectl --kubeconfig $ELSEWHERE" + color, shows: []string{"color=blue\n"}, eventually: true},
		{say: "and in no other.", run: "kubectl" + color, shows: []string{"color=\n"}},
		{say: "The approval is used up, and stays as a record.", run: "kubectl portcullis approvals " + ingress, shows: []string{"Used", "bob", "CHG-1234"}, eventually: true},
	}
}

// upgrade is a new proxy image that rolls no gateway by itself, and one when somebody says so.
func upgrade() []step {
	image := func(gateway string) string {
		return "kubectl get deployment istio-" + gateway + " -o jsonpath='image={.spec.template.spec.containers[0].image}{\"\\n\"}'"
	}
	return []step{
		{run: `kubectl patch gatewaycluster c8a4b2xxxxxx --type=merge -p '{"spec":{"mesh":{"proxyImage":"docker.io/istio/proxyv2:1.26.1"}}}'`, shows: []string{"patched"}},
		{say: "A new proxy image restarts nothing. It waits, gateway by gateway.",
			run: "kubectl portcullis rollout", shows: []string{"istio-system/egressgateway", "istio-system/volumes", "UpgradeHeld", "proxyv2:1.26.1"}, eventually: true},
		{run: "kubectl wait igw egressgateway volumes --for=condition=RestartPending --timeout=60s", shows: []string{"condition met"}},
		{run: image("egressgateway"), shows: []string{"proxyv2:1.26.0"}},
		{say: "One approval rolls one gateway.", run: asBob + "rollout egressgateway -n istio-system --reason CHG-1235 --yes", shows: []string{"Approved istio-system/egressgateway"}},
		{run: image("egressgateway"), shows: []string{"proxyv2:1.26.1"}, eventually: true},
		{say: "The other waits on.", run: image("volumes"), shows: []string{"proxyv2:1.26.0"}},
		{say: "The back door is closed.", run: "kubectl rollout restart deployment istio-volumes", refused: true, shows: []string{"IstioGateway", "volumes"}},
	}
}

// leaving is a deletion, which gives up an address and so needs a second person too.
func leaving() []step {
	return []step{
		{say: "A deletion releases the load balancer's address.", run: "kubectl delete igw " + ingress, refused: true, shows: []string{"address_approval", "c8a4b2xxxxxx"}},
		{run: asBob + "approve -n istio-system --delete " + ingress + " --reason CHG-1236 --yes", shows: []string{"by bob"}},
		{run: "kubectl delete igw " + ingress, shows: []string{"deleted"}},
		{run: owned, shows: []string{"No resources found"}, eventually: true},
		{say: "Nor is anything left elsewhere.", run: "kubectl --kubeconfig $ELSEWHERE get deployment,service,serviceaccount -n istio-system -l portcullis.dev/gateway=" + ingress,
			shows: []string{"No resources found"}, eventually: true},
		{say: "The others stay.", run: "kubectl get deployment,service", shows: []string{"istio-egressgateway", "istio-virtual-nodes", "istio-volumes"}},
	}
}
