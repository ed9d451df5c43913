package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// server serves a bundle, or anything else.
type server struct {
	*httptest.Server
	mutex sync.Mutex
	// answer is what is served.
	answer http.HandlerFunc
	// fresh and unchanged count the answers with a bundle and the 304s.
	fresh, unchanged int
}

// serve starts a server that has nothing yet.
func serve(t *testing.T) *server {
	t.Helper()
	s := &server{answer: http.NotFound}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		answer := s.answer
		s.mutex.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// answerWith serves anything.
func (s *server) answerWith(answer http.HandlerFunc) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.answer = answer
}

// publish serves a bundle with an ETag, as bundle servers do.
func (s *server) publish(bundle []byte) {
	hash := sha256.Sum256(bundle)
	etag := `"` + hex.EncodeToString(hash[:4]) + `"`
	s.answerWith(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			s.unchanged++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		s.fresh++
		_, _ = w.Write(bundle)
	})
}

// counts are the answers so far.
func (s *server) counts() (fresh, unchanged int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.fresh, s.unchanged
}
