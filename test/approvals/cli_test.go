package approvals_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
)

var _ = Describe("kubectl portcullis", Ordered, func() {
	var binary string

	BeforeAll(func() {
		var err error
		binary, err = gexec.Build("portcullis.dev/portcullis/cmd/kubectl-portcullis")
		Expect(err).NotTo(HaveOccurred())
	})

	// run runs the plugin as somebody, and returns its exit status and all that it wrote.
	run := func(ctx context.Context, who *person, in string, args ...string) (int, string) {
		GinkgoHelper()
		command := exec.CommandContext(ctx, binary, append(args, "--kubeconfig", who.kubeconfig, "-n", namespace)...)
		command.Stdin = strings.NewReader(in)
		out, err := command.CombinedOutput()
		// A status other than zero is an answer too.
		if _, exited := errors.AsType[*exec.ExitError](err); !exited {
			Expect(err).NotTo(HaveOccurred())
		}
		return command.ProcessState.ExitCode(), string(out)
	}
	// changed is a file with a gateway as its author wants it.
	changed := func(gw *v1beta1.IstioGateway, spec string) string {
		GinkgoHelper()
		path := filepath.Join(GinkgoT().TempDir(), "edge.yaml")
		Expect(os.WriteFile(path, []byte(`{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway,
		  metadata: {name: `+gw.Name+`, namespace: istio-system}, spec: `+spec+`}`), 0o600)).To(Succeed())
		return path
	}
	approvals := func(ctx context.Context, gw *v1beta1.IstioGateway) []v1alpha1.ChangeApproval {
		GinkgoHelper()
		list := &v1alpha1.ChangeApprovalList{}
		Expect(admin.List(ctx, list, client.MatchingFields{"spec.gatewayName": gw.Name})).To(Succeed())
		return list.Items
	}
	const asRoot = `{clusterIds: [c1, c2], serviceType: ClusterIP, ports: [{name: http, port: 8080}], runAsRoot: true}`

	It("shows what an apply does and approves exactly that, when told so", func(ctx context.Context) {
		gw := newGateway(ctx)
		status := `{"status":{"clusters":[{"clusterId":"c1","state":"Ready","replicas":3}]}}`
		Expect(admin.Status().Patch(ctx, gw.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(status)))).To(Succeed())
		file := changed(gw, asRoot)
		code, said := run(ctx, bob, "n\n", "approve", "-f", file, "--reason", "agreed")
		Expect(said).To(MatchRegexp(`Restart +c1,c2 +spec.runAsRoot: \(not set\) -> true\n`))
		Expect(said).To(ContainSubstring("Restart in c1 (3 pods), c2 (pods not known)"))
		Expect(said).To(ContainSubstring("Digest " + approvalOf(ctx, gw, rooted).Spec.Digest))
		Expect(said).To(ContainSubstring("Nothing was approved"))
		Expect(code).To(Equal(1))
		Expect(approvals(ctx, gw)).To(BeEmpty())

		code, said = run(ctx, bob, "y\n", "approve", "-f", file, "--reason", "agreed")
		Expect(said).To(MatchRegexp(`changeapproval.portcullis.dev/` + gw.Name + `-\w+ created, by bob, until `))
		Expect(code).To(BeZero())
		Expect(ann.kubectl(ctx, "", "apply", "-f", file)).To(Succeed())
		Expect(approvedBy(ctx, gw.Name)).To(Equal(approvals(ctx, gw)[0].Name))

		code, said = run(ctx, bob, "", "approve", "-f", file, "--reason", "agreed")
		Expect(said).To(ContainSubstring("nothing needs approval"))
		Expect(code).To(BeZero())
	})

	It("reviews a file with what the cluster holds, as whoever asks there", func(ctx context.Context) {
		gw := newGateway(ctx)
		file := changed(gw, asRoot)
		code, said := run(ctx, ann, "", "review", "-f", file, "--server")
		Expect(code).To(Equal(1))
		Expect(said).To(ContainSubstring("restart_approval: spec.runAsRoot: must be approved by somebody other than ann, as (not set) -> true restarts every pod in c1, c2, is not"))
		_, err := ann.patch(ctx, gw.Name, `{"spec":{"runAsRoot":true}}`)
		Expect(said).To(ContainSubstring("\n  "+sentence(err)+"\n"), "the guard says the same")

		Expect(bob.Create(ctx, approvalOf(ctx, gw, rooted))).To(Succeed())
		code, said = run(ctx, ann, "", "review", "-f", file, "--server")
		Expect(code).To(BeZero(), said)
		Expect(said).To(ContainSubstring("Restart in c1, c2: spec.runAsRoot: (not set) -> true"))
	})

	It("approves a deletion", func(ctx context.Context) {
		gw := newGateway(ctx, `{clusterIds: [c1], ports: [{name: http, port: 8080}]}`)
		code, said := run(ctx, bob, "", "approve", "--delete", gw.Name, "--reason", "moved away", "--yes")
		Expect(code).To(BeZero(), said)
		Expect(said).To(ContainSubstring("AddressLoss in c1 (pods not known)"))
		Expect(ann.Delete(ctx, gw)).To(Succeed())
	})

	It("approves a restart that the controller holds, through the guard", func(ctx context.Context) {
		gw := newGateway(ctx)
		held, err := change.Merge(gw.UID, []change.Field{change.Renderer(1, "c1")})
		Expect(err).NotTo(HaveOccurred())
		changes, err := change.ToApproved(held.Changes)
		Expect(err).NotTo(HaveOccurred())
		gw.Status.Pending = &v1beta1.PendingRestart{Digest: held.Digest, Reason: v1beta1.UpgradeHeld, Changes: changes}
		Expect(admin.Status().Update(ctx, gw)).To(Succeed())

		code, said := run(ctx, carl, "", "rollout", gw.Name, "--reason", "agreed", "--yes")
		Expect(code).To(Equal(1))
		Expect(said).To(ContainSubstring("approval: spec.approvedBy: must be allowed the verb approve"))
		Expect(approvals(ctx, gw)).To(BeEmpty())

		code, said = run(ctx, bob, "y\n", "rollout", gw.Name, "--reason", "agreed")
		Expect(code).To(BeZero(), said)
		Expect(approvals(ctx, gw)).To(ConsistOf(And(
			HaveField("Spec.Digest", held.Digest), HaveField("Spec.ApprovedBy.Username", bob.name))))
	})

	It("makes nothing on a dry run", func(ctx context.Context) {
		gw := newGateway(ctx)
		code, said := run(ctx, bob, "", "approve", "-f", changed(gw, asRoot), "--reason", "agreed", "--yes", "--dry-run")
		Expect(code).To(BeZero(), said)
		Expect(said).To(ContainSubstring("created (server dry run)"))
		Expect(approvals(ctx, gw)).To(BeEmpty())
	})

	It("tells somebody who may not approve", func(ctx context.Context) {
		gw := newGateway(ctx)
		code, said := run(ctx, carl, "", "approve", "-f", changed(gw, asRoot), "--reason", "agreed", "--yes")
		Expect(code).To(Equal(1))
		Expect(said).To(ContainSubstring("approval: spec.approvedBy: must be allowed the verb approve"))
	})

	It("approves nothing that no approval lets in", func(ctx context.Context) {
		gw := newGateway(ctx)
		code, said := run(ctx, bob, "", "approve", "-f", changed(gw, strings.Replace(asRoot, "c2", "nowhere", 1)), "--reason", "agreed", "--yes")
		Expect(code).To(Equal(2))
		Expect(said).To(ContainSubstring("cluster_ids: spec.clusterIds[1]"))
		Expect(approvals(ctx, gw)).To(BeEmpty())
	})

	It("approves a restart that is held, and refuses one whose digest is not that of its changes", func(ctx context.Context) {
		gw := newGateway(ctx)
		hold := func(digest string) {
			GinkgoHelper()
			held := approvalOf(ctx, gw, rooted).Spec
			if digest == "" {
				digest = held.Digest
			}
			patch := `{"status":{"pending":{"digest":"` + digest + `","reason":"UpgradeHeld","changes":` + asJSON(held.Changes) + `}}}`
			Expect(admin.Status().Patch(ctx, gw.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch)))).To(Succeed())
		}
		hold("sha256:" + strings.Repeat("0", 64))
		code, said := run(ctx, bob, "", "approve", "--pending", gw.Name, "--reason", "agreed", "--yes")
		Expect(code).To(Equal(2))
		Expect(said).To(ContainSubstring("status.pending.digest must be that of its changes"))
		hold("")
		code, said = run(ctx, bob, "", "approve", "--pending", gw.Name, "--reason", "agreed", "--yes")
		Expect(code).To(BeZero(), said)
		Expect(approvals(ctx, gw)).To(HaveLen(1))
	})

	It("lists approvals with what they are worth", func(ctx context.Context) {
		gw := newGateway(ctx)
		valid := bob.approve(ctx, gw, rooted)
		_, said := run(ctx, ann, "", "approvals", gw.Name)
		Expect(said).To(MatchRegexp(valid.Name + ` +` + gw.Name + ` +Valid +bob +\S+ +sha256:[0-9a-f]{12} +agreed upon`))
		_, err := ann.patch(ctx, gw.Name, rooted)
		Expect(err).NotTo(HaveOccurred())
		_, said = run(ctx, ann, "", "approvals", gw.Name)
		Expect(said).To(MatchRegexp(valid.Name + ` +` + gw.Name + ` +Used `))
		Expect(strings.Count(said, "\n")).To(Equal(2))
	})
})
