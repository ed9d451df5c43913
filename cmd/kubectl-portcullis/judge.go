package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"portcullis.dev/portcullis/charts"
	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
	"portcullis.dev/portcullis/pkg/schema"
)

// judge decides as a cluster would: what the API server's schema refuses, then what the guard does.
type judge struct {
	// user asks.
	user policy.User
	// known is what the cluster that decides holds.
	known known
	// assume takes every cluster that a gateway names as registered, and says so.
	assume bool
	// keep is told of every decision that the rules make, with the request before mutation; nil when nobody listens.
	keep func(review.Request, review.Decision) error

	// engine is that of the built-in rules unless another is given.
	engine  *policy.Engine
	schemas schema.Schemas
}

// result is the decision on one gateway: the contract of --output json.
type result struct {
	Allowed  bool             `json:"allowed"`
	Denials  []policy.Finding `json:"denials"`
	Warnings []policy.Finding `json:"warnings"`
	// Audits are what rules would only record.
	Audits []policy.Finding `json:"audits,omitempty"`
	// Effects, Changes and Digest say what the change does to traffic, and name it.
	change.Change
	// Effective is what the gateway's overrides make of its spec, by cluster: the fields that they state, with the values that
	// hold there. Clusters where nothing is overridden are absent.
	Effective map[string]*v1beta1.EffectiveOverride `json:"effective,omitempty"`
	// Gateway is what would be stored.
	Gateway map[string]any `json:"gateway"`
}

// newJudge compiles the schemas.
func newJudge(j judge) (*judge, error) {
	var err error
	if j.schemas, err = schema.Load(charts.CRDs); err != nil {
		return nil, fmt.Errorf("compiling the schemas: %w", err)
	}
	return &j, nil
}

// decide goes the API server's way: unknown fields, defaults, mutation, schema, rules. It stops where the API
// server would.
func (j *judge) decide(ctx context.Context, gateway, old map[string]any) (result, error) {
	kind := (&unstructured.Unstructured{Object: gateway}).GroupVersionKind()
	shape := j.schemas[kind]
	if shape == nil {
		return result{}, fmt.Errorf("apiVersion must be one of istio.alibabacloud.com/v1beta1 and istio.alibabacloud.com/v1, is %s", kind.GroupVersion())
	}
	if unknown := shape.Unknown(gateway); len(unknown) > 0 {
		return refused(gateway, unknownFields(unknown)), nil
	}
	gateway = shape.Default(gateway)
	// Types first: what cannot be read cannot be filled in either.
	if errs := shape.Validate(ctx, gateway, old); len(errs) > 0 {
		return refused(gateway, schemaFindings(errs)), nil
	}
	submitted, err := j.request(gateway, old)
	if err != nil {
		return result{}, err
	}
	reviewer := j.reviewer(submitted)
	filled, err := reviewer.Mutate(ctx, submitted)
	if err != nil {
		return result{}, err
	}
	if errs := shape.Validate(ctx, filled, old); len(errs) > 0 {
		return refused(filled, schemaFindings(errs)), nil
	}
	request, err := j.request(filled, old)
	if err != nil {
		return result{}, err
	}
	decision, err := reviewer.Validate(ctx, request)
	if err != nil {
		return result{}, err
	}
	if j.keep != nil {
		if err := j.keep(submitted, decision); err != nil {
			return result{}, fmt.Errorf("recording the decision: %w", err)
		}
	}
	return result{
		Allowed:   len(decision.Denials) == 0,
		Denials:   orEmpty(decision.Denials),
		Warnings:  orEmpty(append(decision.Warnings, j.assumptions(request)...)),
		Audits:    decision.Audits,
		Change:    decision.Change,
		Effective: effective(request, j.clusters(submitted)),
		Gateway:   filled,
	}, nil
}

// request is what an API server would ask the guard.
func (j *judge) request(gateway, old map[string]any) (review.Request, error) {
	request := review.Request{Operation: admissionv1.Create, User: j.user, DryRun: true}
	var err error
	if request.Gateway, err = toObject(gateway); err != nil {
		return review.Request{}, err
	}
	if old != nil {
		request.Operation = admissionv1.Update
		if request.Old, err = toObject(old); err != nil {
			return review.Request{}, fmt.Errorf("reading the stored gateway: %w", err)
		}
	}
	request.Namespace, request.Name = request.Gateway.Typed.Namespace, request.Gateway.Typed.Name
	return request, nil
}

