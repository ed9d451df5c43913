// Package e2e is what is tried on a real cluster. All of it has the build tag e2e, for go test ./... has no such cluster.
package e2e
