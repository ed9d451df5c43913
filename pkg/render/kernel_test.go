package render

import (
	"testing"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

func TestInitContainersAreThereOnlyWhereTheyAreAllowedAndHaveSomethingToDo(t *testing.T) {
	for _, test := range []struct {
		name, spec string
		allowed    bool
		want       string
	}{
		{name: "set what is the node's", spec: `{kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`, allowed: true, want: `["sysctl","-w","vm.swappiness=10"]`},
		{name: "are none where they are not allowed", spec: `{kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`, want: "null"},
		{name: "are none where the section is off", spec: `{kernel: {enabled: false, parameters: {vm.swappiness: "10"}}}`, allowed: true, want: "null"},
		{name: "are none for what pods set", spec: `{kernel: {enabled: true, parameters: {net.core.somaxconn: "10"}}}`, allowed: true, want: "null"},
		{name: "are none where nothing is asked for", spec: `{}`, allowed: true, want: "null"},
		{name: "set nothing of the node's network off it", spec: `{kernel: {enabled: true, parameters: {net.ipv4.tcp_max_orphans: "10"}}}`, allowed: true, want: "null"},
		{name: "set the node's network on it", spec: `{hostNetwork: true, kernel: {enabled: true, parameters: {net.ipv4.tcp_max_orphans: "10"}}}`, allowed: true,
			want: `["sysctl","-w","net.ipv4.tcp_max_orphans=10"]`},
		{name: "leave a value one word", spec: `{kernel: {enabled: true, parameters: {kernel.printk: "4; reboot"}}}`, allowed: true,
			want: `["sysctl","-w","kernel.printk=4; reboot"]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := inputOf(t, test.spec)
			in.cluster.Spec.Mesh = &v1alpha1.MeshProfile{PrivilegedInit: test.allowed}
			expectAt(t, rendered(t, in).Deployment, test.want, pod("initContainers", 0, "command")...)
		})
	}
}
