{{- /* What the schema cannot say: rules between values. Each says what to do. */ -}}
{{- define "sprig-to-segment.validate" -}}
{{- $secret := .Values.secret }}
{{- $given := 0 }}
{{- range list $secret.existingSecret $secret.external $secret.plain }}{{ if . }}{{ $given = add1 $given }}{{ end }}{{ end }}
{{- if ne (int $given) 1 }}
{{- fail "secret: give one of existingSecret, external and plain; it holds SEGMENT_WRITE_KEY or SEGMENT_WRITE_KEYS" }}
{{- end }}
{{- $keys := include "sprig-to-segment.secretKeys" . | fromJsonArray }}
{{- if eq (has "SEGMENT_WRITE_KEY" $keys) (has "SEGMENT_WRITE_KEYS" $keys) }}
{{- fail "secret: its keys must have one of SEGMENT_WRITE_KEY and SEGMENT_WRITE_KEYS" }}
{{- end }}
{{- range list "KAFKA_CONFIG" "SCHEMA_REGISTRY_CONFIG" }}
{{- if and (has . $keys) (index $.Values.settings .) }}
{{- fail (printf "settings.%s is in the secret as well: give one of the two" .) }}
{{- end }}
{{- end }}
{{- range $name := list "KAFKA_CONFIG" "SCHEMA_REGISTRY_CONFIG" }}
{{- range $option, $_ := index $.Values.settings $name }}
{{- if regexMatch "(?i)password|secret|token$|key[._]pem$|user\\.info$" $option }}
{{- fail (printf "settings.%s: %s is secret: put the whole of %s into the secret, as JSON" $name $option $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- $contract := .Values.contract }}
{{- if and $contract.files $contract.existingConfigMap }}
{{- fail "contract: give one of files and existingConfigMap" }}
{{- end }}
{{- if ne (empty $contract.existingConfigMap) (empty $contract.paths) }}
{{- fail "contract: existingConfigMap and paths belong together" }}
{{- end }}
{{- if and .Values.settings.SCHEMAS_DIR (or $contract.files $contract.existingConfigMap) }}
{{- fail "settings.SCHEMAS_DIR is what contract mounts: give one of the two" }}
{{- end }}
{{- $stop := .Values.settings.SHUTDOWN_TIMEOUT_SECONDS | default 25 }}
{{- if lt (float64 .Values.terminationGracePeriodSeconds) (addf $stop 5) }}
{{- fail (printf "terminationGracePeriodSeconds: must be at least 5 more than SHUTDOWN_TIMEOUT_SECONDS, %v" $stop) }}
{{- end }}
{{- if and .Values.podMonitor.enabled .Values.serviceMonitor.enabled }}
{{- fail "podMonitor and serviceMonitor: with both each member would be scraped twice; enable one" }}
{{- end }}
{{- $keda := .Values.keda }}
{{- if and $keda.enabled (lt (int $keda.partitions) 1) }}
{{- fail "keda.partitions: how many the topic has is required, as more members than that are idle" }}
{{- end }}
{{- if and $keda.enabled (gt (int $keda.minReplicas) (int $keda.partitions)) }}
{{- fail "keda.minReplicas: must be at most keda.partitions" }}
{{- end }}
{{- if and $keda.authenticationRef $keda.authentication }}
{{- fail "keda: give one of authenticationRef and authentication" }}
{{- end }}
{{- if and .Values.check.enabled (not $secret.existingSecret) }}
{{- fail "check.enabled needs secret.existingSecret: a secret of the release is made after the check" }}
{{- end }}
{{- if and .Values.check.enabled .Values.settings.KAFKA_MSK_REGION .Values.serviceAccount.create }}
{{- fail "check.enabled with KAFKA_MSK_REGION needs serviceAccount.create=false and a name: one of the release is made after the check" }}
{{- end }}
{{- end }}
