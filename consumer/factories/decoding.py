"""The parts that make events of records: schemas, framings and contracts."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
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
from consumer.avro.unused_fields import decode_only
from consumer.contract.compiler import Contracts
from consumer.factories.common import VERSION, proxies
from consumer.pipeline.record_mapper import DecodeStages, RecordMapper, SchemaOf
from consumer.pipeline.write_keys import WriteKeys
from consumer.settings import Settings


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
    return DecodeStages(
        frame,
        schema_of,
        decoder.union_branch,
        decoder.decode,
        contracts.mapper,
        hints.hint,
        contracts.invalid_values,
        decode_only,
    )


def blocking_decode_stages(settings: Settings, closing: ExitStack) -> DecodeStages:
    """The stages for a command that waits for each schema, so that no record is ever pending."""
    schemas = BlockingSchemas(schema_fetcher(settings, closing), known_schemas(settings))
    return decode_stages(settings, record_framing(settings), schemas.get)


def record_mapper(settings: Settings, stages: DecodeStages) -> RecordMapper:
    return RecordMapper(stages, WriteKeys(settings.write_keys, settings.namespace, settings.kafka_topic))


def blocking_record_mapper(settings: Settings, closing: ExitStack) -> RecordMapper:
    return record_mapper(settings, blocking_decode_stages(settings, closing))
