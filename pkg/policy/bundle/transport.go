package bundle

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/open-policy-agent/opa/v1/plugins/rest"
)

// limits bound what a server can make us hold, and how long it can keep us waiting. OPA bounds each file of a bundle
// and the time to the first byte, but neither their sum nor the time to the last byte.
type limits struct {
	// packed and unpacked are the largest answer in bytes, as it comes and uncompressed.
	packed, unpacked int64
	// body is the time that an answer may take after its headers.
	body time.Duration
}

// defaultLimits are a hundred times the built-in library, and more.
func defaultLimits() limits {
	return limits{packed: 16 << 20, unpacked: 64 << 20, body: time.Minute}
}

// transportName is the name that a service knows its transport by.
func transportName(service string) string {
	return "bounded/" + service
}

// transport authenticates a service's requests as they were configured, and bounds the answers. It is a plugin for
// OPA's manager because that is where OPA lets others have a say in its HTTP clients.
type transport struct {
	rest.HTTPAuthPlugin
	limits limits
}

// NewClient is the configured client, bounded.
func (t transport) NewClient(config rest.Config) (*http.Client, error) {
	client, err := t.HTTPAuthPlugin.NewClient(config)
	if err != nil {
		return nil, err
	}
	client.Transport = bounded{base: client.Transport, limits: t.limits}
	return client, nil
}

// Start does nothing: there is a client when a service asks for one.
func (transport) Start(context.Context) error { return nil }

// Stop does nothing.
func (transport) Stop(context.Context) {}

// Reconfigure does nothing: the configuration is read once.
func (transport) Reconfigure(context.Context, any) {}

// bounded reads an answer as a whole before anybody unpacks it.
type bounded struct {
	base   http.RoundTripper
	limits limits
}

// RoundTrip asks a server. The body of the answer is in memory, and within the limits.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	defer cancel(nil)
	response, err := b.base.RoundTrip(request.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	// Bound now: what is returned has another body.
	connection := response.Body
	defer func() { _ = connection.Close() }()
	slow := fmt.Errorf("answer must come within %s, has not", b.limits.body)
	timer := time.AfterFunc(b.limits.body, func() { cancel(slow) })
	defer timer.Stop()
	body, err := b.read(connection)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// read reads a body within the limits.
func (b bounded) read(body io.Reader) ([]byte, error) {
	packed, err := io.ReadAll(io.LimitReader(body, b.limits.packed+1))
	if err != nil {
		return nil, err
	}
	if int64(len(packed)) > b.limits.packed {
		return nil, fmt.Errorf("answer must be at most %d bytes, is more", b.limits.packed)
	}
	unpacker, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		// Not packed: a page of words, or a manifest. Whether that is an answer is not judged here.
		return packed, nil
	}
	// Only counted: what cannot be unpacked is OPA's to complain of.
	size, err := io.Copy(io.Discard, io.LimitReader(unpacker, b.limits.unpacked+1))
	if err == nil && size > b.limits.unpacked {
		return nil, errors.New("answer must unpack to at most " + fmt.Sprint(b.limits.unpacked) + " bytes, does to more")
	}
	return packed, nil
}
