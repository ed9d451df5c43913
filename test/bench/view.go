package main

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"

	"k8s.io/client-go/rest"

	"portcullis.dev/portcullis/pkg/render"
)

// view is one cluster of many: a way to an API server that shows of gateways' objects those of this cluster alone.
type view struct {
	id      string
	server  *httptest.Server
	hanging atomic.Bool
}

// newView serves a view on an API server.
func newView(config *rest.Config, id string) (*view, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("reaching the API server of cluster %s: %w", id, err)
	}
	address, err := url.Parse(config.Host)
	if err != nil {
		return nil, fmt.Errorf("reading the address of the API server: %w", err)
	}
	v := &view{id: id}
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		// Watches come event by event.
		FlushInterval: -1,
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(&url.URL{Scheme: "https", Host: address.Host})
			request.Out.Header.Del("Authorization")
			request.Out.URL.RawQuery = v.only(request.In.URL.Query()).Encode()
		},
	}
	v.server = httptest.NewUnstartedServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if v.hanging.Load() {
			<-request.Context().Done()
			return
		}
		if request.URL.Path == "/api/v1/namespaces/kube-system" {
			v.identify(response)
			return
		}
		proxy.ServeHTTP(response, request)
	}))
	v.server.EnableHTTP2 = true
	v.server.StartTLS()
	return v, nil
}

// only asks for the objects of this cluster where gateways' objects are asked for.
func (v *view) only(query url.Values) url.Values {
	if selector := query.Get("labelSelector"); strings.Contains(selector, render.LabelGateway) && !strings.Contains(selector, render.LabelCluster) {
		query.Set("labelSelector", selector+","+render.LabelCluster+"="+v.id)
	}
	return query
}

// identify tells which cluster this is: another one than every other view on the same API server.
func (v *view) identify(response http.ResponseWriter) {
	response.Header().Set("Content-Type", "application/json")
	// Whoever is gone meanwhile needs no answer.
	_, _ = fmt.Fprintf(response, `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": %q}}`, v.id)
}

// url is where the view is served, and ca whom to trust there.
func (v *view) url() string {
	return v.server.URL
}

// ca is the certificate of the view.
func (v *view) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.server.Certificate().Raw})
}

// hang takes requests and says nothing to them any more.
func (v *view) hang() {
	v.hanging.Store(true)
}

// close ends the view.
func (v *view) close() {
	v.server.CloseClientConnections()
	v.server.Close()
}
