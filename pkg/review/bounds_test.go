package review

import (
	"fmt"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// large is a gateway with a spec.
func large(spec string) string {
	return `{"metadata": {"name": "edge", "namespace": "istio-system"}, "spec": ` + spec + `}`
}

// ports is a spec with some ports.
func ports(count int) string {
	items := make([]string, count)
	for i := range items {
		items[i] = fmt.Sprintf(`{"port": %d}`, i+1)
	}
	return `{"ports": [` + strings.Join(items, ",") + `]}`
}

// bounded reads a request.
func bounded(operation admissionv1.Operation, object, old string) error {
	_, err := FromAdmission(admissionv1.AdmissionRequest{
		Operation: operation, Kind: metav1.GroupVersionKind{Group: "istio.alibabacloud.com", Version: "v1beta1", Kind: "IstioGateway"},
		Object: runtime.RawExtension{Raw: []byte(object)}, OldObject: runtime.RawExtension{Raw: []byte(old)},
	})
	return err
}

func TestLargeGatewaysAreRefused(t *testing.T) {
	entries := make([]string, 1025)
	for i := range entries {
		entries[i] = fmt.Sprintf(`"l%d": "a"`, i)
	}
	labels := "{" + strings.Join(entries, ",") + "}"
	tests := []struct {
		name      string
		operation admissionv1.Operation
		object    string
		old       string
		want      string
	}{
		{name: "not with as many ports as there may be", operation: admissionv1.Create, object: large(ports(1024))},
		{name: "with a port more", operation: admissionv1.Create, object: large(ports(1025)), want: "request.object: spec.ports must have at most 1024 items, has 1025"},
		{name: "with 10,000 ports", operation: admissionv1.Create, object: large(ports(10000)), want: "request.object: spec.ports must have at most 1024 items, has 10000"},
		{name: "with too many labels", operation: admissionv1.Create, object: large(`{"podLabels": ` + labels + `}`), want: "request.object: spec.podLabels must have at most 1024 entries, has 1025"},
		{name: "with too many in an override", operation: admissionv1.Create, object: large(`{"overrides": {"c1": {"podAnnotations": ` + labels + `}}}`), want: "request.object: spec.overrides.c1.podAnnotations must have at most 1024 entries, has 1025"},
		{name: "of 5 MiB", operation: admissionv1.Create, object: large(`{"podAnnotations": {"a": "` + strings.Repeat("x", 5<<20) + `"}}`), want: "request.object: IstioGateway must be at most 3145728 bytes of JSON, is 5242978"},
		{name: "when an update makes them large", operation: admissionv1.Update, object: large(ports(1025)), old: large(ports(1024)), want: "request.object: spec.ports must have at most 1024 items, has 1025"},
		{name: "not when they were stored so", operation: admissionv1.Update, object: large(ports(1025)), old: large(ports(1025))},
		{name: "not when they are made small", operation: admissionv1.Update, object: large(ports(1)), old: large(ports(1025))},
		{name: "not when they go", operation: admissionv1.Delete, old: large(ports(10000))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := bounded(test.operation, test.object, test.old); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
