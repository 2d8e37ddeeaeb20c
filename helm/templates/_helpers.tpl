{{- define "sprig-to-segment.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sprig-to-segment.fullname" -}}
{{- $name := include "sprig-to-segment.name" . }}
{{- $fullname := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- /* 52, because a suffix (a pod's ordinal, "-check") and the hash of a revision must fit into a label of 63 as well. */ -}}
{{- .Values.fullnameOverride | default $fullname | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "sprig-to-segment.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sprig-to-segment.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: member
{{- end }}

{{- /* The metadata of an object. Parameters: root; optional: suffix of the name, namespace, labels, annotations. */ -}}
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
{{- $default := .Values.serviceAccount.create | ternary (include "sprig-to-segment.fullname" .) "default" }}
{{- .Values.serviceAccount.name | default $default }}
{{- end }}

{{- define "sprig-to-segment.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "sprig-to-segment.port" -}}
{{ .Values.settings.HTTP_PORT | default 8080 | int }}
{{- end }}

{{- define "sprig-to-segment.secretName" -}}
{{- .Values.secret.existingSecret | default (include "sprig-to-segment.fullname" .) }}
{{- end }}

{{- /* The keys of the Secret that are mounted, as JSON. */ -}}
{{- define "sprig-to-segment.secretKeys" -}}
{{- $keys := .Values.secret.keys }}
{{- with .Values.secret.external }}{{ $keys = keys .data | sortAlpha }}{{ end }}
{{- with .Values.secret.plain }}{{ $keys = keys . | sortAlpha }}{{ end }}
{{- $keys | toJson }}
{{- end }}

{{- /* The contract files as data of a ConfigMap. A key of a ConfigMap cannot have a slash. */ -}}
{{- define "sprig-to-segment.contractData" -}}
{{- range $path, $text := .Values.contract.files }}
{{ $path | replace "/" "__" }}: {{ $text | quote }}
{{- end }}
{{- end }}

{{- /* Where the contract files are mounted; empty without any. */ -}}
{{- define "sprig-to-segment.contractMount" -}}
{{- if or .Values.contract.files .Values.contract.existingConfigMap }}/etc/sprig-to-segment/schemas{{ end }}
{{- end }}

{{- /* The hook annotations of the check before install and upgrade. */ -}}
{{- define "sprig-to-segment.checkHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- /* As JSON: port 443, `egress.ports`, and the ports of the Kafka, registry and Segment addresses in the settings. */ -}}
{{- define "sprig-to-segment.egressPorts" -}}
{{- $settings := .Values.settings }}
{{- $ports := concat (list 443) .Values.networkPolicy.egress.ports }}
{{- range list $settings.KAFKA_BOOTSTRAP_SERVERS $settings.SCHEMA_REGISTRY_URL $settings.SEGMENT_ENDPOINT | compact }}
{{- range $address := splitList "," . }}
{{- $explicit := regexFind ":[0-9]+(/|\\s|$)" $address | regexFind "[0-9]+" }}
{{- /* Only a URL may have no port: a broker always has one. */}}
{{- $default := hasPrefix "http:" $address | ternary 80 443 }}
{{- $ports = append $ports ($explicit | default $default) }}
{{- end }}
{{- end }}
{{- $numbers := list }}
{{- range $ports }}{{ $numbers = append $numbers (int .) }}{{ end }}
{{- $numbers | uniq | toJson }}
{{- end }}

{{- /* As JSON: who may connect to the HTTP port. A monitor is scraped by Prometheus, which most often is in `monitoring`. */ -}}
{{- define "sprig-to-segment.ingressSources" -}}
{{- $sources := .Values.networkPolicy.from }}
{{- if and (not $sources) (or .Values.podMonitor.enabled .Values.serviceMonitor.enabled) }}
{{- $sources = list (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" "monitoring"))) }}
{{- end }}
{{- $sources | toJson }}
{{- end }}

{{- /* The endpoints of a PodMonitor or ServiceMonitor, made of its values. */ -}}
{{- define "sprig-to-segment.scrapeEndpoint" -}}
- port: http
  path: /metrics
  interval: {{ .interval }}
  scrapeTimeout: {{ .scrapeTimeout }}
  {{- with .relabelings }}
  relabelings: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .metricRelabelings }}
  metricRelabelings: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
