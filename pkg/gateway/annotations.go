package gateway

import (
	"slices"
	"strings"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// The annotations of ASM that an IstioGateway may carry. Values are strings: 'true', never true.
const (
	// AnnotationManagedByASM 'true' places a gateway in the mesh's own infrastructure. Mesh 1.18.0.147.
	AnnotationManagedByASM = "asm.alibabacloud.com/managed-by-asm"
	// AnnotationExportMetrics is the ID of the cluster that a managed gateway's metrics go to.
	AnnotationExportMetrics = "asm.alibabacloud.com/export-metrics"
	// AnnotationLogProject is the log project that access logs go to. Changing it restarts pods.
	AnnotationLogProject = "asm.alibabacloud.com/aliyun-logs-project"
	// AnnotationLogConfig is the name of a log collection configuration to reuse. Changing it restarts pods.
	AnnotationLogConfig = "asm.alibabacloud.com/aliyun-logtail-config"
	// AnnotationLogMachineGroup is the log collectors' machine group to reuse. Changing it restarts pods.
	AnnotationLogMachineGroup = "asm.alibabacloud.com/aliyun-logs-machinegroup"
	// AnnotationReplicasManagedByASM "false" leaves the number of pods to somebody else. Mesh 1.19.
	AnnotationReplicasManagedByASM = "asm.alibabacloud.com/replicas-managed-by-asm"
	// AnnotationCanary "true" asks for a canary Deployment of one pod. Mesh 1.20.
	AnnotationCanary = "asm.alibabacloud.com/enable-canary-deployment"
	// AnnotationDrainTimeout is how many seconds connections have to end by themselves when a pod stops.
	// Changing it restarts pods. Mesh 1.26.
	AnnotationDrainTimeout = "asm.alibabacloud.com/gateway-drain-timeout-seconds"
)

// The annotations by which a gateway asks for a certificate. The issuers' are cert-manager's own convention.
// https://cert-manager.io/docs/usage/gateway/#supported-annotations
const (
	// AnnotationIssuer is the name of an Issuer in the gateway's namespace.
	AnnotationIssuer = "cert-manager.io/issuer"
	// AnnotationClusterIssuer is the name of a ClusterIssuer; an Issuer goes before it.
	AnnotationClusterIssuer = "cert-manager.io/cluster-issuer"
	// AnnotationTLSHosts lists the names that the certificate is for, separated by commas.
	AnnotationTLSHosts = "portcullis.dev/tls-hosts"
)

// asmAnnotations is how the annotations of ASM begin.
const asmAnnotations = "asm.alibabacloud.com/"

// Counts says whether an annotation is part of what a gateway asks for, as its spec is: a change of it is a change of what
// runs, and what the guard admits. The others say what the guard and the controller do about the gateway.
func Counts(key string) bool {
	return strings.HasPrefix(key, asmAnnotations) ||
		slices.Contains([]string{AnnotationIssuer, AnnotationClusterIssuer, AnnotationTLSHosts, AnnotationLoadBalancers}, key)
}

// The annotations of the guard. Only its webhook sets them: what anybody else writes there is put back.
const (
	// AnnotationApprovedBy names the ChangeApprovals that let disruptive changes of the gateway in and that the
	// controller has not recorded as used yet, separated by commas.
	AnnotationApprovedBy = "portcullis.dev/approved-by"
	// AnnotationAdmitted is the fingerprint of what the guard last admitted, so that the controller can tell what
	// went past it.
	AnnotationAdmitted = "portcullis.dev/admitted"
)

// AnnotationRelease asks, on a dry run, the guard whether approvals release what is pending of a gateway, of which it is
// the digest. Stored it means nothing.
const AnnotationRelease = "portcullis.dev/release"

// AnnotationForgetCluster lists the IDs of clusters, separated by commas, that will not come back: what is left of a
// gateway there is given up, and no longer keeps the gateway from being deleted.
const AnnotationForgetCluster = "portcullis.dev/forget-cluster"

// Forgotten says whether somebody gave up what is left of a gateway in a cluster.
func Forgotten(gw *v1beta1.IstioGateway, id string) bool {
	return slices.Contains(List(gw.Annotations[AnnotationForgetCluster]), id)
}

// List are the items of a list that an annotation holds, which commas or spaces separate.
func List(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}

// AnnotationPaused "true", or the IDs of clusters separated by commas, keeps the controller from writing what a gateway is
// made of: everywhere, or in those clusters. What the guard refuses it goes on refusing.
const AnnotationPaused = "portcullis.dev/paused"

// Paused says whether somebody asked that nothing of a gateway be written in a cluster. A word that names none of its
// clusters, as "true" does not, means all of them: whoever misspells a pause must not find that it was none. A gateway that
// is deleted is not paused: to delete it is the later wish.
func Paused(gw *v1beta1.IstioGateway, id string) bool {
	value := gw.Annotations[AnnotationPaused]
	if value == "false" || gw.DeletionTimestamp != nil {
		return false
	}
	return slices.ContainsFunc(List(value), func(word string) bool {
		return word == id || !isIn(gw, word)
	})
}

// isIn says whether a gateway is, or shall be, in a cluster.
func isIn(gw *v1beta1.IstioGateway, id string) bool {
	return slices.Contains(gw.Spec.ClusterIDs, id) ||
		slices.ContainsFunc(gw.Status.Clusters, func(entry v1beta1.ClusterStatus) bool { return entry.ClusterID == id })
}

// AnnotationDeletionPolicy says what becomes of a gateway's objects when it is deleted, or leaves a cluster: one of the
// policies here.
const AnnotationDeletionPolicy = "portcullis.dev/deletion-policy"

// DeletionPolicy is what becomes of objects that a gateway leaves behind.
type DeletionPolicy string

// The policies. What is retained is nobody's: it goes on running, and another gateway may adopt it.
const (
	// DeletionDelete deletes everything, the Service last.
	DeletionDelete DeletionPolicy = "Delete"
	// DeletionRetainService deletes everything but Services, and with them keeps the addresses.
	DeletionRetainService DeletionPolicy = "RetainService"
	// DeletionRetain deletes nothing.
	DeletionRetain DeletionPolicy = "Retain"
)

// DeletionPolicyOf is a gateway's policy, and whether its annotation is one; a word that is none counts as Retain, because
// what is deleted by mistake is gone.
func DeletionPolicyOf(gw *v1beta1.IstioGateway) (policy DeletionPolicy, known bool) {
	value, set := gw.Annotations[AnnotationDeletionPolicy]
	if !set {
		return DeletionDelete, true
	}
	policy = DeletionPolicy(value)
	if slices.Contains([]DeletionPolicy{DeletionDelete, DeletionRetainService, DeletionRetain}, policy) {
		return policy, true
	}
	return DeletionRetain, false
}

// Retains says whether a policy keeps objects of a kind.
func (p DeletionPolicy) Retains(kind string) bool {
	return p == DeletionRetain || p == DeletionRetainService && kind == "Service"
}

// AnnotationAdopt says what to do with objects of our names that are somebody else's: "DryRun" tells what taking them would
// change, "Take" takes them. Anything else leaves them alone.
const AnnotationAdopt = "portcullis.dev/adopt"

// The values of AnnotationAdopt.
const (
	AdoptDryRun = "DryRun"
	AdoptTake   = "Take"
)
