"""The Avro schemas in files, for values whose schema is not in a registry."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from consumer.avro.decoder import fingerprint, load_schema
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_folder import SchemaFolder
from consumer.avro.schema_keys import RAW, SchemaKey
from consumer.errors import UnsafeSchema


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

    The other files define types that it uses. Raises UnsafeSchema if there is not exactly one schema that no other file
    uses, or if it is not JSON, not Avro or not safe to decode with.
    """
    path = schemas_dir / "sprig"
    folder = SchemaFolder(path)
    schemas = folder.files if len(folder.files) == 1 else folder.not_used_by_others()
    if len(schemas) != 1:
        raise UnsafeSchema(
            f"{path}: expected one .avsc file, or one that no other file uses, because raw values do not name their "
            f"schema; found {len(schemas)}{_names(schemas)}"
        )
    return _load(folder, schemas[0])


def by_fingerprint(schemas_dir: Path) -> Mapping[SchemaKey, WriterSchema]:
    """
    The schemas in `sprig/*.avsc` of the schemas' folder, by the fingerprint that single objects name them with.

    Raises UnsafeSchema if one is not JSON, not Avro or not safe to decode with. Also raises UnsafeSchema if two have
    the same fingerprint: they differ only in what a fingerprint leaves out, such as logical types, so a value would not
    say which of the two it was written with.
    """
    folder = SchemaFolder(schemas_dir / "sprig")
    schemas: dict[SchemaKey, WriterSchema] = {}
    for schema in [_load(folder, path) for path in folder.files]:
        first = schemas.setdefault(fingerprint(schema), schema)
        if first is not schema:
            raise UnsafeSchema(
                f"{schema.label}: has the fingerprint of {first.label}, so values do not say which schema wrote them"
            )
    return schemas


def used_by_others(schemas_dir: Path) -> frozenset[str]:
    """The names of the files in `sprig/` that have types of other files there. Raises UnsafeSchema."""
    folder = SchemaFolder(schemas_dir / "sprig")
    return frozenset(path.name for path in folder.files) - {path.name for path in folder.not_used_by_others()}


def load_file(path: Path) -> WriterSchema:
    """
    The schema in a file, labelled with the file's name.

    Types that the file does not define are those of the `.avsc` files beside it. Raises UnsafeSchema.
    """
    return _load(SchemaFolder(path.parent), path)


def _load(folder: SchemaFolder, path: Path) -> WriterSchema:
    return load_schema(path.name, folder.schema(path), folder.used_by(path))


def _names(paths: Sequence[Path]) -> str:
    return f": {', '.join(path.name for path in paths)}" if paths else ""
