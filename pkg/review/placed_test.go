package review

import (
	"testing"
	"testing/fstest"
	"time"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// placing is a reviewer of an installation that places gateways which name no cluster.
func placing(t *testing.T, ids ...any) *Reviewer {
	t.Helper()
	engine, err := policy.New(t.Context(), policies.FS, policy.Options{Deadline: time.Minute, Parameters: map[string]any{
		"defaults": map[string]any{
			"all":      map[string]any{"clusterIds": ids},
			"clusters": map[string]any{"virtual": map[string]any{"replicaCount": 3}},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := reviewer(t, append(known(t), cluster("virtual", facts(v1alpha1.ClusterFacts{VirtualNodes: v1alpha1.VirtualNodesAll})))...)
	r.Engine = func() *policy.Engine { return engine }
	return r
}

func TestMutateFitsAGatewayToTheClustersOfADefault(t *testing.T) {
	r := placing(t, "virtual")
	filled := mutated(t, r, gatewayOf(t, `{}`), nil)
	written := mutated(t, r, gatewayOf(t, `{clusterIds: [virtual]}`), nil)
	if !same(t, filled, written) {
		t.Errorf("got %v, want %v as when its author writes the cluster", filled, written)
	}
	if again := mutated(t, r, filled, nil); !same(t, again, filled) {
		t.Errorf("got %v the second time, %v the first", again, filled)
	}
	spec := filled["spec"].(map[string]any)
	if tolerations, _ := spec["tolerations"].([]any); len(tolerations) != 1 {
		t.Errorf("got tolerations %v, want that of virtual nodes", spec["tolerations"])
	}
	if decision := decided(t, r, gatewayOf(t, `{}`), nil); len(decision.Denials) > 0 {
		t.Errorf("got %v, want it let in", decision.Denials)
	}
}

func TestMutateLeavesAGatewayWhereItsAuthorPlacedIt(t *testing.T) {
	r := placing(t, "virtual")
	for spec, want := range map[string][]any{`{clusterIds: [c1]}`: {"c1"}, `{clusterIds: []}`: {}} {
		spec := mutated(t, r, gatewayOf(t, spec), nil)["spec"].(map[string]any)
		if !same(t, spec["clusterIds"], want) {
			t.Errorf("got %v, want %v", spec["clusterIds"], want)
		}
		if spec["tolerations"] != nil {
			t.Errorf("got tolerations %v, want none", spec["tolerations"])
		}
	}
}

func TestValidateJudgesWhereADefaultPlacesAGateway(t *testing.T) {
	decision := decided(t, placing(t, "nowhere"), gatewayOf(t, `{}`), nil)
	if got := fieldsOf(decision.Denials); len(got) != 1 || got[0] != "cluster_ids: spec.clusterIds[0]" {
		t.Errorf("got %v, want the cluster refused", got)
	}
}

// What a platform team makes a default is read by the rules as if its author had written it.
func TestMutateSettles(t *testing.T) {
	for name, defaults := range map[string]map[string]any{
		"with a label for elastic instances":  {"podLabels": map[string]any{"alibabacloud.com/eci": "true"}},
		"with a node selector":                {"nodeSelector": map[string]any{"type": "virtual-kubelet"}},
		"with ports that lack a name":         {"ports": []any{map[string]any{"port": 80}}},
		"on the network of the nodes":         {"hostNetwork": true},
		"with compression":                    {"compression": map[string]any{"enabled": true, "gzip": map[string]any{}}},
		"with an affinity for virtual nodes":  {"affinity": map[string]any{"nodeAffinity": map[string]any{"preferredDuringSchedulingIgnoredDuringExecution": []any{}}}},
		"as an egress gateway without a load": {"gatewayType": "egress", "serviceType": "ClusterIP"},
	} {
		t.Run(name, func(t *testing.T) {
			r := placing(t, "virtual")
			engine, err := policy.New(t.Context(), policies.FS, policy.Options{Deadline: time.Minute, Parameters: map[string]any{"defaults": map[string]any{"all": defaults}}})
			if err != nil {
				t.Fatal(err)
			}
			r.Engine = func() *policy.Engine { return engine }
			once := mutated(t, r, gatewayOf(t, `{clusterIds: [virtual]}`), nil)
			if twice := mutated(t, r, once, nil); !same(t, twice, once) {
				t.Errorf("got %v the second time, %v the first", twice, once)
			}
			for field, value := range defaults {
				if written := gatewayOf(t, `{clusterIds: [virtual]}`); written["spec"] != nil {
					written["spec"].(map[string]any)[field] = value
					if len(defaults) == 1 && !same(t, mutated(t, r, written, nil), once) {
						t.Errorf("got %v by default, %v when it is written", once, mutated(t, r, written, nil))
					}
				}
			}
		})
	}
}

func TestMutateGivesUpOnRulesThatNeverSettle(t *testing.T) {
	const main = "package main\n\nmutate := {\"fill\": [{\"rule\": \"r\", \"path\": sprintf(\"/spec/podLabels/l%d\", [count(object.get(input, [\"gateway\", \"spec\", \"podLabels\"], {}))]), \"value\": \"\", \"absent\": []}], \"ensure\": []}\n\nvalidate := {\"deny\": [], \"warn\": []}\n"
	const rule = "# METADATA\n# scope: package\n# title: A rule\n# description: Why it is.\npackage mutate.r\n\nfill := {}\n"
	engine, err := policy.New(t.Context(), fstest.MapFS{"main/main.rego": {Data: []byte(main)}, "mutate/r/r.rego": {Data: []byte(rule)}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := reviewer(t, known(t)...)
	r.Engine = func() *policy.Engine { return engine }
	_, err = r.Mutate(t.Context(), request(t, gatewayOf(t, `{clusterIds: [c1]}`), nil))
	if want := "rules must have nothing more to fill in after 4 passes, have"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
