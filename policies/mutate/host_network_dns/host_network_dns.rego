# METADATA
# title: Host network DNS
# description: >-
#   On its node's network a pod asks the node's resolver unless it is told to ask the cluster's. A proxy that cannot
#   resolve its control plane never starts.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
#     description: Kubernetes, DNS for Services and Pods, ClusterFirstWithHostNet
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, hostNetwork and dnsPolicy
package mutate.host_network_dns

import data.mutate.defaults

# Asked of what the spec will be: where hostNetwork is a platform team's default, one pass must fill both.
fill["/spec/dnsPolicy"] := data.parameters.host_network_dns.dnsPolicy if defaults.outcome(["hostNetwork"]) == true
