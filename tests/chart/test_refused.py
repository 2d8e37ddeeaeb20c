"""Helm refuses wrong values before it installs anything, and says which value is wrong."""

from typing import Any

import pytest
import yaml

from tests.chart.rendering import render_with, try_render
from tests.confidential_options import confidential_options

# Values merged over `minimal`, and a part of the error. Refused by the schema:
SCHEMA_CASES = """
replica: 2 | 'replica' not allowed
replicas: -1 | /replicas
replicas: two | /replicas
replicas: 1.5 | /replicas
kind: DaemonSet | /kind
image: {repository: ""} | /image/repository
image: {repository: "registry.example/app:1"} | /image/repository
image: {tag: "a b"} | /image/tag
image: {tag: 1} | /image/tag
image: {digest: "sha256:abc"} | /image/digest
image: {pullPolicy: Sometimes} | /image/pullPolicy
imagePullSecrets: [registry] | /imagePullSecrets/0
nameOverride: Surveys | /nameOverride
fullnameOverride: a.b | /fullnameOverride
settings: {KAFKA_BOOTSTRAP_SERVERS: ""} | /settings/KAFKA_BOOTSTRAP_SERVERS
settings: {KAFKA_BOOTSTRAP_SERVERS: null} | missing property 'KAFKA_BOOTSTRAP_SERVERS'
settings: {KAFKA_BOOTSTRAP_SERVERS: "a:1,,b:2"} | /settings/KAFKA_BOOTSTRAP_SERVERS
settings: {KAFKA_BOOTSTRAP_SERVERS: "https://a:1"} | /settings/KAFKA_BOOTSTRAP_SERVERS
settings: {KAFKA_BOOTSTRAP_SERVERS: "a:1,b"} | /settings/KAFKA_BOOTSTRAP_SERVERS
settings: {KAFKA_BOOTSTRAP_SERVERS: "<broker>:9092"} | /settings/KAFKA_BOOTSTRAP_SERVERS
settings: {KAFKA_TOPICS: a} | 'KAFKA_TOPICS' not allowed
settings: {kafkaTopic: a} | 'kafkaTopic' not allowed
settings: {KAFKA_TOPIC: "a b"} | /settings/KAFKA_TOPIC
settings: {KAFKA_CONFIG: "{}"} | /settings/KAFKA_CONFIG
settings: {KAFKA_CONFIG: {retries: [1]}} | /settings/KAFKA_CONFIG/retries
settings: {SCHEMA_REGISTRY_URL: "registry:8081"} | /settings/SCHEMA_REGISTRY_URL
settings: {SCHEMA_REGISTRY_URL: "http://user:word@registry"} | /settings/SCHEMA_REGISTRY_URL
settings: {SEGMENT_WRITE_KEY: wk} | 'SEGMENT_WRITE_KEY' not allowed
settings: {SEGMENT_WRITE_KEYS: {a: wk}} | 'SEGMENT_WRITE_KEYS' not allowed
settings: {KAFKA_GROUP_INSTANCE_ID: a} | 'KAFKA_GROUP_INSTANCE_ID' not allowed
settings: {KAFKA_AUTO_OFFSET_RESET: latest} | /settings/KAFKA_AUTO_OFFSET_RESET
settings: {KAFKA_MSK_REGION: Ireland} | /settings/KAFKA_MSK_REGION
settings: {AVRO_FRAMING: json} | /settings/AVRO_FRAMING
settings: {SEGMENT_REGION: asia} | /settings/SEGMENT_REGION
settings: {SEGMENT_GZIP: "yes"} | /settings/SEGMENT_GZIP
settings: {BATCH_MAX_EVENTS: 2501} | /settings/BATCH_MAX_EVENTS
settings: {BATCH_MAX_BYTES: 32999} | /settings/BATCH_MAX_BYTES
settings: {BATCH_MAX_BYTES: 500001} | /settings/BATCH_MAX_BYTES
settings: {BATCH_LINGER_SECONDS: 0} | /settings/BATCH_LINGER_SECONDS
settings: {MAX_REQUESTS_IN_FLIGHT: 0} | /settings/MAX_REQUESTS_IN_FLIGHT
settings: {ON_REJECTED: drop} | /settings/ON_REJECTED
settings: {HTTP_PORT: 80} | /settings/HTTP_PORT
settings: {HTTP_PORT: "8080"} | /settings/HTTP_PORT
settings: {LOG_LEVEL: trace} | /settings/LOG_LEVEL
secret: {name: segment} | 'name' not allowed
secret: {keys: []} | /secret/keys
secret: {keys: [SEGMENT_WRITE_KEY, SEGMENT_WRITE_KEY]} | /secret/keys
secret: {keys: ["a/b"]} | /secret/keys/0
secret: {mountPath: secrets} | /secret/mountPath
secret: {plain: {SEGMENT_WRITE_KEY: 7}} | /secret/plain/SEGMENT_WRITE_KEY
secret: {external: {storeRef: {name: vault, kind: Vault}, data: {}}} | /secret/external
contract: {files: {answer.json: "{}"}} | /contract/files
contract: {files: {segment/answer.yaml: "{}"}} | /contract/files
contract: {files: {segment/../answer.json: "{}"}} | /contract/files
contract: {paths: {a: /etc/a}} | /contract/paths/a
terminationGracePeriodSeconds: 40s | /terminationGracePeriodSeconds
resources: {limit: {memory: 1Gi}} | 'limit' not allowed
serviceAccount: {token: true} | 'token' not allowed
livenessProbe: {httpGet: {path: /}} | 'httpGet' not allowed
livenessProbe: {periodSeconds: 0} | /livenessProbe/periodSeconds
check: {args: --strict} | /check/args
podDisruptionBudget: {minAvailable: 1} | 'minAvailable' not allowed
podDisruptionBudget: {maxUnavailable: 0} | /podDisruptionBudget/maxUnavailable
networkPolicy: {from: [{}]} | /networkPolicy/from/0
networkPolicy: {from: [{namespace: monitoring}]} | 'namespace' not allowed
networkPolicy: {egress: {ports: [http]}} | /networkPolicy/egress/ports/0
podMonitor: {interval: 30} | /podMonitor/interval
serviceMonitor: {enabled: "true"} | /serviceMonitor/enabled
prometheusRule: {retentionHours: 0} | /prometheusRule/retentionHours
keda: {maxReplicas: 4} | 'maxReplicas' not allowed
keda: {lagThreshold: 0} | /keda/lagThreshold
keda: {trigger: {tls: true}} | /keda/trigger/tls
podLabels: {a: "b c"} | /podLabels/a
podAnnotations: {a: true} | /podAnnotations/a
topologySpreadConstraints: [{maxSkew: 1}] | /topologySpreadConstraints/0
affinity: {podsAffinity: {}} | 'podsAffinity' not allowed
extraEnv: [{value: a}] | /extraEnv/0
extraEnv: [{name: SEGMENT_WRITE_KEY, value: a}] | /extraEnv/0/name
extraVolumes: [{emptyDir: {}}] | /extraVolumes/0
"""
# Refused by templates/_validate.tpl, because the error depends on several values:
COMBINATION_CASES = """
secret: {existingSecret: ""} | secret: set exactly one of existingSecret, external and plain
secret: {plain: {SEGMENT_WRITE_KEY: wk}} | secret: set exactly one of existingSecret, external and plain
secret: {keys: [KAFKA_CONFIG]} | exactly one of SEGMENT_WRITE_KEY and SEGMENT_WRITE_KEYS
secret: {keys: [SEGMENT_WRITE_KEY, SEGMENT_WRITE_KEYS]} | exactly one of SEGMENT_WRITE_KEY and SEGMENT_WRITE_KEYS
{secret: {keys: [SEGMENT_WRITE_KEY, KAFKA_CONFIG]}, settings: {KAFKA_CONFIG: {a: 1}}} | settings.KAFKA_CONFIG is also
settings: {KAFKA_CONFIG: {sasl.oauthbearer.token.endpoint.url: "https://a:b@c"}} | move all of KAFKA_CONFIG
settings: {SCHEMA_REGISTRY_CONFIG: {bearer.auth.token: "a"}} | is confidential: move all of SCHEMA_REGISTRY_CONFIG
settings: {SCHEMA_REGISTRY_CONFIG: {proxy: "http://a:b@c:3128"}} | confidential: move all of SCHEMA_REGISTRY_CONFIG
contract: {files: {segment/a.json: "{}"}, existingConfigMap: a, paths: {a: segment/a}} | contract: set either files
contract: {existingConfigMap: a} | existingConfigMap and paths must be set together
contract: {paths: {a: segment/a.json}} | existingConfigMap and paths must be set together
{contract: {files: {segment/a.json: "{}"}}, settings: {SCHEMAS_DIR: /a}} | set either SCHEMAS_DIR or contract
terminationGracePeriodSeconds: 29 | at least 5 more than SHUTDOWN_TIMEOUT_SECONDS, which is 25
settings: {SHUTDOWN_TIMEOUT_SECONDS: 35.5} | at least 5 more than SHUTDOWN_TIMEOUT_SECONDS, which is 35.5
{podMonitor: {enabled: true}, serviceMonitor: {enabled: true}} | podMonitor and serviceMonitor: enable only one
keda: {enabled: true} | keda.partitions: set it to the topic's number of partitions
keda: {enabled: true, partitions: 2, minReplicas: 3} | keda.minReplicas: must be at most keda.partitions
keda: {authenticationRef: a, authentication: {env: []}} | keda: set either authenticationRef or authentication
{check: {enabled: true}, secret: {existingSecret: "", plain: {SEGMENT_WRITE_KEY: wk}}} | check.enabled: requires secret
{check: {enabled: true}, settings: {KAFKA_MSK_REGION: eu-west-1}} | check.enabled with KAFKA_MSK_REGION or
{check: {enabled: true}, settings: {SCHEMA_REGISTRY_TYPE: glue}} | or SCHEMA_REGISTRY_TYPE=glue: requires
"""


