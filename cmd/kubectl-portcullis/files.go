package main

import (
	"fmt"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// read reads every object of some files, the items of lists one by one; - stands for what comes in.
func read(in io.Reader, files []string) ([]*unstructured.Unstructured, error) {
	if len(files) == 0 {
		return nil, nil
	}
	builder := resource.NewLocalBuilder().Unstructured().Flatten()
	paths := slices.DeleteFunc(slices.Clone(files), func(file string) bool { return file == "-" })
	if len(paths) < len(files) {
		builder.Stream(in, "standard input")
	}
	infos, err := builder.
		FilenameParam(false, &resource.FilenameOptions{Filenames: paths, Recursive: true}).
		Do().
		Infos()
	if err != nil {
		return nil, fmt.Errorf("reading %v: %w", files, err)
	}
	var objects []*unstructured.Unstructured
	for _, info := range infos {
		object, ok := info.Object.(*unstructured.Unstructured)
		if !ok {
			return nil, fmt.Errorf("reading %s: must hold Kubernetes objects", info.Source)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// gatewaysIn are the IstioGateways among some objects. Others are not ours to judge.
func gatewaysIn(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	var gateways []*unstructured.Unstructured
	for _, object := range objects {
		kind := object.GroupVersionKind()
		if kind.Group == v1beta1.GroupVersion.Group && kind.Kind == "IstioGateway" {
			gateways = append(gateways, object)
		}
	}
	return gateways
}

// clustersIn are the GatewayClusters among some objects. Any other kind is refused: a context that is
// silently left out would make another decision than the cluster does.
func clustersIn(objects []*unstructured.Unstructured) ([]v1alpha1.GatewayCluster, error) {
	var clusters []v1alpha1.GatewayCluster
	for _, object := range objects {
		if object.GroupVersionKind() != v1alpha1.GroupVersion.WithKind("GatewayCluster") {
			return nil, fmt.Errorf("--with takes GatewayClusters of %s, found %s %s", v1alpha1.GroupVersion, object.GroupVersionKind(), object.GetName())
		}
		cluster := v1alpha1.GatewayCluster{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &cluster, true); err != nil {
			return nil, fmt.Errorf("reading GatewayCluster %s: %w", object.GetName(), err)
		}
		clusters = append(clusters, cluster)
	}
	return clusters, nil
}
