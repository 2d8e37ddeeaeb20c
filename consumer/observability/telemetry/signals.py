"""Which signals the standard OTEL_* variables ask for. Nothing of OpenTelemetry is imported for this."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

Signal = Literal["TRACES", "METRICS"]

PROTOCOL = "http/protobuf"
# Exporters that need nothing of the service: Prometheus scrapes /metrics anyhow.
_OF_OTHERS: Mapping[Signal, set[str]] = {"TRACES": {"none"}, "METRICS": {"none", "prometheus"}}


class WantedSignals(NamedTuple):
    """The signals to export. `mistakes` has a line, without any value, for each signal that cannot be exported."""

    traces: bool
    metrics: bool
    mistakes: Sequence[str]


def wanted_signals(environ: Mapping[str, str]) -> WantedSignals:
    """
    A signal is exported if its exporter is `otlp`, or if no exporter is named and there is an endpoint.

    The rules and names are those of OpenTelemetry's specification of environment variables.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return WantedSignals(traces=False, metrics=False, mistakes=[])
    mistakes: list[str] = []
    traces = _is_wanted("TRACES", environ, mistakes)
    metrics = _is_wanted("METRICS", environ, mistakes)
    return WantedSignals(traces, metrics, list(dict.fromkeys(mistakes)))


def variable(environ: Mapping[str, str], signal: Signal, name: str) -> tuple[str, str]:
    """Name and value of OTEL_EXPORTER_OTLP_<signal>_<name>, or else of OTEL_EXPORTER_OTLP_<name>; "" if not set."""
    of_signal, of_all = f"OTEL_EXPORTER_OTLP_{signal}_{name}", f"OTEL_EXPORTER_OTLP_{name}"
    if environ.get(of_signal):
        return of_signal, environ[of_signal]
    return of_all, environ.get(of_all, "")


def _is_wanted(signal: Signal, environ: Mapping[str, str], mistakes: list[str]) -> bool:
    name = f"OTEL_{signal}_EXPORTER"
    exporters = {exporter.strip().lower() for exporter in environ.get(name, "").split(",")} - {""}
    if exporters - _OF_OTHERS[signal] - {"otlp"}:
        mistakes.append(f"{name}: only otlp is supported")
    if exporters and "otlp" not in exporters:
        return False
    if not exporters and not variable(environ, signal, "ENDPOINT")[1]:
        return False
    protocol_name, protocol = variable(environ, signal, "PROTOCOL")
    if protocol.strip().lower() not in ("", PROTOCOL):
        mistakes.append(f"{protocol_name}: only {PROTOCOL} is supported")
        return False
    return True
