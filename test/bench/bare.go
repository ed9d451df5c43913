package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// bareNamespace is where the bare client applies. It has labels of its own for those of ours, so that the controller
// does not take its objects for its own.
const bareNamespace = "bare"

// bareApply applies what some gateways are made of, as fast as somebody can who does nothing else.
func bareApply(ctx context.Context, to client.Client, objects [][]*unstructured.Unstructured) error {
	return inParallel(len(objects), func(i int) error {
		for _, object := range objects[i] {
			if err := to.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("bare"), client.ForceOwnership); err != nil {
				return fmt.Errorf("applying %s %s: %w", object.GetKind(), object.GetName(), err)
			}
		}
		return nil
	})
}

// rendered are the objects of some gateways.
func rendered(from, until int) ([][]*unstructured.Unstructured, error) {
	cluster := &v1alpha1.GatewayCluster{}
	cluster.Name = local
	out := make([][]*unstructured.Unstructured, 0, until-from)
	for i := from; i < until; i++ {
		gw, err := newGateway(nameOf(i), local)
		if err != nil {
			return nil, err
		}
		gw.Namespace = bareNamespace
		objects, err := render.Render(gateway.Place(gw, cluster))
		if err != nil {
			return nil, err
		}
		bare, err := relabelled(objects.List())
		if err != nil {
			return nil, err
		}
		out = append(out, bare)
	}
	return out, nil
}

// relabelled are objects with other labels than ours, of the same length.
func relabelled(objects []render.Object) ([]*unstructured.Unstructured, error) {
	out := make([]*unstructured.Unstructured, 0, len(objects))
	for _, object := range objects {
		text, err := json.Marshal(object)
		if err != nil {
			return nil, err
		}
		bare := &unstructured.Unstructured{}
		if err := bare.UnmarshalJSON([]byte(strings.ReplaceAll(string(text), `"portcullis.dev/`, `"sluiceways.dev/`))); err != nil {
			return nil, err
		}
		out = append(out, bare)
	}
	return out, nil
}

// effort is what some work took of the clock and of the processors.
type effort struct {
	took, processors time.Duration
}

// and is an effort after another.
func (e effort) and(other effort) effort {
	return effort{e.took + other.took, e.processors + other.processors}
}

// measureBare measures what a bare client takes.
func (s *stage) measureBare(ctx context.Context, bare client.Client, from, until int) (effort, error) {
	objects, err := rendered(from, until)
	if err != nil {
		return effort{}, err
	}
	before, err := s.processorTime()
	if err != nil {
		return effort{}, err
	}
	began := time.Now()
	if err := bareApply(ctx, bare, objects); err != nil {
		return effort{}, fmt.Errorf("applying as a bare client: %w", err)
	}
	took := time.Since(began)
	after, err := s.processorTime()
	return effort{took, after - before}, err
}
