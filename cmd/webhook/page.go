package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/page"
	"portcullis.dev/portcullis/pkg/ruleset"
)

// addPage serves the page for people beside the webhooks, if somebody asked for it, and has it hear of decisions.
func addPage(mgr manager.Manager, o options, rules *ruleset.Ruleset, recorder *decision.Recorder) error {
	if o.pageAddress == "" {
		return nil
	}
	recent, masking := &page.Recent{}, o.masking()
	recorder.Listeners = append(recorder.Listeners, func(record decision.Record) { recent.Listen(masking.Mask(record)) })
	handler, err := page.New(page.Options{
		Asker: mgr.GetClient(), Live: mgr.GetAPIReader(), Known: mgr.GetClient(),
		Engine: rules.Live.Engine, Recent: recent, Replica: o.replica, Now: time.Now,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.pageAddress)
	if err != nil {
		return fmt.Errorf("listening for the page at %s: %w", o.pageAddress, err)
	}
	everyReplica := false
	return mgr.Add(&manager.Server{
		Name: "page", Listener: listener, OnlyServeWhenLeader: everyReplica,
		Server: &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 32 << 10},
	})
}

// checkPageAddress refuses addresses that others than this machine, or pod, reach: tokens come there in the clear.
func checkPageAddress(address string) error {
	if address == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--page-bind-address must be an address and a port, is %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return errors.New("--page-bind-address must be a loopback address, as 127.0.0.1:8090, for tokens come there in the clear; kubectl port-forward reaches it, and so does a proxy in the pod that ends TLS; is " + address)
	}
	return nil
}
