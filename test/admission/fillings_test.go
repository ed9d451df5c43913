package admission_test

import (
	"context"
	"io/fs"
	"path"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/policies"
)

// filling is what one rule fills in, and what it leaves as it is.
type filling struct {
	rule         string
	filled, left []stored
}

// stored is a gateway and what is stored of its spec.
type stored struct {
	// gateway in YAML.
	gateway string
	// spec are fields of the stored spec in YAML; null where there is none.
	spec string
}

// fillings are those of all rules that fill in.
func fillings() []filling {
	const toleration = `{key: virtual-kubelet.io/provider, operator: Equal, value: alibabacloud, effect: NoSchedule}`
	const virtual = `{nodeSelectorTerms: [{matchExpressions: [{key: type, operator: In, values: [virtual-kubelet]}]}]}`
	const others = `{nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}]}`
	required := func(terms string) string {
		return `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: ` + terms + `}}`
	}
	return []filling{
		{
			rule: "defaults",
			filled: []stored{
				{gw(`{clusterIds: [c8a4b2xxxxxx]}`), `{replicaCount: 1, serviceType: LoadBalancer, externalTrafficPolicy: Cluster, compression: null}`},
				{gw(`{clusterIds: [c8a4b2xxxxxx], compression: {gzip: {window_bits: 15}}}`), `{compression: {enabled: false, min_content_length: 30, disable_on_etag_header: false,
  remove_accept_encoding_header: false, gzip: {window_bits: 15, memory_level: 5, compression_level: DEFAULT_COMPRESSION, compression_strategy: DEFAULT_STRATEGY, chunk_size: 4096}}}`},
			},
			left: []stored{
				{gw(`{clusterIds: [c8a4b2xxxxxx], replicaCount: 3, rollingMaxSurge: "1", resources: {limits: {cpu: "1"}}}`), `{replicaCount: 3, rollingMaxSurge: "1", resources: {limits: {cpu: "1"}}}`},
				{gw(`{clusterIds: [c8a4b2xxxxxx], gatewayType: egress, serviceType: ClusterIP}`), `{externalTrafficPolicy: null, gatewayType: egress}`},
			},
		},
		{
			rule:   "host_network_dns",
			filled: []stored{{gw(`{clusterIds: [c8a4b2xxxxxx], hostNetwork: true}`), `{dnsPolicy: ClusterFirstWithHostNet}`}},
			left: []stored{
				{gw(`{clusterIds: [c8a4b2xxxxxx], hostNetwork: true, dnsPolicy: Default}`), `{dnsPolicy: Default}`},
				{gw(`{clusterIds: [c8a4b2xxxxxx], hostNetwork: false}`), `{dnsPolicy: ClusterFirst}`},
			},
		},
		{
			rule: "port_targets",
			filled: []stored{{gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{port: 443, protocol: HTTPS}, {port: 80, name: http, targetPort: 0}]}`),
				`{ports: [{port: 443, name: https-443, protocol: HTTPS, targetPort: 443}, {port: 80, name: http, protocol: TCP, targetPort: 80}]}`}},
			left: []stored{{gw(`{clusterIds: [c8a4b2xxxxxx], ports: [{port: 443, name: tls, protocol: TLS, targetPort: 8443}]}`),
				`{ports: [{port: 443, name: tls, protocol: TLS, targetPort: 8443}]}`}},
		},
		{
			rule: "serverless_tolerations",
			filled: []stored{
				{gw(`{clusterIds: [serverless]}`), `{tolerations: [` + toleration + `]}`},
				{gw(`{clusterIds: [mixed], nodeSelector: {type: virtual-kubelet}}`), `{tolerations: [` + toleration + `]}`},
				{gw(`{clusterIds: [mixed], ` + required(virtual) + `}`), `{tolerations: [` + toleration + `]}`},
				{gw(`{clusterIds: [mixed], ` + eci + `, tolerations: [{key: own, operator: Exists}]}`), `{tolerations: [{key: own, operator: Exists}, ` + toleration + `]}`},
				{with(byASM, `{}`), `{tolerations: [` + toleration + `]}`},
			},
			left: []stored{
				{gw(`{clusterIds: [serverless], tolerations: [{operator: Exists}]}`), `{tolerations: [{operator: Exists}]}`},
				{gw(`{clusterIds: [serverless], tolerations: [{key: virtual-kubelet.io/provider, operator: Exists}]}`), `{tolerations: [{key: virtual-kubelet.io/provider, operator: Exists}]}`},
				{gw(`{clusterIds: [machines]}`), `{tolerations: null}`},
			},
		},
		{
			rule:   "serverless_affinity",
			filled: []stored{{gw(`{clusterIds: [mixed], ` + eci + `}`), `{` + required(virtual) + `}`}},
			left: []stored{
				{gw(`{clusterIds: [mixed], ` + eci + `, ` + required(others) + `}`), `{` + required(others) + `}`},
				{gw(`{clusterIds: [mixed]}`), `{affinity: null}`},
				{gw(`{clusterIds: [serverless], ` + eci + `}`), `{affinity: null}`},
			},
		},
		{
			rule: "zone_spread",
			// Filled in where it is turned on, below.
			left: []stored{{gw(`{clusterIds: [machines], replicaCount: 3}`), `{affinity: null}`}},
		},
	}
}

// expectStored creates a gateway and compares what is stored of it.
func (s stored) expectStored(ctx context.Context) {
	GinkgoHelper()
	got := specOf(expectCreated(ctx, s.gateway))
	var want map[string]any
	Expect(yaml.Unmarshal([]byte(s.spec), &want)).To(Succeed())
	for field, value := range want {
		if value == nil {
			Expect(got).NotTo(HaveKey(field))
			continue
		}
		text, err := yaml.Marshal(got[field])
		Expect(err).NotTo(HaveOccurred())
		wanted, err := yaml.Marshal(value)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(MatchYAML(wanted), field)
	}
}

var _ = Describe("The rule that fills in", func() {
	for _, filling := range fillings() {
		Describe(filling.rule, func() {
			for _, stored := range filling.filled {
				It("fills in "+stored.gateway, func(ctx context.Context) { stored.expectStored(ctx) })
			}
			for _, stored := range filling.left {
				It("leaves alone "+stored.gateway, func(ctx context.Context) { stored.expectStored(ctx) })
			}
		})
	}

	It("has a gateway that it fills in, and one that it leaves alone", func() {
		byRule := map[string]filling{}
		for _, filling := range fillings() {
			byRule[filling.rule] = filling
		}
		folders, err := fs.Glob(policies.FS, "mutate/*")
		Expect(err).NotTo(HaveOccurred())
		for _, folder := range folders {
			rule := path.Base(folder)
			Expect(byRule[rule].left).NotTo(BeEmpty(), "%s leaves alone", rule)
			if rule != "zone_spread" {
				Expect(byRule[rule].filled).NotTo(BeEmpty(), "%s fills in", rule)
			}
		}
	})
})
