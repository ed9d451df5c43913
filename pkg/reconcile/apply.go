package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/render"
)

// objectKey names one object of a cluster.
type objectKey struct {
	schema.GroupVersionKind
	client.ObjectKey
}

// written is what we last applied to an object, and the version of it that came of that.
type written struct {
	hash            [sha256.Size]byte
	resourceVersion string
	// generation counts the changes of its spec, where the kind counts them.
	generation int64
}

// applied says what applying one object did.
type applied struct {
	object v1beta1.ObjectReference
	// uid is the object's, where anything was done.
	uid types.UID
	// created: the object was not there before.
	created bool
	// changed: the object was there and is different now.
	changed bool
	// drifted names who had changed the object since we last applied the same to it; empty when nobody had.
	drifted string
	// letBe is for how long the object is let be, as whoever that was changes it again and again; zero when it is not.
	letBe time.Duration
}

// apply brings one object to what it shall be, and writes nothing when it is that already. With a resource version in
// at, it writes to that version of the object alone. What is somebody else's it takes only if that is asked for.
//
// We force our fields: a gateway's objects have one owner. What we do not state (the replicas under an
// autoscaler, node ports, other people's annotations) stays with whoever set it.
func (c *cluster) apply(ctx context.Context, object render.Object, at string, take bool) (applied, error) {
	desired, hash, err := convert(object)
	if err != nil {
		return applied{}, err
	}
	key := objectKey{desired.GroupVersionKind(), client.ObjectKeyFromObject(desired)}
	reference := v1beta1.ObjectReference{APIVersion: desired.GetAPIVersion(), Kind: desired.GetKind(), Name: desired.GetName()}
	if at == "" {
		created, err := c.create(ctx, key, desired)
		if err != nil {
			return applied{}, err
		}
		if created {
			return c.noted(ctx, key, written{hash: hash}, desired, applied{object: reference, uid: desired.GetUID(), created: true})
		}
	}
	present, err := c.found(ctx, key, desired, take)
	if err != nil {
		return applied{}, err
	}
	inPlace, again := c.inPlace(key, present, desired, hash)
	if inPlace {
		return applied{object: reference}, nil
	}
	if err := c.letBe(key); err != nil {
		return applied{}, err
	}
	desired.SetResourceVersion(at)
	if err := c.handOver(ctx, desired, present); err != nil {
		return applied{}, err
	}
	if err := c.takePorts(ctx, desired, present); err != nil {
		return applied{}, err
	}
	if err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), client.FieldOwner(FieldOwner), client.ForceOwnership); err != nil {
		return applied{}, whileApplying(key, err)
	}
	done := compare(reference, present, desired, again)
	if done.drifted != "" {
		done.letBe = c.disputed(key, done.drifted)
	}
	return c.noted(ctx, key, written{hash: hash}, desired, done)
}

// inPlace says whether an object is what it shall be already, and whether that is what we applied last.
func (c *cluster) inPlace(key objectKey, present client.Object, desired *unstructured.Unstructured, hash [sha256.Size]byte) (inPlace, again bool) {
	last, known := c.last(key)
	again = known && last.hash == hash
	if present == nil {
		return false, again
	}
	version := present.GetResourceVersion()
	// What the cache has not seen of our own last write yet is no reason to write again.
	if again && !newer(version, last.resourceVersion) {
		return true, again
	}
	// Nor is what others wrote beside us, or that we started anew and remember nothing. But a cache that has not seen our
	// last write shows what was there before it.
	if newer(last.resourceVersion, version) || !recognised(present, desired) {
		return false, again
	}
	c.remember(key, written{hash, version, present.GetGeneration()})
	return true, again
}

// noted remembers what was applied, once it has its first pods.
func (c *cluster) noted(ctx context.Context, key objectKey, value written, object *unstructured.Unstructured, done applied) (applied, error) {
	if err := c.startWith(ctx, object); err != nil {
		return applied{}, err
	}
	value.resourceVersion, value.generation = object.GetResourceVersion(), object.GetGeneration()
	c.remember(key, value)
	return done, nil
}

// found is the object that applying writes to, nil when there is none: this gateway's, or one that it may take.
func (c *cluster) found(ctx context.Context, key objectKey, desired *unstructured.Unstructured, take bool) (client.Object, error) {
	present, err := c.present(ctx, key, desired.GetLabels()[render.LabelGateway])
	var theirs *foreign
	if errors.As(err, &theirs) && take {
		return theirs.object, theirs.fits(desired)
	}
	return present, err
}

