package main

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"portcullis.dev/portcullis/pkg/policy"
)

// reviewOptions are the flags of review.
type reviewOptions struct {
	streams genericiooptions.IOStreams
	// files, old and with are files with gateways, stored gateways, and clusters and policies.
	files, old, with []string
	// config is the webhook's own configuration file.
	config string
	// namespace is that of gateways that name none.
	namespace string
	// user and groups ask.
	user   string
	groups []string
	// output is one of outputs.
	output string
	// record is the file that decisions are appended to; empty for none.
	record string
}

// run reads the files, decides each gateway and prints the decisions.
func (o *reviewOptions) run(ctx context.Context) error {
	gateways, err := o.required()
	if err != nil {
		return err
	}
	stored, err := o.gateways(o.old)
	if err != nil {
		return err
	}
	// A stored gateway that is silently not found would make a change look like a new gateway.
	if len(o.old) > 0 && len(stored) == 0 {
		return fmt.Errorf("--old must name files with an IstioGateway, found none in %v", o.old)
	}
	judge, err := o.newJudge(ctx)
	if err != nil {
		return err
	}
	results, err := judgeAll(ctx, judge, gateways, stored)
	if err != nil {
		return err
	}
	if err := o.print(results); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	for _, result := range results {
		if !result.Allowed {
			return errRefused
		}
	}
	return nil
}

// required reads the gateways of the files, of which there must be some.
func (o *reviewOptions) required() ([]*unstructured.Unstructured, error) {
	gateways, err := o.gateways(o.files)
	if err == nil && len(gateways) == 0 {
		err = fmt.Errorf("--filename must name files with an IstioGateway, found none in %v", o.files)
	}
	return gateways, err
}

// gateways reads the gateways of some files.
func (o *reviewOptions) gateways(files []string) ([]*unstructured.Unstructured, error) {
	objects, err := read(o.streams.In, files)
	if err != nil {
		return nil, err
	}
	gateways := gatewaysIn(objects)
	for _, gateway := range gateways {
		if gateway.GetNamespace() == "" {
			gateway.SetNamespace(o.namespace)
		}
	}
	return gateways, nil
}

// newJudge decides for the user who asks, with the clusters that were given.
func (o *reviewOptions) newJudge(ctx context.Context) (*judge, error) {
	objects, err := read(o.streams.In, o.with)
	if err != nil {
		return nil, err
	}
	known, err := knownIn(objects)
	if err != nil {
		return nil, err
	}
	engine, err := compiled(ctx, o.config, known.policies)
	if err != nil {
		return nil, err
	}
	asked := judge{
		// Nobody is authenticated here: whoever is named counts as having come with a credential of their own.
		user:  policy.User{Username: o.user, Groups: o.groups, CredentialID: "terminal"},
		known: known,
		// Who names policies alone has not said either which clusters there are.
		assume: len(o.with) == 0 || len(known.clusters) == 0 && len(known.policies) > 0,
		engine: engine,
	}
	if o.record != "" {
		asked.keep = recorder{file: o.record, with: objects, assume: asked.assume}.keep
	}
	return newJudge(asked)
}

// judgeAll decides each gateway, against the stored one of the same namespace and name if there is one.
func judgeAll(ctx context.Context, judge *judge, gateways, stored []*unstructured.Unstructured) ([]result, error) {
	old := map[string]map[string]any{}
	for _, gateway := range stored {
		old[key(gateway)] = gateway.Object
	}
	var results []result
	for _, gateway := range gateways {
		decided, err := judge.decide(ctx, gateway.Object, old[key(gateway)])
		if err != nil {
			return nil, fmt.Errorf("deciding IstioGateway %s: %w", key(gateway), err)
		}
		results = append(results, decided)
	}
	return results, nil
}

// key is a gateway's namespace and name.
func key(gateway *unstructured.Unstructured) string {
	return gateway.GetNamespace() + "/" + gateway.GetName()
}
