package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// selfSigned writes a certificate for 127.0.0.1 and its key, and returns a client that trusts it.
func selfSigned(t *testing.T) (certFile, keyFile string, trusting *http.Client) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return written(t, "tls.crt", string(certPEM)),
		written(t, "tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))),
		&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
}

// slowAPI is an API server with one registered cluster, which it says only when it is let.
type slowAPI struct {
	// asked is closed when somebody first lists the clusters, let when the answer may go out.
	asked, let chan struct{}
}

// ServeHTTP answers what a cache asks: which kinds there are, the list, and the watch.
func (a *slowAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const version, webhooks, leases = "portcullis.dev/v1alpha1", "admissionregistration.k8s.io/v1", "coordination.k8s.io/v1"
	group := func(name, version string) metav1.APIGroup {
		found := metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + version, Version: version}
		return metav1.APIGroup{Name: name, Versions: []metav1.GroupVersionForDiscovery{found}, PreferredVersion: found}
	}
	cluster := v1alpha1.GatewayCluster{}
	cluster.Name = "c1"
	answers := map[string]any{
		"/api":    &metav1.APIVersions{Versions: []string{"v1"}},
		"/api/v1": &metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "secrets", Kind: "Secret", Namespaced: true}}},
		"/apis":   &metav1.APIGroupList{Groups: []metav1.APIGroup{group("portcullis.dev", "v1alpha1"), group("admissionregistration.k8s.io", "v1"), group("coordination.k8s.io", "v1")}},
		"/apis/" + version: &metav1.APIResourceList{GroupVersion: version, APIResources: []metav1.APIResource{
			{Name: "gatewayclusters", Kind: "GatewayCluster"}, {Name: "gatewaypolicies", Kind: "GatewayPolicy"},
		}},
		"/apis/" + leases:                                                &metav1.APIResourceList{GroupVersion: leases, APIResources: []metav1.APIResource{{Name: "leases", Kind: "Lease", Namespaced: true}}},
		"/apis/" + leases + "/namespaces/n/leases":                       &coordinationv1.LeaseList{},
		"/apis/" + leases + "/namespaces/n/leases/portcullis-webhook-r1": &coordinationv1.Lease{},
		"/apis/" + version + "/gatewaypolicies": &v1alpha1.GatewayPolicyList{
			TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "GatewayPolicyList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"},
		},
		"/apis/" + webhooks: &metav1.APIResourceList{GroupVersion: webhooks, APIResources: []metav1.APIResource{
			{Name: "mutatingwebhookconfigurations", Kind: "MutatingWebhookConfiguration"},
			{Name: "validatingwebhookconfigurations", Kind: "ValidatingWebhookConfiguration"},
		}},
		"/apis/" + version + "/gatewayclusters": &v1alpha1.GatewayClusterList{
			TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "GatewayClusterList"},
			ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: []v1alpha1.GatewayCluster{cluster},
		},
	}
	answer, ok := answers[r.URL.Path]
	query := r.URL.Query()
	switch {
	case !ok:
		http.NotFound(w, r)
		return
	case query.Has("sendInitialEvents"):
		// As an API server before it could stream lists.
		http.Error(w, "sendInitialEvents is forbidden", http.StatusUnprocessableEntity)
		return
	case query.Has("watch"):
		w.Header().Set("Content-Type", "application/json")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return
	case strings.HasSuffix(r.URL.Path, "/gatewayclusters"):
		select {
		case <-a.asked:
		default:
			close(a.asked)
		}
		select {
		case <-a.let:
		case <-r.Context().Done():
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().(*net.TCPAddr).Port
}

// status is the status that an address answers with, 0 when nobody does.
func status(asker *http.Client, url string) int {
	response, err := asker.Get(url)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// asked is the answer to the creation of a gateway.
func asked(t *testing.T, asker *http.Client, url, gateway string) *admissionv1.AdmissionResponse {
	t.Helper()
	body := `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE",
		"kind":{"group":"istio.alibabacloud.com","version":"v1beta1","kind":"IstioGateway"},"namespace":"istio-system","name":"edge","object":` + gateway + `}}`
	response, err := asker.Post(url, "application/json", bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	review := &admissionv1.AdmissionReview{}
	if err := json.NewDecoder(response.Body).Decode(review); err != nil || review.Response == nil {
		t.Fatalf("reading the answer of %s: %+v, %v", url, review, err)
	}
	return review.Response
}

// A request that met an empty cache would be refused for a cluster that is registered.
func TestRunListensWhenItKnowsTheClustersAndNotBefore(t *testing.T) {
	g := NewWithT(t)
	api := &slowAPI{asked: make(chan struct{}), let: make(chan struct{})}
	server := httptest.NewServer(api)
	defer server.Close()
	t.Setenv("KUBECONFIG", written(t, "kubeconfig", `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
  clusters: [{name: c, cluster: {server: "`+server.URL+`"}}], users: [{name: u, user: {}}]}`))
	certFile, keyFile, trusting := selfSigned(t)
	port, health := freePort(t), "127.0.0.1:"+strconv.Itoa(freePort(t))
	webhooks := "https://127.0.0.1:" + strconv.Itoa(port)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, options{
			bindAddress: "127.0.0.1", port: port, healthAddress: health, metricsAddress: "0",
			certFile: certFile, keyFile: keyFile, deadline: time.Minute, namespace: "n", replica: "r1",
		})
	}()
	g.Consistently(ended).WithTimeout(100*time.Millisecond).ShouldNot(Receive(), "it runs")
	g.Eventually(api.asked).WithTimeout(time.Minute).Should(BeClosed())
	g.Eventually(func() int { return status(http.DefaultClient, "http://"+health+"/healthz") }).Should(Equal(http.StatusOK), "it lives")
	g.Consistently(func() error {
		_, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		return err
	}).WithTimeout(500*time.Millisecond).Should(HaveOccurred(), "it knows no cluster yet")
	g.Expect(status(http.DefaultClient, "http://"+health+"/readyz")).To(Equal(http.StatusInternalServerError), "it is not ready yet")

	close(api.let)
	g.Eventually(func() int { return status(http.DefaultClient, "http://"+health+"/readyz") }).WithTimeout(time.Minute).Should(Equal(http.StatusOK))
	here := `{"metadata":{"name":"edge","namespace":"istio-system"},"spec":{"clusterIds":["c1"]}}`
	answer := asked(t, trusting, webhooks+"/validate", here)
	g.Expect(answer.Result.Message).To(HavePrefix("stamps: metadata.annotations.portcullis.dev/admitted: must be sha256:"), "the mutating webhook was left out")
	stamped := strings.Replace(here, `"name"`, `"annotations":{"portcullis.dev/admitted":"`+regexp.MustCompile(`sha256:\w+`).FindString(answer.Result.Message)+`"},"name"`, 1)
	answer = asked(t, trusting, webhooks+"/validate", stamped)
	g.Expect(answer.Allowed).To(BeTrue(), "%v", answer.Result)
	answer = asked(t, trusting, webhooks+"/validate", strings.Replace(here, "c1", "nowhere", 1))
	g.Expect(answer.Allowed).To(BeFalse())
	g.Expect(answer.Result.Message).To(ContainSubstring("cluster_ids: spec.clusterIds[0]: must be the ID of a registered cluster, is nowhere"))
	answer = asked(t, trusting, webhooks+"/mutate", here)
	g.Expect(string(answer.Patch)).To(ContainSubstring(`"path":"/spec/replicaCount"`))
	g.Expect(status(trusting, webhooks+"/")).To(Equal(http.StatusNotFound), "it serves nothing else")

	stop()
	g.Eventually(ended).WithTimeout(time.Minute).Should(Receive(BeNil()))
}
