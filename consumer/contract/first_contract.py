"""A first contract for the records of an Avro schema, for an analyst to look at and to change."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.annotations import NOT_IN_RECORD_NAMES
from consumer.contract.field_guesses import (
    Guess,
    Leaf,
    guess_environment,
    guess_time,
    guess_user,
    time_conversion,
)
from consumer.contract.field_path import resolve_path
from consumer.contract.json_types import json_type
from consumer.contract.property_rules import property_rule, time_reason
from consumer.contract.rules import CONTRACT_SCHEMA_FILE, KAFKA_MESSAGE_ID, KAFKA_TIMESTAMP
from consumer.contract.sample_record import known_values
from consumer.contract.source_path import path_steps, source_path
from consumer.segment_limits import MAX_MESSAGE_ID_LENGTH

MAX_RECORD_LEVELS = 5
"""Records inside each other that become objects with a property for each field; deeper ones are sent as they are."""
NO_USER_ID = "no_user_id"


class FirstContract(NamedTuple):
    """
    A contract as its JSON value, and what an analyst has to know about it.

    `guesses` has the reasons, by the property or annotation.
    `known` has values for samples: those of the user, the time and the environment, by path.
    """

    schema: dict[str, Any]
    guesses: Mapping[str, str]
    known: Mapping[str, Any]


class _Guesses(NamedTuple):
    user: Guess
    time: Guess | None
    environment: Guess | None

    def paths(self) -> set[str]:
        return {guess.leaf.path for guess in self if guess}

    def known(self) -> dict[str, Any]:
        """Values for samples, by path."""
        values = (self.user, "user-1"), (self.environment, "production")
        return {guess.leaf.path: value for guess, value in values if guess}

    def texts(self) -> dict[str, str]:
        return {
            "userId": str(self.user),
            "timestamp": str(self.time or "the time of the Kafka record, because no field looks like a time"),
            "x-environment": str(self.environment or "none, because no text is named like an environment"),
        }


def first_contract(root: AvroType, name: str, file: str) -> FirstContract | None:
    """
    The contract for records of type `root`, which the schema in `file` describes. `name` is that of the event.

    None if no field can be a userId: Segment drops events without one.
    """
    leaves = [*record_leaves(root)]
    user = guess_user(leaves)
    if user is None:
        return None
    guesses = _Guesses(user, guess_time(leaves), guess_environment(leaves))
    others = [leaf for leaf in leaves if leaf.path not in guesses.paths()]
    head = {
        "$schema": f"../{CONTRACT_SCHEMA_FILE}",
        "$comment": f"Written by `contract init` for {root.name} of {file}. Look at event and at each $comment.",
        "title": name,
        "x-record": re.sub(NOT_IN_RECORD_NAMES, "*", root.name),
    }
    if guesses.environment:
        head["x-environment"] = guesses.environment.leaf.path
    texts = {"event": f'"{name}", from the name of the record', **guesses.texts()}
    texts |= {f"properties.{leaf.path}": time_reason(leaf) for leaf in others if time_conversion(leaf)}
    schema = {**head, **_event(name, guesses, others)}
    return FirstContract(schema, texts, {**known_values(leaves), **guesses.known()})


def _event(name: str, guesses: _Guesses, others: Iterable[Leaf]) -> dict[str, Any]:
    """The schema of the event. `others` are the fields for its `properties`."""
    message_id = {"type": "string", "minLength": 1, "maxLength": MAX_MESSAGE_ID_LENGTH, "x-source": KAFKA_MESSAGE_ID}
    properties = {
        "type": {"const": "track"},
        "event": {"const": name},
        "userId": _user_rule(guesses.user),
        "messageId": message_id,
        "timestamp": _time_rule(guesses.time),
        "properties": {"type": "object", "properties": _properties(others)},
    }
    required = ["type", "event", "userId", "messageId", "properties"]
    return {"type": "object", "required": required, "properties": properties}


def record_leaves(root: AvroType) -> Iterator[Leaf]:
    """The fields that become a property each; those of records in the record have a path with dots."""
    for path, doc in _paths(root, "", 1):
        source = resolve_path(root, path)
        assert source
        yield Leaf(path, source.avro, doc)


def _paths(avro: AvroType, prefix: str, level: int) -> Iterator[tuple[str, str]]:
    """The paths of the fields that become a property each, with their documentation. No path leads to the name ""."""
    for name, inner in avro.fields.items():
        if not name:
            continue
        record = _only_record(inner)
        path = f"{prefix}{source_path((name,))}"
        if record and level < MAX_RECORD_LEVELS:
            yield from _paths(record, f"{path}.", level + 1)
        else:
            yield path, avro.docs.get(name, "")


def _only_record(avro: AvroType) -> AvroType | None:
    """The record that all values but null are, if there is one with fields."""
    types = avro.alternatives
    if len(types) == 1 and types[0].fields:
        return types[0]
    return None


def _user_rule(guess: Guess) -> dict[str, Any]:
    rule = {"$comment": f"A guess: {guess}.", "type": "string", "minLength": 1, "x-source": guess.leaf.path}
    if any(json_type(avro) == "integer" for avro in guess.leaf.avro.alternatives):
        rule["x-convert"] = "string"
    return {**rule, "x-skip": {"when": "blank", "reason": NO_USER_ID}}


def _time_rule(guess: Guess | None) -> dict[str, Any]:
    rule = {"type": "string", "format": "date-time"}
    if guess is None:
        return {**rule, "x-source": KAFKA_TIMESTAMP, "x-convert": "iso-8601"}
    path, convert = guess.leaf.path, time_conversion(guess.leaf)
    rule = {"$comment": f"A guess: {guess}.", **rule}
    if guess.leaf.avro.nullable and convert in ("", "iso-8601"):  # $kafka.timestamp is in milliseconds
        return {**rule, "x-source": [path, KAFKA_TIMESTAMP], "x-convert": "iso-8601"}
    return {**rule, "x-source": path, **({"x-convert": convert} if convert else {})}


def _properties(leaves: Iterable[Leaf]) -> dict[str, Any]:
    """The properties of the leaves, in objects as they are in records."""
    properties: dict[str, Any] = {}
    for leaf in leaves:
        *parents, name = path_steps(leaf.path)
        place = properties
        for parent in parents:
            place = place.setdefault(parent, {"type": "object", "properties": {}})["properties"]
        place[name] = property_rule(leaf)
    return properties
