"""Records of Confluent's serialisers, with a prefix or a header, are decoded with the schema of their producer."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka.schema_registry import (
    SchemaRegistryClient,
    header_schema_id_serializer,
    prefix_schema_id_serializer,
)
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from consumer.avro.decoder import decode
from consumer.avro.framing import AutoFraming, framing
from consumer.avro.schema_registry import SchemaRegistry
from consumer.http_client.proxies import Proxies
from consumer.model import Record
from tests.avro_values import record
from tests.support import registry

ANSWER = record("com.sprig.Answer", userId="string", score=["null", "int"])
VALUE = {"userId": "u", "score": 7}


def serialised(address: str, serialise_id: Callable[..., bytes]) -> Record:
    config = {"auto.register.schemas": False, "use.latest.version": True, "schema.id.serializer": serialise_id}
    headers: list[Any] = [("trace", b"1")]
    with SchemaRegistryClient({"url": address}) as client:
        serializer = AvroSerializer(client, json.dumps(ANSWER), conf=config)
        value = serializer(VALUE, SerializationContext("t", MessageField.VALUE, headers))
    return Record(0, 0, 0, None, value, headers)


@pytest.mark.parametrize("auto", [False, True], ids=["own", "auto"])
@pytest.mark.parametrize(
    ("name", "serialise_id"),
    [("confluent", prefix_schema_id_serializer), ("confluent-header", header_schema_id_serializer)],
)
def test_a_record_is_decoded_to_the_value_that_was_serialised(auto: bool, name: str, serialise_id: Any) -> None:
    frame = framing("auto" if auto else name, ())
    with registry({7: json.dumps(ANSWER)}, {"t-value": [7]}) as address:
        serialised_record = serialised(address, serialise_id)
        key, start = frame(serialised_record)
        client = SchemaRegistry(address, {}, Proxies.none())
        schema = client.fetch(key)
        client.close()
    assert decode(schema, serialised_record.value or b"", start) == VALUE
    assert isinstance(frame, AutoFraming) == auto
    if isinstance(frame, AutoFraming):
        assert frame.counts == {name: 1}
