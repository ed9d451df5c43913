package render

import (
	"slices"
	"testing"

	"portcullis.dev/portcullis/pkg/gateway"
)

func TestListFollowsTheOrderOfApplication(t *testing.T) {
	objects := rendered(t, inputOf(t, `{ports: [{port: 80}], minReplicas: 2, maxReplicas: 3, cpu: {targetAverageUtilization: 80}}`))
	var got []string
	for _, object := range objects.List() {
		got = append(got, *object.GetKind())
	}
	want := []string{
		"ServiceAccount", "Role", "RoleBinding", "Service", "Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestListLeavesOutWhatIsNotWanted(t *testing.T) {
	if got := len(rendered(t, inputOf(t, `{}`)).List()); got != 4 {
		t.Errorf("got %d objects of a gateway without ports, autoscaler and second pod, want 4", got)
	}
	if got := (Objects{}).List(); len(got) != 0 {
		t.Errorf("got %d objects of none", len(got))
	}
}

func TestEveryObjectIsNamedAfterTheGateway(t *testing.T) {
	for name, in := range cases(t) {
		objects := rendered(t, in)
		for _, object := range objects.List() {
			kind := *object.GetKind()
			wantName := "istio-" + in.gateway.Name
			if kind == "Gateway" {
				// VirtualServices refer to it by the name that its author knows.
				wantName = in.gateway.Name
			}
			if object == Object(objects.Canary) {
				wantName += "-canary"
			}
			if further, ok := at(t, object, "metadata", "labels", LabelLoadBalancer).(string); ok {
				wantName += "-" + further
			}
			for key, want := range map[string]string{
				"name":      wantName,
				"namespace": "istio-system",
			} {
				if got := at(t, object, "metadata", key); got != want {
					t.Errorf("%s: %s has %s %v, want %s", name, kind, key, got, want)
				}
			}
			if at(t, object, "apiVersion") == nil || at(t, object, "kind") == nil {
				t.Errorf("%s: %s does not say what it is", name, kind)
			}
		}
	}
}

func TestObjectsStateNothingThatNobodyMeant(t *testing.T) {
	for name, in := range cases(t) {
		for _, object := range rendered(t, in).List() {
			for _, path := range [][]any{
				{"status"}, {"metadata", "creationTimestamp"}, {"metadata", "resourceVersion"}, {"metadata", "uid"},
				{"metadata", "ownerReferences"}, {"spec", "template", "metadata", "creationTimestamp"},
			} {
				if got := at(t, object, path...); got != nil {
					t.Errorf("%s: %s states %v: %v", name, *object.GetKind(), path, got)
				}
			}
		}
	}
}

func TestTemplateHash(t *testing.T) {
	sum := hash(t, rendered(t, inputOf(t, `{}`)))
	if len(sum) != 64 {
		t.Errorf("got %q, want 64 hexadecimal digits", sum)
	}
	if again := hash(t, rendered(t, inputOf(t, `{}`))); again != sum {
		t.Errorf("got %s and %s for the same gateway", sum, again)
	}
	if other := hash(t, rendered(t, inputOf(t, `{runAsRoot: true}`))); other == sum {
		t.Errorf("got %s for two pods that differ", sum)
	}
	if none := hash(t, Objects{}); none != "" {
		t.Errorf("got %q without a Deployment, want nothing", none)
	}
}

func TestErrors(t *testing.T) {
	const drainSentence = `metadata.annotations[asm.alibabacloud.com/gateway-drain-timeout-seconds] must be a whole number of seconds above 0, is `
	for _, test := range []struct {
		name  string
		spec  string
		drain string
		want  string
	}{
		{
			name: "says which port has no protocol that can be served",
			spec: `{ports: [{port: 80}, {port: 81, protocol: FTP}]}`,
			want: `spec.ports[1].protocol must be TCP, UDP, SCTP or one of Istio's (HTTP, HTTPS, HTTP2, GRPC, GRPC-Web, TLS, MONGO, MYSQL, REDIS, QUIC, HTTP3), is "FTP"`,
		},
		{
			name: "says which ports are one on the wire",
			spec: `{ports: [{port: 80, protocol: HTTP}, {port: 443}, {port: 80, protocol: TCP}]}`,
			want: `spec.ports[2].port must be free, is 80 over TCP like that of spec.ports[0]`,
		},
		{name: "refuses a drain time that is no number", drain: "abc", want: drainSentence + `"abc"`},
		{name: "refuses an empty drain time", drain: "empty", want: drainSentence + `""`},
		{name: "refuses a drain time of 0", drain: "0", want: drainSentence + `"0"`},
		{name: "refuses a negative drain time", drain: "-5", want: drainSentence + `"-5"`},
		{name: "refuses a drain time with a unit", drain: "30s", want: drainSentence + `"30s"`},
		{name: "refuses a drain time with a part", drain: "1.5", want: drainSentence + `"1.5"`},
		{name: "refuses a drain time beyond all bounds", drain: "99999999999", want: drainSentence + `"99999999999"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := inputOf(t, `{}`)
			if test.spec != "" {
				in = inputOf(t, test.spec)
			}
			if test.drain != "" {
				in.gateway.Annotations = map[string]string{gateway.AnnotationDrainTimeout: test.drain}
			}
			if test.drain == "empty" {
				in.gateway.Annotations[gateway.AnnotationDrainTimeout] = ""
			}
			objects, err := Render(in.place())
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if len(objects.List()) != 0 {
				t.Errorf("got %d objects beside the error, want none", len(objects.List()))
			}
		})
	}
}

func TestRenderTakesAGatewayThatNobodyCompleted(t *testing.T) {
	// Defaults come from gateway.Place; without them the result is poor, but there is one.
	if _, err := Render(gateway.Placed{}); err != nil {
		t.Errorf("got %v", err)
	}
}