// reviewer decides with the clusters that were given, or with those that the request names.
func (j *judge) reviewer(request review.Request) *review.Reviewer {
	clusters := j.clusters(request)
	return &review.Reviewer{
		Engine:    func() *policy.Engine { return j.engine },
		Clusters:  func(context.Context) ([]v1alpha1.GatewayCluster, error) { return clusters, nil },
		Approvals: j.known.approvalsOf,
		Gateways:  j.known.allGateways,
		Gateway:   j.known.gatewayOf,
		Now:       time.Now,
	}
}

// clusters are those that were given, or those that the request names.
func (j *judge) clusters(request review.Request) []v1alpha1.GatewayCluster {
	if j.assume {
		return assumed(request)
	}
	return j.known.clusters
}

// assumptions says which clusters were taken as registered without anybody saying so.
func (j *judge) assumptions(request review.Request) []policy.Finding {
	if !j.assume {
		return nil
	}
	var findings []policy.Finding
	for _, cluster := range clustersNamedBy(request.Gateway) {
		findings = append(findings, policy.Finding{
			Code:    "assumed",
			Field:   cluster.field,
			Message: fmt.Sprintf("cluster %s is taken as registered, and nothing is known of it", cluster.id),
			Fix:     "pass the registered GatewayClusters with --with",
		})
	}
	return findings
}

// assumed are GatewayClusters of which nothing is known but their names.
func assumed(request review.Request) []v1alpha1.GatewayCluster {
	var clusters []v1alpha1.GatewayCluster
	for _, object := range []*review.Object{request.Gateway, request.Old} {
		for _, named := range clustersNamedBy(object) {
			cluster := v1alpha1.GatewayCluster{}
			cluster.Name = named.id
			clusters = append(clusters, cluster)
		}
	}
	return clusters
}

// namedCluster is a cluster that a gateway names, and where.
type namedCluster struct{ id, field string }

// clustersNamedBy lists the clusters that a gateway names: those that it is to run in, and the one that its metrics go
// to.
func clustersNamedBy(object *review.Object) []namedCluster {
	if object == nil {
		return nil
	}
	var out []namedCluster
	for i, id := range object.Typed.Spec.ClusterIDs {
		out = append(out, namedCluster{id, fmt.Sprintf("spec.clusterIds[%d]", i)})
	}
	if id := object.Typed.Annotations[gateway.AnnotationExportMetrics]; id != "" {
		out = append(out, namedCluster{id, "metadata.annotations." + gateway.AnnotationExportMetrics})
	}
	return out
}

// refused is a refusal by the schema.
func refused(gateway map[string]any, denials []policy.Finding) result {
	return result{Denials: denials, Warnings: []policy.Finding{}, Change: change.None(), Gateway: gateway}
}

// unknownFields words what strict field validation refuses.
func unknownFields(paths []string) []policy.Finding {
	var findings []policy.Finding
	for _, path := range paths {
		findings = append(findings, policy.Finding{
			Code: "schema", Field: path, Message: "must be a field of IstioGateway, is unknown",
			Fix: "see kubectl explain istiogateway.spec",
		})
	}
	return findings
}

// schemaFindings words what the schema refuses as the API server does.
func schemaFindings(errs field.ErrorList) []policy.Finding {
	var findings []policy.Finding
	for _, err := range errs {
		findings = append(findings, policy.Finding{Code: "schema", Field: err.Field, Message: err.ErrorBody()})
	}
	return findings
}

// toObject is an object as review takes it.
func toObject(in map[string]any) (*review.Object, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("writing the gateway as JSON: %w", err)
	}
	return review.NewObject(raw)
}

// orEmpty keeps an empty list from being written as null.
func orEmpty(findings []policy.Finding) []policy.Finding {
	if findings == nil {
		return []policy.Finding{}
	}
	return findings
}
