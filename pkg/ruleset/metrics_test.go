package ruleset

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

func TestMetricsTellWhichRulesAreInForceSinceWhen(t *testing.T) {
	s := newStage(t, gatewayPolicy("a", "first"))
	s.expectMetrics(`
# HELP portcullis_rules_loaded Rules in force, those of GatewayPolicies included; 0 until there are some.
# TYPE portcullis_rules_loaded gauge
portcullis_rules_loaded 0
# HELP portcullis_rules_reload_timestamp_seconds When the set of rules in force came into force in this process; 0 until there is one.
# TYPE portcullis_rules_reload_timestamp_seconds gauge
portcullis_rules_reload_timestamp_seconds 0
`)
	for _, words := range []string{"first", "second"} {
		s.clock.now = s.clock.now.Add(time.Hour)
		s.change("a", func(spec *v1alpha1.GatewayPolicySpec) { spec.Modules["a.rego"] = own("a", words) })
		s.reconciled(s.Ruleset)
		s.expectMetrics(inForce(s.Live.Engine().Revision(), s.clock.now))
	}
	inForceSince, revision := s.clock.now, s.Live.Engine().Revision()
	s.clock.now = s.clock.now.Add(time.Hour)
	s.change("a", func(spec *v1alpha1.GatewayPolicySpec) { spec.Modules["a.rego"] = "package elsewhere\n" })
	s.reconciled(s.Ruleset)
	s.expectMetrics(inForce(revision, inForceSince))
	if problems, err := testutil.GatherAndLint(s.registry); err != nil || len(problems) > 0 {
		t.Errorf("got %v and %v", problems, err)
	}
}

// inForce is what the metrics say of the small library and one policy.
func inForce(revision string, since time.Time) string {
	return fmt.Sprintf(`
# HELP portcullis_rules_info The revision of the rules in force, as decisions name it; always 1.
# TYPE portcullis_rules_info gauge
portcullis_rules_info{revision=%q} 1
# HELP portcullis_rules_loaded Rules in force, those of GatewayPolicies included; 0 until there are some.
# TYPE portcullis_rules_loaded gauge
portcullis_rules_loaded 2
# HELP portcullis_rules_reload_timestamp_seconds When the set of rules in force came into force in this process; 0 until there is one.
# TYPE portcullis_rules_reload_timestamp_seconds gauge
portcullis_rules_reload_timestamp_seconds %g
`, revision, float64(since.Unix()))
}

// expectMetrics compares the metrics of what is in force.
func (s *stage) expectMetrics(want string) {
	s.t.Helper()
	err := testutil.GatherAndCompare(s.registry, strings.NewReader(want),
		"portcullis_rules_info", "portcullis_rules_loaded", "portcullis_rules_reload_timestamp_seconds")
	if err != nil {
		s.t.Error(err)
	}
}
