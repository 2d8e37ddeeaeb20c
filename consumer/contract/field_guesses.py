"""Which fields of a record are probably the user, the time and the environment: by their names and types."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.json_types import json_type, type_name
from consumer.contract.source_path import parent_and_name, path_steps

# Names as `_letters` writes them, the most probable first.
_USER_IDS = """
    userid externaluserid customerid accountid memberid personid profileid respondentid contactid clientid subscriberid
    employeeid user customer account member username login email emailaddress
"""
_TIMES_OF_EVENTS = """
    timestamp eventtimestamp eventtime occurredat answeredat respondedat submittedat completedat receivedat createdat ts
    time
"""
_USERS, _TIMES = _USER_IDS.split(), _TIMES_OF_EVENTS.split()
_ENVIRONMENTS = ["environment", "env", "stage", "deploymentenvironment"]
_LAST_WORDS_OF_TIMES = frozenset({"at", "timestamp", "datetime", "ts"})
_UNITS = {
    **dict.fromkeys(("ms", "millis", "milliseconds"), "iso-8601"),
    **dict.fromkeys(("s", "sec", "secs", "seconds"), "iso-8601-seconds"),
    **dict.fromkeys(("us", "micros", "microseconds"), "iso-8601-micros"),
}
"""By the last word of a field's name: the conversion of a time in this unit."""
_UNIT_TEXTS = {
    "iso-8601": ", as milliseconds",
    "iso-8601-seconds": ", as seconds",
    "iso-8601-micros": ", as microseconds",
}
MAX_ALTERNATIVES = 3


class Leaf(NamedTuple):
    """A field of the record, or of a record in it, by its path. `doc` is what its schema says about it."""

    path: str
    avro: AvroType
    doc: str = ""


class Guess(NamedTuple):
    """A field, why it was chosen, and which other fields it could be."""

    leaf: Leaf
    reason: str
    others: Sequence[str] = ()

    def __str__(self) -> str:
        others = f"; it could also be {', '.join(self.others)}" if self.others else ""
        return f"{self.leaf.path}, {self.reason}{others}"


def guess_user(leaves: Sequence[Leaf]) -> Guess | None:
    """The field with the user's id; None if the record has neither text nor an integer."""
    usable = [leaf for leaf in leaves if _all_types(leaf, _is_identifier)]
    named = _by_name(usable, _USERS)
    ids = [leaf for leaf in usable if name_words(leaf.path)[-1:] == ["id"]]
    for candidates, reason in (
        (named, "because of its name"),
        (ids, "because its name ends with id"),
        (usable, "because no field is named like a user id, and this is the first with text or an integer"),
    ):
        if candidates:
            return _guess(candidates, reason)
    return None


def guess_time(leaves: Sequence[Leaf]) -> Guess | None:
    """The field with the time of the answer, None if no field looks like a time."""
    times = [leaf for leaf in leaves if time_conversion(leaf) is not None]
    named = _by_name(times, _TIMES)
    if named:
        return _guess(named, f"because of its name{unit_text(named[0])}")
    logical = sorted(times, key=lambda leaf: not _all_types(leaf, _is_timestamp))  # stable: otherwise in their order
    if logical:
        return _guess(logical, f"because it is a time{unit_text(logical[0])}")
    return None


def guess_environment(leaves: Sequence[Leaf]) -> Guess | None:
    """The field that names the environment, None if no text has such a name."""
    texts = [leaf for leaf in leaves if _all_types(leaf, lambda avro: type_name(avro) in ("string", "enum"))]
    named = _by_name(texts, _ENVIRONMENTS)
    if named:
        return _guess(named, "because of its name")
    return None


def time_conversion(leaf: Leaf) -> str | None:
    """The conversion that makes a time of the field's values, "" if they are times already; None if they are none."""
    kinds = {type_name(avro) for avro in leaf.avro.alternatives}
    if kinds == {"timestamp"}:
        return ""
    *others, last = name_words(leaf.path) or [""]
    unit = _UNITS.get(last) if others else None
    if unit:
        last = others[-1]
    if last not in _LAST_WORDS_OF_TIMES and _letters(parent_and_name(leaf.path)[1]) not in _TIMES:
        return None
    if kinds == {"string"}:
        return ""
    if kinds == {"int"}:
        return "iso-8601-seconds"
    if kinds and kinds <= {"long", "timestamp"}:
        return unit or "iso-8601"
    return None


def unit_text(leaf: Leaf) -> str:
    """How `time_conversion` takes the field's numbers, "" if it has none."""
    return _UNIT_TEXTS.get(time_conversion(leaf) or "", "")


def is_id(leaf: Leaf) -> bool:
    """Whether the field is a number that identifies something, by its name."""
    return name_words(leaf.path)[-1:] == ["id"] and _all_types(leaf, lambda avro: json_type(avro) == "integer")


def _guess(candidates: Sequence[Leaf], reason: str) -> Guess:
    first, *others = candidates
    return Guess(first, reason, [leaf.path for leaf in others[:MAX_ALTERNATIVES]])


def _by_name(leaves: Sequence[Leaf], names: Sequence[str]) -> list[Leaf]:
    """The leaves with one of these names: the first names first, then those nearest to the top of the record."""
    ranked = [
        (names.index(name), len(path_steps(leaf.path)), position)
        for position, leaf in enumerate(leaves)
        for name in _names(leaf.path)
        if name in names
    ]
    positions = dict.fromkeys(position for _, _, position in sorted(ranked))
    return [leaves[position] for position in positions]


def _names(path: str) -> Iterator[str]:
    """The last name of a path, and the last two as one: `user.id` is a user id."""
    steps = path_steps(path)
    yield _letters(steps[-1])
    yield _letters("".join(steps[-2:]))


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def name_words(path: str) -> list[str]:
    """The words of the last name in a path, in lower case: `answeredAt` and `answered_at` have two."""
    return [word.casefold() for word in split_words(parent_and_name(path)[1])]


def split_words(name: str) -> list[str]:
    """The words of a name, as they are spelt there: `SurveyAnswer` and `survey_answer` have two."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)


def _all_types(leaf: Leaf, test: Callable[[AvroType], bool]) -> bool:
    types = leaf.avro.alternatives
    return bool(types) and all(map(test, types))


def _is_identifier(avro: AvroType) -> bool:
    return type_name(avro) in ("string", "enum", "uuid") or json_type(avro) == "integer"


def _is_timestamp(avro: AvroType) -> bool:
    return type_name(avro) == "timestamp"
