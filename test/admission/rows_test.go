package admission_test

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/policies"
)

// row is what one rule lets in and what it refuses or warns of.
type row struct {
	rule     string
	accepted []asked
	refused  []asked
	warned   []asked
}

// asked is a gateway that somebody wants to store, or a change of it, and what they read.
type asked struct {
	// gateway in YAML.
	gateway string
	// beside is another gateway that is stored before, in YAML; empty for none.
	beside string
	// change of it, a merge patch; empty where the gateway itself is judged.
	change string
	// says is what they read: each line of a refusal, or one of the warnings.
	says []string
}

// rows are those of all rules that judge a gateway by itself.
func rows() []row {
	return slices.Concat(placementRows(), managedRows(), podRows(), kernelRows(), scalingRows(), networkRows(), serviceRows(), balancerRows(), frailRows())
}

// gw is a gateway named edge.
func gw(spec string) string { return gatewayYAML("edge", spec) }

// named is a gateway with another name.
func named(name, spec string) string { return gatewayYAML(name, spec) }

// with is a gateway named edge with something in its metadata.
func with(metadata, spec string) string {
	return strings.Replace(gw(spec), "name: edge", "name: edge, "+metadata, 1)
}

// letIn is a gateway that is let in.
func letIn(gateway string) asked { return asked{gateway: gateway} }

// says is a gateway that is refused, or warned of.
func says(gateway string, lines ...string) asked { return asked{gateway: gateway, says: lines} }

// changed is a change that is refused.
func changed(gateway, change string, lines ...string) asked {
	return asked{gateway: gateway, change: change, says: lines}
}

// store does what is asked, and returns what comes back.
func (a asked) store(ctx context.Context) error {
	GinkgoHelper()
	if a.beside != "" {
		other := parse(a.beside)
		Expect(admin.Create(ctx, other)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, other)).To(Succeed()) })
	}
	object := parse(a.gateway)
	if a.change == "" {
		err := admin.Create(ctx, object)
		DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(admin.Delete(ctx, object))).To(Succeed()) })
		return err
	}
	Expect(admin.Create(ctx, object)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(admin.Delete(ctx, object))).To(Succeed()) })
	warnings.take()
	return admin.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(a.change)))
}

var _ = Describe("The rule", func() {
	for _, row := range rows() {
		Describe(row.rule, func() {
			for _, asked := range row.accepted {
				It("lets in without a word: "+asked.gateway+asked.change, func(ctx context.Context) {
					warnings.take()
					Expect(asked.store(ctx)).To(Succeed())
					Expect(warnings.take()).NotTo(ContainElement(HavePrefix(row.rule + ": ")))
				})
			}
			for _, asked := range row.refused {
				It("refuses: "+asked.gateway+asked.change, func(ctx context.Context) {
					err := asked.store(ctx)
					Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
					Expect(strings.Split(sentence(err), "\n")).To(Equal(asked.says))
					Expect(asked.says).To(ContainElement(HavePrefix(row.rule + ": ")))
				})
			}
			for _, asked := range row.warned {
				It("lets in with a warning: "+asked.gateway+asked.change, func(ctx context.Context) {
					warnings.take()
					Expect(asked.store(ctx)).To(Succeed())
					taken := warnings.take()
					for _, line := range asked.says {
						Expect(line).To(HavePrefix(row.rule + ": "))
						Expect(taken).To(ContainElement(line))
					}
				})
			}
		})
	}
})

// judgedElsewhere are the rules whose cases need approvals, and the one that needs policies, in test/policy.
var judgedElsewhere = []string{"address_approval", "approval", "break_glass", "restart_approval", "policy_labels"}

// warningsOnly are the rules that refuse nothing.
var warningsOnly = []string{"availability", "undocumented"}

var _ = Describe("Every rule", func() {
	It("has a gateway that it lets in, and one that it refuses or warns of", func() {
		folders, err := fs.Glob(policies.FS, "validate/*")
		Expect(err).NotTo(HaveOccurred())
		byRule := map[string]row{}
		for _, row := range rows() {
			Expect(byRule).NotTo(HaveKey(row.rule))
			byRule[row.rule] = row
		}
		for _, folder := range folders {
			rule := path.Base(folder)
			if slices.Contains(judgedElsewhere, rule) {
				continue
			}
			Expect(byRule[rule].accepted).NotTo(BeEmpty(), "%s lets in", rule)
			if slices.Contains(warningsOnly, rule) {
				Expect(byRule[rule].warned).NotTo(BeEmpty(), "%s warns of", rule)
				continue
			}
			Expect(byRule[rule].refused).NotTo(BeEmpty(), "%s refuses", rule)
		}
	})
})
