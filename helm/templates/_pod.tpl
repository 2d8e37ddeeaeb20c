{{- /* The pod's spec, for members (without `args`) and for whatever runs another command with their settings. */ -}}
{{- define "sprig-to-segment.podSpec" -}}
{{- $root := .root }}
{{- $values := .root.Values }}
{{- $member := not .args -}}
serviceAccountName: {{ .serviceAccountName | default (include "sprig-to-segment.serviceAccountName" $root) }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- $own := dict "securityContext" $values.podSecurityContext }}
{{- range list "imagePullSecrets" "priorityClassName" "nodeSelector" "tolerations" "schedulerName" "runtimeClassName" "dnsPolicy"
  "dnsConfig" "hostAliases" "initContainers" }}
{{- $_ := set $own . (index $values .) }}
{{- end }}
{{- if $member }}
{{- $_ := set $own "affinity" $values.affinity }}
{{- $spread := list }}
{{- range $values.topologySpreadConstraints }}
{{- $spread = append $spread (merge dict . (dict "labelSelector" (dict "matchLabels" (include "sprig-to-segment.selectorLabels" $root | fromYaml)))) }}
{{- end }}
{{- $_ := set $own "topologySpreadConstraints" $spread }}
terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
{{- else }}
restartPolicy: Never
{{- end }}
{{- range $name, $value := $own }}
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

{{- define "sprig-to-segment.contractMount" -}}
{{- if or .Values.contract.files .Values.contract.existingConfigMap }}/etc/sprig-to-segment/schemas{{ end }}
{{- end }}

{{- define "sprig-to-segment.env" -}}
{{- $values := .root.Values }}
{{- range $name, $value := $values.settings }}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}
- name: {{ $name }}
  {{- /* JSON and not toString, which writes large numbers as 3e+07. */}}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end }}
{{- with include "sprig-to-segment.contractMount" .root }}
- name: SCHEMAS_DIR
  value: {{ . }}
{{- end }}
{{- $secrets := list "SEGMENT_WRITE_KEY" "SEGMENT_WRITE_KEYS" "KAFKA_CONFIG" "SCHEMA_REGISTRY_CONFIG" }}
{{- range include "sprig-to-segment.secretKeys" .root | fromJsonArray }}
{{- if has . $secrets }}
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
