package admission_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// caSecret reads the Secret of the guard's CA.
func caSecret(ctx context.Context) *corev1.Secret {
	GinkgoHelper()
	secret := &corev1.Secret{}
	Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "portcullis-webhook-ca"}, secret)).To(Succeed())
	return secret
}

// servedBy says whether the guard serves a certificate of a CA.
func servedBy(ca []byte) error {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return fmt.Errorf("there is no CA in %q", ca)
	}
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}}
	connection, err := dialer.DialContext(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(webhook.port)))
	if err != nil {
		return err
	}
	return connection.Close()
}

// stream has the guard asked one request after another until it is stopped, which returns how many there were and what
// went wrong.
func stream(ctx context.Context) (stop func() (asked int, faults []error)) {
	GinkgoHelper()
	// A client of its own: what the others are warned of is gathered without a lock.
	config := rest.CopyConfig(plane.Config)
	config.WarningHandler = rest.NoWarnings{}
	asker, err := client.New(config, client.Options{})
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(ctx)
	gateway := parse(named("streamed", `{clusterIds: [c8a4b2xxxxxx]}`))
	var asked int
	var faults []error
	var group sync.WaitGroup
	group.Go(func() {
		for ctx.Err() == nil {
			err := asker.Create(ctx, gateway.DeepCopy(), client.DryRunAll)
			if ctx.Err() != nil {
				return
			}
			asked++
			if err != nil {
				faults = append(faults, err)
			}
		}
	})
	return func() (int, []error) {
		cancel()
		group.Wait()
		return asked, faults
	}
}

var _ = Describe("The guard's CA", func() {
	It("is replaced again and again without a failed admission", func(ctx context.Context) {
		stop := stream(ctx)
		for range 3 {
			before := caSecret(ctx)
			// An authority that finds its Secret without a CA makes a new one.
			Expect(admin.Patch(ctx, before.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"data":null}`)))).To(Succeed())
			Eventually(func() []byte { return caSecret(ctx).Data["ca.crt"] }).WithTimeout(30 * time.Second).Should(And(Not(BeEmpty()), Not(Equal(before.Data["ca.crt"]))))
			Eventually(func() error { return servedBy(caSecret(ctx).Data["ca.crt"]) }).WithTimeout(30 * time.Second).Should(Succeed())
		}
		asked, faults := stop()
		Expect(faults).To(BeEmpty())
		Expect(asked).To(BeNumerically(">", 30))
	})
})
