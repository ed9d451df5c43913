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
	// server takes stored gateways, clusters and policies from the cluster instead.
	server  bool
	cluster *kubeconfig
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
	with, stored, err := o.surroundings(ctx)
	if err != nil {
		return err
	}
	judge, err := o.newJudge(ctx, with)
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

// surroundings are the objects that decisions are made with, and the stored gateways, which are among those of a cluster.
func (o *reviewOptions) surroundings(ctx context.Context) (with, stored []*unstructured.Unstructured, err error) {
	if o.server {
		return o.online(ctx)
	}
	if stored, err = o.gateways(o.old); err != nil {
		return nil, nil, err
	}
	// A stored gateway that is silently not found would make a change look like a new gateway.
	if len(o.old) > 0 && len(stored) == 0 {
		return nil, nil, fmt.Errorf("--old must name files with an IstioGateway, found none in %v", o.old)
	}
	with, err = read(o.streams.In, o.with)
	return with, stored, err
}

// online takes them from the cluster. Who is not named is who asks there.
func (o *reviewOptions) online(ctx context.Context) (with, stored []*unstructured.Unstructured, err error) {
	server, err := o.cluster.connect()
	if err != nil {
		return nil, nil, err
	}
	if o.user == "" {
		user, err := server.self(ctx)
		if err != nil {
			return nil, nil, err
		}
		o.user, o.groups = user.Username, append(o.groups, user.Groups...)
	}
	with, err = server.decisive(ctx)
	return with, gatewaysIn(with), err
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

// newJudge decides for the user who asks, with what is known.
func (o *reviewOptions) newJudge(ctx context.Context, objects []*unstructured.Unstructured) (*judge, error) {
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
		// Who names other things alone has not said either which clusters there are.
		assume: !o.server && (len(o.with) == 0 || len(known.clusters) == 0 && len(objects) > 0),
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
