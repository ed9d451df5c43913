package killed_test

import (
	"encoding/pem"
	"errors"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// never is the number of writes after which nobody is killed.
const never = math.MaxInt64

// silence is how long nobody must ask anything until nothing more is expected.
const silence = 200 * time.Millisecond

// errKilled is what somebody hears who was killed.
var errKilled = errors.New("killed")

// way is a controller's way to all clusters, which ends after some requests that write: whoever is killed between two of
// them writes no more.
//
// It makes no difference whether he is killed before he sends the next one, or after that was carried out and before he
// hears of it: what he remembered goes with him, and what the next one finds is what was carried out. So all that there is
// to try is how many were.
type way struct {
	left atomic.Int64
	dead atomic.Bool
	// busy counts the requests that write and are under way, last is when any was sent.
	busy, last atomic.Int64
}

// newWay is a way that does not end yet.
func newWay() *way {
	out := &way{}
	out.left.Store(never)
	out.last.Store(time.Now().UnixNano())
	return out
}

// quiet says whether nothing was asked for a while.
func (w *way) quiet() bool {
	return time.Since(time.Unix(0, w.last.Load())) > silence && w.busy.Load() == 0
}

// passing is a way to one cluster.
type passing func(*http.Request) (*http.Response, error)

// RoundTrip passes a request on.
func (p passing) RoundTrip(request *http.Request) (*http.Response, error) { return p(request) }

// through makes a way to a cluster part of this one. What is passed on is found in its record later.
func (w *way) through(to *record) func(http.RoundTripper) http.RoundTripper {
	return func(inner http.RoundTripper) http.RoundTripper {
		return passing(func(request *http.Request) (*http.Response, error) { return w.pass(request, inner, to) })
	}
}

// pass passes requests on until it is dead.
func (w *way) pass(request *http.Request, inner http.RoundTripper, to *record) (*http.Response, error) {
	writes := request.Method != http.MethodGet
	if writes && w.left.Add(-1) < 0 {
		w.dead.Store(true)
	}
	if w.dead.Load() {
		return nil, errKilled
	}
	w.last.Store(time.Now().UnixNano())
	if !writes {
		return inner.RoundTrip(request)
	}
	w.busy.Add(1)
	defer w.busy.Add(-1)
	response, err := inner.RoundTrip(request)
	if err == nil {
		to.sent.Add(1)
	}
	return response, err
}

// leading is the way of the controller that runs now.
var leading atomic.Pointer[way]

// lead makes a controller's way the one that the entrance of the other cluster is on.
func lead(to *way) { leading.Store(to) }

// startEntrance makes an entrance of a cluster that is on the way of whichever controller runs, and returns a kubeconfig
// that leads there.
func startEntrance(of *member) []byte {
	GinkgoHelper()
	inner, err := rest.TransportFor(of.config)
	Expect(err).NotTo(HaveOccurred())
	target, err := url.Parse(of.config.Host)
	Expect(err).NotTo(HaveOccurred())
	server := httptest.NewTLSServer(&httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(target)
			// Who asks is told by the certificate that we reach the cluster with.
			request.Out.Header.Del("Authorization")
		},
		Transport: passing(func(request *http.Request) (*http.Response, error) {
			return leading.Load().pass(request, inner, of.record)
		}),
		FlushInterval: -1,
		ErrorLog:      log.New(GinkgoWriter, "", 0),
	})
	DeferCleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	raw, err := clientcmd.Write(api.Config{
		Clusters:       map[string]*api.Cluster{"c": {Server: server.URL, CertificateAuthorityData: certificate}},
		AuthInfos:      map[string]*api.AuthInfo{"u": {Token: "nobody's"}},
		Contexts:       map[string]*api.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	})
	Expect(err).NotTo(HaveOccurred())
	return raw
}
