package page

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// pageOfGateways is how many gateways are read at once, so that a thousand of them are never all in memory; mostGateways is
// how many the page shows.
const (
	pageOfGateways = 100
	mostGateways   = 500
)

// fleet are the gateways that a viewer may see.
type fleet struct {
	// Seen is how many there are, Troubled how many of them are not well.
	Seen, Troubled int
	// Gateways with trouble come first; those that would make the page too long are left out.
	Gateways []gatewayRow
	LeftOut  int
	// Hidden says that the viewer may read no gateways anywhere, or that there are some elsewhere than where they may.
	Hidden bool
}

// gatewayRow is one gateway.
type gatewayRow struct {
	Namespace, Name, Type, State string
	Clusters                     []placeRow
	// Troubles are the sentences of its conditions that say that something is not as it should be.
	Troubles []trouble
}

// placeRow is a gateway in one cluster.
type placeRow struct {
	ID, State, Addresses string
	Ready, Wanted        int32
}

// trouble is a condition that is not as it should be, in its own words.
type trouble struct {
	Condition, Reason, Message string
}

// fleet reads all gateways, and keeps what the viewer may list.
func (h *Handler) fleet(ctx context.Context, v *viewer) (fleet, error) {
	everywhere, err := v.may(ctx, "list", gatewaysResource, "")
	if err != nil {
		return fleet{}, err
	}
	var out fleet
	list := &v1beta1.IstioGatewayList{}
	for {
		if err := h.Live.List(ctx, list, client.Limit(pageOfGateways), client.Continue(list.Continue)); err != nil {
			return fleet{}, fmt.Errorf("listing IstioGateways: %w", err)
		}
		for i := range list.Items {
			if err := out.add(ctx, v, everywhere, &list.Items[i]); err != nil {
				return fleet{}, err
			}
		}
		if list.Continue == "" {
			break
		}
	}
	// Nothing tells a viewer who may read none whether there are any.
	out.Hidden = !everywhere
	slices.SortFunc(out.Gateways, byTrouble)
	if len(out.Gateways) > mostGateways {
		out.LeftOut = len(out.Gateways) - mostGateways
		out.Gateways = out.Gateways[:mostGateways]
	}
	return out, nil
}

// add keeps a gateway, if the viewer may list those of its namespace.
func (f *fleet) add(ctx context.Context, v *viewer, everywhere bool, gw *v1beta1.IstioGateway) error {
	if !everywhere {
		here, err := v.may(ctx, "list", gatewaysResource, gw.Namespace)
		if err != nil || !here {
			return err
		}
	}
	row := rowOf(gw)
	f.Seen++
	if len(row.Troubles) > 0 {
		f.Troubled++
	}
	f.Gateways = append(f.Gateways, row)
	return nil
}

// rowOf is what the page says of a gateway.
func rowOf(gw *v1beta1.IstioGateway) gatewayRow {
	row := gatewayRow{Namespace: gw.Namespace, Name: gw.Name, State: cmp.Or(gw.Status.Status, "Pending")}
	if gw.Spec.GatewayType != nil {
		row.Type = string(*gw.Spec.GatewayType)
	}
	for _, entry := range gw.Status.Clusters {
		row.Clusters = append(row.Clusters, placeRow{
			ID: entry.ClusterID, State: string(entry.State), Addresses: strings.Join(entry.Addresses, ", "),
			Ready: entry.ReadyReplicas, Wanted: entry.Replicas,
		})
	}
	for _, condition := range gw.Status.Conditions {
		if !well(condition) {
			row.Troubles = append(row.Troubles, trouble{condition.Type, condition.Reason, condition.Message})
		}
	}
	return row
}

// well says whether a condition is as it should be. Some are good news when they are True, others when they are False, and
// a gateway that wants no load balancer lacks no address.
func well(condition metav1.Condition) bool {
	good := metav1.ConditionTrue
	switch condition.Type {
	case v1beta1.ConditionRestartPending, v1beta1.ConditionPaused, v1beta1.ConditionConflict, v1beta1.ConditionDeletionBlocked:
		good = metav1.ConditionFalse
	}
	return condition.Status == good || condition.Type == v1beta1.ConditionAddressAssigned && condition.Reason == "NoLoadBalancer"
}

// byTrouble puts those first that need somebody most.
func byTrouble(a, b gatewayRow) int {
	return cmp.Or(
		cmp.Compare(len(b.Troubles), len(a.Troubles)),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
	)
}
