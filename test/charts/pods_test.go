package charts_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// account is what a pod of the release is to the API server.
func account(component string) (user string, groups []string) {
	return "system:serviceaccount:" + home + ":" + release + "-" + component,
		[]string{"system:serviceaccounts", "system:serviceaccounts:" + home}
}

// run starts a binary, and ends it with what it was started in.
func run(ctx context.Context, component string, args ...string) *gexec.Session {
	GinkgoHelper()
	session := start(ctx, component, args...)
	DeferCleanup(func() { Eventually(session.Terminate()).Should(gexec.Exit()) })
	return session
}

// start runs a binary of this tree as the release's Deployment says: with its arguments, its configuration and the rights
// of its ServiceAccount. It waits until the process is ready.
func start(ctx context.Context, component string, args ...string) *gexec.Session {
	GinkgoHelper()
	binary, err := gexec.Build("portcullis.dev/portcullis/cmd/" + component)
	Expect(err).NotTo(HaveOccurred())
	deployment := &appsv1.Deployment{}
	Expect(admin.Get(ctx, client.ObjectKey{Namespace: home, Name: release + "-" + component}, deployment)).To(Succeed())
	user, groups := account(component)
	Expect(user).To(HaveSuffix(":"+deployment.Spec.Template.Spec.ServiceAccountName), "the pods must have this ServiceAccount")
	kubeconfig, _, err := plane.KubeconfigFor(user, groups...)
	Expect(err).NotTo(HaveOccurred())
	mounted, health := GinkgoT().TempDir(), freePort()
	mount(ctx, deployment, mounted)
	for _, arg := range deployment.Spec.Template.Spec.Containers[0].Args {
		args = append(args, strings.ReplaceAll(arg, "/etc/portcullis", mounted))
	}
	command := exec.Command(binary, append(args,
		"--kubeconfig", kubeconfig, "--metrics-bind-address", "0", "--health-probe-bind-address", "127.0.0.1:"+strconv.Itoa(health))...)
	command.Env = append(os.Environ(), "POD_NAMESPACE="+home, "POD_NAME="+release+"-"+component+"-0")
	session, err := gexec.Start(command, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	Eventually(func() (int, error) {
		response, err := http.Get("http://127.0.0.1:" + strconv.Itoa(health) + "/readyz")
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}).Should(Equal(http.StatusOK))
	return session
}

// probe asks what helm test asks, as administrator, and returns what it says.
func probe(ctx context.Context, timeout string) (string, error) {
	GinkgoHelper()
	binary, err := gexec.Build("portcullis.dev/portcullis/cmd/webhook")
	Expect(err).NotTo(HaveOccurred())
	out, err := exec.CommandContext(ctx, binary, "probe", "--kubeconfig", plane.Kubeconfig, "--namespace", namespace, "--timeout", timeout).CombinedOutput()
	return string(out), err
}

// mount writes the ConfigMaps of a Deployment where a kubelet would, below a directory.
func mount(ctx context.Context, deployment *appsv1.Deployment, directory string) {
	GinkgoHelper()
	for _, volume := range deployment.Spec.Template.Spec.Volumes {
		config := &corev1.ConfigMap{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: home, Name: volume.ConfigMap.Name}, config)).To(Succeed())
		Expect(os.Mkdir(filepath.Join(directory, volume.Name), 0o700)).To(Succeed())
		for name, text := range config.Data {
			Expect(os.WriteFile(filepath.Join(directory, volume.Name, name), []byte(text), 0o600)).To(Succeed())
		}
	}
}
