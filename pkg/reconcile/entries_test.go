package reconcile

import (
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

func TestEntries(t *testing.T) {
	pending := func(id string) v1beta1.ClusterStatus {
		return v1beta1.ClusterStatus{ClusterID: id, State: v1beta1.ClusterPending}
	}
	full := entryIn("home", v1beta1.ClusterReady)
	full.Objects = []v1beta1.ObjectReference{{APIVersion: "v1", Kind: "Service", Name: "istio-edge"}}
	full.Addresses = []string{"203.0.113.1"}
	leaving := full
	leaving.State = v1beta1.ClusterDeleting
	for _, test := range []struct {
		name     string
		spec     string
		deleted  bool
		stored   []v1beta1.ClusterStatus
		reported map[string]outcome
		want     []v1beta1.ClusterStatus
	}{
		{
			name: "begin with each named cluster, pending",
			spec: `{clusterIds: [b, a, b]}`,
			want: []v1beta1.ClusterStatus{pending("a"), pending("b")},
		},
		{
			name:     "take over what was reported",
			spec:     `{clusterIds: [home]}`,
			stored:   []v1beta1.ClusterStatus{pending("home")},
			reported: map[string]outcome{"home": {entry: full}},
			want:     []v1beta1.ClusterStatus{full},
		},
		{
			name:   "keep what is stored while nothing is reported, as after a restart",
			spec:   `{clusterIds: [home]}`,
			stored: []v1beta1.ClusterStatus{full},
			want:   []v1beta1.ClusterStatus{full},
		},
		{
			name:   "add a new cluster and keep the other as it is",
			spec:   `{clusterIds: [home, away]}`,
			stored: []v1beta1.ClusterStatus{full},
			want:   []v1beta1.ClusterStatus{full, pending("away")},
		},
		{
			name:   "keep a cluster that is no longer named until it is reported gone",
			spec:   `{clusterIds: [away]}`,
			stored: []v1beta1.ClusterStatus{full},
			want:   []v1beta1.ClusterStatus{full, pending("away")},
		},
		{
			name:     "follow the removal of a cluster that is no longer named",
			spec:     `{clusterIds: [away]}`,
			stored:   []v1beta1.ClusterStatus{full, pending("away")},
			reported: map[string]outcome{"home": {entry: leaving}},
			want:     []v1beta1.ClusterStatus{leaving, pending("away")},
		},
		{
			name:     "drop a cluster that is gone and not named",
			spec:     `{clusterIds: [away]}`,
			stored:   []v1beta1.ClusterStatus{full, pending("away")},
			reported: map[string]outcome{"home": {entry: full, gone: true}},
			want:     []v1beta1.ClusterStatus{pending("away")},
		},
		{
			name:     "keep a cluster that is gone and named again",
			spec:     `{clusterIds: [home]}`,
			stored:   []v1beta1.ClusterStatus{entryIn("home", v1beta1.ClusterDeleting)},
			reported: map[string]outcome{"home": {entry: full, gone: true}},
			want:     []v1beta1.ClusterStatus{entryIn("home", v1beta1.ClusterDeleting)},
		},
		{
			name:     "begin anew with a cluster that was dropped and is named again",
			spec:     `{clusterIds: [home]}`,
			reported: map[string]outcome{"home": {entry: full, gone: true}},
			want:     []v1beta1.ClusterStatus{pending("home")},
		},
		{
			name:     "take nothing from a report of a cluster that the status does not name",
			spec:     `{clusterIds: [home]}`,
			stored:   []v1beta1.ClusterStatus{full},
			reported: map[string]outcome{"away": {entry: entryIn("away", v1beta1.ClusterReady)}},
			want:     []v1beta1.ClusterStatus{full},
		},
		{
			name:    "add no cluster to a gateway that is being deleted",
			spec:    `{clusterIds: [home, away]}`,
			deleted: true,
			stored:  []v1beta1.ClusterStatus{full},
			want:    []v1beta1.ClusterStatus{full},
		},
		{
			name:     "are none when a deleted gateway is gone everywhere",
			spec:     `{clusterIds: [home]}`,
			deleted:  true,
			stored:   []v1beta1.ClusterStatus{full},
			reported: map[string]outcome{"home": {gone: true}},
			want:     nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			gw := gatewayOf(t, test.spec, test.stored...)
			if test.deleted {
				gw = deleted(gw)
			}
			worker := &gateways{outcomes: outcomesHeld(), approvals: approvalsOn(nil)}
			for id, result := range test.reported {
				worker.outcomes.report(t.Context(), Target{edge, id}, result)
			}
			expectEqual(t, "entries", worker.entries(gw, registeredAs("home", "away")), test.want)
		})
	}
}
