package main

import (
	"crypto/tls"
	"fmt"
	"time"

	servertls "github.com/cert-manager/cert-manager/pkg/server/tls"
	"github.com/cert-manager/cert-manager/pkg/server/tls/authority"
	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"portcullis.dev/portcullis/pkg/certificate"
)

// certificates gives the server its certificate: from files, or one of our own, whose CA we then write
// into the webhook configurations.
func certificates(mgr manager.Manager, o options, registry prometheus.Registerer) ([]func(*tls.Config), error) {
	var source servertls.CertificateSource = &servertls.FileCertificateSource{CertPath: o.certFile, KeyPath: o.keyFile}
	lives := &certificate.Expiries{Serving: source.GetCertificate}
	if o.certFile == "" {
		bundle, err := addCABundle(mgr, o)
		if err != nil {
			return nil, fmt.Errorf("adding the CA's writer: %w", err)
		}
		source = &servertls.DynamicSource{
			DNSNames: o.dnsNames,
			// The CA comes a moment after we ask for it, and nobody is ready before that.
			RetryInterval: 200 * time.Millisecond,
			Authority: &announced{
				announcedFor: bundle.heldFor,
				Authority: &authority.DynamicAuthority{
					SecretNamespace: o.caNamespace,
					SecretName:      o.caName,
					CommonName:      caName,
					LeafDuration:    o.certificateDuration,
					CADuration:      o.caDuration,
					RESTConfig:      mgr.GetConfig(),
				},
			},
		}
		lives = &certificate.Expiries{Serving: source.GetCertificate, CA: bundle.current.Load}
	}
	if err := mgr.Add(source); err != nil {
		return nil, fmt.Errorf("adding the certificate's source: %w", err)
	}
	if err := registry.Register(lives); err != nil {
		return nil, fmt.Errorf("registering the metrics: %w", err)
	}
	return []func(*tls.Config){func(config *tls.Config) {
		config.MinVersion = tls.VersionTLS12
		config.GetCertificate = source.GetCertificate
	}}, nil
}

// caSecretOnly keeps in memory, of Secrets and webhook configurations, the ones that we own.
func caSecretOnly(o options) cache.Options {
	configuration := cache.ByObject{Field: fields.OneTermEqualSelector("metadata.name", o.configuration)}
	return cache.Options{ByObject: map[client.Object]cache.ByObject{
		&corev1.Secret{}: {
			Namespaces: map[string]cache.Config{o.caNamespace: {}},
			Field:      fields.OneTermEqualSelector("metadata.name", o.caName),
		},
		&admissionregistrationv1.MutatingWebhookConfiguration{}:   configuration,
		&admissionregistrationv1.ValidatingWebhookConfiguration{}: configuration,
	}}
}
