"""The Avro schemas in files, for values that carry no reference to one."""

from collections.abc import Mapping
from pathlib import Path

from consumer.avro.decoder import fingerprint, load
from consumer.avro.framing import RAW, SchemaKey
from consumer.avro.schema import WriterSchema
from consumer.errors import UnsafeSchema
from consumer.jsonio import JsonError, loads


def known_schemas(framing: str, schemas_dir: Path) -> Mapping[SchemaKey, WriterSchema]:
    """The schemas in files, by what values name them with under this AVRO_FRAMING. Raises UnsafeSchema, as below."""
    match framing:
        case "raw":
            return {RAW: raw_schema(schemas_dir)}
        case "single-object" | "auto":
            found = by_fingerprint(schemas_dir)
            if framing == "single-object" and not found:
                raise UnsafeSchema(
                    f"{schemas_dir / 'sprig'}: expected .avsc files, as nothing else says what values are"
                )
            return found
        case _:
            return {}


def raw_schema(schemas_dir: Path) -> WriterSchema:
    """
    The one schema in `sprig/*.avsc` of the schemas' folder, which `raw` values are written with.

    Raises UnsafeSchema when there is not exactly one, or when it is not JSON, not Avro or not safe to decode with.
    """
    folder = schemas_dir / "sprig"
    files = sorted(folder.glob("*.avsc"))
    if len(files) != 1:
        raise UnsafeSchema(f"{folder}: expected one .avsc file, as raw values name none; found {len(files)}")
    return load_file(files[0])


def by_fingerprint(schemas_dir: Path) -> Mapping[SchemaKey, WriterSchema]:
    """
    The schemas in `sprig/*.avsc` of the schemas' folder, by the fingerprint that single objects name them with.

    Raises UnsafeSchema when one is not JSON, not Avro or not safe to decode with, or when two have one fingerprint:
    then they differ in nothing but what it leaves out, such as logical types, and values would not say by which.
    """
    found: dict[SchemaKey, WriterSchema] = {}
    for schema in map(load_file, sorted((schemas_dir / "sprig").glob("*.avsc"))):
        twin = found.setdefault(fingerprint(schema), schema)
        if twin is not schema:
            raise UnsafeSchema(f"{schema.label}: has the fingerprint of {twin.label}, so values do not say by which")
    return found


def load_file(path: Path) -> WriterSchema:
    """The schema in a file, labelled with the file's name. Raises UnsafeSchema."""
    try:
        return load(path.name, loads(path.read_bytes()))
    except (OSError, JsonError) as error:
        raise UnsafeSchema(f"{path.name}: not a readable JSON file: {error}") from None
