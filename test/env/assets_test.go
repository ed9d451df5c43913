package env_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"portcullis.dev/portcullis/test/env"
)

var _ = Describe("the control plane's programs", func() {
	var given string

	BeforeEach(func() {
		given = GinkgoT().TempDir()
		GinkgoT().Setenv("KUBEBUILDER_ASSETS", given)
		GinkgoT().Setenv("XDG_CACHE_HOME", GinkgoT().TempDir())
	})

	When("KUBEBUILDER_ASSETS holds all of them", func() {
		BeforeEach(func() {
			for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok"} {
				Expect(os.WriteFile(filepath.Join(given, name), []byte(name), 0o755)).To(Succeed())
			}
		})

		It("takes them from there and builds nothing", func(ctx context.Context) {
			progress := &bytes.Buffer{}
			dir, err := env.Assets(ctx, progress)
			Expect(err).NotTo(HaveOccurred())
			Expect(progress.String()).To(BeEmpty())
			Expect(filepath.EvalSymlinks(filepath.Join(dir, "kwok"))).To(Equal(filepath.Join(given, "kwok")))
		})

		It("finds them where they were the last time", func(ctx context.Context) {
			dir, err := env.Assets(ctx, GinkgoWriter)
			Expect(err).NotTo(HaveOccurred())
			Expect(env.Assets(ctx, GinkgoWriter)).To(Equal(dir))
		})

		It("waits for another process, as long as its context lives", func(ctx context.Context) {
			dir, err := env.Assets(ctx, GinkgoWriter)
			Expect(err).NotTo(HaveOccurred())
			Expect(os.Remove(filepath.Join(dir, "kwok"))).To(Succeed())
			other, err := os.Open(filepath.Join(dir, ".lock"))
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(other.Close)
			Expect(syscall.Flock(int(other.Fd()), syscall.LOCK_EX)).To(Succeed())

			progress := &bytes.Buffer{}
			short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			_, err = env.Assets(short, progress)
			// Whichever step the deadline meets first, it ends there and builds nothing.
			Expect(err).To(MatchError(Or(ContainSubstring("deadline exceeded"), ContainSubstring("killed"))))
			Expect(filepath.Join(dir, "kwok")).NotTo(BeAnExistingFile())
		})
	})

	It("says which program KUBEBUILDER_ASSETS lacks", func(ctx context.Context) {
		_, err := env.Assets(ctx, GinkgoWriter)
		Expect(err).To(MatchError("KUBEBUILDER_ASSETS must hold etcd, " + given + " has none"))
	})
})
