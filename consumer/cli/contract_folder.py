"""The schemas folder that `contract init` writes to: where a schema belongs there, and that nothing is overwritten."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from consumer import paths
from consumer.contract.loader import equally_specific, load_contract
from consumer.contract.rules import CONTRACT_SCHEMA_FILE, Contract
from consumer.errors import UsageError


class ContractFolder:
    """
    A schemas folder, which may not exist yet, and the Avro schema file that is written to the folder.

    `schema` is the path of the schema in the folder. A schema belongs into `sprig/`. Only beside another schema it
    belongs into `cases/`, because values of the framing `raw` require a single schema in `sprig/`.
    """

    def __init__(self, path: Path, schema_file: Path) -> None:
        self.path, self._schema_file = path, schema_file
        others = {file.name for file in (path / "sprig").glob("*.avsc")} - {schema_file.name}
        self.schema = f"cases/{schema_file.name}" if others else f"sprig/{schema_file.name}"
        if schema_file.resolve().parent in ((path / "sprig").resolve(), (path / "cases").resolve()):
            self.schema = str(schema_file.resolve().relative_to(path.resolve()))
        self._is_only_schema = not others and self.schema.startswith("sprig/")

    @property
    def case_schema(self) -> str:
        """The schema as cases have to name it: "" for the only one in `sprig/`."""
        return "" if self._is_only_schema else self.schema

    def common_files(self) -> dict[str, str]:
        """The text of the schema and of the format of contracts, by their paths in the folder."""
        files = {self.schema: self._schema_file.read_text(encoding="utf-8")}
        if not (self.path / CONTRACT_SCHEMA_FILE).exists():  # that of another version stays
            files[CONTRACT_SCHEMA_FILE] = (paths.schemas() / CONTRACT_SCHEMA_FILE).read_text(encoding="utf-8")
        return files

    def require_no_conflict(self, contracts: Sequence[Contract]) -> None:
        """Raises UsageError if another contract of the folder is for the same records, and for mistakes in it."""
        new = {contract.file for contract in contracts}
        others = [load_contract(path) for path in sorted(self.path.glob("segment/*.json")) if path.name not in new]
        conflicts = [
            f"{self.path / 'segment' / first.file}: is for {first.record} already; change or delete this contract first"
            for first, second in equally_specific([*others, *contracts])
            if second.file in new
        ]
        if conflicts:
            raise UsageError(*conflicts)

    def write(self, files: Mapping[str, str], force: bool) -> list[Path]:
        """
        Write what has changed, and return the paths.

        `files`: text by the path in the folder. Raises UsageError, and writes nothing, if a file exists with another
        text and `force` is not given, or if something cannot be written.
        """
        changed = {self.path / name: text for name, text in files.items() if _text(self.path / name) != text}
        existing = [path for path in changed if path.exists()]
        if existing and not force:
            raise UsageError(*(f"{path}: exists; --force replaces it" for path in existing))
        try:
            for path, text in changed.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from None
        return list(changed)


def _text(path: Path) -> str | None:
    """The text of a file, None if there is no such text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