def parse_cases(text: str) -> list[tuple[dict[str, Any], str]]:
    pairs = [line.split(" | ") for line in text.strip().splitlines()]
    return [(yaml.safe_load(values), error) for values, error in pairs]


@pytest.mark.parametrize(("values", "error"), parse_cases(SCHEMA_CASES))
def test_the_schema_refuses_a_wrong_value(values: dict[str, Any], error: str) -> None:
    result = try_render(values)
    assert result.returncode != 0
    assert "values don't meet the specifications of the schema" in result.stderr
    assert error in result.stderr


@pytest.mark.parametrize(("values", "error"), parse_cases(COMBINATION_CASES))
def test_the_templates_refuse_a_wrong_combination_of_values(values: dict[str, Any], error: str) -> None:
    result = try_render(values)
    assert result.returncode != 0
    assert error in result.stderr


@pytest.mark.parametrize("option", confidential_options())
def test_a_confidential_option_is_refused_in_settings(option: str) -> None:
    result = try_render({"settings": {"KAFKA_CONFIG": {option: "value"}}})
    assert result.returncode != 0
    assert f"settings.KAFKA_CONFIG: the option {option} is confidential: move all of KAFKA_CONFIG" in result.stderr


def test_an_option_without_a_secret_is_accepted_in_settings() -> None:
    kafka = {"ssl.key.location": "/tls/key", "ssl.ca.pem": "-----BEGIN", "sasl.kerberos.principal": "a/b@C"}
    render_with({"settings": {"KAFKA_CONFIG": kafka, "SCHEMA_REGISTRY_CONFIG": {"proxy": "http://c:3128"}}})
