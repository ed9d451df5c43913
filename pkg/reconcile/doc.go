// Package reconcile makes accepted gateways real. The unit of work is one gateway in one cluster, so that a
// cluster that does not answer delays no other; what comes of each is gathered, and written to the
// gateway's status once a pass.
package reconcile
