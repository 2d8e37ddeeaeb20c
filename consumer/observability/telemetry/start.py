"""The start of the export: only if it is asked for, and never in the way of delivery."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from consumer.http_client.proxies import Proxies
from consumer.internal_errors import as_service_error
from consumer.observability.snapshot import LatestSnapshot
from consumer.observability.telemetry.signals import wanted_signals

if TYPE_CHECKING:
    from consumer.observability.telemetry.export import Telemetry

log = logging.getLogger(__name__)


class TelemetrySource(NamedTuple):
    """What is said of the service: its version, the topic and the group of its records, and Segment's endpoint."""

    version: str
    topic: str
    group: str
    endpoint: str


def start_telemetry(
    environ: Mapping[str, str], proxies: Proxies, source: TelemetrySource, latest: LatestSnapshot
) -> "Telemetry | None":
    """The running export; None if OTEL_* variables ask for nothing, or if it cannot start. Never raises."""
    wanted = wanted_signals(environ)
    for mistake in wanted.mistakes:
        log.warning("OpenTelemetry is not used as configured, continuing", extra={"error": mistake})
    if not wanted.traces and not wanted.metrics:
        return None
    try:
        from consumer.observability.telemetry.export import start_export

        return start_export(environ, wanted, proxies, source, latest)
    except ImportError as error:
        text = f"the extra otel of sprig-to-segment is not installed: there is no module {error.name}"
    except Exception as error:  # noqa: BLE001 - delivery does not depend on it
        text = str(as_service_error(error))
    log.warning("OpenTelemetry not started, continuing without it", extra={"error": text})
    return None
