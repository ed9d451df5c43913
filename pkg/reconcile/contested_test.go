package reconcile

import (
	"errors"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fight lets somebody change a Service and us put it right, and returns what came of ours.
func fight(t *testing.T, server *api, c *cluster) (applied, error) {
	t.Helper()
	service := storedService(t, server)
	service.Spec.Ports[0].TargetPort.IntVal++
	if err := server.Update(t.Context(), service, client.FieldOwner("somebody")); err != nil {
		t.Fatal(err)
	}
	return c.apply(t.Context(), serviceOn(t, "80"), "", false)
}

// What others complain of: an annotation that comes and goes without end. What is contested is let be for a while.
func TestWhatSomebodyChangesAgainAndAgainIsLetBe(t *testing.T) {
	server, now := apiWith(t), noon
	c := newCluster(server, server)
	c.now = func() time.Time { return now }
	expectApplied(t, c, serviceOn(t, "80"))
	for _, pause := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, longestPause, longestPause} {
		for i := range mostCorrections {
			done, err := fight(t, server, c)
			expectError(t, err, "")
			expectEqual(t, "drifted", done.drifted, "somebody")
			expectEqual(t, "let be", done.letBe > 0, i == mostCorrections-1)
			if i == mostCorrections-1 {
				expectEqual(t, "for", done.letBe, pause)
			}
		}
		server.calls = nil
		var over *contested
		if _, err := fight(t, server, c); !errors.As(err, &over) {
			t.Fatalf("got %v, want that it is contested", err)
		}
		expectError(t, over, "applying Service istio-system/istio-edge: somebody changes it as often as it is put right; it is let be until "+
			now.Add(pause).UTC().Format(time.RFC3339)+": find out who that is, and keep them from it")
		expectEqual(t, "requests", server.calls, []string(nil))
		now = now.Add(pause)
	}
}

func TestWhatSomebodyChangesNowAndThenIsPutRight(t *testing.T) {
	server, now := apiWith(t), noon
	c := newCluster(server, server)
	c.now = func() time.Time { return now }
	expectApplied(t, c, serviceOn(t, "80"))
	for range 3 * mostCorrections {
		done, err := fight(t, server, c)
		expectError(t, err, "")
		expectEqual(t, "let be", done.letBe, time.Duration(0))
		now = now.Add(15 * time.Second)
	}
}

func TestAnObjectThatIsLetBeIsTold(t *testing.T) {
	recorder := &recorded{}
	events{recorder}.corrected(gatewayOf(t, `{}`), "home", applied{object: serviceOfEdge, drifted: "somebody", letBe: time.Minute})
	expectEqual(t, "events", recorder.taken(), []string{
		"Warning Contested LetBe Service/istio-edge: Let Service istio-edge in cluster home be for 1m0s: somebody changed it as often as it was put right",
		"Warning DriftCorrected Correct Service/istio-edge: Corrected Service istio-edge in cluster home, which somebody had changed",
	})
}
