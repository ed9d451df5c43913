package render

import (
	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// mounted is a volume and where the proxy finds it.
type mounted struct {
	volume *corev1ac.VolumeApplyConfiguration
	mount  *corev1ac.VolumeMountApplyConfiguration
}

// mount puts a volume somewhere.
func mount(volume *corev1ac.VolumeApplyConfiguration, path string) mounted {
	return mounted{volume, corev1ac.VolumeMount().WithName(*volume.Name).WithMountPath(path)}
}

// volumes are the volumes of the pod and where the proxy finds them, the agent's own first. Of two with one
// name or one path the first stays, for the same reason as in the environment.
func volumes(p gateway.Placed) ([]*corev1ac.VolumeApplyConfiguration, []*corev1ac.VolumeMountApplyConfiguration) {
	var volumes []*corev1ac.VolumeApplyConfiguration
	var mounts []*corev1ac.VolumeMountApplyConfiguration
	// Kubernetes wants both unique: names in the pod, paths in the container.
	names, paths := map[string]bool{}, map[string]bool{}
	agents := agentVolumes()
	for i, m := range append(agents, userVolumes(p)...) {
		if names[*m.volume.Name] || paths[*m.mount.MountPath] {
			continue
		}
		names[*m.volume.Name], paths[*m.mount.MountPath] = true, true
		// The injector brings the agent's, of the same names.
		if p.Mesh.Injection && i < len(agents) {
			continue
		}
		volumes, mounts = append(volumes, m.volume), append(mounts, m.mount)
	}
	return volumes, mounts
}

// agentVolumes are where the agent keeps its sockets, certificates and configuration. Everything else of the
// container's file system is read-only.
func agentVolumes() []mounted {
	return []mounted{
		// Sockets on which the agent hands certificates to Envoy.
		mount(scratch("workload-socket"), "/var/run/secrets/workload-spiffe-uds"),
		mount(scratch("credential-socket"), "/var/run/secrets/credential-uds"),
		mount(scratch("workload-certs"), "/var/run/secrets/workload-spiffe-credentials"),
		// The root that the control plane keeps in every namespace; the agent trusts it to begin with.
		mount(corev1ac.Volume().WithName("istiod-ca-cert").WithConfigMap(
			corev1ac.ConfigMapVolumeSource().WithName("istio-ca-root-cert")), "/var/run/secrets/istio"),
		mount(scratch("istio-data"), "/var/lib/istio/data"),
		// In memory: the configuration holds keys, and Envoy's admin socket.
		mount(corev1ac.Volume().WithName("istio-envoy").WithEmptyDir(
			corev1ac.EmptyDirVolumeSource().WithMedium(corev1.StorageMediumMemory)), "/etc/istio/proxy"),
		mount(identityToken(), "/var/run/secrets/tokens"),
		mount(podInfo(), "/etc/istio/pod"),
	}
}

// userVolumes are the Secrets and ConfigMaps that the gateway asks for. They are optional: a pod starts
// without one that is not there, and finds it when it appears.
func userVolumes(p gateway.Placed) []mounted {
	var out []mounted
	for _, secret := range p.Spec.SecretVolumes {
		m := mount(corev1ac.Volume().WithName(secret.Name).WithSecret(
			corev1ac.SecretVolumeSource().WithSecretName(secret.SecretName).WithOptional(true)), secret.MountPath)
		m.mount.WithReadOnly(true)
		out = append(out, m)
	}
	for _, config := range p.Spec.ConfigVolumes {
		m := mount(corev1ac.Volume().WithName(config.Name).WithConfigMap(
			corev1ac.ConfigMapVolumeSource().WithName(config.ConfigMapName).WithOptional(true)), config.MountPath)
		m.mount.WithReadOnly(true)
		out = append(out, m)
	}
	return out
}

// identityToken is the token with which the agent asks for the workload's certificate. It is good for nothing
// else, and lives twelve hours.
func identityToken() *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName("istio-token").WithProjected(
		corev1ac.ProjectedVolumeSource().WithSources(
			corev1ac.VolumeProjection().WithServiceAccountToken(
				corev1ac.ServiceAccountTokenProjection().
					WithAudience("istio-ca").
					WithExpirationSeconds(43200).
					WithPath("istio-token"))))
}

// podInfo is what the agent reads of its own pod.
func podInfo() *corev1ac.VolumeApplyConfiguration {
	file := func(name string) *corev1ac.DownwardAPIVolumeFileApplyConfiguration {
		return corev1ac.DownwardAPIVolumeFile().WithPath(name).WithFieldRef(
			corev1ac.ObjectFieldSelector().WithFieldPath("metadata." + name))
	}
	return corev1ac.Volume().WithName("istio-podinfo").WithDownwardAPI(
		corev1ac.DownwardAPIVolumeSource().WithItems(file("labels"), file("annotations")))
}

// scratch is an empty directory. Written out as {}: a null is dropped, and what is then left is no volume.
func scratch(name string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).WithEmptyDir(corev1ac.EmptyDirVolumeSource())
}
