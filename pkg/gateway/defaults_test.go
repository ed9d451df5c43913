package gateway

import (
	"reflect"
	"testing"
)

// documented is the effective spec of a gateway that says nothing, as ASM documents it.
const documented = `
gatewayType: ingress
serviceType: LoadBalancer
externalTrafficPolicy: Cluster
replicaCount: 1
resources:
  requests: {cpu: 200m, memory: 256Mi}
  limits: {cpu: "2", memory: 2G}
rollingMaxSurge: 100%
rollingMaxUnavailable: 25%
dnsPolicy: ClusterFirst
hostNetwork: false
kernel: {enabled: false}
`

func TestDefaults(t *testing.T) {
	for _, test := range []struct {
		name string
		spec string
		// want is the whole effective spec, written out; the documented one when empty.
		want string
	}{
		{name: "fills what ASM documents", spec: `{}`},
		{name: "adds nothing to what is written out", spec: documented},
		{name: "takes empty resources for none", spec: `{resources: {}}`},
		{name: "takes resources without an entry for none", spec: `{resources: {limits: {}, requests: {}}}`},
		{
			name: "fills nothing of resources that say something",
			spec: `{resources: {limits: {cpu: "1"}}}`,
			want: documentedBut(t, `{resources: {limits: {cpu: "1"}}}`),
		},
		{
			name: "keeps what is written",
			spec: `{gatewayType: ingress, serviceType: NodePort, externalTrafficPolicy: Local, replicaCount: 0, rollingMaxSurge: "1", rollingMaxUnavailable: "0", dnsPolicy: Default, hostNetwork: true, kernel: {enabled: true}}`,
			want: documentedBut(t, `{serviceType: NodePort, externalTrafficPolicy: Local, replicaCount: 0, rollingMaxSurge: "1", rollingMaxUnavailable: "0", dnsPolicy: Default, hostNetwork: true, kernel: {enabled: true}}`),
		},
		{
			name: "gives a ClusterIP Service no external traffic policy",
			spec: `{serviceType: ClusterIP}`,
			want: documentedBut(t, `{serviceType: ClusterIP, externalTrafficPolicy: null}`),
		},
		{
			name: "takes a ClusterIP Service's external traffic policy away",
			spec: `{serviceType: ClusterIP, externalTrafficPolicy: Local}`,
			want: documentedBut(t, `{serviceType: ClusterIP, externalTrafficPolicy: null}`),
		},
		{
			name: "gives an egress gateway no external traffic policy",
			spec: `{gatewayType: egress}`,
			want: documentedBut(t, `{gatewayType: egress, externalTrafficPolicy: null}`),
		},
		{
			name: "asks the cluster's resolver from the node's network",
			spec: `{hostNetwork: true}`,
			want: documentedBut(t, `{hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet}`),
		},
		{
			name: "leaves kernel parameters off that nobody turned on",
			spec: `{kernel: {parameters: {net.core.somaxconn: "1"}}}`,
			want: documentedBut(t, `{kernel: {enabled: false, parameters: {net.core.somaxconn: "1"}}}`),
		},
		{
			name: "makes no compression",
			spec: `{compression: null}`,
		},
		{
			name: "fills a compression that is there",
			spec: `{compression: {}}`,
			want: documentedBut(t, `{compression: {enabled: false, min_content_length: 30, disable_on_etag_header: false, remove_accept_encoding_header: false}}`),
		},
		{
			name: "fills gzip that is there",
			spec: `{compression: {enabled: true, gzip: {window_bits: 15}}}`,
			want: documentedBut(t, `{compression: {enabled: true, min_content_length: 30, disable_on_etag_header: false, remove_accept_encoding_header: false, gzip: {memory_level: 5, compression_level: DEFAULT_COMPRESSION, compression_strategy: DEFAULT_STRATEGY, window_bits: 15, chunk_size: 4096}}}`),
		},
		{
			name: "keeps a compression that is written out",
			spec: `{compression: {enabled: true, min_content_length: 0, content_type: [text/html], disable_on_etag_header: true, remove_accept_encoding_header: true, gzip: {memory_level: 9, compression_level: BEST_SPEED, compression_strategy: FILTERED, window_bits: 9, chunk_size: 8192}}}`,
			want: documentedBut(t, `{compression: {enabled: true, min_content_length: 0, content_type: [text/html], disable_on_etag_header: true, remove_accept_encoding_header: true, gzip: {memory_level: 9, compression_level: BEST_SPEED, compression_strategy: FILTERED, window_bits: 9, chunk_size: 8192}}}`),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			if want == "" {
				want = documented
			}
			expectSame(t, effectiveIn(t, "", test.spec), specOf(t, want))
		})
	}
}

func TestDefaultsAreTheSameValuesInMemoryAsWhenWritten(t *testing.T) {
	// A cache that is keyed by the effective spec finds the one for the other.
	got, want := effectiveIn(t, "", `{}`), effectiveIn(t, "", documented)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got.Resources, want.Resources)
	}
}

func TestAnEffectiveSpecIsItsOwnEffectiveSpec(t *testing.T) {
	for name, spec := range map[string]string{"nothing": `{}`, "everything": everything} {
		once := Place(gatewayOf(t, spec), clusterOf(first, ""))
		gw := gatewayOf(t, `{}`)
		gw.Spec = once.Spec
		if twice := Place(gw, clusterOf(first, "")); !reflect.DeepEqual(once.Spec, twice.Spec) {
			t.Errorf("%s: once  %s\ntwice %s", name, asJSON(t, once.Spec), asJSON(t, twice.Spec))
		}
	}
}
