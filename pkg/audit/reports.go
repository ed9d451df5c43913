package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// reports writes an OpenReports Report for each gateway, where their CRD is installed.
type reports struct {
	// client reads reports from the API server: nobody needs those of others in memory.
	client client.Client
	// versions asks the API server which versions of their group it serves; none when it knows none.
	versions func(context.Context) ([]string, error)
	// ask is how long an answer to that is believed.
	ask time.Duration
	now func() time.Time
	// failed counts that reports could not be written.
	failed func()

	// served is whether ours is served, as was found out at a time; told is what was last logged of that.
	served bool
	at     time.Time
	told   string
}

// tell writes the report of one audit, unless it is there already.
func (r *reports) tell(ctx context.Context, gw *v1beta1.IstioGateway, result Result, undecided error) error {
	served, err := r.areServed(ctx)
	if err != nil || !served {
		return err
	}
	report := reportOf(gw, result, undecided)
	present := &unstructured.Unstructured{}
	present.SetGroupVersionKind(reportKind())
	err = r.client.Get(ctx, client.ObjectKeyFromObject(report), present)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("reading Report %s/%s: %w", report.GetNamespace(), report.GetName(), err)
	case present.GetLabels()[labelManagedBy] != reporter:
		return fmt.Errorf("report %s/%s must have the label %s: %s to be written over, has not: it is somebody else's", report.GetNamespace(), report.GetName(), labelManagedBy, reporter)
	case equals(present, report):
		return nil
	}
	err = r.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(report), client.FieldOwner(FieldOwner), client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("applying Report %s/%s: %w", report.GetNamespace(), report.GetName(), err)
	}
	return nil
}

// equals tells whether a report that is there says what one shall say.
func equals(present, wanted *unstructured.Unstructured) bool {
	for _, key := range []string{"source", "scope", "configuration", "summary", "results"} {
		if !equality.Semantic.DeepEqual(present.Object[key], wanted.Object[key]) {
			return false
		}
	}
	return equality.Semantic.DeepEqual(present.GetOwnerReferences(), wanted.GetOwnerReferences()) &&
		equality.Semantic.DeepEqual(present.GetAnnotations(), wanted.GetAnnotations())
}

// areServed says whether the API server knows reports as we write them. That it knows others is logged once and counts as a
// failure each time that it is found.
func (r *reports) areServed(ctx context.Context) (bool, error) {
	if !r.at.IsZero() && r.now().Sub(r.at) < r.ask {
		return r.served, nil
	}
	versions, err := r.versions(ctx)
	if err != nil {
		return false, fmt.Errorf("asking for the versions of %s: %w", reportGroup, err)
	}
	r.served, r.at = slices.Contains(versions, reportKind().Version), r.now()
	if len(versions) > 0 && !r.served {
		r.failed()
	}
	if told := strings.Join(versions, ", "); !r.served && told != r.told {
		r.told = told
		log.FromContext(ctx).Error(nil, "Wrote no reports: their CRD must be of version "+reportKind().Version+", is of another", "group", reportGroup, "versions", told)
	}
	return r.served, nil
}

// groupVersions asks an API server which versions of a group it serves.
func groupVersions(asker rawGetter) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		group := metav1.APIGroup{}
		err := asker.Get().AbsPath("/apis/" + reportGroup).Do(ctx).Into(&group)
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		var out []string
		for _, version := range group.Versions {
			out = append(out, version.Version)
		}
		return out, err
	}
}
