package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/decision"
)

// proposal is a change of a stored gateway that somebody may approve.
type proposal struct {
	gateway *v1beta1.IstioGateway
	// what is proposed, in a word: applying a file, deleting, letting go.
	what   string
	change change.Change
	// settled says why there is nothing to approve; empty when there is.
	settled string
	// note is what the approver has to know about where the change comes from.
	note string
}

// proposals are the changes that the flags speak of.
func (o *approveOptions) proposals(ctx context.Context, server server) ([]proposal, error) {
	if o.pending != "" {
		held, err := pending(ctx, server, o.pending)
		return []proposal{held}, err
	}
	if o.deleted != "" {
		deletion, err := deletion(ctx, server, o.deleted)
		return []proposal{deletion}, err
	}
	objects, err := read(o.streams.In, o.files)
	if err != nil {
		return nil, err
	}
	gateways := gatewaysIn(objects)
	if len(gateways) == 0 {
		return nil, fmt.Errorf("--filename must name files with an IstioGateway, found none in %v", o.files)
	}
	var out []proposal
	for _, gateway := range gateways {
		if gateway.GetNamespace() == "" {
			gateway.SetNamespace(server.namespace)
		}
		edit, err := edit(ctx, server, gateway)
		if err != nil {
			return nil, err
		}
		out = append(out, edit)
	}
	return out, nil
}

// pending is the restart that the controller holds.
func pending(ctx context.Context, server server, name string) (proposal, error) {
	gw, err := server.gateway(ctx, server.namespace, name)
	if err != nil {
		return proposal{}, err
	}
	out := proposal{gateway: gw, what: "the restart that is held"}
	if gw.Status.Pending == nil {
		out.settled = "Nothing is held, nothing needs approval"
		return out, nil
	}
	fields, err := change.FromApproved(gw.Status.Pending.Changes)
	if err != nil {
		return proposal{}, fmt.Errorf("reading what is held of IstioGateway %s/%s: %w", gw.Namespace, gw.Name, err)
	}
	digest, err := change.Digest(gw.UID, fields)
	if err != nil {
		return proposal{}, err
	}
	if digest != gw.Status.Pending.Digest {
		return proposal{}, fmt.Errorf("status.pending.digest must be that of its changes, %s, is %s", digest, gw.Status.Pending.Digest)
	}
	out.change = change.None()
	out.change.Changes, out.change.Digest = fields, digest
	for _, field := range fields {
		for _, effect := range field.Effects {
			out.change.Effects[effect] = slices.Compact(slices.Sorted(slices.Values(slices.Concat(out.change.Effects[effect], field.Clusters))))
		}
	}
	return out, nil
}

// deletion is what deleting a gateway does.
func deletion(ctx context.Context, server server, name string) (proposal, error) {
	gw, err := server.gateway(ctx, server.namespace, name)
	if err != nil {
		return proposal{}, err
	}
	clusters, err := server.clusters(ctx)
	if err != nil {
		return proposal{}, err
	}
	out := proposal{gateway: gw, what: "its deletion"}
	if out.change, err = change.Between(gw, nil, clusters); err != nil {
		return proposal{}, err
	}
	return out.compared(server.Delete(ctx, gw.DeepCopy(), client.DryRunAll))
}

// edit is what kubectl apply of a gateway does.
func edit(ctx context.Context, server server, wanted *unstructured.Unstructured) (proposal, error) {
	gw, err := server.gateway(ctx, wanted.GetNamespace(), wanted.GetName())
	if err != nil {
		return proposal{}, err
	}
	stored := &unstructured.Unstructured{}
	stored.SetGroupVersionKind(wanted.GroupVersionKind())
	if err := server.Get(ctx, client.ObjectKeyFromObject(wanted), stored); err != nil {
		return proposal{}, fmt.Errorf("reading IstioGateway %s: %w", key(wanted), err)
	}
	patch, err := applyPatch(stored, wanted)
	if err != nil {
		return proposal{}, err
	}
	clusters, err := server.clusters(ctx)
	if err != nil {
		return proposal{}, err
	}
	out := proposal{gateway: gw, what: "applying the file"}
	answered := stored.DeepCopy()
	refused := server.Patch(ctx, answered, client.RawPatch(types.MergePatchType, patch), client.DryRunAll)
	after := answered.Object
	if refused != nil {
		// A refusal brings no object, so what mutation would make of it is worked out here; the digest tells whether the
		// server came to the same.
		if after, err = foreseen(ctx, stored, patch, clusters); err != nil {
			return proposal{}, err
		}
	}
	object, err := toObject(after)
	if err != nil {
		return proposal{}, err
	}
	if out.change, err = change.Between(gw, object.Typed, clusters); err != nil {
		return proposal{}, err
	}
	return out.compared(refused)
}

