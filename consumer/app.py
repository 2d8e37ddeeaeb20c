"""The parts that several commands put together, each made of the settings."""

import logging
import random
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from consumer import paths
from consumer.avro import decoder, schema_files
from consumer.avro.blocking_schemas import AtOnce
from consumer.avro.framing import SchemaKey, framing
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_lookup import Fetch, no_registry
from consumer.contract.mapper import Contracts
from consumer.kafka.admin import Admin
from consumer.kafka.client_config import identity, producer_config
from consumer.kafka.dead_letters import DeadLetters, Unwrap, as_it_is
from consumer.kafka.topic_reader import Reader
from consumer.observability import log_setup
from consumer.pipeline.buffers import Shares
from consumer.pipeline.record_processor import SchemaOf, Steps, Translator
from consumer.request import Limits
from consumer.segment.body import overhead
from consumer.segment.client import Endpoint
from consumer.segment.send_queue import Capacity, Outbox
from consumer.settings import Settings

VERSION = version("sprig-to-segment")


def known_schemas(settings: Settings) -> Mapping[SchemaKey, WriterSchema]:
    """Those that need no look-up."""
    return schema_files.known_schemas(settings.avro_framing, _folder(settings))


def fetch(settings: Settings, closing: ExitStack) -> Fetch:
    """How a schema is looked up; what that needs is closed with `closing`."""
    if settings.avro_framing in ("raw", "single-object"):
        return no_registry
    from consumer.avro.schema_registry import Registry  # its client takes 0.15 s to import

    config = settings.schema_registry_config.get_secret_value()
    registry = Registry(str(settings.schema_registry_url), config)
    closing.callback(registry.close)  # a look-up under way ends with its present request, and the process can
    return registry.fetch


def steps(settings: Settings, schema: SchemaOf, framed: Counter[str]) -> Steps:
    """The steps of a record to its call. `framed` counts framings under AVRO_FRAMING=auto."""
    frame = framing(settings.avro_framing, known_schemas(settings), framed)
    contracts = Contracts(_folder(settings), VERSION)
    return Steps(frame, schema, decoder.branch, decoder.decode, contracts.mapper)


def translator(settings: Settings, steps: Steps) -> Translator:
    return Translator(steps, settings.kafka_topic, settings.write_keys, settings.namespace)


def steps_at_once(settings: Settings, closing: ExitStack) -> Steps:
    """Steps for a command that waits for each schema, and never meets one that is pending."""
    return steps(settings, AtOnce(fetch(settings, closing), known_schemas(settings)).get, Counter())


def translator_at_once(settings: Settings, closing: ExitStack) -> Translator:
    return translator(settings, steps_at_once(settings, closing))


def reader(settings: Settings, topic: str, closing: ExitStack) -> Reader:
    """One that looks at a topic, for the group's committed offsets as well."""
    servers, group = settings.kafka_bootstrap_servers, settings.kafka_group_id
    return closing.enter_context(Reader(servers, group, kafka_options(settings), topic))


def admin(settings: Settings) -> Admin:
    return Admin(settings.kafka_bootstrap_servers, kafka_options(settings))


def kafka_options(settings: Settings) -> Mapping[str, object]:
    options: Mapping[str, object] = settings.kafka_config.get_secret_value()
    own = identity(settings.kafka_group_instance_id, settings.kafka_msk_region)
    return {
        "client.id": f"sprig-to-segment-{VERSION}",
        **options,
        **own,
        "logger": logging.getLogger(log_setup.LIBRDKAFKA),
    }


def endpoint(settings: Settings) -> Endpoint:
    return Endpoint(
        settings.endpoint,
        settings.segment_timeout_seconds,
        settings.segment_gzip,
        settings.segment_accept_any_body,
        f"sprig-to-segment/{VERSION}",
    )


def outbox(settings: Settings) -> Outbox:
    capacity = Capacity(
        settings.batch_max_events,
        settings.batch_max_bytes,
        settings.max_consecutive_refusals,
        settings.max_events_per_second,
    )
    return Outbox(list(settings.write_keys.values()), capacity, random.Random())  # noqa: S311 - jitter


def dead_letters(settings: Settings, record: Unwrap = as_it_is) -> DeadLetters:
    """Where letters go. `record`: what a message that was read holds, if that is another record's copy."""
    config = producer_config(settings.kafka_bootstrap_servers, kafka_options(settings))
    return DeadLetters(config, settings.dead_letter_topic, settings.kafka_topic, VERSION, record)


def shares(settings: Settings) -> Shares:
    room = settings.batch_max_bytes - max(map(overhead, settings.write_keys.values()))
    batch = Limits(settings.batch_max_events, room, settings.max_consecutive_dead_letters)
    return Shares(batch, settings.max_buffered_bytes, settings.batch_linger_seconds)


def _folder(settings: Settings) -> Path:
    return settings.schemas_dir or paths.schemas()
