package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/review"
)

// recorder appends decisions to a file.
type recorder struct {
	file string
	// with are the objects that decisions are made with.
	with []*unstructured.Unstructured
	// assume keeps the clusters that were taken as registered instead.
	assume bool
}

// keep appends one decision.
func (r recorder) keep(submitted review.Request, decision review.Decision) error {
	with, err := r.concerned(submitted, decision)
	if err != nil {
		return err
	}
	record, err := review.NewRecord(submitted, decision, with, time.Now())
	if err != nil {
		return err
	}
	line, err := json.Marshal(record)
	if err != nil {
		return err
	}
	// Whoever asked may read it: it holds no more than they wrote.
	file, err := os.OpenFile(r.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// concerned are the objects that the decision was made with, without the clusters that it does not concern.
func (r recorder) concerned(submitted review.Request, decision review.Decision) ([]map[string]any, error) {
	var with []map[string]any
	for _, object := range r.with {
		_, isConcerned := decision.Input.Clusters[object.GetName()]
		if isConcerned || object.GetKind() != "GatewayCluster" {
			with = append(with, object.Object)
		}
	}
	if !r.assume {
		return with, nil
	}
	for _, cluster := range assumed(submitted) {
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&cluster)
		if err != nil {
			return nil, fmt.Errorf("writing GatewayCluster %s: %w", cluster.Name, err)
		}
		delete(object, "status")
		object["apiVersion"], object["kind"] = v1alpha1.GroupVersion.String(), "GatewayCluster"
		with = append(with, object)
	}
	return with, nil
}
