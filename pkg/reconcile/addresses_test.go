package reconcile

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// went is an address that went some minutes after noon.
func went(address string, minutes int) v1beta1.PastAddress {
	return v1beta1.PastAddress{Address: address, Until: metav1.NewTime(noon.Add(time.Duration(minutes) * time.Minute))}
}

// lostSoFar is how many addresses a worker counted as lost.
func lostSoFar(t *testing.T, worker *gateways) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(worker.lost)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "portcullis_address_lost_total" {
		t.Fatalf("got %v and %v, want the counter alone", families, err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

func TestRememberingKeepsAddressesThatWent(t *testing.T) {
	var many []v1beta1.PastAddress
	for i := range mostPastAddresses {
		many = append(many, went(fmt.Sprintf("192.0.2.%d", i), -i))
	}
	for _, test := range []struct {
		name        string
		past        []v1beta1.PastAddress
		had         []string
		has         []string
		want        []v1beta1.PastAddress
		reportedToo []v1beta1.PastAddress
	}{
		{name: "none at first", has: []string{"a"}},
		{name: "none while it stays", had: []string{"a"}, has: []string{"a"}},
		{name: "none while others come beside it", had: []string{"a"}, has: []string{"a", "b"}},
		{name: "one that went", had: []string{"a"}, want: []v1beta1.PastAddress{went("a", 0)}},
		{name: "one that changed", had: []string{"a"}, has: []string{"b"}, want: []v1beta1.PastAddress{went("a", 0)}},
		{name: "the newest first", past: []v1beta1.PastAddress{went("a", -5)}, had: []string{"b"}, want: []v1beta1.PastAddress{went("b", 0), went("a", -5)}},
		{name: "and when it went", past: []v1beta1.PastAddress{went("a", -5)}, had: []string{"b"}, has: []string{"b"}, want: []v1beta1.PastAddress{went("a", -5)}},
		{name: "but not one that came back", past: []v1beta1.PastAddress{went("b", -2), went("a", -5)}, has: []string{"a"}, want: []v1beta1.PastAddress{went("b", -2)}},
		{name: "ten of them", past: many, had: []string{"a"}, want: append([]v1beta1.PastAddress{went("a", 0)}, many[:mostPastAddresses-1]...)},
		{name: "whatever a report says", past: []v1beta1.PastAddress{went("a", -5)}, reportedToo: many, want: []v1beta1.PastAddress{went("a", -5)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			stored, reported := exposed("home", "LoadBalancer", test.had...), exposed("home", "LoadBalancer", test.has...)
			stored.PastAddresses, reported.PastAddresses = test.past, test.reportedToo
			got := remembering(stored, reported, noon)
			expectEqual(t, "past addresses", fmt.Sprint(got.PastAddresses), fmt.Sprint(test.want))
			expectEqual(t, "addresses", got.Addresses, test.has)
		})
	}
}

func TestEventsOfAddresses(t *testing.T) {
	for _, test := range []struct {
		name     string
		past     []v1beta1.PastAddress
		had, has []string
		kind     string
		want     []string
		lost     float64
	}{
		{name: "are none for the first", has: []string{"a"}},
		{name: "are none for one that stays", had: []string{"a"}, has: []string{"a"}},
		{name: "are none for one beside it", had: []string{"a"}, has: []string{"a", "b"}},
		{
			name: "tell of a change", had: []string{"a"}, has: []string{"b"}, lost: 1,
			want: []string{"Warning AddressChanged Address GatewayCluster/home: Changed address in cluster home from a to b"},
		},
		{
			name: "tell of a loss", had: []string{"a", "b"}, has: []string{"b"}, lost: 1,
			want: []string{"Warning AddressLost Address GatewayCluster/home: Lost address a in cluster home"},
		},
		{
			name: "tell of a loss that was asked for", had: []string{"a"}, kind: "ClusterIP",
			want: []string{"Normal AddressReleased Address GatewayCluster/home: Released address a in cluster home, where no load balancer is asked for any more"},
		},
		{
			name: "tell what came after a loss", past: []v1beta1.PastAddress{went("b", -1), went("a", -1), went("c", -9)}, has: []string{"d"},
			want: []string{"Warning AddressChanged Address GatewayCluster/home: Changed address in cluster home from b, a to d"},
		},
		{
			name: "tell what came back", past: []v1beta1.PastAddress{went("b", -1), went("a", -9)}, has: []string{"b"},
			want: []string{"Normal AddressReturned Address GatewayCluster/home: Got address b in cluster home back"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			stored, reported := exposed("home", "LoadBalancer", test.had...), exposed("home", "LoadBalancer", test.has...)
			stored.PastAddresses = test.past
			if test.kind != "" {
				reported.ServiceType = "ClusterIP"
			}
			gw := gatewayOf(t, `{clusterIds: [home]}`, stored)
			server, recorder := serverFor(t, gw), &recorded{}
			worker := &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server), events: events{recorder}, lost: newLostAddresses()}
			worker.outcomes.report(t.Context(), home, outcome{entry: reported})
			for range 3 {
				expectError(t, pass(t, worker, server), "")
			}
			expectEqual(t, "events", recorder.taken(), test.want)
			expectEqual(t, "lost", lostSoFar(t, worker), test.lost)
		})
	}
}

func TestAddressAssignedSaysWhichAddressThereWas(t *testing.T) {
	entry := exposed("home", "LoadBalancer")
	entry.PastAddresses = []v1beta1.PastAddress{went("b", -1), went("a", -1), went("c", -9)}
	expectEqual(t, "condition", addressAssigned(gatewayOf(t, `{clusterIds: [home]}`, entry)),
		condition("AddressAssigned", "False", "NotAssigned", "The load balancer has no address in: home (b, a until "+noon.Add(-time.Minute).UTC().Format(time.RFC3339)+")"))
}
