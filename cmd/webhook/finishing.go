package main

import (
	"context"
	"net/http"
	"time"
)

// longestWait is the longest that an API server can be told to wait for an answer.
const longestWait = 30 * time.Second

// finishing answers requests to their end. The server's context ends with the pod, and with it that of every request
// whose answer is still owed: each of them would be refused for no fault of its own.
func finishing(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(request.Context()), longestWait)
		defer cancel()
		handler.ServeHTTP(writer, request.WithContext(ctx))
	})
}
