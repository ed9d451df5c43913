// Package static_test starts an API server with the webhook configurations of docs/static-admission.md in its files.
package static_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/test/env"
)

func TestStaticAdmission(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(2 * time.Minute)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	RunSpecs(t, "Static admission")
}

// namespace is where gateways are, and page where the files are that the page gives to its readers.
const (
	namespace = "istio-system"
	page      = "../../docs/static-admission"
)

// The control plane, its administrator, the directory of the API server's files, and where the webhook answers, set once
// before the suite.
var (
	plane     *env.ControlPlane
	admin     client.Client
	directory string
	port      int
)

var _ = BeforeSuite(func(ctx context.Context) {
	directory = GinkgoT().TempDir()
	port = freePort()
	writeCertificate()
	for _, name := range []string{"admission.yaml", "mutating/portcullis.yaml", "validating/portcullis.yaml"} {
		follow(name)
	}
	var err error
	plane, err = env.Start(ctx, env.Options{Progress: GinkgoWriter, Flags: map[string]string{
		"feature-gates":                 "ManifestBasedAdmissionControlConfig=true",
		"admission-control-config-file": filepath.Join(directory, "admission.yaml"),
	}})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	config := rest.CopyConfig(plane.Config)
	config.WarningHandler = rest.NoWarnings{}
	admin, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
	DeferCleanup(gexec.CleanupBuildArtifacts)
})

// follow writes a file of the page where the API server reads it, with what the page tells to put into it.
func follow(name string) {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join(page, name))
	Expect(err).NotTo(HaveOccurred())
	ca, err := os.ReadFile(filepath.Join(directory, "tls.crt"))
	Expect(err).NotTo(HaveOccurred())
	changed := strings.NewReplacer(
		"https://guard.example.com", "https://localhost:"+strconv.Itoa(port),
		"CA_IN_BASE64", base64.StdEncoding.EncodeToString(ca),
		"/etc/kubernetes/admission", directory,
	).Replace(string(text))
	path := filepath.Join(directory, name)
	Expect(os.MkdirAll(filepath.Dir(path), 0o700)).To(Succeed())
	Expect(os.WriteFile(path, []byte(changed), 0o600)).To(Succeed())
}

// writeCertificate writes a certificate for localhost, which is its own CA, and its key.
func writeCertificate() {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	Expect(err).NotTo(HaveOccurred())
	private, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: private}} {
		Expect(os.WriteFile(filepath.Join(directory, name), pem.EncodeToMemory(block), 0o600)).To(Succeed())
	}
}

// freePort is a port that nobody listens on.
func freePort() int {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().(*net.TCPAddr).Port
}
