"""The Avro schemas in files, for values whose schema is not in a registry."""

from collections.abc import Mapping
from pathlib import Path

from consumer.avro.decoder import fingerprint, load_schema
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import RAW, SchemaKey
from consumer.errors import UnsafeSchema
from consumer.jsonio import JsonError, loads_unique


def known_schemas(framing: str, schemas_dir: Path) -> Mapping[SchemaKey, WriterSchema]:
    """The schemas in files, by the key that values have with this AVRO_FRAMING. Raises UnsafeSchema, as below."""
    match framing:
        case "raw":
            return {RAW: raw_schema(schemas_dir)}
        case "single-object":
            schemas = by_fingerprint(schemas_dir)
            if not schemas:
                raise UnsafeSchema(
                    f"{schemas_dir / 'sprig'}: expected .avsc files, because single-object values need schemas in files"
                )
            return schemas
        case "auto":
            return by_fingerprint(schemas_dir)
        case _:
            return {}


def raw_schema(schemas_dir: Path) -> WriterSchema:
    """
    The one schema in `sprig/*.avsc` of the schemas' folder, which `raw` values are written with.

    Raises UnsafeSchema if there is not exactly one, or if it is not JSON, not Avro or not safe to decode with.
    """
    folder = schemas_dir / "sprig"
    files = sorted(folder.glob("*.avsc"))
    if len(files) != 1:
        raise UnsafeSchema(
            f"{folder}: expected one .avsc file, because raw values do not name their schema; found {len(files)}"
        )
    return load_file(files[0])


def by_fingerprint(schemas_dir: Path) -> Mapping[SchemaKey, WriterSchema]:
    """
    The schemas in `sprig/*.avsc` of the schemas' folder, by the fingerprint that single objects name them with.

    Raises UnsafeSchema if one is not JSON, not Avro or not safe to decode with. Also raises UnsafeSchema if two have
    the same fingerprint: they differ only in what a fingerprint leaves out, such as logical types, so a value would not
    say which of the two it was written with.
    """
    schemas: dict[SchemaKey, WriterSchema] = {}
    for schema in map(load_file, sorted((schemas_dir / "sprig").glob("*.avsc"))):
        first = schemas.setdefault(fingerprint(schema), schema)
        if first is not schema:
            raise UnsafeSchema(
                f"{schema.label}: has the fingerprint of {first.label}, so values do not say which schema wrote them"
            )
    return schemas


def load_file(path: Path) -> WriterSchema:
    """The schema in a file, labelled with the file's name. Raises UnsafeSchema."""
    try:
        return load_schema(path.name, loads_unique(path.read_bytes()))
    except (OSError, JsonError) as error:
        raise UnsafeSchema(f"{path.name}: not a readable JSON file: {error}") from None
