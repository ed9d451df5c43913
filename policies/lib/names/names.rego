# METADATA
# title: Names
# description: What Kubernetes takes for a name.
package lib.names

# METADATA
# description: Whether a text is a DNS label (RFC 1123), as ports, volumes and Services are named.
is_dns_label(text) if {
	is_string(text)
	regex.match(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`, text)
}
