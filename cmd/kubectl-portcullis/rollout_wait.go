package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// await waits until each gateway of a wave has rolled and is Ready, and says which one has not.
func (o *rolloutOptions) await(ctx context.Context, server client.Client, wave []v1beta1.IstioGateway) error {
	for i := range wave {
		gw := &wave[i]
		digest, left := gw.Status.Pending.Digest, "it was not read yet"
		err := wait.PollUntilContextTimeout(ctx, o.interval, o.timeout, true, func(ctx context.Context) (bool, error) {
			if err := server.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
				return false, err
			}
			left = missing(gw, digest)
			return left == "", nil
		})
		if wait.Interrupted(err) {
			return fmt.Errorf("rolling IstioGateway %s/%s: it must be Ready within %s, is not: %s; nothing further was approved",
				gw.Namespace, gw.Name, o.timeout.Round(time.Second), left)
		}
		if err != nil {
			return fmt.Errorf("reading IstioGateway %s/%s: %w", gw.Namespace, gw.Name, err)
		}
		if _, err := fmt.Fprintf(o.streams.Out, "Rolled %s/%s\n", gw.Namespace, gw.Name); err != nil {
			return err
		}
	}
	return nil
}

// missing says what a gateway lacks to have rolled; nothing when it is done.
func missing(gw *v1beta1.IstioGateway, digest string) string {
	pending := gw.Status.Pending
	if pending != nil && pending.Digest != digest {
		return "something else is held now"
	}
	if pending != nil {
		return "it has not rolled everywhere"
	}
	ready := meta.FindStatusCondition(gw.Status.Conditions, v1beta1.ConditionReady)
	if ready == nil || ready.ObservedGeneration != gw.Generation {
		return "nothing is reported of its pods"
	}
	if !meta.IsStatusConditionTrue(gw.Status.Conditions, v1beta1.ConditionReady) {
		return ready.Message
	}
	return ""
}
