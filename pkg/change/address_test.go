package change

import (
	"fmt"
	"strings"
	"testing"
)

// lossOf says whether an address is lost between two specs, in the first cluster.
func lossOf(t *testing.T, old, new string) bool {
	t.Helper()
	got, err := Between(gatewayOf(t, `{spec: {clusterIds: [c1], `+old+`}}`), gatewayOf(t, `{spec: {clusterIds: [c1], `+new+`}}`), clustersOf(nil))
	if err != nil {
		t.Fatal(err)
	}
	return len(got.Effects[AddressLoss]) > 0
}

func TestAddressIsLostWithAnAttributeThatALiveLoadBalancerCannotChange(t *testing.T) {
	const nlb, other = `loadBalancerClass: alibabacloud.com/nlb,`, `loadBalancerClass: example.com/other,`
	tests := map[string]struct {
		before, after    string
		classic, network bool
	}{
		"id":                {"lb-1", "lb-2", true, true},
		"ip-version":        {"ipv4", "ipv6", true, true},
		"resource-group-id": {"rg-1", "rg-2", true, true},
		"address-type":      {"internet", "intranet", true, true},
		"master-zoneid":     {"zone-a", "zone-b", true, false},
		"slave-zoneid":      {"zone-a", "zone-b", true, false},
		"network-type":      {"classic", "vpc", true, false},
		"ip":                {"192.0.2.1", "192.0.2.2", true, false},
		"ipv6-address-type": {"internet", "intranet", false, true},
		"zone-maps":         {"zone-a:vsw-1,zone-b:vsw-2", "zone-a:vsw-1,zone-c:vsw-3", false, true},
		// These can change, or are no part of the load balancer.
		"spec":                     {"slb.s1.small", "slb.s2.small", false, false},
		"charge-type":              {"paybytraffic", "paybybandwidth", false, false},
		"bandwidth":                {"10", "20", false, false},
		"name":                     {"one", "two", false, false},
		"vswitch-id":               {"vsw-1", "vsw-2", false, false},
		"security-group-ids":       {"sg-1", "sg-2", false, false},
		"bandwidth-package-id":     {"cbwp-1", "cbwp-2", false, false},
		"preserve-lb-on-delete":    {"", "true", false, false},
		"connection-drain-timeout": {"10", "20", false, false},
		"cert-id":                  {"cert-1", "cert-2", false, false},
	}
	for attribute, test := range tests {
		for _, prefix := range []string{keyword, olderKeyword} {
			for class, want := range map[string]bool{``: test.classic, nlb: test.network, other: test.classic || test.network} {
				spec := func(value string) string {
					return fmt.Sprintf(`%s serviceAnnotations: {%s%s: %q}`, class, prefix, attribute, value)
				}
				if got := lossOf(t, spec(test.before), spec(test.after)); got != want {
					t.Errorf("%s%s with class %q: lost is %t, want %t", prefix, attribute, class, got, want)
				}
				if lossOf(t, spec(test.before), spec(test.before)+`, replicaCount: 3`) {
					t.Errorf("%s%s: lost though it stays", prefix, attribute)
				}
			}
		}
	}
}

