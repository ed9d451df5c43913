// Package ruleset keeps the rules that a replica of the webhook decides by up to date: it compiles the library and all
// GatewayPolicies whenever either changes, swaps what comes of it in at once, and says in each policy's status what
// runs. A set that does not compile changes nothing: the last good one goes on deciding.
//
// Every replica compiles for itself, so that none depends on another. Which replicas there are is told by Leases: a
// replica has one before it reads the first policy, renews it as long as it runs, and takes it back when it ends. A
// policy is Active when the replica of every Lease runs it. Pods would tell less: one that is running may have compiled
// nothing, and one that was replaced stays listed. A replica that cannot renew its Lease is not ready, for the others
// no longer wait for it.
package ruleset
