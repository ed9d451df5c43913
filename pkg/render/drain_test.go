package render

import (
	"testing"

	"portcullis.dev/portcullis/pkg/gateway"
)

func TestDrainingFollowsOneNumber(t *testing.T) {
	for _, test := range []struct {
		name string
		// asked is the annotation; nobody asked when empty.
		asked  string
		spec   string
		drain  string
		period string
	}{
		{name: "gives a minute in all when nobody asks", spec: `{}`, drain: "45s", period: "60"},
		{name: "gives what is asked for, and a margin", asked: "120", spec: `{}`, drain: "120s", period: "135"},
		{name: "takes one second", asked: "1", spec: `{}`, drain: "1s", period: "16"},
		{name: "has no upper bound of its own", asked: "86400", spec: `{}`, drain: "86400s", period: "86415"},
		{name: "waits for a hook that sleeps", spec: `{lifecycle: {preStop: {sleep: {seconds: 20}}}}`, drain: "45s", period: "80"},
		{name: "waits for a hook that sleeps beside what is asked for", asked: "30", spec: `{lifecycle: {preStop: {sleep: {seconds: 20}}}}`, drain: "30s", period: "65"},
		{name: "does not guess at other hooks", spec: `{lifecycle: {preStop: {exec: {command: [sleep, "20"]}}}}`, drain: "45s", period: "60"},
		{name: "does not wait for a hook at the start", spec: `{lifecycle: {postStart: {sleep: {seconds: 20}}}}`, drain: "45s", period: "60"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := inputOf(t, test.spec)
			if test.asked != "" {
				in.gateway.Annotations = map[string]string{gateway.AnnotationDrainTimeout: test.asked}
			}
			deployment := rendered(t, in).Deployment
			want := `{"discoveryAddress":"istiod.istio-system.svc:15012","drainDuration":"` + test.drain + `","terminationDrainDuration":"` + test.drain + `"}`
			if got := environmentOf(t, deployment)["PROXY_CONFIG"]; got != want {
				t.Errorf("got %v, want %s", got, want)
			}
			expectAt(t, deployment, test.period, pod("terminationGracePeriodSeconds")...)
		})
	}
}
