"""Whether the record has the fields that a contract uses, and which fields were probably meant where it has not."""

from collections.abc import Iterable, Iterator, Sequence

from consumer.avro.schema import AvroType
from consumer.contract.field_path import FieldPath, field_paths, resolve_path, similar_field, suggested_fields
from consumer.contract.findings import Finding, either
from consumer.contract.json_types import json_type, type_name
from consumer.contract.rules import SPECIAL_SOURCES, Contract
from consumer.contract.skip_rules import is_skipped
from consumer.contract.source_path import path_steps, source_path
from consumer.reasons import Reason

_MISSPELT = 0.8
"""How similar a field must be to a source that is missing beside others, which may be on purpose."""


class SourceChecker:
    """The sources of one contract, in records of type `root`. A field that the contract uses is never suggested."""

    def __init__(self, contract: Contract, root: AvroType) -> None:
        self._contract, self._root = contract, root
        self._unused = [path for path in field_paths(root) if path not in contract.sources]

    def existing(self, sources: Iterable[str]) -> list[FieldPath]:
        """The fields that the record has."""
        resolved = [resolve_path(self._root, path) for path in sources]
        return [source for source in resolved if source is not None]

    def hint(self, sources: Iterable[str]) -> str:
        """For sources that the record does not have: which fields were probably meant, "" if none is similar."""
        return "".join(suggested_fields(source, self._unused) for source in sources)

    def misspelt(self, sources: Sequence[str], place: str) -> Iterator[Finding]:
        """The sources of a list that the record does not have, beside a source with a value, but for a letter or so."""
        missing = [source for source in sources if source not in SPECIAL_SOURCES and not self.existing([source])]
        if len(missing) < len(sources):
            for source in missing:
                hint = similar_field(source, self._unused, _MISSPELT)
                if hint:
                    yield Finding("warning", place, f"no field {source}{hint}")

    def skips(self) -> Iterator[Finding]:
        for skip in self._contract.skips:
            sources = ", ".join(skip.sources)
            yield from self.misspelt(skip.sources, sources)
            if self.existing(skip.sources):
                continue
            hint = self.hint(skip.sources)
            if is_skipped(skip, None):
                yield Finding("problem", sources, f"no such field: every record is skipped as {skip.reason}{hint}")
            else:
                yield Finding("warning", sources, f"no such field: nothing is skipped as {skip.reason}{hint}")

    def environment(self) -> Iterator[Finding]:
        sources = self._contract.environment
        if not sources:
            return
        place, effect = ", ".join(sources), f"with SEGMENT_WRITE_KEYS every record is rejected as {Reason.NO_WRITE_KEY}"
        yield from self.misspelt(sources, place)
        types = [alternative for source in self.existing(sources) for alternative in source.avro.alternatives]
        if not self.existing(sources):
            yield Finding("warning", place, f"no such field: {effect}{self.hint(sources)}")
        elif not any(json_type(avro) in ("string", "integer") for avro in types):
            names = either(map(type_name, types)) or "null"
            yield Finding("warning", place, f"{names} names no environment: {effect}")

    def ignored_fields(self) -> Iterator[Finding]:
        """Fields of the record that nothing in the contract uses."""
        used = {path_steps(source) for source in self._contract.sources}
        for path in _ignored(self._root, (), used):
            yield Finding("note", source_path(path), "ignored: the contract does not use this field")


def _ignored(avro: AvroType, path: tuple[str, ...], used: set[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The paths of the fields of which neither the whole nor a part is used."""
    for name, inner in [field for alternative in avro.alternatives for field in alternative.fields.items()]:
        field_path = (*path, name)
        if any(source[: len(field_path)] == field_path for source in used):
            if field_path not in used:
                yield from _ignored(inner, field_path, used)
        elif not any(field_path[: len(source)] == source for source in used):
            yield field_path
