package render

import (
	"testing"

	"portcullis.dev/portcullis/pkg/gateway"
)

// Which annotations count is said in pkg/gateway; what each needs around it to show is said here.
func TestEveryAnnotationThatCountsReachesTheObjects(t *testing.T) {
	const spec = `{ports: [{name: https, port: 443}], autoCreateGatewayYaml: true}`
	around := map[string]string{
		gateway.AnnotationLogConfig: gateway.AnnotationLogProject, gateway.AnnotationLogMachineGroup: gateway.AnnotationLogProject,
		gateway.AnnotationIssuer: gateway.AnnotationTLSHosts, gateway.AnnotationClusterIssuer: gateway.AnnotationTLSHosts,
		gateway.AnnotationTLSHosts: gateway.AnnotationIssuer,
	}
	for key, value := range map[string]string{
		gateway.AnnotationLogProject: "a", gateway.AnnotationLogConfig: "a", gateway.AnnotationLogMachineGroup: "a",
		gateway.AnnotationReplicasManagedByASM: "false", gateway.AnnotationCanary: "true", gateway.AnnotationDrainTimeout: "30",
		gateway.AnnotationIssuer: "a", gateway.AnnotationClusterIssuer: "a", gateway.AnnotationTLSHosts: "a.example.com",
		gateway.AnnotationLoadBalancers: `[{name: a}]`,
	} {
		var outputs [2]string
		for i, annotations := range []map[string]string{{}, {key: value}} {
			in := inputOf(t, spec)
			if beside := around[key]; beside != "" {
				annotations[beside] = "b"
			}
			in.gateway.Annotations = annotations
			outputs[i] = all(t, rendered(t, in))
		}
		if outputs[0] == outputs[1] {
			t.Errorf("%s changes nothing", key)
		}
	}
}
