"""Records of Confluent's own serialisers, by prefix and by header, are read with the schema that wrote them."""

import json
from collections import Counter
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
from consumer.avro.framing import framing
from consumer.avro.schema_registry import Registry
from consumer.model import Message
from tests.avro_values import record
from tests.support import registry

ANSWER = record("com.sprig.Answer", userId="string", score=["null", "int"])
VALUE = {"userId": "u", "score": 7}


def written(address: str, serialise: Callable[..., bytes]) -> Message:
    config = {"auto.register.schemas": False, "use.latest.version": True, "schema.id.serializer": serialise}
    headers: list[Any] = [("trace", b"1")]
    with SchemaRegistryClient({"url": address}) as client:
        made = AvroSerializer(client, json.dumps(ANSWER), conf=config)
        value = made(VALUE, SerializationContext("t", MessageField.VALUE, headers))
    return Message(0, 0, 0, None, value, headers)


@pytest.mark.parametrize("name", ["own", "auto"])
@pytest.mark.parametrize(
    ("own", "serialise"),
    [("confluent", prefix_schema_id_serializer), ("confluent-header", header_schema_id_serializer)],
)
def test_a_record_is_read_as_it_was_written(name: str, own: str, serialise: Any) -> None:
    seen: Counter[str] = Counter()
    with registry({7: json.dumps(ANSWER)}, {"t-value": [7]}) as address:
        message = written(address, serialise)
        key, start = framing(own if name == "own" else "auto", (), seen)(message)
        client = Registry(address, {})
        schema = client.fetch(key)
        client.close()
    assert decode(schema, message.value or b"", start) == VALUE
    assert seen == ({own: 1} if name == "auto" else {})
