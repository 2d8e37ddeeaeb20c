"""
The floor: a bare loop that reads, decodes, builds a dict, serialises it and posts it, without any guarantee.

The floor is a process of its own, which imports nothing of the product and runs until it is ended. It prints `ready`
before it joins its group.
"""

import base64
import io
import os
import signal
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import fastavro
import httpx
import orjson
from confluent_kafka import Consumer

from bench.shapes import SHAPES

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC
CONTEXT = {
    "integration": {"name": "sprig", "version": "1.0.0"},
    "library": {"name": "sprig-to-segment", "version": "0.1.0"},
}
COPIED = [
    "surveyId",
    "surveyName",
    "createdAt",
    "question",
    "questionType",
    "visitorId",
    "oldVisitorId",
    "responseGroupId",
    "response",
    "email",
    "attributes",
    "triggeringEvent",
]


def main() -> None:
    count, url, key = int(os.environ["RECORDS"]), os.environ["SEGMENT_ENDPOINT"], os.environ["SEGMENT_WRITE_KEY"]
    shape = SHAPES[os.environ["SHAPE"]]
    parsed = fastavro.parse_schema(shape.schema_json())
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            "group.id": os.environ["KAFKA_GROUP_ID"],
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
        }
    )
    headers = {"Content-Type": "application/json", "Authorization": _basic(key)}
    with httpx.Client(headers=headers, trust_env=False) as client:
        print("ready", flush=True)
        consumer.subscribe([os.environ["KAFKA_TOPIC"]])
        while count > 0:
            messages = [
                message for message in consumer.consume(shape.events_in_request, 0.1) if message.error() is None
            ]
            if messages:
                events = [
                    event(fastavro.schemaless_reader(io.BytesIO(message.value() or b""), parsed, None), message)
                    for message in messages
                ]
                client.post(url, content=body(events, key)).raise_for_status()
                count -= len(messages)
    consumer.close()
    signal.pause()


def body(events: Sequence[Mapping[str, Any]], key: str) -> bytes:
    return orjson.dumps({"batch": events, "sentAt": datetime.now(UTC), "writeKey": key}, option=OPTIONS)


def event(record: Any, message: Any) -> Mapping[str, Any]:
    """The track event of a decoded record; `message` has the record's address and timestamp."""
    return {
        "type": "track",
        "event": "SDK - Submitted - Survey Response",
        "userId": record["userId"],
        "messageId": f"0123456789abcdef-{message.partition()}-{message.offset()}-{message.timestamp()[1]}",
        "timestamp": record["timestamp"],
        "context": CONTEXT,
        "properties": {name: record[name] for name in COPIED},
    }


def _basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


if __name__ == "__main__":
    main()
