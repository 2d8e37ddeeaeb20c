"""`contract init`: a first contract and its cases from an Avro schema."""

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from consumer.avro.schema import WriterSchema
from consumer.avro.schema_files import load_file
from consumer.cli.contract_folder import ContractFolder
from consumer.cli.first_cases import Draft, draft_contract
from consumer.cli.output import counted, print_command, print_text, table
from consumer.cli.params import plain_errors
from consumer.contract.field_guesses import split_words
from consumer.contract.keywords import suggestion
from consumer.errors import UsageError
from consumer.jsonio import written


@click.command()
@click.option(
    "--schema",
    "schema_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The Avro schema of the records.",
)
@click.option(
    "--schemas-dir",
    envvar="SCHEMAS_DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default="schemas",
    show_default=True,
    help="The folder to write to.",
)
@click.option("--record", help="Only the record of this name.  [default: all records of the schema]")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@plain_errors
def init(schema_file: Path, schemas_dir: Path, record: str | None, force: bool) -> None:
    """Write a first contract and cases for an Avro schema.

    Each field of the record becomes a property of the event. The fields for the user id, the time and the environment
    are guesses by name and type: look at them before you send anything. The cases have sample records and what becomes
    of them, so that `contract test` passes at once. Nothing that exists is replaced without --force.

    \b
    Example:
      sprig-to-segment contract init --schema answer.avsc --schemas-dir mine
    """
    schema, folder = load_file(schema_file), ContractFolder(schemas_dir, schema_file)
    branches = _records(schema, record)
    words = _distinct_words([branch.root.name for branch in branches])
    drafts = [draft_contract(schema, branch, words[branch.root.name]) for branch in branches]
    complete = [draft for draft in drafts if draft]
    if not complete:
        raise UsageError(f"{schema.label}: no field can be a userId, because none has text or an integer")
    folder.require_no_conflict([draft.contract for draft in complete])
    for path in folder.write({**folder.common_files(), **_contract_files(complete, folder.case_schema)}, force):
        print_text(f"wrote {path}")
    click.echo()
    for draft in complete:
        _print_draft(draft)
    for branch, without in zip(branches, drafts, strict=True):
        if without is None:
            print_text(f"no contract for {branch.root.name}: no field can be a userId, which Segment requires")
    _print_next_steps(folder)


def _records(schema: WriterSchema, name: str | None) -> list[WriterSchema]:
    """The records of a schema, or the one of this full or short name."""
    records = [branch for branch in schema.branches or (schema,) if branch.root.kind == "record"]
    names = [branch.root.name for branch in records]
    if not records:
        raise UsageError(f"{schema.label}: expected a record, or a union with records")
    if name is None:
        return records
    chosen = [branch for branch in records if name in (branch.root.name, _short(branch.root.name))]
    if len(chosen) != 1:
        raise UsageError(f"--record: expected one of {', '.join(names)}{suggestion(name, tuple(names))}")
    return chosen


def _distinct_words(names: Sequence[str]) -> dict[str, list[str]]:
    """The words of each record's short name, as far as this tells the records apart."""
    words: dict[str, list[str]] = {}
    short = Counter(tuple(split_words(_short(name))) for name in names)
    for name in names:
        own = split_words(_short(name))
        if short[tuple(own)] > 1:
            own = split_words(name)
        own = own or ["Record"]
        while own in words.values():  # names can differ in nothing but an underscore
            own = [*own, str(len(words) + 1)]
        words[name] = own
    return words


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _contract_files(drafts: Sequence[Draft], case_schema: str) -> dict[str, str]:
    """The text of the contracts and cases, by their paths in the folder. `case_schema`: the schema as cases name it."""
    files: dict[str, str] = {}
    for draft in drafts:
        files[f"segment/{draft.contract.file}"] = f"{written(draft.first.schema)}\n"
        cases = [{"case": case["case"], "schema": case_schema, **case} if case_schema else case for case in draft.cases]
        if cases:
            files[f"cases/{draft.contract.file}"] = f"{written(cases)}\n"
    return files


def _print_draft(draft: Draft) -> None:
    title = f"{draft.contract.file}, for records {draft.contract.record}: {counted(len(draft.cases), 'case')}"
    notes = []
    if not draft.cases:
        notes.append("no case, because the sample record has the form of another record of the union")
    table(title, ("look at", "a guess"), list(draft.first.guesses.items()), notes)


def _print_next_steps(folder: ContractFolder) -> None:
    path, schema = shlex.quote(str(folder.path)), shlex.quote(str(folder.path / folder.schema))
    print_text("Next steps: look at the guesses, choose the name of the event, and delete what you do not want. Then:")
    for words in (f"contract show --schemas-dir {path}", f"contract test --schemas-dir {path}",
                  f"check --contract-only --schemas-dir {path} --schema {schema}"):  # fmt: skip
        print_command(words)
