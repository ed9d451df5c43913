package page

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/decision"
)

// decisionsResource is what a viewer must be allowed to get to see what was decided of a namespace's gateways. No API
// server serves it: what was refused is stored nowhere, so that no right to read it could follow from another one.
var decisionsResource = schema.GroupResource{Group: v1beta1.GroupVersion.Group, Resource: "istiogateways/decisions"}

// decisions are what was decided lately.
type decisions struct {
	// Hidden says that the viewer may not see those of all namespaces.
	Hidden bool
	Rows   []decisionRow
}

// decisionRow is one decision.
type decisionRow struct {
	At, ID, Operation, About, Verdict string
	DryRun, Admitted                  bool
	Sentences                         []string
}

// decisions are the last ones that a viewer may see, the newest first.
func (h *Handler) decisions(ctx context.Context, v *viewer) (decisions, error) {
	everywhere, err := v.may(ctx, "get", decisionsResource, "")
	if err != nil {
		return decisions{}, err
	}
	out := decisions{Hidden: !everywhere}
	for _, made := range h.Recent.latest() {
		// What is of no namespace is for those who may see all.
		here := everywhere
		if !everywhere && made.namespace != "" {
			if here, err = v.may(ctx, "get", decisionsResource, made.namespace); err != nil {
				return decisions{}, err
			}
		}
		if !here {
			continue
		}
		out.Rows = append(out.Rows, decisionRow{
			At: made.at.UTC().Format(time.RFC3339), ID: made.id, Operation: made.operation, About: made.gateway, Verdict: string(made.verdict),
			DryRun: made.dryRun, Admitted: made.verdict == decision.Admitted, Sentences: made.sentences,
		})
	}
	return out, nil
}
