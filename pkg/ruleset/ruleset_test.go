package ruleset

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
)

func TestNothingDecidesBeforeThePoliciesAreRead(t *testing.T) {
	s := newStage(t, gatewayPolicy("a", "a"))
	if got := said(t, s.Ruleset); got != "nothing decides" {
		t.Errorf("got %q", got)
	}
	if err := s.SetLibrary(t.Context(), library("other"), "v2"); err != nil {
		t.Fatal(err)
	}
	if got := said(t, s.Ruleset); got != "nothing decides" {
		t.Errorf("got %q from a library alone", got)
	}
	if err := s.Ready(nil); err == nil || err.Error() != "rules must be compiled with all GatewayPolicies, are not yet" {
		t.Errorf("got %v, want it not to be ready", err)
	}
	s.reconciled(s.Ruleset)
	if got := said(t, s.Ruleset); got != "a, other" {
		t.Errorf("got %q, want both the policy's and the library's", got)
	}
	if err := s.Ready(nil); err == nil || err.Error() != "the Lease of this replica must be renewed, is not" {
		t.Errorf("got %v, want it not to be ready before the others know of it", err)
	}
	if err := s.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(nil); err != nil {
		t.Errorf("got %v, want it to be ready", err)
	}
}

func TestRulesWithoutAnyPolicyDecide(t *testing.T) {
	s := newStage(t)
	s.reconciled(s.Ruleset)
	if got := said(t, s.Ruleset); got != "no" {
		t.Errorf("got %q", got)
	}
}

func TestChangesOfPoliciesAreSwappedIn(t *testing.T) {
	s := newStage(t, gatewayPolicy("a", "first"))
	s.reconciled(s.Ruleset)
	s.expectCondition("a", 1, "True Running Every replica runs generation 1")
	s.change("a", func(spec *v1alpha1.GatewayPolicySpec) { spec.Modules["a.rego"] = own("a", "second") })
	s.reconciled(s.Ruleset)
	if got := said(t, s.Ruleset); got != "second, no" {
		t.Errorf("got %q", got)
	}
	s.expectCondition("a", 2, "True Running Every replica runs generation 2")
	if err := s.api.Delete(t.Context(), s.stored("a")); err != nil {
		t.Fatal(err)
	}
	s.reconciled(s.Ruleset)
	if got := said(t, s.Ruleset); got != "no" {
		t.Errorf("got %q of a policy that is gone", got)
	}
	if got := s.counted(resultSwapped); got != 3 {
		t.Errorf("%v reloads were swapped in, want 3", got)
	}
}

func TestNothingIsCompiledTwice(t *testing.T) {
	s := newStage(t, gatewayPolicy("a", "a"))
	s.reconciled(s.Ruleset)
	before := s.Live.Engine()
	version := s.stored("a").ResourceVersion
	for range 3 {
		s.clock.now = s.clock.now.Add(renewEvery)
		s.reconciled(s.Ruleset)
	}
	if s.Live.Engine() != before || s.counted(resultSwapped) != 1 {
		t.Error("the same set was compiled again")
	}
	if got := s.stored("a").ResourceVersion; got != version {
		t.Error("the same status was written again")
	}
}

