"""Which OTEL_* variables turn the export on, and which are mistakes."""

import pytest
from opentelemetry.sdk import environment_variables

from consumer.observability.telemetry.signals import wanted_signals
from consumer.settings import suspicious

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
NAMES = [name for name in vars(environment_variables).values() if isinstance(name, str) and name.startswith("OTEL_")]


@pytest.mark.parametrize(
    ("environ", "traces", "metrics"),
    [
        ({}, False, False),
        ({"OTEL_SERVICE_NAME": "surveys", "OTEL_PROPAGATORS": "b3"}, False, False),
        (ENDPOINT, True, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/v1/traces"}, True, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c/v1/metrics"}, False, True),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "True"}, False, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "false"}, True, True),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "none"}, True, False),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "prometheus"}, True, False),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": " OTLP, prometheus"}, True, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True, False),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True, True),
    ],
)
def test_the_standard_variables_turn_signals_on(environ: dict[str, str], traces: bool, metrics: bool) -> None:
    assert wanted_signals(environ) == (traces, metrics, [])


@pytest.mark.parametrize(
    ("environ", "traces", "metrics", "mistake"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, False, False, "OTEL_TRACES_EXPORTER: only otlp is supported"),
        ({"OTEL_TRACES_EXPORTER": "otlp,console"}, True, False, "OTEL_TRACES_EXPORTER: only otlp is supported"),
        (
            {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            False,
            False,
            "OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is supported",
        ),
        (
            {**ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            False,
            True,
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: only http/protobuf is supported",
        ),
    ],
)
def test_what_is_not_supported_is_a_mistake_that_names_its_variable(
    environ: dict[str, str], traces: bool, metrics: bool, mistake: str
) -> None:
    assert wanted_signals(environ) == (traces, metrics, [mistake])


def test_no_standard_variable_is_taken_for_a_misspelt_setting() -> None:
    assert len(NAMES) > 60
    assert not suspicious(dict.fromkeys(NAMES, "x"))