// applyPatch is the patch that kubectl apply would send.
func applyPatch(stored, wanted *unstructured.Unstructured) ([]byte, error) {
	modified, err := json.Marshal(wanted)
	if err != nil {
		return nil, fmt.Errorf("writing the gateway in the file as JSON: %w", err)
	}
	current, err := json.Marshal(stored)
	if err != nil {
		return nil, fmt.Errorf("writing the stored gateway as JSON: %w", err)
	}
	last := []byte(stored.GetAnnotations()[corev1.LastAppliedConfigAnnotation])
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(last, modified, current)
	if err != nil {
		return nil, fmt.Errorf("comparing the file with the stored gateway: %w", err)
	}
	return patch, nil
}

// foreseen is a gateway after a patch and what the built-in rules fill in.
func foreseen(ctx context.Context, stored *unstructured.Unstructured, patch []byte, clusters []v1alpha1.GatewayCluster) (map[string]any, error) {
	over := map[string]any{}
	if err := json.Unmarshal(patch, &over); err != nil {
		return nil, fmt.Errorf("reading the patch: %w", err)
	}
	engine, err := compiled(ctx, "", nil)
	if err != nil {
		return nil, err
	}
	judge, err := newJudge(judge{known: known{clusters: clusters}, engine: engine})
	if err != nil {
		return nil, err
	}
	request, err := judge.request(mergePatch(stored.DeepCopy().Object, over), stored.Object)
	if err != nil {
		return nil, err
	}
	return judge.reviewer(request).Mutate(ctx, request)
}

// mergePatch is RFC 7386 for objects.
func mergePatch(object, patch map[string]any) map[string]any {
	for key, value := range patch {
		inner, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(object, key)
		case isObject:
			under, _ := object[key].(map[string]any)
			if under == nil {
				under = map[string]any{}
			}
			object[key] = mergePatch(under, inner)
		default:
			object[key] = value
		}
	}
	return object
}

// digestIn finds the digest in a refusal.
var digestIn = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// compared is the proposal in the light of what the server said to the dry run. What it refuses for another reason no
// approval lets in, and what it names by another digest is not what would be shown.
func (p proposal) compared(refused error) (proposal, error) {
	if refused == nil {
		p.settled = "The guard lets this in as it is, nothing needs approval"
		return p, nil
	}
	said, err := refusal(refused)
	if errors.Is(err, errNotAsked) {
		if len(p.change.Effects[change.Restart])+len(p.change.Effects[change.AddressLoss]) == 0 {
			return proposal{}, fmt.Errorf("asking the server by a dry run: %w", refused)
		}
		p.note = "The server was not asked what this does, it was worked out here: " + refused.Error()
		return p, nil
	}
	// The last line names the decision, and says nothing of the change.
	said, _ = decision.Cut(said)
	var others []string
	for line := range strings.SplitSeq(said, "\n") {
		if !strings.Contains(line, "_approval: ") {
			others = append(others, line)
		}
	}
	if len(others) > 0 {
		return proposal{}, fmt.Errorf("change must be one that an approval lets in, is refused:\n%s", strings.Join(others, "\n"))
	}
	if digest := digestIn.FindString(said); digest != p.change.Digest {
		return proposal{}, fmt.Errorf("change must have the digest that the server names, %s, has %s here: the server has other rules or another version of them", digest, p.change.Digest)
	}
	return p, nil
}

// print shows the change as a table, and the pods that it concerns.
func (p proposal) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	lines := []string{fmt.Sprintf("istiogateway %s/%s: %s", p.gateway.Namespace, p.gateway.Name, p.what)}
	if p.note != "" {
		lines = append(lines, p.note)
	}
	// Values stand last, where a long one pushes nothing else aside.
	lines = append(lines, "EFFECT\tCLUSTERS\tCHANGE")
	for _, field := range p.change.Changes {
		effects := make([]string, 0, len(field.Effects))
		for _, effect := range field.Effects {
			effects = append(effects, string(effect))
		}
		if len(effects) == 0 {
			effects = []string{"-"}
		}
		lines = append(lines, strings.Join([]string{
			strings.Join(effects, ","), strings.Join(field.Clusters, ","), fmt.Sprintf("%s: %s -> %s", field.Path, inWords(field.Before), inWords(field.After)),
		}, "\t"))
	}
	for _, effect := range []change.Effect{change.Restart, change.AddressLoss} {
		if ids := p.change.Effects[effect]; len(ids) > 0 {
			lines = append(lines, fmt.Sprintf("%s in %s", effect, strings.Join(p.withPods(ids), ", ")))
		}
	}
	lines = append(lines, "Digest "+p.change.Digest)
	if _, err := fmt.Fprintln(table, strings.Join(lines, "\n")); err != nil {
		return err
	}
	return table.Flush()
}

// withPods are clusters, each with the pods that the gateway has there as far as its status tells.
func (p proposal) withPods(ids []string) []string {
	var out []string
	for _, id := range ids {
		i := slices.IndexFunc(p.gateway.Status.Clusters, func(entry v1beta1.ClusterStatus) bool { return entry.ClusterID == id })
		pods := "pods not known"
		if i >= 0 {
			pods = fmt.Sprintf("%d pods", p.gateway.Status.Clusters[i].Replicas)
		}
		out = append(out, fmt.Sprintf("%s (%s)", id, pods))
	}
	return out
}