func TestWhatIsCompiledAlreadyDecidesAsLongAsThereAreNoPolicies(t *testing.T) {
	s := newStage(t)
	compiled, err := policy.New(t.Context(), library("compiled"), policy.Options{Deadline: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	s.Compiled = compiled
	s.reconciled(s.Ruleset)
	if got := said(t, s.Ruleset); got != "compiled" {
		t.Errorf("got %q", got)
	}
	if err := s.api.Create(t.Context(), gatewayPolicy("a", "first")); err != nil {
		t.Fatal(err)
	}
	s.reconciled(s.Ruleset)
	if got := said(t, s.Ruleset); got != "first, no" {
		t.Errorf("got %q with a policy", got)
	}
	if err := s.SetLibrary(t.Context(), library("other"), "v2"); err != nil {
		t.Fatal(err)
	}
	if got := said(t, s.Ruleset); got != "first, other" {
		t.Errorf("got %q of another library", got)
	}
}

func TestBadSetKeepsTheLastGoodOne(t *testing.T) {
	s := newStage(t, gatewayPolicy("a", "a"), gatewayPolicy("b", "b"))
	s.reconciled(s.Ruleset)
	good := s.Live.Engine()
	s.change("a", func(spec *v1alpha1.GatewayPolicySpec) { spec.Modules["a.rego"] = "package elsewhere\n" })
	s.change("b", func(spec *v1alpha1.GatewayPolicySpec) { spec.Modules["a.rego"] = own("b", "new") })
	for range 2 {
		s.reconciled(s.Ruleset)
	}
	if s.Live.Engine() != good {
		t.Error("another set decides")
	}
	if got := s.counted(resultRefused); got != 1 {
		t.Errorf("%v reloads were refused, want 1", got)
	}
	s.expectCondition("a", 2, "False Refused a.rego:1:1: package must be own.a.validate.<rule>, own.a.mutate.<rule> or own.a.lib.<name>, is elsewhere")
	s.expectCondition("b", 2, "False Refused waits for GatewayPolicies that cannot be used: a")
	if got := s.stored("a").Status.Replicas[0]; got.ObservedGeneration != 1 || got.Revision != good.Revision() {
		t.Errorf("got %+v, want it to say what runs", got)
	}
	s.change("a", func(spec *v1alpha1.GatewayPolicySpec) { spec.Modules["a.rego"] = own("a", "mended") })
	s.reconciled(s.Ruleset)
	if got := said(t, s.Ruleset); got != "mended, new, no" {
		t.Errorf("got %q", got)
	}
	s.expectCondition("a", 3, "True Running Every replica runs generation 3")
	s.expectCondition("b", 2, "True Running Every replica runs generation 2")
}

func TestFirstSetThatIsBadDecidesNothing(t *testing.T) {
	bad := gatewayPolicy("a", "a")
	bad.Spec.Modules["a.rego"] = "package"
	s := newStage(t, bad, gatewayPolicy("b", "b"))
	s.reconciled(s.Ruleset)
	if got := said(t, s.Ruleset); got != "nothing decides" {
		t.Errorf("got %q", got)
	}
	if err := s.Ready(nil); err == nil {
		t.Error("it is ready without rules")
	}
	if got := s.stored("a").Status.Replicas[0]; got.ObservedGeneration != 0 || got.Revision != "" || !strings.HasPrefix(got.Message, "a.rego:1:") {
		t.Errorf("got %+v", got)
	}
}

func TestPolicyThatCannotBeReadIsToBlame(t *testing.T) {
	unreadable := gatewayPolicy("a", "a")
	unreadable.Spec.Match = &v1alpha1.PolicyMatch{Labels: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Exist"}}}}
	s := newStage(t, unreadable)
	s.reconciled(s.Ruleset)
	s.expectCondition("a", 1, `False Refused reading spec.match.labels: "Exist" is not a valid label selector operator`)
	if err := s.Check(t.Context(), gatewayPolicy("b", "b")); err != nil {
		t.Errorf("got %v, want another policy not to be held up", err)
	}
	expectBlame(t, s.Check(t.Context(), unreadable), "a", "reading spec.match.labels")
}

// expectBlame fails unless an error blames a policy for something.
func expectBlame(t *testing.T, err error, name, says string) {
	t.Helper()
	fault := (*policy.FaultError)(nil)
	if !errors.As(err, &fault) || fault.Policies[name] == nil || !strings.Contains(fault.Policies[name].Error(), says) {
		t.Errorf("got %v, want GatewayPolicy %s to be blamed for %q", err, name, says)
	}
}

func TestLibraryIsSwappedIn(t *testing.T) {
	s := newStage(t, gatewayPolicy("a", "a"))
	s.reconciled(s.Ruleset)
	if err := s.SetLibrary(t.Context(), library("never"), "v2"); err != nil {
		t.Fatal(err)
	}
	if got := said(t, s.Ruleset); got != "a, never" {
		t.Errorf("got %q", got)
	}
	if got := s.Live.Engine().Revision(); !strings.HasPrefix(got, "v2+") {
		t.Errorf("revision is %s, want it to name the library", got)
	}
	engine := s.Live.Engine()
	s.reconciled(s.Ruleset)
	if s.Live.Engine() != engine {
		t.Error("the same set was compiled again")
	}
	if got := s.stored("a").Status.Replicas[0].Revision; got != engine.Revision() {
		t.Errorf("status says revision %s, want %s", got, engine.Revision())
	}
	select {
	case <-s.changed:
	default:
		t.Error("nobody was told to report another revision")
	}
	s.change("a", func(spec *v1alpha1.GatewayPolicySpec) { spec.Modules["a.rego"] = own("a", "b") })
	s.reconciled(s.Ruleset)
	if got := said(t, s.Ruleset); got != "b, never" {
		t.Errorf("got %q, want the new library to stay", got)
	}
}

func TestBadLibraryKeepsTheLastGoodOne(t *testing.T) {
	s := newStage(t, gatewayPolicy("a", "a"))
	s.reconciled(s.Ruleset)
	taken := library("never").(fstest.MapFS)
	taken["validate/own_a/own_a.rego"] = &fstest.MapFile{Data: []byte(strings.Replace(own("a", "x"), "own.a.validate", "validate", 1))}
	for name, bad := range map[string]fstest.MapFS{"that is empty": {}, "with the code of a policy's rule": taken} {
		t.Run(name, func(t *testing.T) {
			if err := s.SetLibrary(t.Context(), bad, "v3"); err == nil {
				t.Error("it was taken")
			}
			if got := said(t, s.Ruleset); got != "a, no" {
				t.Errorf("got %q", got)
			}
		})
	}
	s.change("a", func(spec *v1alpha1.GatewayPolicySpec) { spec.Modules["a.rego"] = own("a", "b") })
	s.reconciled(s.Ruleset)
	if got := said(t, s.Ruleset); got != "b, no" {
		t.Errorf("got %q, want the last good library to go on", got)
	}
}

func TestCheckJudgesACandidateAmongTheOthers(t *testing.T) {
	s := newStage(t, gatewayPolicy("a", "a"))
	s.reconciled(s.Ruleset)
	if err := s.Check(t.Context(), gatewayPolicy("b", "b")); err != nil {
		t.Error(err)
	}
	changed := s.stored("a")
	changed.Spec.Modules["a.rego"] = own("a", "another")
	if err := s.Check(t.Context(), changed); err != nil {
		t.Errorf("got %v for a change of a policy", err)
	}
	thief := gatewayPolicy("b", "b")
	thief.Spec.Modules["a.rego"] = strings.Replace(own("b", "b"), "own_b", "own_a", 1)
	expectBlame(t, s.Check(t.Context(), thief), "b", "rule must have a code that no other has, has own_a of GatewayPolicy a")
	failing := gatewayPolicy("b", "b")
	failing.Spec.Tests = map[string]string{"a_test.rego": "package own.b.validate.own_b_test\n\ntest_no := false\n"}
	expectBlame(t, s.Check(t.Context(), failing), "b", "a_test.rego:3:1: test_no must be true, is false")
	if got := said(t, s.Ruleset); got != "a, no" {
		t.Errorf("got %q after checks that store nothing", got)
	}
}

func TestPolicyIsReadWhole(t *testing.T) {
	in := gatewayPolicy("a", "a")
	in.Spec.Enforcement = new(v1alpha1.EnforcementWarn)
	in.Spec.Enforcements = map[string]v1alpha1.Enforcement{"rule": v1alpha1.EnforcementAudit}
	in.Spec.Parameters = map[string]apiextensionsv1.JSON{"rule": {Raw: []byte(`{"a": [1]}`)}}
	in.Spec.Tests = map[string]string{"a_test.rego": "b"}
	in.Spec.Match = &v1alpha1.PolicyMatch{Namespaces: []string{"n"}, Labels: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}}
	got, err := Policy(in)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "a" || got.Enforcement != policy.Warn || got.Enforcements["rule"] != policy.Audit ||
		got.Parameters["rule"].(map[string]any)["a"].([]any)[0] != 1.0 || got.Tests["a_test.rego"] != "b" ||
		got.Modules["a.rego"] == "" || got.Match.Namespaces[0] != "n" || got.Match.Labels.String() != "a=b" {
		t.Errorf("got %+v", got)
	}
	in.Spec.Parameters["rule"] = apiextensionsv1.JSON{Raw: []byte("{")}
	if _, err := Policy(in); err == nil || !strings.HasPrefix(err.Error(), "reading spec.parameters.rule: ") {
		t.Errorf("got %v", err)
	}
}

func TestReplicas(t *testing.T) {
	s := newStage(t, gatewayPolicy("a", "a"))
	if err := s.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.reconciled(s.Ruleset)
	second := s.replica("webhook-2", prometheus.NewRegistry())
	if err := second.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("that are announced are waited for", func(*testing.T) {
		s.reconciled(s.Ruleset)
		s.expectCondition("a", 1, "False RollingOut Waits for webhook-2 to run generation 1")
	})
	t.Run("that run a policy make it active", func(*testing.T) {
		s.reconciled(second)
		s.expectCondition("a", 1, "True Running Every replica runs generation 1")
	})
	t.Run("that lag behind a change are waited for", func(*testing.T) {
		s.change("a", func(spec *v1alpha1.GatewayPolicySpec) { spec.Modules["a.rego"] = own("a", "b") })
		s.reconciled(s.Ruleset)
		s.expectCondition("a", 2, "False RollingOut Waits for webhook-2 to run generation 2")
	})
	t.Run("that are not heard of any longer are not", func(t *testing.T) {
		for range 3 {
			s.clock.now = s.clock.now.Add(renewEvery)
			if err := s.Announce(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.reconciled(s.Ruleset)
		}
		s.expectCondition("a", 2, "True Running Every replica runs generation 2")
		if got := s.stored("a").Status.Replicas; len(got) != 1 || got[0].Name != "webhook-1" {
			t.Errorf("got %v, want the replica that is there", got)
		}
		if err := second.Ready(&http.Request{}); err == nil || err.Error() != "the Lease of this replica must be renewed, is not" {
			t.Errorf("got %v, want it not to be ready", err)
		}
	})
	t.Run("that come back count again", func(t *testing.T) {
		if err := second.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.reconciled(second)
		if err := second.Ready(nil); err != nil {
			t.Error(err)
		}
		s.expectCondition("a", 2, "True Running Every replica runs generation 2")
		if got := s.stored("a").Status.Replicas; len(got) != 2 {
			t.Errorf("got %v, want both", got)
		}
	})
	t.Run("that leave are forgotten at once", func(t *testing.T) {
		if err := second.withdraw(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.reconciled(s.Ruleset)
		if got := s.stored("a").Status.Replicas; len(got) != 1 {
			t.Errorf("got %v, want one", got)
		}
		if err := second.withdraw(t.Context()); err != nil {
			t.Errorf("got %v for a Lease that is gone already", err)
		}
	})
}

func TestPresenceIsRenewedUntilTheEnd(t *testing.T) {
	s := newStage(t)
	written := make(chan time.Time, 100)
	s.Now = func() time.Time {
		now := time.Now()
		select {
		case written <- now:
		default:
		}
		return now
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- presence{ruleset: s.Ruleset, every: time.Millisecond}.Start(ctx) }()
	for range 3 {
		<-written
	}
	end()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	leases := &coordinationv1.LeaseList{}
	if err := s.api.List(t.Context(), leases); err != nil || len(leases.Items) != 0 {
		t.Errorf("got %v and %v, want no Lease after the end", leases.Items, err)
	}
}

func TestPresenceOutlastsAnAPIServerThatRefuses(t *testing.T) {
	s := newStage(t)
	tried := make(chan struct{}, 100)
	s.Client = refusing{Client: s.Client, tried: tried}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- presence{ruleset: s.Ruleset, every: time.Millisecond}.Start(ctx) }()
	for range 3 {
		<-tried
	}
	end()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestClocksOfReplicasMayDiffer(t *testing.T) {
	s := newStage(t, gatewayPolicy("a", "a"))
	second := s.replica("webhook-2", prometheus.NewRegistry())
	for _, difference := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		second.Now = func() time.Time { return s.clock.now.Add(difference) }
		if err := second.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.reconciled(s.Ruleset)
		s.expectCondition("a", 1, "False RollingOut Waits for webhook-2 to run generation 1")
	}
}

func TestLeaseThatCannotBeWrittenIsAnError(t *testing.T) {
	s := newStage(t)
	s.Namespace = "a/b"
	s.Client = refusing{Client: s.Client, tried: make(chan struct{}, 1)}
	if err := s.Announce(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "writing Lease a/b/portcullis-webhook-webhook-1: ") {
		t.Errorf("got %v", err)
	}
}

// refusing refuses to apply, and says that somebody tried.
type refusing struct {
	client.Client
	tried chan struct{}
}

func (r refusing) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	select {
	case r.tried <- struct{}{}:
	default:
	}
	return errors.New("forbidden")
}
