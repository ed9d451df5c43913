package review

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
)

// codeStamps is the code of what the guard itself refuses: annotations of its own that somebody else wrote.
const codeStamps = "stamps"

// stampKeys are the annotations that only the guard writes.
func stampKeys() []string {
	return []string{gateway.AnnotationAdmitted, gateway.AnnotationApprovedBy}
}

// stamps are what the guard's own annotations must be on a gateway that is to be stored, by their keys; an empty value
// stands for none. They never depend on what the request says of them.
func (r *Reviewer) stamps(request Request, effect change.Change, approvals []v1alpha1.ChangeApproval) (map[string]string, error) {
	if request.Gateway.Typed.DeletionTimestamp != nil {
		// On its way out nothing of it is rolled out any more, and nothing may stand in the way.
		return stored(request.Old), nil
	}
	admitted, err := admitted(request)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		gateway.AnnotationAdmitted:   admitted,
		gateway.AnnotationApprovedBy: strings.Join(r.approvedBy(request, effect, approvals), ","),
	}, nil
}

// stored are the stamps of the stored gateway.
func stored(old *Object) map[string]string {
	out := map[string]string{}
	for _, key := range stampKeys() {
		out[key] = ""
		if old != nil {
			out[key] = old.Typed.Annotations[key]
		}
	}
	return out
}

// admitted is the fingerprint of what is admitted now. A stored gateway that does not match its own went past the guard;
// then the old one stays until the status shows that nothing of it is held or outstanding, so that a harmless edit never
// passes off as admitted what nobody admitted.
func admitted(request Request) (string, error) {
	if request.Old == nil {
		return change.Fingerprint(request.Gateway.Typed)
	}
	was, err := change.Fingerprint(request.Old.Typed)
	if err != nil {
		return "", err
	}
	stamp := request.Old.Typed.Annotations[gateway.AnnotationAdmitted]
	trusted := stamp == was
	if !trusted {
		trusted, err = settled(request.Old, was)
	}
	if err != nil || !trusted {
		return stamp, err
	}
	return change.Fingerprint(request.Gateway.Typed)
}

// running is what a gateway's status says of what runs.
type running struct {
	Pending  any `json:"pending"`
	Clusters []struct {
		ObservedGeneration int64  `json:"observedGeneration"`
		Fingerprint        string `json:"fingerprint"`
		Held               any    `json:"held"`
	} `json:"clusters"`
}

// settled says whether a stored gateway runs as it is stored, everywhere. The generation alone does not tell: it does not
// count annotations.
func settled(old *Object, fingerprint string) (bool, error) {
	raw, err := json.Marshal(old.Raw["status"])
	if err != nil {
		return false, fmt.Errorf("writing the status as JSON: %w", err)
	}
	var runs running
	if err := json.Unmarshal(raw, &runs); err != nil {
		return false, fmt.Errorf("reading the status: %w", err)
	}
	for _, cluster := range runs.Clusters {
		if cluster.Held != nil || cluster.ObservedGeneration != old.Typed.Generation || cluster.Fingerprint != fingerprint {
			return false, nil
		}
	}
	return runs.Pending == nil, nil
}

// approvedBy names the approvals that let changes of this gateway in and whose use nobody has recorded yet: those that
// the stored gateway names, and those that let this change in. All that are valid are named, more than needed as well:
// what was given for this change is not left over for the next.
func (r *Reviewer) approvedBy(request Request, effect change.Change, approvals []v1alpha1.ChangeApproval) []string {
	before := named(request.Old)
	names := map[string]bool{}
	for _, approval := range approvals {
		if slices.Contains(before, approval.Name) && approval.Status.UsedBy == nil {
			names[approval.Name] = true
		}
	}
	for _, name := range r.valid(request, effect, approvals) {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// valid names the approvals that are valid for the change of a request, in the order of the approvals.
func (r *Reviewer) valid(request Request, effect change.Change, approvals []v1alpha1.ChangeApproval) []string {
	if !disrupts(effect) {
		return nil
	}
	var names []string
	for _, approval := range approvals {
		if ApprovalState(approval, string(request.Old.Typed.UID), effect.Digest, named(request.Old), r.Now()) == StateValid {
			names = append(names, approval.Name)
		}
	}
	return names
}

// stamped is a filled gateway with the guard's annotations as they must be.
func stamped(filled map[string]any, stamps map[string]string) map[string]any {
	out := maps.Clone(filled)
	metadata, _ := out["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = map[string]any{}
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	annotations = maps.Clone(annotations)
	if annotations == nil {
		annotations = map[string]any{}
	}
	for key, value := range stamps {
		annotations[key] = value
		if value == "" {
			delete(annotations, key)
		}
	}
	metadata["annotations"], out["metadata"] = annotations, metadata
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return out
}

// checkStamps refuses a gateway whose stamps are not what they must be: its mutation was left out, or somebody changed
// it afterwards.
func checkStamps(gw *v1beta1.IstioGateway, stamps map[string]string) []policy.Finding {
	var findings []policy.Finding
	for _, key := range stampKeys() {
		is, there := gw.Annotations[key]
		if is == stamps[key] && there == (stamps[key] != "") {
			continue
		}
		findings = append(findings, policy.Finding{
			Code:    codeStamps,
			Field:   "metadata.annotations." + key,
			Message: "must be " + orNothing(stamps[key]) + ", as only the guard sets it, is " + orNothing(is),
			Fix:     "try again; the guard's mutating webhook has to be asked first",
		})
	}
	return findings
}

// orNothing is a value, or a word for none.
func orNothing(value string) string {
	if value == "" {
		return "absent"
	}
	return value
}
