{{- /* The template of a member's pod, for the Deployment and the StatefulSet. */ -}}
{{- define "sprig-to-segment.podTemplate" -}}
metadata:
  labels:
    {{- include "sprig-to-segment.selectorLabels" . | nindent 4 }}
    {{- with merge dict .Values.podLabels .Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ .Chart.Name }}
    {{- with .Values.contract.files }}
    checksum/contract: {{ toJson . | sha256sum }}
    {{- end }}
    {{- with .Values.secret.plain }}
    checksum/secret: {{ toJson . | sha256sum }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "sprig-to-segment.podSpec" (dict "root" .) | nindent 2 }}
{{- end }}

{{- /*
The spec of a pod. Parameters: root; optional: args, serviceAccountName, contractSuffix of the contract's ConfigMap.
Without `args` it is a member; with `args` it runs another command with a member's settings.
*/ -}}
{{- define "sprig-to-segment.podSpec" -}}
{{- $root := .root }}
{{- $values := .root.Values }}
{{- $member := not .args -}}
serviceAccountName: {{ .serviceAccountName | default (include "sprig-to-segment.serviceAccountName" $root) }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- $fields := dict "securityContext" $values.podSecurityContext }}
{{- range list "imagePullSecrets" "priorityClassName" "nodeSelector" "tolerations" "schedulerName" "runtimeClassName" "dnsPolicy"
  "dnsConfig" "hostAliases" "initContainers" }}
{{- $_ := set $fields . (index $values .) }}
{{- end }}
{{- if $member }}
{{- $selector := dict "labelSelector" (dict "matchLabels" (include "sprig-to-segment.selectorLabels" $root | fromYaml)) }}
{{- $otherZone := dict "weight" 100 "podAffinityTerm" (merge (dict "topologyKey" "topology.kubernetes.io/zone") $selector) }}
{{- $preferred := dict "preferredDuringSchedulingIgnoredDuringExecution" (list $otherZone) }}
{{- $_ := set $fields "affinity" ($values.affinity | default (dict "podAntiAffinity" $preferred)) }}
{{- $constraints := list }}
{{- range $values.topologySpreadConstraints }}
{{- $constraints = append $constraints (merge dict . $selector) }}
{{- end }}
{{- $_ := set $fields "topologySpreadConstraints" $constraints }}
terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
{{- else }}
restartPolicy: Never
{{- end }}
{{- range $name, $value := $fields }}
{{- if $value }}
{{ dict $name $value | toYaml }}
{{- end }}
{{- end }}
containers:
  - name: {{ $root.Chart.Name }}
    image: {{ include "sprig-to-segment.image" $root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    {{- with .args }}
    args: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $values.securityContext }}
    securityContext: {{- toYaml . | nindent 6 }}
    {{- end }}
    env: {{- include "sprig-to-segment.env" (dict "root" $root "member" $member) | trim | nindent 6 }}
    {{- with $values.extraEnvFrom }}
    envFrom: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if $member }}
    ports:
      - {name: http, containerPort: {{ include "sprig-to-segment.port" $root }}, protocol: TCP}
    startupProbe:
      httpGet: {path: /livez, port: http}
      {{- toYaml $values.startupProbe | nindent 6 }}
    livenessProbe:
      httpGet: {path: /livez, port: http}
      {{- toYaml $values.livenessProbe | nindent 6 }}
    readinessProbe:
      httpGet: {path: /readyz, port: http}
      {{- toYaml $values.readinessProbe | nindent 6 }}
    {{- with $values.lifecycle }}
    lifecycle: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- end }}
    resources: {{- toYaml $values.resources | nindent 6 }}
    volumeMounts:
      - {name: secret, mountPath: {{ $values.secret.mountPath }}, readOnly: true}
      - {name: tmp, mountPath: /tmp}
      {{- if include "sprig-to-segment.contractMount" $root }}
      - {name: contract, mountPath: {{ include "sprig-to-segment.contractMount" $root }}, readOnly: true}
      {{- end }}
      {{- with $values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
  {{- if $member }}
  {{- with $values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- end }}
volumes:
  - name: secret
    secret:
      secretName: {{ include "sprig-to-segment.secretName" $root }}
      defaultMode: 0440
      items:
        {{- range include "sprig-to-segment.secretKeys" $root | fromJsonArray }}
        - {key: {{ . }}, path: {{ . }}}
        {{- end }}
  - name: tmp
    emptyDir: {sizeLimit: 16Mi}
  {{- if include "sprig-to-segment.contractMount" $root }}
  - name: contract
    configMap:
      name: {{ $values.contract.existingConfigMap | default (printf "%s-contract%s" (include "sprig-to-segment.fullname" $root) (.contractSuffix | default "")) }}
      items:
        {{- range $path, $_ := $values.contract.files }}
        - {key: {{ $path | replace "/" "__" }}, path: {{ $path }}}
        {{- end }}
        {{- range $key, $path := $values.contract.paths }}
        - {key: {{ $key }}, path: {{ $path }}}
        {{- end }}
  {{- end }}
  {{- with $values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* The container's environment variables. Parameters: root, and member: false for another command. */ -}}
{{- define "sprig-to-segment.env" -}}
{{- $values := .root.Values }}
{{- range $name, $value := $values.settings }}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}
- name: {{ $name }}
  {{- /* toJson instead of toString, because toString writes large numbers as 3e+07. */}}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end }}
{{- with include "sprig-to-segment.contractMount" .root }}
- name: SCHEMAS_DIR
  value: {{ . }}
{{- end }}
{{- $readFromFiles := list "SEGMENT_WRITE_KEY" "SEGMENT_WRITE_KEYS" "KAFKA_CONFIG" "SCHEMA_REGISTRY_CONFIG" "HTTPS_PROXY" }}
{{- range include "sprig-to-segment.secretKeys" .root | fromJsonArray }}
{{- if has . $readFromFiles }}
- name: {{ . }}_FILE
  value: {{ $values.secret.mountPath }}/{{ . }}
{{- end }}
{{- end }}
{{- if and .member (eq $values.kind "StatefulSet") }}
- name: KAFKA_GROUP_INSTANCE_ID
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
