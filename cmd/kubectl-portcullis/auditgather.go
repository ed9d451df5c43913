package main

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// subject is a gateway to audit, and where it lies.
type subject struct {
	*unstructured.Unstructured
	place
}

// gathered is all that an audit needs of a cluster, or of files.
type gathered struct {
	// subjects are to be audited.
	subjects []subject
	// known is what decisions are made with.
	known known
	// assume takes every cluster that a gateway names as registered.
	assume bool
}

// gather reads the gateways to audit, and what decisions are made with.
func (o *auditOptions) gather(ctx context.Context) (gathered, error) {
	with, err := read(o.streams.In, o.with)
	if err != nil {
		return gathered{}, err
	}
	if len(o.files) > 0 {
		return o.fromFiles(with)
	}
	server, err := o.cluster.connect()
	if err != nil {
		return gathered{}, err
	}
	stored, err := server.decisive(ctx)
	if err != nil {
		return gathered{}, err
	}
	namespace := server.namespace
	if o.allNamespaces {
		namespace = ""
	}
	out := gathered{subjects: o.selected(namespace, unplaced(gatewaysIn(stored)))}
	if len(out.subjects) == 0 {
		_, _ = fmt.Fprintln(o.streams.ErrOut, nothingIn(namespace))
	}
	out.known, err = knownBeside(over(stored, with))
	return out, err
}

// fromFiles takes the gateways of the files, of which there must be some.
func (o *auditOptions) fromFiles(with []*unstructured.Unstructured) (gathered, error) {
	found, err := readPlaced(o.streams.In, o.files)
	if err != nil {
		return gathered{}, err
	}
	var beside []*unstructured.Unstructured
	for _, one := range found {
		if one.GetNamespace() == "" {
			one.SetNamespace(o.cluster.named())
		}
		beside = append(beside, one.Unstructured)
	}
	out := gathered{subjects: o.selected("", found)}
	if len(out.subjects) == 0 {
		return gathered{}, fmt.Errorf("--filename must name files with an IstioGateway to audit, found none in %v", o.files)
	}
	out.known, err = knownBeside(over(beside, with))
	// An empty list of clusters says that there are none; who lists other things alone has not said either which there are.
	out.assume = len(out.known.clusters) == 0 && (len(o.with) == 0 || len(with) > 0)
	return out, err
}

// knownBeside is what some objects say. Gateways among them that cannot be read are left out: each is beside others, and
// must not keep those from being audited.
func knownBeside(objects []*unstructured.Unstructured) (known, error) {
	gateways := gatewaysIn(objects)
	out, err := knownIn(slices.DeleteFunc(slices.Clone(objects), func(object *unstructured.Unstructured) bool { return slices.Contains(gateways, object) }))
	for _, object := range gateways {
		gateway := v1beta1.IstioGateway{}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &gateway) == nil {
			out.gateways = append(out.gateways, gateway)
		}
	}
	return out, err
}

// nothingIn says that there is nothing to audit: who looks in the wrong place must not take silence for order.
func nothingIn(namespace string) string {
	if namespace == "" {
		return "no IstioGateway found"
	}
	return fmt.Sprintf("no IstioGateway found in namespace %s (-A looks in all)", namespace)
}

// selected are the gateways of a namespace, or of all when it is empty, that have the labels asked for.
func (o *auditOptions) selected(namespace string, among []subject) []subject {
	selector, err := labels.Parse(o.selector)
	if err != nil {
		return nil // Refused before, by validate.
	}
	var out []subject
	for _, one := range among {
		if (namespace == "" || one.GetNamespace() == namespace) && selector.Matches(labels.Set(one.GetLabels())) {
			out = append(out, one)
		}
	}
	return out
}

// unplaced are gateways that lie in no file.
func unplaced(gateways []*unstructured.Unstructured) []subject {
	out := make([]subject, 0, len(gateways))
	for _, gateway := range gateways {
		out = append(out, subject{Unstructured: gateway})
	}
	return out
}

// over are the objects of a store with others put over those of the same kind and name.
func over(stored, others []*unstructured.Unstructured) []*unstructured.Unstructured {
	id := func(object *unstructured.Unstructured) string {
		return object.GroupVersionKind().GroupKind().String() + " " + key(object)
	}
	replaced := map[string]bool{}
	for _, other := range others {
		replaced[id(other)] = true
	}
	out := append([]*unstructured.Unstructured{}, others...)
	for _, object := range stored {
		if !replaced[id(object)] {
			out = append(out, object)
		}
	}
	return out
}
