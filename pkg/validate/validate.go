// Package validate answers the API server's question whether a change to a gateway may go in.
package validate

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
)

// codeBreakGlass is the rule that warns of what went in without an approval in an emergency. That is to be found in every
// log.
const codeBreakGlass = "break_glass"

// Validator decides whether a change may go in; an error means that it could not decide.
type Validator interface {
	Validate(context.Context, review.Request) (review.Decision, error)
}

// Handler is the validating webhook.
type Handler struct {
	// Validator decides.
	Validator Validator
	// Recorder records the decisions; nil records none.
	Recorder *decision.Recorder
}

// Handle answers 403 for a change that the rules refuse, 400 for a request that cannot be read and 500
// for one that could not be decided: what is not clearly allowed does not go in.
func (h *Handler) Handle(ctx context.Context, req admission.Request) admission.Response {
	return h.Recorder.Decide(ctx, "validate", req, func(ctx context.Context, record *decision.Record) admission.Response {
		return h.handle(ctx, req, record)
	})
}

// handle answers, and notes why.
func (h *Handler) handle(ctx context.Context, req admission.Request, record *decision.Record) admission.Response {
	switch req.Operation {
	case admissionv1.Create, admissionv1.Update, admissionv1.Delete:
		return h.decide(ctx, req, record)
	case admissionv1.Connect:
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("operation must be CREATE, UPDATE or DELETE, is %s", req.Operation))
	default:
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("operation must be CREATE, UPDATE or DELETE, is %q", req.Operation))
	}
}

// decide asks for the decision and words it.
func (h *Handler) decide(ctx context.Context, req admission.Request, record *decision.Record) admission.Response {
	record.Gateway = req.Namespace + "/" + req.Name
	request, err := review.FromAdmission(req.AdmissionRequest)
	if err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	decided, err := h.Validator.Validate(ctx, request)
	if err != nil {
		log.FromContext(ctx).Error(err, "Refused what could not be decided")
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("deciding %s of IstioGateway %s/%s: %w", req.Operation, req.Namespace, req.Name, err))
	}
	record.Change, record.Approvals = &decided.Change, decided.Approvals
	return answer(ctx, decided, record)
}

// answer words a decision, and notes it.
func answer(ctx context.Context, decided review.Decision, record *decision.Record) admission.Response {
	record.Revision = decided.Revision
	record.Found(policy.Deny, decided.Denials)
	record.Found(policy.Warn, decided.Warnings)
	record.Found(policy.Audit, decided.Audits)
	response := admission.Allowed("")
	if len(decided.Denials) > 0 {
		log.FromContext(ctx).Info("Refused", "codes", codes(decided.Denials), "revision", decided.Revision, "dryRun", record.DryRun)
		response = admission.Denied(Message(decided.Denials))
	}
	if len(decided.Audits) > 0 {
		// What they say may hold what only the decision log knows to mask.
		log.FromContext(ctx).Info("Let in what rules find fault with, for they only audit", "codes", codes(decided.Audits), "revision", decided.Revision, "dryRun", record.DryRun)
	}
	for _, warning := range decided.Warnings {
		if warning.Code == codeBreakGlass {
			log.FromContext(ctx).Info("Let in without approval: the glass is broken", "warning", warning.Message, "dryRun", record.DryRun)
		}
		response = response.WithWarnings(warning.String())
	}
	response.AuditAnnotations = auditAnnotations(decided)
	return response
}

// Message is what the author of a refused change reads: one line for each denial, all of them.
func Message(denials []policy.Finding) string {
	lines := make([]string, 0, len(denials)+1)
	if len(denials) > 1 {
		// The client writes its own words before ours; several lines read better below them.
		lines = append(lines, "")
	}
	for _, denial := range denials {
		lines = append(lines, denial.String())
	}
	return strings.Join(lines, "\n")
}

// auditAnnotations say in the API server's audit log what was decided, and by which rules. The API server
// puts the webhook's name before each key.
func auditAnnotations(decided review.Decision) map[string]string {
	annotations := map[string]string{"revision": decided.Revision}
	if len(decided.Denials) > 0 {
		annotations["denied"] = codes(decided.Denials)
	}
	if len(decided.Warnings) > 0 {
		annotations["warned"] = codes(decided.Warnings)
	}
	if len(decided.Audits) > 0 {
		annotations["audited"] = codes(decided.Audits)
	}
	for _, warning := range decided.Warnings {
		if warning.Code == codeBreakGlass {
			annotations["break-glass"] = warning.Message
		}
	}
	return annotations
}

// codes lists the rules behind some findings, sorted, each once.
func codes(findings []policy.Finding) string {
	var out []string
	for _, finding := range findings {
		out = append(out, finding.Code)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ",")
}
