"""The options whose values are secrets: the chart's list, and the table of the Kafka client."""

import ctypes
import logging
import re
from pathlib import Path

import confluent_kafka

LIST = Path(__file__).parents[1] / "helm/files/confidential-options.txt"
PACKAGE = Path(confluent_kafka.__file__).parent


def confidential_options() -> list[str]:
    return [line for line in LIST.read_text().splitlines() if not line.startswith("#")]


def librdkafka_options(table: Path) -> list[str]:
    """The names of all options that have a text as value; librdkafka writes its table of options to the file."""
    (library,) = PACKAGE.parent.glob("confluent_kafka.libs/librdkafka*")
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    file = ctypes.c_void_p(libc.fopen(bytes(table), b"w"))
    ctypes.CDLL(str(library)).rd_kafka_conf_properties_show(file)
    libc.fclose(file)
    return re.findall(r"(?m)^([a-z_.]+) +\|.*\*Type: string\*", table.read_text())


def is_redacted(option: str) -> bool | None:
    """Whether the Kafka client hides the option's value in its own log; None if the client refuses any value."""
    log = logging.getLogger(f"options.{option}")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    messages = _Messages()
    log.addHandler(messages)
    options = {"group.id": "a", "debug": "conf", option: "plain-value"}
    try:
        client = confluent_kafka.Consumer(options, logger=log)
    except confluent_kafka.KafkaException:
        return None
    client.poll(0)
    client.close()
    assert any("[redacted]" in text or "plain-value" in text for text in messages.texts), option
    return not any("plain-value" in text for text in messages.texts)


class _Messages(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