func TestAddressLoss(t *testing.T) {
	annotated := func(pairs string) string { return `serviceAnnotations: {` + pairs + `}` }
	tests := map[string]struct {
		old, new string
		want     bool
	}{
		"no load balancer comes":                        {`serviceType: ClusterIP`, `serviceType: LoadBalancer`, false},
		"the load balancer goes":                        {`serviceType: LoadBalancer`, `serviceType: ClusterIP`, true},
		"the default goes":                              {`replicaCount: 1`, `serviceType: NodePort`, true},
		"the ports go, and the Service with them":       {`ports: [{port: 80}]`, `ports: []`, true},
		"a port of several goes":                        {`ports: [{port: 80}, {port: 443}]`, `ports: [{port: 80}]`, false},
		"an override takes the load balancer away here": {`replicaCount: 1`, `overrides: {c1: {serviceType: ClusterIP}}`, true},
		"an override takes it away elsewhere":           {`replicaCount: 1`, `overrides: {c2: {serviceType: ClusterIP}}`, false},
		"the class comes":                               {`replicaCount: 1`, `loadBalancerClass: alibabacloud.com/nlb`, true},
		"the class goes":                                {`loadBalancerClass: alibabacloud.com/nlb`, `replicaCount: 1`, true},
		"the class of a ClusterIP comes":                {`serviceType: ClusterIP`, `serviceType: ClusterIP, loadBalancerClass: a`, false},
		"the address that is asked for comes":           {`replicaCount: 1`, `loadBalancerIP: 192.0.2.1`, true},
		"the address that is asked for changes":         {`loadBalancerIP: 192.0.2.1`, `loadBalancerIP: 192.0.2.2`, true},
		"a default is written out":                      {`replicaCount: 1`, annotated(keyword + `address-type: internet, ` + keyword + `ip-version: ipv4`), false},
		"another value than the default is written":     {`replicaCount: 1`, annotated(keyword + `address-type: intranet`), true},
		"an attribute goes":                             {annotated(keyword + `address-type: intranet`), `replicaCount: 1`, true},
		"an attribute that nobody stated comes":         {`replicaCount: 1`, annotated(keyword + `master-zoneid: a`), true},
		"an attribute moves to its new keyword":         {annotated(olderKeyword + `id: a`), annotated(keyword + `id: a`), false},
		"an older keyword comes below the present one":  {annotated(keyword + `id: a`), annotated(keyword + `id: a, ` + olderKeyword + `id: b`), false},
		"the present keyword comes above the older one": {annotated(olderKeyword + `id: a`), annotated(keyword + `id: b, ` + olderKeyword + `id: a`), true},
		"an empty present keyword hides the older one":  {annotated(olderKeyword + `id: a`), annotated(keyword + `id: "", ` + olderKeyword + `id: a`), true},
		"another controller claims it by annotation":    {`replicaCount: 1`, annotated(`service.beta.kubernetes.io/class: other`), true},
		"its type changes by annotation":                {`replicaCount: 1`, annotated(keyword + `type: nlb`), true},
		"the type has no older keyword":                 {`replicaCount: 1`, annotated(olderKeyword + `type: nlb`), false},
		"it becomes a tunnel, by presence alone":        {`replicaCount: 1`, annotated(keyword + `tunnel-type: ""`), true},
		"a zone comes":                                  {`loadBalancerClass: alibabacloud.com/nlb, ` + annotated(keyword+`zone-maps: "a:1"`), `loadBalancerClass: alibabacloud.com/nlb, ` + annotated(keyword+`zone-maps: "b:2,a:1"`), false},
		"a zone gets another address":                   {`loadBalancerClass: alibabacloud.com/nlb, ` + annotated(keyword+`zone-maps: "a:1::eip-1"`), `loadBalancerClass: alibabacloud.com/nlb, ` + annotated(keyword+`zone-maps: "a:1::eip-2"`), true},
		"the annotations of a ClusterIP change":         {`serviceType: ClusterIP, ` + annotated(keyword+`id: a`), `serviceType: ClusterIP, ` + annotated(keyword+`id: b`), false},
		"the external traffic policy changes":           {`externalTrafficPolicy: Local`, `externalTrafficPolicy: Cluster`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := lossOf(t, test.old, test.new); got != test.want {
				t.Errorf("lost is %t, want %t", got, test.want)
			}
		})
	}
}

func TestAddressesOfAManagedGateway(t *testing.T) {
	const managed = `metadata: {annotations: {asm.alibabacloud.com/managed-by-asm: "true"}}`
	registered := clustersOf(nil)
	registered[1].Spec.Managed = new(true)
	tests := map[string]struct {
		old, new     string
		unregistered bool
		loss, blamed []string
	}{
		"its cluster goes with the annotation": {
			old: `{` + managed + `}`, new: `{spec: {}}`, loss: []string{"c2"},
			blamed: []string{"metadata.annotations[asm.alibabacloud.com/managed-by-asm]"},
		},
		"it moves out of the clusters that it names": {
			old: `{spec: {clusterIds: [c1]}}`, new: `{` + managed + `, spec: {clusterIds: [c1]}}`, loss: []string{"c1"},
			blamed: []string{"metadata.annotations[asm.alibabacloud.com/managed-by-asm]"},
		},
		"it stays where it is, named instead": {
			old: `{` + managed + `}`, new: `{spec: {clusterIds: [c2]}}`,
		},
		"a change while its cluster is not registered is judged where its status says it is": {
			old: `{` + managed + `, status: {clusters: [{clusterId: c9, state: Ready}]}}`, new: `{` + managed + `, spec: {serviceType: ClusterIP}}`,
			unregistered: true, loss: []string{"c9"}, blamed: []string{"spec.serviceType"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			known := registered
			if test.unregistered {
				known = nil
			}
			got, err := Between(gatewayOf(t, test.old), gatewayOf(t, test.new), known)
			if err != nil {
				t.Fatal(err)
			}
			if !equal(got.Effects[AddressLoss], test.loss) || !equal(blamedIn(got), test.blamed) {
				t.Errorf("got addresses lost in %v by %v, want %v by %v", got.Effects[AddressLoss], blamedIn(got), test.loss, test.blamed)
			}
		})
	}
	t.Run("all addresses go when it is deleted", func(t *testing.T) {
		got, err := Between(gatewayOf(t, `{`+managed+`}`), nil, registered)
		if err != nil || !equal(got.Effects[AddressLoss], []string{"c2"}) {
			t.Errorf("got %v, %v, want the address lost in c2", got.Effects, err)
		}
	})
	t.Run("also while its cluster is not registered", func(t *testing.T) {
		got, err := Between(gatewayOf(t, `{`+managed+`, status: {clusters: [{clusterId: c9, state: Ready}]}}`), nil, nil)
		if err != nil || !equal(got.Effects[AddressLoss], []string{"c9"}) {
			t.Errorf("got %v, %v, want the address lost in c9", got.Effects, err)
		}
	})
}

