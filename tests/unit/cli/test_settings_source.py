"""The folder of the contracts has one name in all commands: SCHEMAS_DIR, or --schemas-dir, which comes first."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from consumer.cli.main import LazyGroup, main
from consumer.cli.settings_source import SettingsSource
from tests.unit.contract.compiled import FRAME

WITHOUT_CONTRACTS = {
    "demo",
    "demo-segment",
    "produce-samples",
    "settings",
    "skip-record",
    "status",
    "dead-letters list",
}
"""The demo and the samples have the packaged contract. The other commands map no record."""
CONTRACT = {"x-record": "R", "required": [*FRAME], "properties": FRAME}


def commands(group: click.Group, *path: str) -> dict[str, click.Command]:
    by_name: dict[str, click.Command] = {}
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command
        if isinstance(command, click.Group):
            by_name |= commands(command, *path, name)
        else:
            by_name[" ".join((*path, name))] = command
    return by_name


def write_contract(folder: Path, file: str) -> Path:
    (folder / "segment").mkdir(parents=True)
    (folder / "segment" / file).write_text(json.dumps(CONTRACT))
    return folder


def test_each_command_that_reads_contracts_has_the_option() -> None:
    assert isinstance(main, LazyGroup)
    options = {
        name: [option for parameter in command.params for option in parameter.opts]
        for name, command in commands(main).items()
    }
    assert {name for name, names in options.items() if "--schemas-dir" not in names} == WITHOUT_CONTRACTS
    assert not any(isinstance(parameter.type, click.Path) and parameter.name == "schemas_dir"
                   for command in commands(main).values() for parameter in command.params
                   if isinstance(parameter, click.Argument))  # fmt: skip


def test_the_option_replaces_the_environment_which_replaces_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    option, variable, line = (
        write_contract(tmp_path / name, f"{name}.json") for name in ("option", "variable", "line")
    )
    (tmp_path / "env").write_text(f"SCHEMAS_DIR={line}\n")
    only = ("SCHEMAS_DIR",)
    monkeypatch.delenv("SCHEMAS_DIR", raising=False)
    assert SettingsSource(tmp_path / "env").load(only).schemas_dir == line
    monkeypatch.setenv("SCHEMAS_DIR", str(variable))
    assert SettingsSource(tmp_path / "env").load(only).schemas_dir == variable
    assert SettingsSource(tmp_path / "env", option).load(only).schemas_dir == option
    assert SettingsSource().load(only).schemas_dir == variable


@pytest.mark.parametrize("as_option", [True, False])
def test_check_reads_the_contracts_of_the_folder(tmp_path: Path, as_option: bool) -> None:
    folder, schema = write_contract(tmp_path / "mine", "mine.json"), tmp_path / "r.avsc"
    schema.write_text('{"type": "record", "name": "R", "fields": [{"name": "user", "type": "string"}]}')
    words = ["check", "--contract-only", "--schema", str(schema), *["--schemas-dir", str(folder)] * as_option]
    result = CliRunner().invoke(main, words, env={"SCHEMAS_DIR": "" if as_option else str(folder)})
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "r.avsc R by mine.json")


def test_a_folder_that_does_not_exist_is_bad_usage() -> None:
    result = CliRunner().invoke(main, ["run", "--schemas-dir", "/no/such/place"])
    assert "'--schemas-dir'" in result.stderr, result.output
    assert result.exit_code == 2
