package render

import (
	"cmp"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// accessLogStore is the log store that ASM documents for the access logs of its gateways.
const accessLogStore = "mesh-ingress-log"

// accessLogEnvironment asks the log collector of the node to take what the proxy prints, when the gateway
// names a project for it. The variables are the collector's own convention:
// aliyun_logs_<configuration>[_project|_logstore|_machinegroup].
// https://help.aliyun.com/document_detail/87540.html
func accessLogEnvironment(p gateway.Placed) []*corev1ac.EnvVarApplyConfiguration {
	project := p.Annotations[gateway.AnnotationLogProject]
	if project == "" {
		return nil
	}
	// A configuration that is to be reused is found by its name.
	config := cmp.Or(p.Annotations[gateway.AnnotationLogConfig], accessLogStore)
	prefix := "aliyun_logs_" + config
	out := []*corev1ac.EnvVarApplyConfiguration{
		variable(prefix, "stdout"),
		variable(prefix+"_project", project),
		// The collector would name the store after the configuration.
		variable(prefix+"_logstore", accessLogStore),
	}
	// Without one the collector adds the pods to the group that it was installed with.
	if group := p.Annotations[gateway.AnnotationLogMachineGroup]; group != "" {
		out = append(out, variable(prefix+"_machinegroup", group))
	}
	return out
}
