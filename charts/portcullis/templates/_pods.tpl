{{- /* What the pods of both Deployments have in common: (dict "top" $ "component" "webhook" "values" .Values.webhook). */ -}}

{{- define "portcullis.podMetadata" -}}
labels:
  {{- include "portcullis.labels" (dict "top" .top "labels" .values.podLabels) | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
{{- with merge (dict) .values.podAnnotations (default (dict) .annotations) .top.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "portcullis.podSpec" -}}
{{- with .top.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .top.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- if .values.topologySpreadConstraints }}
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "portcullis.selector" $.top | nindent 8 }}
        app.kubernetes.io/component: {{ $.component }}
    # The pods of the version before do not count.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
  {{- end }}
{{- end }}

{{- define "portcullis.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* The container but for its arguments. */ -}}
{{- define "portcullis.container" -}}
name: {{ .component }}
image: {{ include "portcullis.image" (dict "top" .top "image" .values.image) | quote }}
imagePullPolicy: {{ .top.Values.image.pullPolicy }}
securityContext:
  {{- include "portcullis.containerSecurity" . | nindent 2 }}
env:
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: POD_NAMESPACE
    valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
  {{- with .values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: 2
livenessProbe:
  httpGet: {path: /healthz, port: health}
  initialDelaySeconds: 10
resources:
  {{- toYaml .values.resources | nindent 2 }}
{{- end }}

{{- define "portcullis.podDisruptionBudget" -}}
{{- if and .values.podDisruptionBudget.enabled (gt (int .values.replicas) 1) }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "portcullis.metadata" (dict "top" .top "name" .name "namespace" .top.Release.Namespace "component" .component) | nindent 2 }}
spec:
  maxUnavailable: {{ .values.podDisruptionBudget.maxUnavailable }}
  # A pod that never became ready protects nothing.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "portcullis.selector" .top | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
{{- end }}
{{- end }}

{{- define "portcullis.networkPolicy" -}}
{{- with .top.Values.networkPolicy }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "portcullis.metadata" (dict "top" $.top "name" $.name "namespace" $.top.Release.Namespace "component" $.component) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "portcullis.selector" $.top | nindent 6 }}
      app.kubernetes.io/component: {{ $.component }}
  policyTypes: [Ingress{{ if .egress }}, Egress{{ end }}]
  ingress:
    {{- if $.open }}
    # The API server comes from no pod that could be named.
    - ports: [{port: {{ $.open }}}]
    {{- end }}
    - ports: [{port: metrics}]
      {{- with .metricsFrom }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- with .egress }}
  egress:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
