"""`run`: delivers the topic's records to Segment until a signal says stop."""

import gc
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click

import consumer.settings
from consumer import app, factories
from consumer.cli.params import as_json, exit_with, plain_errors
from consumer.cli.settings_source import SettingsSource, settings_options
from consumer.errors import UsageError
from consumer.internal_errors import as_service_error
from consumer.observability import log_setup
from consumer.pipeline.message_id import message_id_prefix
from consumer.settings import Settings
from consumer.signals import stop_requests

log = logging.getLogger(__name__)


@click.command()
@settings_options
@click.option(
    "--dry-run", is_flag=True, help="Do everything but sending and committing, and report what would be done."
)
@as_json("report of --dry-run")
@plain_errors
def run(env_file: Path | None, schemas_dir: Path | None, dry_run: bool, as_json: bool) -> None:
    """Deliver the topic's records to Segment.

    Read the topic, deliver to Segment and commit what is settled, until SIGTERM or Ctrl-C. All settings are
    environment variables. Two are required: KAFKA_BOOTSTRAP_SERVERS, and SEGMENT_WRITE_KEY or SEGMENT_WRITE_KEYS.
    Secrets may be files, such as SEGMENT_WRITE_KEY_FILE. All invalid settings are reported together.

    `--dry-run` reads what the group has not committed, up to the present end of the topic, and reports how many records
    would be sent, skipped and rejected, and what would block delivery. It joins no group, commits nothing, sends
    nothing and writes no dead letter, so it can run beside the service. Exit code 1 if delivery would be blocked.

    \b
    Examples:
      sprig-to-segment run --env-file production.env
      sprig-to-segment run --env-file production.env --dry-run
    """
    source = SettingsSource(env_file, schemas_dir)
    if dry_run:
        from consumer.cli.dry_run import print_dry_run  # only a dry run needs it

        exit_with(print_dry_run(source, as_json))
    if as_json:
        raise click.UsageError("--json is for --dry-run")
    deliver(source)


def deliver(source: SettingsSource) -> None:
    """Deliver until a signal says stop. Raises UsageError before anything is read, and SystemExit after an error."""
    settings = source.load()
    log_setup.configure(settings.log_format, settings.log_level, settings.kafka_topic)
    for warning in consumer.settings.suspicious():
        log.warning(warning)
    if risks := consumer.settings.risks(settings):
        log.warning("settings are risky, continuing", extra={"detail": "; ".join(risks)})
    with _fatal_errors_in_one_line():
        delivered = _deliver(settings)
        # Only now, because parts that are closed can log something. After this line there is no other.
        log.info("stopped", extra={"delivered": delivered, "is_last": True})


def _deliver(settings: Settings) -> int:
    """How many records were delivered until a signal said stop. All parts are closed then."""
    with (
        stop_requests(settings.shutdown_timeout_seconds) as stop,
        app.build(settings, app.normal(settings, has_telemetry=True)) as service,
        app.status_server(settings, service) as server,
    ):
        _collect_garbage_rarely()
        log.info("started", extra={**_fields(settings), "http": server.url})
        service.run(stop)
    return service.reporter.counters.delivered


@contextmanager
def _fatal_errors_in_one_line() -> Iterator[None]:
    """
    Log the error that ends the service, of the loop or of a part that is opened or closed, and exit with code 1.

    Raises UsageError: mistakes in the settings are lines for people, also before the log is configured.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - also a defect of ours
        log.critical("fatal error, exiting", extra={"error": str(as_service_error(error))})
        exit_with(success=False)


def _fields(settings: Settings) -> Mapping[str, object]:
    """Where records come from and go to, and how messageIds begin, by environment. No key can be read off a prefix."""
    endpoint = urlsplit(settings.endpoint)
    message_id_prefixes = {
        environment or "all": message_id_prefix(settings.namespace(key), settings.kafka_topic)
        for environment, key in settings.write_keys.items()
    }
    return {
        "version": factories.VERSION,
        "topic": settings.kafka_topic,
        "group": settings.kafka_group_id,
        "dead_letter_topic": settings.dead_letter_topic,
        "framing": settings.avro_framing,
        "registry": settings.schema_registry_url,
        "schemas": str(factories.schemas_dir(settings)),
        "segment": endpoint.netloc,
        "region": settings.region,
        "message_id_prefixes": message_id_prefixes,
    }


def _collect_garbage_rarely() -> None:
    """
    By default Python looks for reference cycles after each 700 new objects: one thirtieth of an event's CPU time.

    The service creates no cycle for a record, and no HTTP attempt leaves one (tests/unit/segment/test_garbage.py).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
