"""Every command that a page quotes exists, with its options and values."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from consumer.cli.main import main
from tests.pages import PAGES, ROOT, inline_code, name_of, shell_lines

PRODUCT = re.compile(r"(?:^|[\s/(])sprig-to-segment (?=[a-z])(.*)")
TROUBLESHOOTING = (ROOT / "README.md").read_text().partition("### Troubleshooting commands")[2].partition("###")[0]


def quoted_commands(page: Path) -> Iterator[str]:
    """The arguments of each command of the product: in shell blocks, and between backticks."""
    text = page.read_text()
    for line in (*shell_lines(text), *inline_code(text)):
        match = PRODUCT.search(line.partition("    #")[0])
        if match:
            yield match[1].removesuffix(")").removesuffix('"')


def short_commands() -> Iterator[str]:
    """The commands of the README's table, which leaves out the name of the program."""
    names = tuple(main.list_commands(click.Context(main)))
    return (code for code in inline_code(TROUBLESHOOTING) if code.startswith(names))


QUOTED = [(name_of(page), command) for page in PAGES for command in quoted_commands(page)]
QUOTED += [("README.md", command) for command in short_commands()]


def find_command(words: list[str]) -> click.Command:
    """The command that the words begin with; takes its names off the words."""
    command: click.Command = main
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        name = words.pop(0)
        subcommand = command.get_command(click.Context(command), name)
        assert subcommand, f"there is no command {name}"
        command = subcommand
    return command


def check_value(command: click.Command, option: click.Option, value: str) -> None:
    if isinstance(option.type, click.Path):
        return  # the files of the examples do not exist here
    argument = [value] if option.multiple else value
    assert option.type_cast_value(click.Context(command), argument) is not None


@pytest.mark.parametrize(("page", "quoted"), sorted(set(QUOTED)))
def test_a_quoted_command_exists_with_its_options(page: str, quoted: str) -> None:
    words = shlex.split(quoted)
    command = find_command(words)
    options = {name: option for option in command.params if isinstance(option, click.Option) for name in option.opts}
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    values = iter(words)
    argument_count = 0
    for word in values:
        if not word.startswith("-"):
            argument_count += 1
        elif not options[word].is_flag:
            check_value(command, options[word], next(values))
    assert argument_count <= len(arguments)


def test_each_page_for_operators_quotes_commands() -> None:
    assert {"README.md", "docs/runbook.md", "docs/deploy.md", "docs/contract.md"} <= {page for page, _ in QUOTED}
