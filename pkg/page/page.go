// Package page serves one HTML page that a person can look at: the gateways and how they are, what is held and what it
// waits for, what was decided lately and by which rules. It changes nothing, and shows nobody what they could not read
// with kubectl.
package page

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"portcullis.dev/portcullis/pkg/policy"
)

// text is the page, with its style: nothing is asked of anybody else.
//
//go:embed page.html.tmpl
var text string

// atOnce is how many pages are made at once. Whoever comes on top is told to come again: the guard goes first.
const atOnce = 4

// patience is how long a page may take to be made.
const patience = 10 * time.Second

// Options are what a page is made of.
type Options struct {
	// Asker asks the API server who a viewer is and what they may read.
	Asker client.Writer
	// Live reads gateways, not from memory: the guard keeps none.
	Live client.Reader
	// Known reads clusters and policies from memory.
	Known client.Reader
	// Engine is the one that decides now; nil as long as there is none.
	Engine func() *policy.Engine
	// Recent are the last decisions of this replica.
	Recent *Recent
	// Replica is the name of this replica, whose decisions the page shows.
	Replica string
	// Now is the clock; time.Now outside tests.
	Now func() time.Time
}

// Handler serves the page at /. Make it with New.
type Handler struct {
	Options
	page  *template.Template
	rooms chan struct{}
}

// New makes a handler.
func New(opts Options) (*Handler, error) {
	page, err := template.New("page").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the page's template: %w", err)
	}
	return &Handler{Options: opts, page: page, rooms: make(chan struct{}, atOnce)}, nil
}

// ServeHTTP shows the page to whoever comes with a token that the API server knows.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	switch {
	case r.URL.Path != "/":
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "must be GET, is "+r.Method, http.StatusMethodNotAllowed)
		return
	}
	select {
	case h.rooms <- struct{}{}:
		defer func() { <-h.rooms }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many pages are asked for at once; come again", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	h.show(ctx, w, r)
}

// show makes the page for one viewer, whole before any of it is sent.
func (h *Handler) show(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	v, err := h.viewer(ctx, r)
	if errors.Is(err, errUnknown) {
		w.Header().Set("WWW-Authenticate", `Basic realm="Portcullis: any name, and a token of the cluster as the password", charset="UTF-8"`)
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	var content content
	if err == nil {
		content, err = h.content(ctx, v)
	}
	if err != nil {
		log.FromContext(ctx).Error(err, "Making the page")
		http.Error(w, "the API server could not be asked; the log says why", http.StatusBadGateway)
		return
	}
	var page bytes.Buffer
	if err := h.page.Execute(&page, content); err != nil {
		log.FromContext(ctx).Error(err, "Making the page")
		http.Error(w, "the page could not be made; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := page.WriteTo(w); err != nil {
		log.FromContext(ctx).V(1).Info("Sending the page ended early", "cause", err.Error())
	}
}

// harden tells browsers to run nothing, load nothing and keep nothing.
func harden(header http.Header) {
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
}
