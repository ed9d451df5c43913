package bundle

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/plugins/rest"
)

// zipped is text as it is sent.
func zipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := zip.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAnswersAreReadUpToTheirLimits(t *testing.T) {
	zeroes := zipped(t, strings.Repeat("0", 1000))
	tests := map[string]struct {
		body             string
		packed, unpacked int64
		says             string
	}{
		"nothing at all":             {"", 0, 0, ""},
		"words of just that length":  {"12345", 5, 0, ""},
		"words of one more":          {"123456", 5, 100, "answer must be at most 5 bytes, is more"},
		"packed, of just both":       {zeroes, int64(len(zeroes)), 1000, ""},
		"packed, of one more":        {zeroes, int64(len(zeroes)) - 1, 1000, "answer must be at most"},
		"packed, unpacking to more":  {zeroes, 1000, 999, "answer must unpack to at most 999 bytes, does to more"},
		"packed and cut short":       {zeroes[:len(zeroes)-5], 1000, 1000, ""},
		"packed twice, small inside": {zipped(t, zeroes), 1000, 1000, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := bounded{limits: limits{packed: test.packed, unpacked: test.unpacked}}.read(strings.NewReader(test.body))
			if test.says == "" {
				if err != nil || string(got) != test.body {
					t.Errorf("got %d bytes, %v; want the %d as they are", len(got), err, len(test.body))
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), test.says) {
				t.Errorf("got %v, want %s", err, test.says)
			}
		})
	}
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip calls it.
func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

// closing tells when it is closed.
type closing struct {
	io.Reader
	closed *bool
}

// Close notes it.
func (c closing) Close() error {
	*c.closed = true
	return nil
}

// ask sends a request through a transport.
func ask(t *testing.T, base roundTrip, within time.Duration) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://rules.example", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return bounded{base: base, limits: limits{packed: 100, unpacked: 100, body: within}}.RoundTrip(request)
}

func TestAnAnswerOutlivesItsConnection(t *testing.T) {
	closed, done := false, context.Context(nil)
	response, err := ask(t, func(request *http.Request) (*http.Response, error) {
		done = request.Context()
		return &http.Response{StatusCode: http.StatusNotModified, Body: closing{strings.NewReader("text"), &closed}}, nil
	}, patience)
	if err != nil {
		t.Fatal(err)
	}
	if !closed || done.Err() == nil {
		t.Error("the connection is kept")
	}
	text, err := io.ReadAll(response.Body)
	if err != nil || string(text) != "text" || response.StatusCode != http.StatusNotModified {
		t.Errorf("got %d %s, %v", response.StatusCode, text, err)
	}
}

func TestAnErrorOfTheConnectionIsItself(t *testing.T) {
	refused := errors.New("connection refused")
	if _, err := ask(t, func(*http.Request) (*http.Response, error) { return nil, refused }, patience); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}

// A server may take its time before the headers, when it is asked to wait for news; that is bounded elsewhere.
func TestOnlyTheBodyIsHurried(t *testing.T) {
	waited := time.NewTimer(50 * time.Millisecond)
	response, err := ask(t, func(*http.Request) (*http.Response, error) {
		<-waited.C
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("text"))}, nil
	}, 10*time.Millisecond)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v", response, err)
	}
}

// noAuth fails to make a client.
type noAuth struct{}

// NewClient fails.
func (noAuth) NewClient(rest.Config) (*http.Client, error) { return nil, errors.New("no such file") }

// Prepare does nothing.
func (noAuth) Prepare(*http.Request) error { return nil }

func TestAClientThatCannotBeMadeIsNone(t *testing.T) {
	client, err := transport{HTTPAuthPlugin: noAuth{}}.NewClient(rest.Config{})
	if client != nil || err == nil || err.Error() != "no such file" {
		t.Errorf("got %v, %v", client, err)
	}
}
