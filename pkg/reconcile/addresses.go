package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// mostPastAddresses is how many addresses that went are kept of a gateway in a cluster.
const mostPastAddresses = 10

// remembering is what was reported of a cluster, with the addresses that went there so far: who looks for the one that a
// name still resolves to finds it, and when it went. The history is kept by the only writer of the status: a report may be
// older than what is stored.
func remembering(stored, reported v1beta1.ClusterStatus, now time.Time) v1beta1.ClusterStatus {
	var past []v1beta1.PastAddress
	for _, address := range departed(stored.Addresses, reported.Addresses) {
		past = append(past, v1beta1.PastAddress{Address: address, Until: metav1.NewTime(now).Rfc3339Copy()})
	}
	for _, before := range stored.PastAddresses {
		if !slices.Contains(reported.Addresses, before.Address) {
			past = append(past, before)
		}
	}
	reported.PastAddresses = past[:min(len(past), mostPastAddresses)]
	return reported
}

// departed are the addresses of a list that are not in a later one.
func departed(before, after []string) []string {
	return slices.DeleteFunc(slices.Clone(before), func(address string) bool { return slices.Contains(after, address) })
}

// readdressed is what became of a gateway's addresses in one cluster.
type readdressed struct {
	cluster string
	// lost are those that went, gained those that came, and instead those that the latter come instead of: what is lost,
	// or was lost last where there was none.
	lost, gained, instead []string
	// released: the gateway asks for no load balancer there any more.
	released bool
}

// readdressing says what became of a gateway's addresses between two writings of its status; nothing of a cluster where
// none went, now or before.
func readdressing(before, after *v1beta1.IstioGateway) []readdressed {
	var out []readdressed
	for _, entry := range after.Status.Clusters {
		stored, _ := entryOf(before, entry.ClusterID)
		change := readdressed{
			cluster:  entry.ClusterID,
			lost:     departed(stored.Addresses, entry.Addresses),
			gained:   departed(entry.Addresses, stored.Addresses),
			released: entry.ServiceType != corev1.ServiceTypeLoadBalancer,
		}
		if change.instead = change.lost; len(stored.Addresses) == 0 {
			change.instead = lastOf(stored.PastAddresses)
		}
		if len(change.lost) > 0 || len(change.gained) > 0 && len(change.instead) > 0 {
			out = append(out, change)
		}
	}
	return out
}

// lastOf are the addresses that went last, together.
func lastOf(past []v1beta1.PastAddress) []string {
	var out []string
	for _, address := range past {
		if address.Until.Equal(&past[0].Until) {
			out = append(out, address.Address)
		}
	}
	return out
}

// formerly says of a gateway in a cluster which addresses it had there last, and until when; nothing when it never had one.
func formerly(entry v1beta1.ClusterStatus) string {
	last := lastOf(entry.PastAddresses)
	if len(last) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s until %s)", strings.Join(last, ", "), entry.PastAddresses[0].Until.UTC().Format(time.RFC3339))
}
