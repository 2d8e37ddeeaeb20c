{{- /* The rules between values, which the schema cannot express. Each error says how to fix it. */ -}}
{{- define "sprig-to-segment.validate" -}}
{{- $secret := .Values.secret }}
{{- $sources := 0 }}
{{- range list $secret.existingSecret $secret.external $secret.plain }}{{ if . }}{{ $sources = add1 $sources }}{{ end }}{{ end }}
{{- if ne (int $sources) 1 }}
{{- fail "secret: set exactly one of existingSecret, external and plain; the secret must hold SEGMENT_WRITE_KEY or SEGMENT_WRITE_KEYS" }}
{{- end }}
{{- $keys := include "sprig-to-segment.secretKeys" . | fromJsonArray }}
{{- if eq (has "SEGMENT_WRITE_KEY" $keys) (has "SEGMENT_WRITE_KEYS" $keys) }}
{{- fail "secret: its keys must include exactly one of SEGMENT_WRITE_KEY and SEGMENT_WRITE_KEYS" }}
{{- end }}
{{- range list "KAFKA_CONFIG" "SCHEMA_REGISTRY_CONFIG" "HTTPS_PROXY" }}
{{- if and (has . $keys) (index $.Values.settings .) }}
{{- fail (printf "settings.%s is also a key of the secret: set it in one place only" .) }}
{{- end }}
{{- end }}
{{- $confidential := .Files.Lines "files/confidential-options.txt" }}
{{- range $name := list "KAFKA_CONFIG" "SCHEMA_REGISTRY_CONFIG" }}
{{- range $option, $value := index $.Values.settings $name }}
{{- if or (has $option $confidential) (regexMatch "//.*@" (toString $value)) }}
{{- fail (printf "settings.%s: the option %s is confidential: move all of %s into the secret, as JSON" $name $option $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- $contract := .Values.contract }}
{{- if and $contract.files $contract.existingConfigMap }}
{{- fail "contract: set either files or existingConfigMap, not both" }}
{{- end }}
{{- if ne (empty $contract.existingConfigMap) (empty $contract.paths) }}
{{- fail "contract: existingConfigMap and paths must be set together" }}
{{- end }}
{{- if and .Values.settings.SCHEMAS_DIR (or $contract.files $contract.existingConfigMap) }}
{{- fail "settings.SCHEMAS_DIR: the chart sets it for the files of contract; set either SCHEMAS_DIR or contract, not both" }}
{{- end }}
{{- $shutdownTimeout := .Values.settings.SHUTDOWN_TIMEOUT_SECONDS | default 25 }}
{{- if lt (float64 .Values.terminationGracePeriodSeconds) (addf $shutdownTimeout 5) }}
{{- fail (printf "terminationGracePeriodSeconds: must be at least 5 more than SHUTDOWN_TIMEOUT_SECONDS, which is %v" $shutdownTimeout) }}
{{- end }}
{{- if and .Values.podMonitor.enabled .Values.serviceMonitor.enabled }}
{{- fail "podMonitor and serviceMonitor: enable only one, because with both, each member is scraped twice" }}
{{- end }}
{{- $keda := .Values.keda }}
{{- if and $keda.enabled (lt (int $keda.partitions) 1) }}
{{- fail "keda.partitions: set it to the topic's number of partitions, because members beyond that number are idle" }}
{{- end }}
{{- if and $keda.enabled (gt (int $keda.minReplicas) (int $keda.partitions)) }}
{{- fail "keda.minReplicas: must be at most keda.partitions" }}
{{- end }}
{{- if and $keda.authenticationRef $keda.authentication }}
{{- fail "keda: set either authenticationRef or authentication, not both" }}
{{- end }}
{{- if and .Values.check.enabled (not $secret.existingSecret) }}
{{- fail "check.enabled: requires secret.existingSecret, because the check runs before the release's own Secret is created" }}
{{- end }}
{{- $glue := eq (.Values.settings.SCHEMA_REGISTRY_TYPE | default "") "glue" }}
{{- if and .Values.check.enabled (or .Values.settings.KAFKA_MSK_REGION $glue) .Values.serviceAccount.create }}
{{- fail "check.enabled with KAFKA_MSK_REGION or SCHEMA_REGISTRY_TYPE=glue: requires serviceAccount.create=false and serviceAccount.name, because the check runs before the release's own ServiceAccount is created" }}
{{- end }}
{{- end }}
