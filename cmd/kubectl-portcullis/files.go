package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"

	v1 "portcullis.dev/portcullis/pkg/api/istio/v1"
	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// infosOf reads every object of some files, the items of lists one by one, with where it comes from; - stands for what
// comes in.
func infosOf(in io.Reader, files []string) ([]*resource.Info, error) {
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
	return infos, nil
}

// read reads every object of some files, the items of lists one by one; - stands for what comes in.
func read(in io.Reader, files []string) ([]*unstructured.Unstructured, error) {
	infos, err := infosOf(in, files)
	if err != nil {
		return nil, err
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

// known is what --with, or the API server, says of the cluster that decides.
type known struct {
	clusters  []v1alpha1.GatewayCluster
	policies  []v1alpha1.GatewayPolicy
	approvals []v1alpha1.ChangeApproval
	gateways  []v1beta1.IstioGateway
}

// allGateways lists the gateways, as review asks for them.
func (k known) allGateways(context.Context) ([]v1beta1.IstioGateway, error) {
	return k.gateways, nil
}

// gatewayOf is the gateway of a name, as review asks for it; nil when there is none.
func (k known) gatewayOf(_ context.Context, namespace, name string) (*v1beta1.IstioGateway, error) {
	for i := range k.gateways {
		if k.gateways[i].Namespace == namespace && k.gateways[i].Name == name {
			return &k.gateways[i], nil
		}
	}
	return nil, nil //nolint:nilnil // absence is an answer here, and review asks for it
}

// approvalsOf lists the approvals of a gateway, as review asks for them.
func (k known) approvalsOf(_ context.Context, namespace, name string) ([]v1alpha1.ChangeApproval, error) {
	return slices.DeleteFunc(slices.Clone(k.approvals), func(approval v1alpha1.ChangeApproval) bool {
		return approval.Namespace != namespace || approval.Spec.GatewayName != name
	}), nil
}

// knownIn is what some objects say. Any other kind is refused: a context that is silently left out would make another
// decision than the cluster does.
func knownIn(objects []*unstructured.Unstructured) (known, error) {
	var out known
	for _, object := range objects {
		var err error
		switch object.GroupVersionKind() {
		case v1alpha1.GroupVersion.WithKind("GatewayCluster"):
			out.clusters, err = appended(out.clusters, object)
		case v1alpha1.GroupVersion.WithKind("GatewayPolicy"):
			out.policies, err = appended(out.policies, object)
		case v1alpha1.GroupVersion.WithKind("ChangeApproval"):
			out.approvals, err = appended(out.approvals, object)
		case v1beta1.GroupVersion.WithKind("IstioGateway"), v1.GroupVersion.WithKind("IstioGateway"):
			out.gateways, err = appended(out.gateways, object)
		default:
			return known{}, fmt.Errorf("--with takes GatewayClusters, GatewayPolicies and ChangeApprovals of %s, and IstioGateways, found %s %s", v1alpha1.GroupVersion, object.GroupVersionKind(), object.GetName())
		}
		if err != nil {
			return known{}, err
		}
	}
	return out, nil
}

// appended reads an object, and appends it to the others of its kind.
func appended[T any](list []T, object *unstructured.Unstructured) ([]T, error) {
	var item T
	err := convert(object, &item)
	return append(list, item), err
}

// convert reads an object as strictly as an API server does.
func convert(object *unstructured.Unstructured, into any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, true); err != nil {
		return fmt.Errorf("reading %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}
