package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// The load that we put on one API server: requests a second, and at once.
const (
	requestsPerSecond = 20
	requestsAtOnce    = 30
)

// RESTConfig reads the current context of a kubeconfig as a client's configuration.
//
// Whoever may write the Secret that it comes from must not thereby run code in this process or read its files, so a
// kubeconfig with a command, a login plugin or the path of a file is refused, and what is allowed is copied field by
// field. A server that is not verified is refused too: its answers would decide what is deleted.
func RESTConfig(kubeconfig []byte) (*rest.Config, error) {
	// Load resolves no path and starts nothing.
	loaded, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	context := loaded.Contexts[loaded.CurrentContext]
	if context == nil {
		return nil, fmt.Errorf("current-context must be one of the kubeconfig's contexts (%s), is %q", listed(loaded.Contexts), loaded.CurrentContext)
	}
	server := loaded.Clusters[context.Cluster]
	if server == nil {
		return nil, fmt.Errorf("contexts[%s].cluster must be one of the kubeconfig's clusters (%s), is %q", loaded.CurrentContext, listed(loaded.Clusters), context.Cluster)
	}
	user := loaded.AuthInfos[context.AuthInfo]
	if user == nil {
		return nil, fmt.Errorf("contexts[%s].user must be one of the kubeconfig's users (%s), is %q", loaded.CurrentContext, listed(loaded.AuthInfos), context.AuthInfo)
	}
	if err := errors.Join(checkServer(context.Cluster, server), checkUser(context.AuthInfo, user)); err != nil {
		return nil, err
	}
	return restConfig(server, user)
}

// restConfig copies what is allowed of a kubeconfig.
func restConfig(server *api.Cluster, user *api.AuthInfo) (*rest.Config, error) {
	const name = "cluster"
	config, err := clientcmd.NewDefaultClientConfig(api.Config{
		Clusters: map[string]*api.Cluster{name: {
			Server:                   server.Server,
			TLSServerName:            server.TLSServerName,
			CertificateAuthorityData: server.CertificateAuthorityData,
			ProxyURL:                 server.ProxyURL,
			DisableCompression:       server.DisableCompression,
		}},
		AuthInfos: map[string]*api.AuthInfo{name: {
			ClientCertificateData: user.ClientCertificateData,
			ClientKeyData:         user.ClientKeyData,
			Token:                 user.Token,
		}},
		Contexts:       map[string]*api.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.Burst = requestsPerSecond, requestsAtOnce
	return config, nil
}

// checkServer refuses what a kubeconfig may not say of a server.
func checkServer(name string, server *api.Cluster) error {
	return errors.Join(
		refuse(!strings.HasPrefix(server.Server, "https://"), "clusters["+name+"].server", "must be an https:// address"),
		refuse(server.InsecureSkipTLSVerify, "clusters["+name+"].insecure-skip-tls-verify", "must be absent: the server has to be verified"),
		refuse(server.CertificateAuthority != "", "clusters["+name+"].certificate-authority", "must be absent: put the certificate itself into certificate-authority-data"),
	)
}

// checkUser refuses what a kubeconfig may not say of a user.
func checkUser(name string, user *api.AuthInfo) error {
	field := func(key string) string { return "users[" + name + "]." + key }
	return errors.Join(
		refuse(user.Exec != nil, field("exec"), "must be absent: no command is run for a kubeconfig; use a token or a client certificate"),
		refuse(user.AuthProvider != nil, field("auth-provider"), "must be absent: no login plugin is run for a kubeconfig; use a token or a client certificate"),
		refuse(user.ClientCertificate != "", field("client-certificate"), "must be absent: put the certificate itself into client-certificate-data"),
		refuse(user.ClientKey != "", field("client-key"), "must be absent: put the key itself into client-key-data"),
		refuse(user.TokenFile != "", field("tokenFile"), "must be absent: put the token itself into token"),
		refuse(user.Username != "" || user.Password != "", field("username"), "must be absent: use a token or a client certificate"),
		refuse(user.Impersonate != "" || user.ImpersonateUID != "" || len(user.ImpersonateGroups)+len(user.ImpersonateUserExtra) > 0,
			field("as"), "must be absent: use the credentials of the user itself"),
		refuse(user.Token == "" && len(user.ClientCertificateData) == 0, field("token"), "must be set, or client-certificate-data and client-key-data"),
	)
}

// refuse is an error about a field, if there is reason for one.
func refuse(wrong bool, field, must string) error {
	if !wrong {
		return nil
	}
	return fmt.Errorf("%s %s", field, must)
}

// listed are the keys of a map for people.
func listed[V any](of map[string]V) string {
	if len(of) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(of)), ", ")
}
