{{- /* The names and labels that objects share. */ -}}

{{- define "portcullis.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "portcullis.webhook" -}}
{{ include "portcullis.fullname" . }}-webhook
{{- end }}

{{- define "portcullis.controller" -}}
{{ include "portcullis.fullname" . }}-controller
{{- end }}

{{- define "portcullis.probe" -}}
{{ include "portcullis.fullname" . }}-probe
{{- end }}

{{- /* The Secret of the webhook's own CA, or of its certificate. */ -}}
{{- define "portcullis.certificateSecret" -}}
{{- if eq .Values.certificates.mode "self" -}}
{{ include "portcullis.webhook" . }}-ca
{{- else if eq .Values.certificates.mode "files" -}}
{{ .Values.certificates.secretName }}
{{- else -}}
{{ include "portcullis.webhook" . }}-tls
{{- end -}}
{{- end }}

{{- /* The name by which the API server calls the webhook. */ -}}
{{- define "portcullis.host" -}}
{{- if .Values.webhook.url -}}
{{ (urlParse .Values.webhook.url).hostname }}
{{- else -}}
{{ include "portcullis.webhook" . }}.{{ .Release.Namespace }}.svc
{{- end -}}
{{- end }}

{{- define "portcullis.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* The labels that are ours to say; _checks.tpl keeps others from saying them too. */ -}}
{{- define "portcullis.ownLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "portcullis.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: portcullis
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* All labels: (dict "top" $ "labels" …), of which the latter win over those that every object has. */ -}}
{{- define "portcullis.labels" -}}
{{ include "portcullis.ownLabels" .top }}
{{- with merge (dict) (default (dict) .labels) .top.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The metadata of an object: (dict "top" $ "name" … "component" … "namespace" … "labels" … "annotations" …). */ -}}
{{- define "portcullis.metadata" -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "portcullis.labels" (dict "top" .top "labels" .labels) | nindent 2 }}
  {{- with .component }}
  app.kubernetes.io/component: {{ . }}
  {{- end }}
{{- with merge (dict) (default (dict) .annotations) .top.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* An image: (dict "top" $ "image" .Values.webhook.image). */ -}}
{{- define "portcullis.image" -}}
{{- $path := printf "%s/%s" .top.Values.image.registry .image.name -}}
{{- if .image.digest -}}
{{ $path }}@{{ .image.digest }}
{{- else -}}
{{ $path }}:{{ default .top.Chart.AppVersion .image.tag }}
{{- end -}}
{{- end }}

{{- /* Whether this release brings what runs, and what the API server with the gateways needs to know. */ -}}
{{- define "portcullis.pods" -}}
{{- if ne .Values.install "api" }}true{{ end -}}
{{- end }}

{{- define "portcullis.api" -}}
{{- if ne .Values.install "pods" }}true{{ end -}}
{{- end }}

{{- /* Whether the controller is part of it. */ -}}
{{- define "portcullis.controls" -}}
{{- if eq .Values.mode "full" }}true{{ end -}}
{{- end }}
