package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"portcullis.dev/portcullis/pkg/policy/bundle"
)

func TestReadinessNamesWhatIsWrongWithTheFirstBundle(t *testing.T) {
	broken := errors.New("server replied with Not Found")
	tests := map[string]struct {
		status bundle.Status
		want   string
	}{
		"with none yet":                      {bundle.Status{}, "no bundle is in force yet"},
		"with none to be had":                {bundle.Status{Err: broken}, "no bundle is in force yet: server replied with Not Found"},
		"with one":                           {bundle.Status{Revision: "A"}, ""},
		"with one, and trouble with another": {bundle.Status{Revision: "A", Err: broken}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := isActive(test.status); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestEventsSayWhatBecomesOfBundles(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	about := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	about.Name, about.UID = "portcullis", "42"
	pod := &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
	pod.Namespace, pod.Name = "portcullis-system", "webhook-1"
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(about, pod).WithStatusSubresource(pod).Build()
	reporter := &bundleReporter{writer: api, reader: api, configuration: "portcullis", instance: "webhook-1", news: make(chan bundle.Status, 100)}
	reporter.condition.pod = client.ObjectKeyFromObject(pod)

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- reporter.Start(ctx) }()
	for _, status := range []bundle.Status{
		{Err: errors.New("server replied with Not Found")},
		{Revision: "A"},
		{Revision: "A", Err: errors.New("revision B: compiling the rules: " + strings.Repeat("x", 2000))},
		{Revision: "A"},
		{Revision: "C"},
	} {
		reporter.report(status)
	}
	want := []string{
		"Warning BundleFailed Found no bundle to begin with: server replied with Not Found",
		"Normal BundleActivated Activated bundle A",
		"Warning BundleFailed Kept bundle A: revision B: compiling the rules: xxx",
		"Normal BundleRecovered Found bundle A to be the newest again",
		"Normal BundleActivated Activated bundle C",
	}
	got := &eventsv1.EventList{}
	for deadline := time.Now().Add(time.Minute); len(got.Items) < len(want) && time.Now().Before(deadline); {
		if err := api.List(t.Context(), got); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, event := range got.Items {
		line := event.Type + " " + event.Reason + " " + event.Note
		known := false
		for _, start := range want {
			known = known || strings.HasPrefix(line, start)
		}
		if !known || len(event.Note) > 1024 {
			t.Errorf("got %s", line)
		}
		if event.Namespace != "default" || event.Regarding.UID != "42" || event.Regarding.Kind != "ValidatingWebhookConfiguration" || event.ReportingInstance != "webhook-1" {
			t.Errorf("got it about %+v in %s by %s", event.Regarding, event.Namespace, event.ReportingInstance)
		}
	}
	if len(got.Items) != len(want) {
		t.Errorf("got %d events, want %d", len(got.Items), len(want))
	}
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
		t.Fatal(err)
	}
	conditions := map[corev1.PodConditionType]string{}
	for _, condition := range pod.Status.Conditions {
		conditions[condition.Type] = string(condition.Status) + " " + condition.Message
	}
	if len(conditions) != 2 || conditions[corev1.PodReady] != "True " || conditions[conditionBundleCurrent] != "True Bundle C is in force" {
		t.Errorf("got conditions %v", conditions)
	}
}

// It is away while the gate is open, and where API servers have it in a file.
func TestEventsNeedNoWebhookConfiguration(t *testing.T) {
	api := fake.NewClientBuilder().Build()
	reporter := &bundleReporter{writer: api, reader: api, configuration: "portcullis"}
	if err := reporter.event(t.Context(), bundle.Status{Revision: "A"}, ""); err != nil {
		t.Fatal(err)
	}
	got := &eventsv1.EventList{}
	if err := api.List(t.Context(), got); err != nil || len(got.Items) != 1 || got.Items[0].Regarding.Name != "portcullis" {
		t.Errorf("got %+v and %v, want an event about it", got.Items, err)
	}
}

func TestTheConditionSaysHowTheBundleIs(t *testing.T) {
	broken := errors.New("server replied with Not Found")
	tests := map[string]struct {
		status bundle.Status
		want   string
	}{
		"with the newest":     {bundle.Status{Revision: "A"}, "True BundleActivated Bundle A is in force"},
		"with the last good":  {bundle.Status{Revision: "A", Err: broken}, "False BundleFailed Bundle A is in force, because there is no better one: server replied with Not Found"},
		"with none to be had": {bundle.Status{Err: broken}, "False BundleFailed No bundle is in force yet: server replied with Not Found"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := condition(test.status)
			if line := string(got.Status) + " " + got.Reason + " " + got.Message; line != test.want || got.Type != conditionBundleCurrent {
				t.Errorf("got %s, want %s", line, test.want)
			}
		})
	}
}

func TestTheConditionKeepsTheTimeOfItsStatus(t *testing.T) {
	pod := &corev1.Pod{}
	pod.Namespace, pod.Name = "portcullis-system", "webhook-1"
	api := fake.NewClientBuilder().WithObjects(pod).WithStatusSubresource(pod).Build()
	written := bundleCondition{pod: client.ObjectKeyFromObject(pod)}
	at := func(status bundle.Status) metav1.Time {
		if err := written.write(t.Context(), api, status); err != nil {
			t.Fatal(err)
		}
		return written.last.LastTransitionTime
	}
	first := at(bundle.Status{Revision: "A"})
	if second := at(bundle.Status{Revision: "B"}); !second.Equal(&first) {
		t.Errorf("got %v, want %v still", second, first)
	}
	if third := at(bundle.Status{Revision: "B", Err: errors.New("no")}); !third.After(first.Time) {
		t.Errorf("got %v, want after %v", third, first)
	}
}

func TestReportsNeverWait(t *testing.T) {
	reporter := &bundleReporter{news: make(chan bundle.Status, 1)}
	reporter.report(bundle.Status{Revision: "A"})
	reporter.report(bundle.Status{Revision: "B"})
	if got := (<-reporter.news).Revision; got != "A" {
		t.Errorf("got %s", got)
	}
}

func TestRunRefusesToStartWithBundlesThatItDoesNotUnderstand(t *testing.T) {
	mgr := unstarted(t)
	_, err := addBundle(mgr, options{bundleConfig: written(t, "b.yaml", "discovery: {}"), bundleDirectory: "/kept"}, nil)
	if err == nil || !strings.Contains(err.Error(), "reading the configuration: ") || !strings.Contains(err.Error(), "is discovery") {
		t.Errorf("got %v", err)
	}
}
