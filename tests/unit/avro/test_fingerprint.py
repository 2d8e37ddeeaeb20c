"""Fingerprints: those of Avro's own tests, and those of canonical forms and checksums that this file computes."""

import struct
from typing import Any

import pytest

from consumer.avro.decoder import fingerprint, load_schema

EMPTY = 0xC15D213AA4D7A795

# Apache Avro, share/test/data/schema-tests.txt.
AVRO_FINGERPRINTS = [
    ("null", 7195948357588979594),
    ("boolean", -6970731678124411036),
    ({"type": "int"}, 8247732601305521295),
    ("long", -3434872931120570953),
    ("float", 5583340709985441680),
    ("double", -8181574048448539266),
    ("bytes", 5746618253357095269),
    ("string", -8142146995180207161),
    (["int", {"type": "boolean"}], 5392556393470105090),
    ({"fields": [], "type": "record", "name": "foo", "namespace": "x.y"}, 5916914534497305771),
    ({"fields": [], "type": "record", "name": "a.b.foo", "namespace": "x.y"}, -4616218487480524110),
    ({"fields": [], "type": "record", "name": "foo", "doc": "foo", "aliases": ["foo", "bar"]}, -4824392279771201922),
    (
        {
            "fields": [
                {"type": "boolean", "aliases": [], "name": "f1", "default": "true"},
                {"order": "descending", "name": "f2", "doc": "Hello", "type": "int"},
            ],
            "type": "record",
            "name": "foo",
        },
        -4860222112080293046,
    ),
    ({"namespace": "x.y.z", "type": "enum", "name": "foo", "doc": "d", "symbols": ["A1", "A2"]}, -4448647247586288245),
    ({"namespace": "x.y.z", "type": "fixed", "name": "foo", "doc": "d", "size": 32}, -3064184465700546786),
    ({"values": "string", "type": "map"}, -8732877298790414990),
]


def crc(canonical: str) -> str:
    """CRC-64-AVRO in hex, little endian. Source: Avro specification, "Schema Fingerprints"."""
    checksum = EMPTY
    for byte in canonical.encode():
        low = (checksum ^ byte) & 0xFF
        for _ in range(8):
            low = (low >> 1) ^ (EMPTY if low & 1 else 0)
        checksum = (checksum >> 8) ^ low
    return struct.pack("<Q", checksum).hex()


@pytest.mark.parametrize(("schema", "number"), AVRO_FINGERPRINTS)
def test_fingerprints_equal_those_of_avro(schema: Any, number: int) -> None:
    assert fingerprint(load_schema("test", schema)) == struct.pack("<q", number).hex()


def test_the_checksum_of_this_file_equals_that_of_avro() -> None:
    assert crc('"null"') == "8a8f25cce724dd63"


@pytest.mark.parametrize(
    ("schema", "canonical"),
    [
        ({"type": "long", "logicalType": "timestamp-millis"}, '"long"'),
        (
            {
                "type": "map",
                "values": {"type": "record", "name": "R", "fields": [{"name": "x", "type": "int", "default": None}]},
            },
            '{"type":"map","values":{"name":"R","type":"record","fields":[{"name":"x","type":"int"}]}}',
        ),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, '"bytes"'),
        (
            {
                "type": "record",
                "name": "Answer",
                "namespace": "com.sprig",
                "doc": "An answer.",
                "fields": [
                    {"name": "who", "type": ["null", "string"], "default": None, "doc": "nobody if anonymous"},
                    {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"], "default": "A"}},
                    {"name": "before", "type": {"type": "array", "items": "Kind"}},
                    {"name": "na\u00efve", "type": {"type": "fixed", "name": "other.Md5", "size": 16}},
                ],
            },
            '{"name":"com.sprig.Answer","type":"record","fields":[{"name":"who","type":["null","string"]},'
            '{"name":"kind","type":{"name":"com.sprig.Kind","type":"enum","symbols":["A","B"]}},'
            '{"name":"before","type":{"type":"array","items":"com.sprig.Kind"}},'
            '{"name":"na\u00efve","type":{"name":"other.Md5","type":"fixed","size":16}}]}',
        ),
        (
            [
                {"type": "error", "name": "E", "fields": []},  # in Avro's canonical form an error is a record
                {"type": "record", "name": "R", "fields": [{"name": "e", "type": "E"}]},
            ],
            '[{"name":"E","type":"record","fields":[]},'
            '{"name":"R","type":"record","fields":[{"name":"e","type":"E"}]}]',
        ),
    ],
)
def test_a_fingerprint_is_the_checksum_of_the_canonical_form(schema: Any, canonical: str) -> None:
    assert fingerprint(load_schema("test", schema)) == crc(canonical)
