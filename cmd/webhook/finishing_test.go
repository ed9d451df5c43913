package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestARequestOutlivesItsServerAndNotForever(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/validate", nil)
	asked := false
	finishing(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		asked = true
		end()
		if err := request.Context().Err(); err != nil {
			t.Errorf("the request ended with its server: %v", err)
		}
		if _, limited := request.Context().Deadline(); !limited {
			t.Error("the request has no deadline")
		}
	})).ServeHTTP(httptest.NewRecorder(), request)
	if !asked {
		t.Error("nobody was asked")
	}
}
