{{- define "sprig-to-segment.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sprig-to-segment.fullname" -}}
{{- $name := include "sprig-to-segment.name" . }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- /* 52: what is added to it, such as a pod's ordinal or "-check", and the hash of a revision must fit in a label */ -}}
{{- .Values.fullnameOverride | default $full | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "sprig-to-segment.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sprig-to-segment.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: member
{{- end }}

{{- /* What every object has; its name gets `suffix`, and its annotations are `annotations`. */ -}}
{{- define "sprig-to-segment.metadata" -}}
{{- $root := .root -}}
name: {{ include "sprig-to-segment.fullname" $root }}{{ .suffix }}
namespace: {{ .namespace | default $root.Release.Namespace }}
labels:
  helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
  app.kubernetes.io/name: {{ include "sprig-to-segment.name" $root }}
  app.kubernetes.io/instance: {{ $root.Release.Name }}
  app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ $root.Release.Service }}
  {{- with merge dict (.labels | default dict) $root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "sprig-to-segment.serviceAccountName" -}}
{{- $made := .Values.serviceAccount.create | ternary (include "sprig-to-segment.fullname" .) "default" }}
{{- .Values.serviceAccount.name | default $made }}
{{- end }}

{{- define "sprig-to-segment.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "sprig-to-segment.secretName" -}}
{{- .Values.secret.existingSecret | default (include "sprig-to-segment.fullname" .) }}
{{- end }}

{{- /* The keys that are mounted, as JSON. */ -}}
{{- define "sprig-to-segment.secretKeys" -}}
{{- $keys := .Values.secret.keys }}
{{- with .Values.secret.external }}{{ $keys = keys .data | sortAlpha }}{{ end }}
{{- with .Values.secret.plain }}{{ $keys = keys . | sortAlpha }}{{ end }}
{{- $keys | toJson }}
{{- end }}

{{- /* A path in SCHEMAS_DIR as a key of a ConfigMap, which has no slash. */ -}}
{{- define "sprig-to-segment.contractData" -}}
{{- range $path, $text := .Values.contract.files }}
{{ $path | replace "/" "__" }}: {{ $text | quote }}
{{- end }}
{{- end }}

{{- define "sprig-to-segment.port" -}}
{{ .Values.settings.HTTP_PORT | default 8080 | int }}
{{- end }}
