"""The parts of the service and of the commands, each created from the settings."""

import logging
import os
import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from consumer import paths
from consumer.avro import decoder, schema_files
from consumer.avro.auto_framing import framing
from consumer.avro.blocking_schemas import BlockingSchemas
from consumer.avro.foreign_framing import FramingHints
from consumer.avro.framing import Framing
from consumer.avro.registries import Registry, RegistryAccess
from consumer.avro.registry_options import USE_ID
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import SchemaKey
from consumer.avro.schema_lookup import Fetch, no_registry
from consumer.avro.schema_registry import SchemaRegistry
from consumer.aws.credentials import CredentialSources
from consumer.contract.compiler import Contracts
from consumer.http_client.client import HttpClient
from consumer.http_client.proxies import Proxies
from consumer.kafka import token_errors
from consumer.kafka.admin import KafkaAdmin
from consumer.kafka.client_config import ClientLog, consumer_config, identity_options, producer_config
from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.dead_letter_topic import TopicFinding, judge
from consumer.kafka.dead_letters import DeadLetterWriter, UnwrapRecord, record_itself
from consumer.kafka.group_reader import GroupReader
from consumer.kafka.group_report import GroupReportReader, group_report
from consumer.kafka.group_view import GroupView
from consumer.kafka.token_endpoint import direct_libcurl, uses_token_endpoint
from consumer.kafka.topic_reader import TopicReader
from consumer.observability import log_setup
from consumer.observability.group_watch import GroupWatch
from consumer.pipeline.backpressure import BufferLimits
from consumer.pipeline.batch import BatchLimits
from consumer.pipeline.buffers import PartitionBuffers
from consumer.pipeline.record_mapper import DecodeStages, RecordMapper, SchemaOf
from consumer.pipeline.rejections import RejectionLimits
from consumer.pipeline.write_keys import WriteKeys
from consumer.segment.body import overhead
from consumer.segment.client import Endpoint, SegmentClient
from consumer.segment.send_queue import RequestLimits, SendQueue
from consumer.settings import Settings

VERSION = version("sprig-to-segment")


def schemas_dir(settings: Settings) -> Path:
    """The folder of contracts and Avro schemas: that of the settings, or the packaged one."""
    return settings.schemas_dir or paths.schemas()


def known_schemas(settings: Settings) -> Mapping[SchemaKey, WriterSchema]:
    """The schemas in files, which need no look-up."""
    return schema_files.known_schemas(settings.avro_framing, schemas_dir(settings))


def schema_fetcher(settings: Settings, closing: ExitStack) -> Fetch:
    """How a schema is looked up. What the look-up needs is closed with `closing`."""
    if settings.avro_framing in ("raw", "single-object"):
        return no_registry
    registry = schema_registry(settings)
    closing.callback(registry.close)  # a look-up in flight ends with its present request, and the process can end
    return registry.fetch


def schema_registry(settings: Settings) -> Registry:
    return _registry_access(settings).registry(settings.schema_registry_type, settings.kafka_topic)


def confluent_registry(settings: Settings) -> SchemaRegistry:
    """The registry with the versions of each subject, which only Confluent's API has."""
    return _registry_access(settings).confluent_registry(settings.kafka_topic)


def _registry_access(settings: Settings) -> RegistryAccess:
    options = settings.schema_registry_config.get_secret_value()
    return RegistryAccess(str(settings.schema_registry_url), options, proxies(settings), os.environ)


def record_framing(settings: Settings) -> Framing:
    id_kind = str(settings.schema_registry_config.get_secret_value().get(USE_ID, ""))
    return framing(settings.avro_framing, known_schemas(settings), settings.schema_registry_type, id_kind)


def decode_stages(settings: Settings, frame: Framing, schema_of: SchemaOf) -> DecodeStages:
    contracts = Contracts(schemas_dir(settings), VERSION)
    hints = FramingHints(settings.avro_framing, bool(settings.schema_registry_url), settings.schema_registry_type)
    return DecodeStages(frame, schema_of, decoder.union_branch, decoder.decode, contracts.mapper, hints.hint)


def blocking_decode_stages(settings: Settings, closing: ExitStack) -> DecodeStages:
    """The stages for a command that waits for each schema, so that no record is ever pending."""
    schemas = BlockingSchemas(schema_fetcher(settings, closing), known_schemas(settings))
    return decode_stages(settings, record_framing(settings), schemas.get)


def record_mapper(settings: Settings, stages: DecodeStages) -> RecordMapper:
    return RecordMapper(stages, WriteKeys(settings.write_keys, settings.namespace, settings.kafka_topic))


def blocking_record_mapper(settings: Settings, closing: ExitStack) -> RecordMapper:
    return record_mapper(settings, blocking_decode_stages(settings, closing))


