package reconcile

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// other is another gateway than edge.
var other = types.NamespacedName{Namespace: "istio-system", Name: "other"}

func TestOutcomesKeepTheLastReportOfEachTarget(t *testing.T) {
	held := outcomesHeld()
	held.report(t.Context(), home, outcome{entry: failedIn("home", "refused")})
	held.report(t.Context(), home, outcome{entry: entryIn("home", v1beta1.ClusterReady)})
	held.report(t.Context(), Target{edge, "away"}, outcome{entry: entryIn("away", v1beta1.ClusterDeleting), gone: true})
	held.report(t.Context(), Target{other, "home"}, outcome{entry: entryIn("home", v1beta1.ClusterPending)})

	expectEqual(t, "what is known of edge", held.placed.of(edge), map[string]outcome{
		"home": {entry: entryIn("home", v1beta1.ClusterReady)},
		"away": {entry: entryIn("away", v1beta1.ClusterDeleting), gone: true},
	})
	expectEqual(t, "what is known of a gateway without reports", len(held.placed.of(types.NamespacedName{Name: "unknown"})), 0)
}

func TestOutcomesWakeTheGatewayOnceForEachReport(t *testing.T) {
	held := outcomesHeld()
	held.report(t.Context(), home, outcome{})
	held.report(t.Context(), Target{other, "away"}, outcome{})

	var woken []types.NamespacedName
	for len(held.changed) > 0 {
		woken = append(woken, (<-held.changed).Object)
	}
	expectEqual(t, "woken", woken, []types.NamespacedName{edge, other})
}

func TestOutcomesAreKeptWhenNobodyListensAnyMore(t *testing.T) {
	held := newOutcomes()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	held.report(ctx, home, outcome{gone: true}) // returns, though nobody reads

	expectEqual(t, "what is known", held.placed.of(edge), map[string]outcome{"home": {gone: true}})
}

func TestOutcomesGiveOutACopy(t *testing.T) {
	held := outcomesHeld()
	held.report(t.Context(), home, outcome{})
	given := held.placed.of(edge)
	given["away"] = outcome{gone: true}

	expectEqual(t, "what is known", held.placed.of(edge), map[string]outcome{"home": {}})
}

func TestForgetGone(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries []string
		left    []string
	}{
		{name: "keeps what the status names", entries: []string{"home", "away"}, left: []string{"away", "home"}},
		{name: "drops what the status names no longer", entries: []string{"home"}, left: []string{"home"}},
		{name: "drops everything with the last entry", left: []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			held := outcomesHeld()
			held.report(t.Context(), home, outcome{})
			held.report(t.Context(), Target{edge, "away"}, outcome{gone: true})
			held.report(t.Context(), Target{other, "home"}, outcome{})
			gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: edge.Namespace, Name: edge.Name}}
			for _, id := range test.entries {
				gw.Status.Clusters = append(gw.Status.Clusters, entryIn(id, v1beta1.ClusterReady))
			}
			held.forgetGone(gw)

			left := []string{}
			for id := range held.placed.of(edge) {
				left = append(left, id)
			}
			slices.Sort(left)
			expectEqual(t, "left", left, test.left)
			expectEqual(t, "left of the other gateway", len(held.placed.of(other)), 1)
			if _, held := held.placed.byGateway[edge]; held != (len(test.left) > 0) {
				t.Errorf("the gateway takes room: %t, want %t", held, len(test.left) > 0)
			}
		})
	}
}

func TestOutcomesBearManyWorkersAtOnce(t *testing.T) {
	held := newOutcomes()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var writers, reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case woken := <-held.changed:
				held.placed.of(woken.Object)
				held.forgetGone(&v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: other.Namespace, Name: other.Name}})
			case <-ctx.Done():
				return
			}
		}
	})
	for worker := range 8 {
		writers.Go(func() {
			for round := range 50 {
				held.report(ctx, Target{edge, fmt.Sprint("c", worker)}, outcome{entry: at(int64(round), entryIn("c", v1beta1.ClusterReady))})
				held.report(ctx, Target{other, fmt.Sprint("c", worker)}, outcome{})
			}
		})
	}
	writers.Wait()
	cancel()
	reader.Wait()

	known := held.placed.of(edge)
	expectEqual(t, "number of targets", len(known), 8)
	for id, result := range known {
		expectEqual(t, "last report of "+id, result.entry.ObservedGeneration, int64(49))
	}
}
