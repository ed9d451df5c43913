{{- /* What is wrong with an installation, said before anything is made of it. */ -}}

{{- /* Whether there is a cluster to ask: helm template has none. */ -}}
{{- define "portcullis.live" -}}
{{- if lookup "v1" "Namespace" "" "kube-system" }}true{{ end -}}
{{- end }}

{{- define "portcullis.checks" -}}
{{- include "portcullis.checkValues" . }}
{{- include "portcullis.checkLabels" . }}
{{- include "portcullis.checkCertificates" . }}
{{- include "portcullis.checkInstall" . }}
{{- if and .Values.podMonitor.enabled (include "portcullis.pods" .) (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PodMonitor")) }}
{{- fail "podMonitor.enabled must come with Prometheus' operator: the cluster has no PodMonitors (monitoring.coreos.com/v1)" }}
{{- end }}
{{- if and .Values.alerts.enabled (include "portcullis.pods" .) (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PrometheusRule")) }}
{{- fail "alerts.enabled must come with Prometheus' operator: the cluster has no PrometheusRules (monitoring.coreos.com/v1)" }}
{{- end }}
{{- if include "portcullis.live" . }}
{{- include "portcullis.checkAlone" . }}
{{- if include "portcullis.api" . }}
{{- include "portcullis.checkCRDs" . }}
{{- include "portcullis.checkNamespaces" . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "portcullis.checkValues" -}}
{{- if and (eq .Values.mode "full") (not (has .Values.controller.remoteSecretNamespace .Values.gatewayNamespaces)) }}
{{- fail (printf "controller.remoteSecretNamespace must be one of gatewayNamespaces (%s), is %s" (join ", " .Values.gatewayNamespaces) .Values.controller.remoteSecretNamespace) }}
{{- end }}
{{- if and .Values.cluster.id (eq .Values.install "api") (eq .Values.mode "full") }}
{{- fail "cluster.id must be empty with install api" }}
{{- end }}
{{- with .Values.webhook }}
{{- if ge (include "portcullis.seconds" .evaluationDeadline | float64) (float64 .timeoutSeconds) }}
{{- fail (printf "webhook.evaluationDeadline must be less than webhook.timeoutSeconds (%vs), is %s" .timeoutSeconds .evaluationDeadline) }}
{{- end }}
{{- if and .static (not .url) }}
{{- fail "webhook.url must be the URL in the API servers' files with webhook.static, is empty" }}
{{- end }}
{{- if and .static (ne $.Values.certificates.mode "files") }}
{{- fail (printf "certificates.mode must be files with webhook.static, whose CA nobody can replace, is %s" $.Values.certificates.mode) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A label that is said twice would be a different one for whoever reads the other. */ -}}
{{- define "portcullis.checkLabels" -}}
{{- $ours := merge (dict "app.kubernetes.io/component" "") (include "portcullis.ownLabels" . | fromYaml) }}
{{- $theirs := dict "commonLabels" .Values.commonLabels "podMonitor.labels" .Values.podMonitor.labels "alerts.labels" .Values.alerts.labels "dashboard.labels" .Values.dashboard.labels "webhook.podLabels" .Values.webhook.podLabels "controller.podLabels" .Values.controller.podLabels }}
{{- range $value, $labels := $theirs }}
{{- range $label, $_ := $labels }}
{{- if hasKey $ours $label }}
{{- fail (printf "%s must leave label %s to the chart" $value $label) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A duration in seconds. */ -}}
{{- define "portcullis.seconds" -}}
{{- $units := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9.]+(ms|s|m|h)" . -1 -}}
{{- $sum = addf $sum (mulf (regexFind "[0-9.]+" . | float64) (get $units (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end }}

{{- define "portcullis.checkCertificates" -}}
{{- with .Values.certificates }}
{{- $seconds := include "portcullis.seconds" .duration | float64 }}
{{- if lt $seconds 30.0 }}
{{- fail (printf "certificates.duration must be at least 30s, is %s" .duration) }}
{{- end }}
{{- if lt (include "portcullis.seconds" .caDuration | float64) (mulf 3 $seconds) }}
{{- fail (printf "certificates.caDuration must be at least three times certificates.duration (%s), is %s" .duration .caDuration) }}
{{- end }}
{{- if and (eq .mode "files") (include "portcullis.pods" $) (not .secretName) }}
{{- fail "certificates.secretName must name a Secret with certificates.mode files, is empty" }}
{{- end }}
{{- if and (eq .mode "files") (include "portcullis.api" $) (not $.Values.webhook.static) (not (contains "BEGIN CERTIFICATE" .caBundle)) }}
{{- fail "certificates.caBundle must be a CA in PEM with certificates.mode files" }}
{{- end }}
{{- if and (eq .mode "cert-manager") (ne $.Values.install "all") }}
{{- fail (printf "certificates.mode must be self or files with install %s, is cert-manager: its CA is injected into one cluster" $.Values.install) }}
{{- end }}
{{- if and (eq .mode "cert-manager") (not ($.Capabilities.APIVersions.Has "cert-manager.io/v1/Certificate")) }}
{{- fail "certificates.mode cert-manager must come with cert-manager: the cluster has no Certificates (cert-manager.io/v1). Install it first, or set certificates.mode to self" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "portcullis.checkInstall" -}}
{{- if ne .Values.install "all" }}
{{- if ne .Values.mode "guard-only" }}
{{- fail (printf "mode must be guard-only with install %s, is %s" .Values.install .Values.mode) }}
{{- end }}
{{- if not .Values.webhook.url }}
{{- fail (printf "webhook.url must be the URL that the API server calls with install %s, is empty" .Values.install) }}
{{- end }}
{{- end }}
{{- if and (eq .Values.install "pods") (not .Values.webhook.kubeconfigSecret) }}
{{- fail "webhook.kubeconfigSecret must name a Secret with install pods, is empty" }}
{{- end }}
{{- if and (eq .Values.install "api") (not .Values.webhook.user) }}
{{- fail "webhook.user must be the user of the webhook's kubeconfig with install api, is empty" }}
{{- end }}
{{- end }}

{{- /*
Two guards would ask twice, and two controllers undo each other's work. A ClusterRole tells of the other one even while
its webhook configurations are away.
*/ -}}
{{- define "portcullis.checkAlone" -}}
{{- range (lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" "").items }}
{{- $labels := default (dict) .metadata.labels }}
{{- $annotations := default (dict) .metadata.annotations }}
{{- if eq (get $labels "app.kubernetes.io/part-of") "portcullis" }}
{{- /* What was applied without Helm says by a label alone whose it is. */ -}}
{{- $name := default (get $labels "app.kubernetes.io/instance") (get $annotations "meta.helm.sh/release-name") }}
{{- $namespace := default $.Release.Namespace (get $annotations "meta.helm.sh/release-namespace") }}
{{- if or (ne $name $.Release.Name) (ne $namespace $.Release.Namespace) }}
{{- fail (printf "Portcullis must be installed once in a cluster: release %s in namespace %s is there already (helm upgrade %s -n %s)" $name $namespace $name $namespace) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "portcullis.checkCRDs" -}}
{{- $expected := dict }}
{{- if not .Values.crds.istioGateway }}
{{- $_ := set $expected "istiogateways.istio.alibabacloud.com" "crds.istioGateway" }}
{{- end }}
{{- if not .Values.crds.enabled }}
{{- range list "gatewayclusters" "gatewaypolicies" "changeapprovals" }}
{{- $_ := set $expected (printf "%s.portcullis.dev" .) "crds.enabled" }}
{{- end }}
{{- end }}
{{- range $name, $value := $expected }}
{{- if not (lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name) }}
{{- fail (printf "%s must be true unless CustomResourceDefinition %s is in the cluster, which it is not" $value $name) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "portcullis.checkNamespaces" -}}
{{- range $i, $name := .Values.gatewayNamespaces }}
{{- if not (lookup "v1" "Namespace" "" $name) }}
{{- fail (printf "gatewayNamespaces[%d] must be a namespace of the cluster, %s is none (kubectl create namespace %s)" $i $name $name) }}
{{- end }}
{{- end }}
{{- end }}