// whileApplying is an error that came of applying an object.
func whileApplying(key objectKey, err error) error {
	if isLacking(err) {
		return &lacking{kind: key.GroupVersionKind, name: key.ObjectKey, said: err}
	}
	return fmt.Errorf("applying %s %s: %w", key.Kind, key.ObjectKey, err)
}

// compare says what applying did: before is the object as it was, nil when it was not there; again is true
// when we applied what we had applied before.
func compare(reference v1beta1.ObjectReference, before, after client.Object, again bool) applied {
	out := applied{object: reference, uid: after.GetUID(), created: before == nil}
	if before == nil {
		return out
	}
	out.changed = !again && before.GetResourceVersion() != after.GetResourceVersion()
	// Whoever changes a field of ours takes it away from us; so we know that somebody did when we own
	// another set of fields after applying the same.
	if again && ownedFields(before) != ownedFields(after) {
		out.drifted = otherWriter(before)
	}
	return out
}

// present is the object as it is in the cluster, nil when it is not there. An object of that name that is
// not this gateway's is refused: it belongs to somebody, and taking it over would break them.
func (c *cluster) present(ctx context.Context, key objectKey, gateway string) (client.Object, error) {
	object, err := c.read(ctx, key)
	if isLacking(err) {
		return nil, whileApplying(key, err)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // absence is an answer here, and the caller asks for it
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", key.Kind, key.ObjectKey, err)
	}
	if object.GetLabels()[render.LabelGateway] != gateway {
		return nil, &foreign{key: key, object: object, gateway: gateway}
	}
	return object, nil
}

// read reads an object: from the cache if its kind is watched, and from the API server if it is not, or not there.
func (c *cluster) read(ctx context.Context, key objectKey) (client.Object, error) {
	if !watched(key.GroupVersionKind) {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(key.GroupVersionKind)
		return object, c.live.Get(ctx, key.ObjectKey, object)
	}
	object, err := c.empty(key)
	if err != nil {
		return nil, err
	}
	if err := c.client.Get(ctx, key.ObjectKey, object); !apierrors.IsNotFound(err) {
		return object, err
	}
	// The cache holds our own objects alone: somebody else's of the same name is not in it.
	return object, c.live.Get(ctx, key.ObjectKey, object)
}

// empty is an object of a kind, to be read into.
func (c *cluster) empty(key objectKey) (client.Object, error) {
	typed, err := c.client.Scheme().New(key.GroupVersionKind)
	if err != nil {
		return nil, err
	}
	object, ok := typed.(client.Object)
	if !ok {
		return nil, fmt.Errorf("kind must have metadata")
	}
	return object, nil
}

// last is what we remember of an object.
func (c *cluster) last(key objectKey) (written, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, ok := c.written[key]
	return last, ok
}

// remember keeps what was applied to an object.
func (c *cluster) remember(key objectKey, value written) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written[key] = value
}

// forget drops what is remembered of an object that is no longer there.
func (c *cluster) forget(key objectKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.written, key)
	delete(c.judged, key)
}

// convert is an object as the API server takes it, and the hash of that.
func convert(object render.Object) (*unstructured.Unstructured, [sha256.Size]byte, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, [sha256.Size]byte{}, fmt.Errorf("writing %s as JSON: %w", *object.GetKind(), err)
	}
	out := &unstructured.Unstructured{}
	if err := out.UnmarshalJSON(raw); err != nil {
		return nil, [sha256.Size]byte{}, fmt.Errorf("reading %s from JSON: %w", *object.GetKind(), err)
	}
	return out, sha256.Sum256(raw), nil
}

// newer says whether a resource version is later than another one. They are decimal numbers, and comparable
// within one kind: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
func newer(version, than string) bool {
	if len(version) != len(than) {
		return len(version) > len(than)
	}
	return version > than
}

// ownedFields are the fields of an object that we own on record, as one text.
func ownedFields(object client.Object) string {
	for _, fields := range object.GetManagedFields() {
		if fields.Manager == FieldOwner && fields.Operation == metav1.ManagedFieldsOperationApply && fields.FieldsV1 != nil {
			return fields.FieldsV1.GetRawString()
		}
	}
	return ""
}

// otherWriter is who last changed an object, beside us and beside status. A change through the scale
// subresource is recorded without its time, so it counts as the oldest.
func otherWriter(object client.Object) string {
	name, last := "somebody", time.Time{}
	for _, fields := range object.GetManagedFields() {
		if fields.Manager == FieldOwner || fields.Subresource == "status" {
			continue
		}
		at := metav1.Time{}
		if fields.Time != nil {
			at = *fields.Time
		}
		if !at.Time.Before(last) {
			name, last = fields.Manager, at.Time
		}
	}
	return name
}