func TestAddressesOfFurtherLoadBalancers(t *testing.T) {
	const path = "metadata.annotations[portcullis.dev/load-balancers]"
	with := func(annotation, spec string) string {
		if annotation != "" {
			annotation = `metadata: {annotations: {portcullis.dev/load-balancers: '` + annotation + `'}}, `
		}
		return `{` + annotation + `spec: {clusterIds: [c1, c2], ` + spec + `}}`
	}
	const http = `ports: [{port: 80}]`
	private := `[{name: private, annotations: {` + keyword + `address-type: intranet}}]`
	tests := map[string]struct {
		old, new, spec string
		loss, blamed   []string
	}{
		"one comes":               {"", private, http, nil, nil},
		"one goes":                {private, "", http, []string{"c1", "c2"}, []string{path}},
		"all of a list go":        {private, `[]`, http, []string{"c1", "c2"}, []string{path}},
		"one gets another name":   {private, strings.Replace(private, "private", "inner", 1), http, []string{"c1", "c2"}, []string{path}},
		"one becomes public":      {private, strings.Replace(private, "intranet", "internet", 1), http, []string{"c1", "c2"}, []string{path}},
		"one becomes network's":   {`[{name: a}]`, `[{name: a, loadBalancerClass: alibabacloud.com/nlb}]`, http, []string{"c1", "c2"}, []string{path}},
		"another comes":           {private, `[{name: other}, ` + private[1:], http, nil, nil},
		"it is written otherwise": {private, ` [ {"name": "private", "annotations": {"` + keyword + `address-type": "intranet"}} ]`, http, nil, nil},
		"one gets other ports":    {`[{name: a}]`, `[{name: a, ports: [80]}]`, `ports: [{port: 80}, {port: 443}]`, nil, nil},
		"it cannot be read":       {private, `[{name: private, bogus: 1}]`, http, []string{"c1", "c2"}, []string{path}},
		"the gateway's own stays beside it in one cluster alone": {private, private, http + `, overrides: {c2: {serviceType: ClusterIP}}`, nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Between(gatewayOf(t, with(test.old, test.spec)), gatewayOf(t, with(test.new, test.spec)), clustersOf(nil))
			if err != nil {
				t.Fatal(err)
			}
			if !equal(got.Effects[AddressLoss], test.loss) || !equal(blamedIn(got), test.blamed) {
				t.Errorf("got addresses lost in %v by %v, want %v by %v", got.Effects[AddressLoss], blamedIn(got), test.loss, test.blamed)
			}
		})
	}
	t.Run("the spec takes the gateway's own away in a cluster, and them with it", func(t *testing.T) {
		got, err := Between(gatewayOf(t, with(private, http)), gatewayOf(t, with(private, http+`, overrides: {c2: {serviceType: ClusterIP}}`)), clustersOf(nil))
		if err != nil || !equal(got.Effects[AddressLoss], []string{"c2"}) || !equal(blamedIn(got), []string{"spec.overrides.c2.serviceType"}) {
			t.Errorf("got addresses lost in %v by %v, %v, want them in c2 by its override", got.Effects[AddressLoss], blamedIn(got), err)
		}
	})
	t.Run("a port that only one of them reaches goes", func(t *testing.T) {
		admin := `[{name: admin, ports: [8443]}]`
		got, err := Between(gatewayOf(t, with(admin, `ports: [{port: 80}, {port: 8443}]`)), gatewayOf(t, with(admin, http)), clustersOf(nil))
		if err != nil || !equal(blamedIn(got), []string{"spec.ports"}) {
			t.Errorf("got addresses lost in %v by %v, %v, want them by spec.ports, as nothing can be made of the annotation then", got.Effects[AddressLoss], blamedIn(got), err)
		}
	})
}
