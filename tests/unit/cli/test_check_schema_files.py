"""`check` with schemas in files: a file that has types of another file need not have a contract."""

import json
import shutil
from pathlib import Path
from typing import Any

import consumer.settings
from consumer import paths
from consumer.cli.check_files import check_files
from consumer.contract.loader import load_contracts
from tests.avro_values import record


def worst(folder: Path, **schemas: Any) -> dict[str, str]:
    """The weight of the worst finding by file, for single objects of these schemas."""
    shutil.copytree(paths.schemas() / "segment", folder / "segment", dirs_exist_ok=True)
    (folder / "sprig").mkdir()
    for name, schema in schemas.items():
        (folder / "sprig" / f"{name}.avsc").write_text(json.dumps(schema))
    settings = consumer.settings.load(
        environ={
            "KAFKA_BOOTSTRAP_SERVERS": "b:1",
            "SEGMENT_WRITE_KEY": "key",
            "AVRO_FRAMING": "single-object",
            "SCHEMAS_DIR": str(folder),
        }
    )
    checked = check_files(settings, load_contracts(folder))
    return {schema.schema: schema.findings[0].severity for schema in checked}


KIND = {"type": "enum", "name": "Kind", "symbols": ["A"]}


def test_a_file_with_types_of_another_file_needs_no_contract(tmp_path: Path) -> None:
    """The packaged contract is for any record, so a record of another file would have its problems, too."""
    schemas = {"kind": KIND, "person": record("a.Person", kind="Kind"), "answer": record("a.Answer", who="Person")}
    assert worst(tmp_path, **schemas) == {"kind.avsc": "note", "person.avsc": "note", "answer.avsc": "problem"}


def test_a_file_that_a_contract_names_is_checked(tmp_path: Path) -> None:
    contract = json.loads((paths.schemas() / "segment" / "survey-response.json").read_text())
    (tmp_path / "segment").mkdir()
    (tmp_path / "segment" / "person.json").write_text(json.dumps({**contract, "x-record": "a.Person"}))
    schemas = {"person": record("a.Person", n="int"), "answer": record("a.Answer", who="Person")}
    assert worst(tmp_path, **schemas) == {"person.avsc": "problem", "answer.avsc": "problem"}