def group_consumer(settings: Settings) -> GroupConsumer:
    from_beginning = settings.kafka_auto_offset_reset == "earliest"
    return GroupConsumer(group_consumer_config(settings), settings.kafka_topic, from_beginning)


def group_consumer_config(settings: Settings) -> Mapping[str, object]:
    return consumer_config(settings.kafka_bootstrap_servers, settings.kafka_group_id, kafka_options(settings))


def topic_reader(settings: Settings, topic: str, closing: ExitStack) -> TopicReader:
    """Reads a topic without joining the group, and knows what the group committed."""
    servers, group = settings.kafka_bootstrap_servers, settings.kafka_group_id
    return closing.enter_context(TopicReader(servers, group, kafka_options(settings), topic))


def group_reader(settings: Settings) -> GroupReader:
    """Reads the whole group from outside, without joining it. Raises SettingsError."""
    servers, group = settings.kafka_bootstrap_servers, settings.kafka_group_id
    return GroupReader(servers, group, kafka_options(settings), settings.kafka_topic)


def group_watch(settings: Settings) -> GroupWatch:
    """Reads the whole group in the background while somebody looks at it."""
    unread = group_report(GroupView(settings.kafka_topic, settings.kafka_group_id))
    return GroupWatch(lambda: GroupReportReader(group_reader(settings)), unread)


def kafka_admin(settings: Settings) -> KafkaAdmin:
    return KafkaAdmin(settings.kafka_bootstrap_servers, kafka_options(settings))


def dead_letter_topic_findings(settings: Settings) -> Sequence[TopicFinding]:
    """What the settings of the dead-letter topic mean for dead letters."""
    topics = settings.kafka_topic, settings.dead_letter_topic
    return judge(*topics, kafka_admin(settings).topic_settings(topics))


def kafka_options(settings: Settings) -> Mapping[str, object]:
    """The options of the Kafka clients: those of KAFKA_CONFIG, and those by which brokers know this member."""
    options: Mapping[str, object] = settings.kafka_config.get_secret_value()
    if uses_token_endpoint(options):
        is_proxied = proxies(settings).is_proxied(str(options.get(token_errors.URL, "")))
        direct_libcurl(settings.https_proxy.get_secret_value() if is_proxied else "")
    identity = identity_options(settings.kafka_group_instance_id, aws_sources(settings))
    logger = ClientLog(logging.getLogger(log_setup.LIBRDKAFKA))
    return {"client.id": f"sprig-to-segment-{VERSION}", **options, **identity, "logger": logger}


def aws_sources(settings: Settings) -> CredentialSources | None:
    """Where the credentials for KAFKA_MSK_REGION come from; None without this setting."""
    if not settings.kafka_msk_region:
        return None
    return CredentialSources(settings.kafka_msk_region, os.environ, HttpClient(proxies(settings)))


def dead_letter_writer(settings: Settings, unwrap: UnwrapRecord = record_itself) -> DeadLetterWriter:
    """`unwrap` gives the record to write, if what was read only holds a copy of it."""
    config = producer_config(settings.kafka_bootstrap_servers, kafka_options(settings))
    return DeadLetterWriter(config, settings.dead_letter_topic, settings.kafka_topic, VERSION, unwrap)


def proxies(settings: Settings) -> Proxies:
    """The way of every HTTP request of the product."""
    if not settings.trust_proxy_env:
        return Proxies.none()
    return Proxies.parse(settings.https_proxy.get_secret_value(), settings.no_proxy)


def segment_client(settings: Settings) -> SegmentClient:
    return SegmentClient(segment_endpoint(settings), proxies(settings))


def segment_endpoint(settings: Settings) -> Endpoint:
    return Endpoint(
        settings.endpoint,
        settings.segment_timeout_seconds,
        settings.segment_gzip,
        settings.segment_accept_any_body,
        f"sprig-to-segment/{VERSION}",
    )


def send_queue(settings: Settings) -> SendQueue:
    limits = RequestLimits(
        settings.batch_max_events,
        settings.batch_max_bytes,
        settings.max_consecutive_refusals,
        settings.max_events_per_second,
    )
    return SendQueue(list(settings.write_keys.values()), limits, random.Random())  # noqa: S311 - jitter


def rejection_limits(settings: Settings) -> RejectionLimits:
    in_a_row = settings.max_consecutive_dead_letters
    return RejectionLimits(in_a_row, in_a_row, settings.max_rejected_before_success)


def partition_buffers(settings: Settings, rejections: RejectionLimits) -> PartitionBuffers:
    body_bytes = settings.batch_max_bytes - max(map(overhead, settings.write_keys.values()))
    batch = BatchLimits(settings.batch_max_events, body_bytes, rejections)
    return PartitionBuffers(BufferLimits(batch, settings.max_buffered_bytes), settings.batch_linger_seconds)
