package reconcile

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

func TestNewer(t *testing.T) {
	for _, test := range []struct {
		version, than string
		want          bool
	}{
		{"2", "1", true},
		{"1", "2", false},
		{"1", "1", false},
		{"10", "9", true},
		{"9", "10", false},
		{"18446744073709551616", "9", true},
		{"1", "", true},
		{"", "", false},
	} {
		if got := newer(test.version, test.than); got != test.want {
			t.Errorf("%q is newer than %q: %t, want %t", test.version, test.than, got, test.want)
		}
	}
}

// recordOf is what the API server has on record of somebody who wrote fields.
func recordOf(name string, operation metav1.ManagedFieldsOperationType, fields string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: name, Operation: operation, FieldsV1: metav1.NewFieldsV1(fields)}
}

// then is a record at a number of seconds after another time.
func then(seconds int64, entry metav1.ManagedFieldsEntry) metav1.ManagedFieldsEntry {
	entry.Time = &metav1.Time{Time: time.Unix(1_700_000_000+seconds, 0)}
	return entry
}

// through is a record of writing a subresource.
func through(subresource string, entry metav1.ManagedFieldsEntry) metav1.ManagedFieldsEntry {
	entry.Subresource = subresource
	return entry
}

// version is an object of a resource version with a record of who wrote it.
func version(resourceVersion string, managers ...metav1.ManagedFieldsEntry) client.Object {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{ResourceVersion: resourceVersion, ManagedFields: managers}}
}

func TestOwnedFields(t *testing.T) {
	for _, test := range []struct {
		name     string
		managers []metav1.ManagedFieldsEntry
		want     string
	}{
		{name: "are none without a record"},
		{name: "are what we applied", managers: []metav1.ManagedFieldsEntry{recordOf("kubectl", "Apply", `{"f:a":{}}`), recordOf("portcullis", "Apply", `{"f:b":{}}`)}, want: `{"f:b":{}}`},
		{name: "are not what we updated", managers: []metav1.ManagedFieldsEntry{recordOf("portcullis", "Update", `{"f:b":{}}`)}},
		{name: "are not what holds replicas between us and an autoscaler", managers: []metav1.ManagedFieldsEntry{recordOf(handOverOwner, "Apply", `{"f:b":{}}`)}},
		{name: "are none where the record says nothing", managers: []metav1.ManagedFieldsEntry{{Manager: "portcullis", Operation: "Apply"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectEqual(t, "fields", ownedFields(version("1", test.managers...)), test.want)
		})
	}
}

func TestOtherWriter(t *testing.T) {
	ours := then(9, recordOf("portcullis", "Apply", `{}`))
	for _, test := range []struct {
		name     string
		managers []metav1.ManagedFieldsEntry
		want     string
	}{
		{name: "is somebody when nobody else is on record", managers: []metav1.ManagedFieldsEntry{ours}, want: "somebody"},
		{name: "is the only other one", managers: []metav1.ManagedFieldsEntry{then(1, recordOf("kubectl-edit", "Update", `{}`)), ours}, want: "kubectl-edit"},
		{name: "is the last of several", want: "helm", managers: []metav1.ManagedFieldsEntry{
			then(1, recordOf("kubectl-edit", "Update", `{}`)), then(3, recordOf("helm", "Update", `{}`)), then(2, recordOf("rancher", "Update", `{}`)), ours,
		}},
		{name: "is not who writes status", want: "kubectl-edit", managers: []metav1.ManagedFieldsEntry{
			then(1, recordOf("kubectl-edit", "Update", `{}`)), then(5, through("status", recordOf("kube-controller-manager", "Update", `{}`))),
		}},
		{name: "is who scaled, though that is recorded without a time", want: "kubectl-scale", managers: []metav1.ManagedFieldsEntry{
			through("scale", recordOf("kubectl-scale", "Update", `{}`)), ours,
		}},
		{name: "is rather one with a time than who scaled", want: "kubectl-edit", managers: []metav1.ManagedFieldsEntry{
			then(1, recordOf("kubectl-edit", "Update", `{}`)), through("scale", recordOf("kubectl-scale", "Update", `{}`)),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectEqual(t, "writer", otherWriter(version("1", test.managers...)), test.want)
		})
	}
}

func TestCompare(t *testing.T) {
	whole, part := recordOf("portcullis", "Apply", `{"f:spec":{"f:replicas":{}}}`), recordOf("portcullis", "Apply", `{"f:spec":{}}`)
	edit := recordOf("kubectl-edit", "Update", `{"f:spec":{"f:replicas":{}}}`)
	for _, test := range []struct {
		name          string
		before, after client.Object
		again         bool
		want          applied
	}{
		{name: "is created when it was not there", after: version("1", whole), want: applied{created: true}},
		{name: "is created, not drifted, when it was deleted meanwhile", after: version("1", whole), again: true, want: applied{created: true}},
		{name: "is changed when something new made another version", before: version("1", part), after: version("2", whole), want: applied{changed: true}},
		{name: "is as it was when something new made no other version", before: version("1", whole), after: version("1", whole)},
		{name: "is as it was when the same was applied again", before: version("1", whole), after: version("1", whole), again: true},
		{name: "is not drifted by what others own", before: version("2", whole, edit), after: version("2", whole, edit), again: true},
		{name: "is drifted when the same gave us back a field", before: version("2", part, edit), after: version("3", whole), again: true, want: applied{drifted: "kubectl-edit"}},
		{name: "is not drifted when something new owns other fields", before: version("2", part, edit), after: version("3", whole), want: applied{changed: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.object = v1beta1.ObjectReference{APIVersion: "v1", Kind: "Service", Name: "istio-edge"}
			test.want.uid = "7d1e"
			test.after.SetUID("7d1e")
			expectEqual(t, "what was done", compare(test.want.object, test.before, test.after, test.again), test.want)
		})
	}
}
