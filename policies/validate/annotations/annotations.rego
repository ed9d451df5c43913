# METADATA
# title: Annotations
# description: >-
#   What the controller does by an annotation it does by the exact word: a misspelt one would pause what was to go on,
#   leave alone what was to be taken, or keep what was to be deleted.
# related_resources:
#   - ref: https://cert-manager.io/docs/usage/gateway/#supported-annotations
#     description: cert-manager, annotations that ask for a certificate
# custom:
#   absent:
#     - gateway.metadata.annotations.portcullis.dev/adopt
#     - gateway.metadata.annotations.portcullis.dev/deletion-policy
#     - gateway.metadata.annotations.portcullis.dev/paused
#     - gateway.metadata.annotations.portcullis.dev/tls-hosts
package validate.annotations

import data.lib.gateway
import data.lib.result
import data.lib.words

parameters := data.parameters.annotations

annotations := input.gateway.metadata.annotations

deny contains finding if {
	some key, allowed in parameters.values
	written := annotations[key]
	not written in allowed
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("metadata.annotations.%s", [key]),
		"message": sprintf("must be %s, is %s", [words.one_of(allowed), written]),
		"fix": "write it like that, or remove the annotation",
	})
}

deny contains finding if {
	written := annotations["portcullis.dev/paused"]
	some word in split(replace(written, " ", ","), ",")
	not word in {"", "true", "false"}
	not word in gateway.ids
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.annotations.portcullis.dev/paused",
		"message": sprintf("must be true or IDs of the gateway's clusters, is %s", [word]),
		"fix": "write the IDs as spec.clusterIds has them, separated by commas",
	})
}

deny contains finding if {
	annotations["portcullis.dev/tls-hosts"]
	not has_issuer
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.annotations.portcullis.dev/tls-hosts",
		"message": "must come with the name of an issuer, comes alone",
		"fix": sprintf("set the annotation %s", [concat(" or ", parameters.issuers)]),
	})
}

# Nobody reads it: mostly one that is misspelt, whose author waits for something to happen.
warn contains finding if {
	some key, _ in annotations
	startswith(key, parameters.prefix)
	not key in parameters.known
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("metadata.annotations.%s", [key]),
		"message": sprintf("must be one that means something, as %s do, means nothing", [concat(", ", parameters.known)]),
		"fix": "write its key like that, or remove it",
	})
}

has_issuer if {
	some key in parameters.issuers
	annotations[key]
}
