package render

import (
	"testing"
)

// agentVolumeCount is the number of volumes that every proxy has.
const agentVolumeCount = 8

func TestEveryVolumeIsMountedAndEveryMountHasItsVolume(t *testing.T) {
	for name, in := range cases(t) {
		spec := rendered(t, in).Deployment.Spec.Template.Spec
		volumes, paths := map[string]bool{}, map[string]bool{}
		for _, volume := range spec.Volumes {
			if volumes[*volume.Name] {
				t.Errorf("%s: volume %s comes twice", name, *volume.Name)
			}
			volumes[*volume.Name] = true
		}
		for _, mount := range spec.Containers[0].VolumeMounts {
			if paths[*mount.MountPath] {
				t.Errorf("%s: path %s is mounted twice", name, *mount.MountPath)
			}
			if !volumes[*mount.Name] {
				t.Errorf("%s: volume %s is mounted and not there, or twice", name, *mount.Name)
			}
			paths[*mount.MountPath] = true
			delete(volumes, *mount.Name)
		}
		if len(volumes) != 0 {
			t.Errorf("%s: volumes %v are not mounted", name, volumes)
		}
	}
}

func TestAgentVolumes(t *testing.T) {
	deployment := rendered(t, inputOf(t, `{}`)).Deployment
	for i, want := range []struct{ volume, path string }{
		{`{"emptyDir":{},"name":"workload-socket"}`, `"/var/run/secrets/workload-spiffe-uds"`},
		{`{"emptyDir":{},"name":"credential-socket"}`, `"/var/run/secrets/credential-uds"`},
		{`{"emptyDir":{},"name":"workload-certs"}`, `"/var/run/secrets/workload-spiffe-credentials"`},
		{`{"configMap":{"name":"istio-ca-root-cert"},"name":"istiod-ca-cert"}`, `"/var/run/secrets/istio"`},
		{`{"emptyDir":{},"name":"istio-data"}`, `"/var/lib/istio/data"`},
		{`{"emptyDir":{"medium":"Memory"},"name":"istio-envoy"}`, `"/etc/istio/proxy"`},
		{`{"name":"istio-token","projected":{"sources":[{"serviceAccountToken":{"audience":"istio-ca","expirationSeconds":43200,"path":"istio-token"}}]}}`, `"/var/run/secrets/tokens"`},
		{`{"downwardAPI":{"items":[{"fieldRef":{"fieldPath":"metadata.labels"},"path":"labels"},{"fieldRef":{"fieldPath":"metadata.annotations"},"path":"annotations"}]},"name":"istio-podinfo"}`, `"/etc/istio/pod"`},
		{`null`, `null`},
	} {
		expectAt(t, deployment, want.volume, pod("volumes", i)...)
		expectAt(t, deployment, want.path, proxy("volumeMounts", i, "mountPath")...)
		expectAt(t, deployment, `null`, proxy("volumeMounts", i, "readOnly")...)
	}
}

func TestUserVolumes(t *testing.T) {
	for _, test := range []struct {
		name, spec string
		// want are volume and mount of each volume beside the agent's.
		want [][2]string
	}{
		{name: "are none unless asked for", spec: `{}`},
		{
			name: "are Secrets, then ConfigMaps, read-only and optional",
			spec: `{configVolumes: [{name: a, configMapName: b, mountPath: /c}], secretVolumes: [{name: d, secretName: e, mountPath: /f}]}`,
			want: [][2]string{
				{`{"name":"d","secret":{"optional":true,"secretName":"e"}}`, `{"mountPath":"/f","name":"d","readOnly":true}`},
				{`{"configMap":{"name":"b","optional":true},"name":"a"}`, `{"mountPath":"/c","name":"a","readOnly":true}`},
			},
		},
		{
			name: "do not take the agent's names",
			spec: `{secretVolumes: [{name: istio-token, secretName: e, mountPath: /f}]}`,
		},
		{
			name: "do not take the agent's paths",
			spec: `{configVolumes: [{name: a, configMapName: b, mountPath: /etc/istio/proxy}]}`,
		},
		{
			name: "do not take each other's names and paths",
			spec: `{secretVolumes: [{name: a, secretName: b, mountPath: /c}, {name: a, secretName: b, mountPath: /d}], configVolumes: [{name: e, configMapName: b, mountPath: /c}]}`,
			want: [][2]string{
				{`{"name":"a","secret":{"optional":true,"secretName":"b"}}`, `{"mountPath":"/c","name":"a","readOnly":true}`},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			deployment := rendered(t, inputOf(t, test.spec)).Deployment
			for i, want := range append(test.want, [2]string{"null", "null"}) {
				expectAt(t, deployment, want[0], pod("volumes", agentVolumeCount+i)...)
				expectAt(t, deployment, want[1], proxy("volumeMounts", agentVolumeCount+i)...)
			}
		})
	}
}
