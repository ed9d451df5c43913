package render

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// proxyID is the user and the group of the proxy in every Istio image.
const proxyID = 1337

// podSecurityContext is what the pod may do: the system calls that the runtime thinks harmless, and the kernel
// settings of its own network.
func podSecurityContext(p gateway.Placed) *corev1ac.PodSecurityContextApplyConfiguration {
	return corev1ac.PodSecurityContext().
		WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault)).
		WithSysctls(sysctls(p)...)
}

// securityContext is what the proxy may do: write to its volumes alone, and gain no right that it was not
// started with.
func securityContext(p gateway.Placed) *corev1ac.SecurityContextApplyConfiguration {
	out := corev1ac.SecurityContext().
		WithAllowPrivilegeEscalation(false).
		WithPrivileged(false).
		WithReadOnlyRootFilesystem(true)
	if valueOf(p.Spec.RunAsRoot) {
		// With the runtime's usual capabilities: without any, root could not even bind a port below 1024.
		return out.WithRunAsUser(0).WithRunAsGroup(0).WithRunAsNonRoot(false)
	}
	return out.WithRunAsUser(proxyID).WithRunAsGroup(proxyID).WithRunAsNonRoot(true).
		WithCapabilities(corev1ac.Capabilities().WithDrop("ALL"))
}

// unprivileged says whether the proxy cannot bind ports below 1024. The control plane must know, and then
// leaves out listeners on them, silently; so it is never told where a sysctl makes them free.
func unprivileged(p gateway.Placed) bool {
	return valueOf(p.Spec.HostNetwork) && !valueOf(p.Spec.RunAsRoot)
}

// sysctls are the kernel settings of the pod, sorted by name: every port is free to bind, and what the user
// asks for. On its node's network a pod can have none; a Deployment that asks all the same would make pods
// without end, each refused by the kubelet.
func sysctls(p gateway.Placed) []*corev1ac.SysctlApplyConfiguration {
	if valueOf(p.Spec.HostNetwork) {
		return nil
	}
	out := []*corev1ac.SysctlApplyConfiguration{corev1ac.Sysctl().WithName("net.ipv4.ip_unprivileged_port_start").WithValue("0")}
	if kernel := p.Spec.Kernel; kernel != nil && valueOf(kernel.Enabled) && kernel.Parameters != nil {
		out = append(out, kernelParameters(kernel.Parameters)...)
	}
	slices.SortFunc(out, func(a, b *corev1ac.SysctlApplyConfiguration) int { return cmp.Compare(*a.Name, *b.Name) })
	return out
}
