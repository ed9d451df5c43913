// Package cluster keeps connections to the clusters that gateways are placed in. Connecting, losing and coming back
// happen beside the work and never in it: whoever asks for a cluster gets it at once, or an error that says since when
// and why it is not connected.
package cluster
