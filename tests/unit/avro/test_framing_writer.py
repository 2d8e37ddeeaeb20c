"""The framings of the samples: the service reads back what is written, and a framing without a writer is named."""

from collections.abc import Sequence

import pytest

from consumer import paths
from consumer.avro import schema_files
from consumer.avro.auto_framing import framing
from consumer.avro.framing_writer import framing_writer
from consumer.errors import SettingsError
from consumer.model import Record

SCHEMA = schema_files.raw_schema(paths.schemas())
FINGERPRINTS = schema_files.by_fingerprint(paths.schemas())
BODY = b"body"


def never_registered() -> int:
    raise AssertionError("this framing names no id")


def record(value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Record:
    return Record(0, 0, 0, None, value, tuple(headers))


@pytest.mark.parametrize("name", ["confluent", "confluent-header", "auto"])
def test_a_framing_by_id_names_the_registered_schema(name: str) -> None:
    writer = framing_writer(name, SCHEMA, lambda: 0x01020304)
    value = writer.value(BODY)
    key, begin, _ = framing(name, FINGERPRINTS)(record(value, writer.headers))
    assert value
    assert (key, value[begin:]) == (0x01020304, BODY)


@pytest.mark.parametrize("name", ["raw", "single-object"])
def test_a_framing_without_ids_registers_nothing(name: str) -> None:
    writer = framing_writer(name, SCHEMA, never_registered)
    value = writer.value(BODY)
    _, begin, _ = framing(name, FINGERPRINTS)(record(value, writer.headers))
    assert value
    assert value[begin:] == BODY


@pytest.mark.parametrize("value", [None, b""])
def test_a_value_without_bytes_stays_without_a_framing(value: bytes | None) -> None:
    assert framing_writer("confluent", SCHEMA, lambda: 1).value(value) == value


def test_a_framing_without_a_writer_is_a_mistake_that_names_those_with_one() -> None:
    with pytest.raises(SettingsError, match=r"AVRO_FRAMING: samples can be written as confluent, .* not as unknown"):
        framing_writer("unknown", SCHEMA, lambda: 1)
