package policy

import (
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
)

// operationDelete is the one operation that leaves no object behind, operationUpdate the one that needs both.
const (
	operationDelete = "DELETE"
	operationUpdate = "UPDATE"
)

// Input is what the rules know of one request.
type Input struct {
	// Request is who asks for what.
	Request Request
	// Gateway is the object as it shall be, in JSON's types; nil on DELETE. For validation it is what mutation
	// made of it.
	Gateway any
	// Old is the stored object; nil on CREATE.
	Old any
	// Clusters describes every cluster that the request concerns, by ID.
	Clusters map[string]Cluster
	// Mesh is the mesh as a whole: the lowest of its clusters.
	Mesh Mesh
	// Change is what the change does; nil when nobody looked.
	Change any
	// Approvals are all of this gateway, each with its state.
	Approvals []any
	// LoadBalancers are the load balancers that the gateway asks for beside its own: {services, unreadable, taken}; nil when
	// it asks for none.
	LoadBalancers any
	// Namesakes are load balancers of other gateways whose Services have the name of this gateway's, each {service, gateway,
	// loadBalancer, clusters}; nil when there are none, or nobody looked.
	Namesakes any
	// Approval is the approval that somebody makes, nil when a gateway is asked about; Found is what the caller found
	// out about it: {gatewayUID, digest, allowed, reason}.
	Approval, Found any
	// Now is the time, RFC 3339. Rules have no other clock, so that a decision can be repeated.
	Now string

	// left and joined are the policies that the change of the gateway's labels takes it out of and brings it under;
	// the engine works them out.
	left, joined []any
}

// Request is who asks for what.
type Request struct {
	// Operation is CREATE, UPDATE or DELETE; RELEASE when the controller asks whether what it holds may go.
	Operation string
	// User who asks.
	User User
	// DryRun is true when nothing will be stored.
	DryRun bool
	// Name and Namespace of the gateway.
	Name, Namespace string
}

// User is who asks, as the API server authenticated them.
type User struct {
	// Username is the user's name.
	Username string
	// UID of the account; empty where the API server knows none.
	UID string
	// CredentialID names the credential that the user came with; empty where the API server knows none, as for a user
	// who is impersonated.
	CredentialID string
	// Groups that the user is in.
	Groups []string
}

// Cluster is what is known of one cluster, and of the gateway in it.
type Cluster struct {
	// Registered says whether the mesh knows the cluster at all.
	Registered bool
	// Reachable says whether its API server answers now.
	Reachable bool
	// Managed says whether it takes the gateways that ASM manages.
	Managed bool
	// Facts are its ClusterFacts; nil when none are known.
	Facts any
	// Effective is the gateway's effective spec there; nil for a cluster that the gateway only mentions.
	Effective any
	// Mesh is the mesh there.
	Mesh Mesh
	// Neighbours are the effective specs there of the other gateways on the network of its nodes, by namespace/name;
	// nil when nobody looked.
	Neighbours map[string]any
}

// Mesh is what rules may know of a mesh.
type Mesh struct {
	// Version of the mesh, for example 1.18.0.147; empty when it is not known.
	Version string
	// PrivilegedInit says whether gateway pods may have a privileged init container.
	PrivilegedInit bool
}

// check refuses an input that the rules would misread: they take a missing object for a deletion, and a missing old one
// for a creation.
func (in Input) check() error {
	if in.Approval != nil {
		return nil
	}
	if in.Gateway == nil && in.Request.Operation != operationDelete {
		return fmt.Errorf("input.gateway must hold the object on %s, is absent", in.Request.Operation)
	}
	if in.Gateway != nil && in.Request.Operation == operationDelete {
		return errors.New("input.gateway must be absent on DELETE, is set")
	}
	if in.Old == nil && in.Request.Operation == operationUpdate {
		return errors.New("input.old must hold the stored object on UPDATE, is absent")
	}
	return nil
}

// value is the input as the rules read it. What is not known is absent from it: null would be a value. What no
// rule reads is never converted, so that a gateway in 50 clusters costs little more than one in two.
func (in Input) value(known *layouts) (ast.Value, error) {
	clusters := make(map[string]any, len(in.Clusters))
	for id, cluster := range in.Clusters {
		fields, err := cluster.fields(known)
		if err != nil {
			return nil, fmt.Errorf("clusters[%s]: %w", id, err)
		}
		clusters[id] = fields
	}
	fields := map[string]any{
		"request":  in.Request.fields(),
		"clusters": clusters,
		"mesh":     in.Mesh.fields(),
		"now":      in.Now,
	}
	for name, object := range map[string]any{
		"gateway": in.Gateway, "old": in.Old, "change": in.Change, "approval": in.Approval, "found": in.Found,
		"loadBalancers": in.LoadBalancers, "namesakes": in.Namesakes,
	} {
		if object != nil {
			fields[name] = object
		}
	}
	if in.Approvals != nil {
		fields["approvals"] = in.Approvals
	}
	if len(in.left)+len(in.joined) > 0 {
		fields["policies"] = map[string]any{"left": in.left, "joined": in.joined}
	}
	return ast.LazyObject(fields), nil
}

// fields are a request as the rules read it.
func (r Request) fields() map[string]any {
	return map[string]any{
		"operation": r.Operation,
		"user":      r.User.fields(),
		"dryRun":    r.DryRun,
		"name":      r.Name,
		"namespace": r.Namespace,
	}
}

// fields are a user as the rules read it.
func (u User) fields() map[string]any {
	fields := map[string]any{"username": u.Username, "groups": append([]string{}, u.Groups...)}
	for name, value := range map[string]string{"uid": u.UID, "credentialId": u.CredentialID} {
		if value != "" {
			fields[name] = value
		}
	}
	return fields
}

// fields are a cluster as the rules read it.
func (c Cluster) fields(known *layouts) (map[string]any, error) {
	fields := map[string]any{
		"registered": c.Registered,
		"reachable":  c.Reachable,
		"managed":    c.Managed,
		"mesh":       c.Mesh.fields(),
	}
	for name, part := range map[string]any{"facts": c.Facts, "effective": c.Effective} {
		if part == nil {
			continue
		}
		object, err := known.open(part)
		if err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
		fields[name] = object
	}
	if c.Neighbours == nil {
		return fields, nil
	}
	neighbours := make(map[string]any, len(c.Neighbours))
	for name, spec := range c.Neighbours {
		object, err := known.open(spec)
		if err != nil {
			return nil, fmt.Errorf("neighbours[%s] %w", name, err)
		}
		neighbours[name] = object
	}
	fields["neighbours"] = neighbours
	return fields, nil
}

// fields are a mesh as the rules read it.
func (m Mesh) fields() map[string]any {
	fields := map[string]any{}
	if m.Version != "" {
		fields["version"] = m.Version
	}
	if m.PrivilegedInit {
		fields["privilegedInit"] = true
	}
	return fields
}
