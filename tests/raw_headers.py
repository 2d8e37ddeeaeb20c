"""Owns records whose header names are not UTF-8, which confluent-kafka cannot write: librdkafka writes them."""

import ctypes
from pathlib import Path

import confluent_kafka

PRODUCER = 0  # rdkafka.h, rd_kafka_type_t
TOPIC, PARTITION, VALUE, KEY, HEADER = 1, 3, 4, 5, 9  # rdkafka.h, rd_kafka_vtype_t


class _Memory(ctypes.Structure):
    _fields_ = (("pointer", ctypes.c_char_p), ("size", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("value", ctypes.c_char_p), ("size", ctypes.c_ssize_t))


class _Value(ctypes.Union):
    _fields_ = (
        ("text", ctypes.c_char_p),
        ("number", ctypes.c_int32),
        ("memory", _Memory),
        ("header", _Header),
        ("padding", ctypes.c_char * 64),
    )


class _Argument(ctypes.Structure):
    """rdkafka.h, rd_kafka_vu_t."""

    _fields_ = (("type", ctypes.c_int), ("value", _Value))


def produce_with_header(servers: str, topic: str, partition: int, value: bytes, name: bytes) -> None:
    """Write one record with the key b"k" and a header with this name, and wait until the broker has the record."""
    library, reason = _library(), ctypes.create_string_buffer(512)
    config = library.rd_kafka_conf_new()
    assert library.rd_kafka_conf_set(config, b"bootstrap.servers", servers.encode(), reason, len(reason)) == 0
    producer = library.rd_kafka_new(PRODUCER, config, reason, len(reason))
    assert producer, reason.value
    arguments = (_Argument * 5)(
        _Argument(TOPIC, _Value(text=topic.encode())),
        _Argument(PARTITION, _Value(number=partition)),
        _Argument(VALUE, _Value(memory=_Memory(value, len(value)))),
        _Argument(KEY, _Value(memory=_Memory(b"k", 1))),
        _Argument(HEADER, _Value(header=_Header(name, b"x", 1))),
    )
    try:
        assert not library.rd_kafka_produceva(producer, arguments, len(arguments))
        assert library.rd_kafka_flush(producer, 10_000) == 0
    finally:
        library.rd_kafka_destroy(producer)


def _library() -> ctypes.CDLL:
    (path,) = (Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs").glob("librdkafka-*")
    library = ctypes.CDLL(str(path))
    pointer = ctypes.c_void_p
    library.rd_kafka_conf_new.restype = library.rd_kafka_new.restype = library.rd_kafka_produceva.restype = pointer
    library.rd_kafka_conf_set.argtypes = [pointer, *[ctypes.c_char_p] * 3, ctypes.c_size_t]
    library.rd_kafka_new.argtypes = [ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_size_t]
    library.rd_kafka_produceva.argtypes = [pointer, pointer, ctypes.c_size_t]
    library.rd_kafka_flush.argtypes = [pointer, ctypes.c_int]
    library.rd_kafka_destroy.argtypes, library.rd_kafka_destroy.restype = [pointer], None
    return library
