package review

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/policy"
)

// Request is one change of one gateway that somebody wants to make.
type Request struct {
	// Operation is CREATE, UPDATE, DELETE or RELEASE.
	Operation admissionv1.Operation
	// Namespace and Name of the gateway; Name is empty when the API server is to generate it.
	Namespace, Name string
	// User who asks.
	User policy.User
	// DryRun is true when nothing will be stored.
	DryRun bool
	// Gateway is the object as it shall be; nil on DELETE.
	Gateway *Object
	// Old is the object as it is stored; nil on CREATE.
	Old *Object
}

// Object is a gateway in the two forms that a decision needs: the rules read what was written, rendering
// reads the types.
type Object struct {
	// Raw is the object as written, every field that its author wrote and no other.
	Raw map[string]any
	// Typed is the same object.
	Typed *v1beta1.IstioGateway
}

// NewObject reads a gateway from JSON as the API server does: by the exact case of names. The error names the
// first field of a wrong type.
func NewObject(raw []byte) (*Object, error) {
	object := &Object{Typed: &v1beta1.IstioGateway{}}
	if err := json.Unmarshal(raw, &object.Raw); err != nil {
		return nil, fmt.Errorf("reading the IstioGateway: %w", err)
	}
	if err := checkQuantities("spec", object.Raw["spec"]); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, object.Typed); err != nil {
		return nil, readable(err)
	}
	// Who wrote which field is bookkeeping of the API server: no rule may depend on it, and it is the
	// larger half of many objects.
	if metadata, ok := object.Raw["metadata"].(map[string]any); ok {
		delete(metadata, "managedFields")
	}
	return object, nil
}

// FromAdmission reads what an API server asks. An error means that the request is malformed: a kind that
// is not ours, an operation without the object that it needs, or an object that is no gateway.
func FromAdmission(in admissionv1.AdmissionRequest) (Request, error) {
	if in.Kind.Group != v1beta1.GroupVersion.Group || in.Kind.Kind != "IstioGateway" {
		return Request{}, fmt.Errorf("kind must be IstioGateway of %s, is %q of %q", v1beta1.GroupVersion.Group, in.Kind.Kind, in.Kind.Group)
	}
	out := Request{
		Operation: in.Operation,
		Namespace: in.Namespace,
		Name:      in.Name,
		User:      user(in.UserInfo),
		DryRun:    in.DryRun != nil && *in.DryRun,
	}
	var err error
	if in.Operation != admissionv1.Delete {
		if out.Gateway, err = part("object", in.Operation, in.Object.Raw); err != nil {
			return Request{}, err
		}
	}
	if in.Operation != admissionv1.Create {
		if out.Old, err = part("oldObject", in.Operation, in.OldObject.Raw); err != nil {
			return Request{}, err
		}
	}
	if out.Gateway == nil {
		return out, nil
	}
	if err := checkBounds(out, in.Object.Raw); err != nil {
		return Request{}, fmt.Errorf("request.object: %w", err)
	}
	released, err := isRelease(out)
	if released {
		out.Operation = Release
	}
	return out, err
}

// part reads one of the two objects of an admission request.
func part(field string, operation admissionv1.Operation, raw []byte) (*Object, error) {
	if len(raw) == 0 {
		return nil, fmt.Errorf("request.%s must hold the IstioGateway on %s, is empty", field, operation)
	}
	object, err := NewObject(raw)
	if err != nil {
		return nil, fmt.Errorf("request.%s: %w", field, err)
	}
	return object, nil
}

// credentialID is where the API server says which credential a user came with. A user who is impersonated has none: the
// API server tells admission nothing of who impersonates them.
const credentialID = "authentication.kubernetes.io/credential-id"

// user is who asks, as the rules read it.
func user(in authenticationv1.UserInfo) policy.User {
	return policy.User{
		Username:     in.Username,
		UID:          in.UID,
		CredentialID: strings.Join(in.Extra[credentialID], ","),
		Groups:       in.Groups,
	}
}
