"""The runbook: a section for each alert, a row for each line of the log, and no command that is not there."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from consumer.cli.main import main
from consumer.observability.metrics_docs import page
from consumer.observability.prometheus import PREFIX
from consumer.reasons import HOLDS, SET_ASIDE
from consumer.settings import NAMES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"(?ms)^### (.+?)\n(.*?)(?=^##|\Z)", PAGE))
ALERTS = re.findall(r"alert: (\w+)", (ROOT / "helm" / "files" / "alerts.yaml").read_text())
ROWS = re.findall(
    r"(?m)^\| ([a-z, ]+) \| `([^`]+)` \| ([^|]*) \| ([^|]*) ?\|$", PAGE.partition("## Lines of the log")[2]
)
LEVELS = {"debug", "info", "warning", "error", "critical"}

# The one line whose words are not in its call: run.py says what settings.suspicious() found.
SAID_BY_A_VARIABLE = {"NAME is no setting; did you mean ...?": {"warning"}}


def said(path: Path) -> Iterator[tuple[str, set[str]]]:
    """The lines that a module logs, each with its levels."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner, level = ast.unparse(node.func.value), node.func.attr
            if owner != "log" and not owner.startswith("logging.getLogger("):
                continue
            if level == "log":
                text, levels = (
                    node.args[1],
                    {name.lower() for name in re.findall(r"logging\.([A-Z]+)", ast.unparse(function))},
                )
            elif level in LEVELS:
                text, levels = node.args[0], {level}
            else:
                continue
            if isinstance(text, ast.Constant):
                yield str(text.value), levels
            else:
                assert path.name == "run.py", f"{path}: the words of a line stand in its call"


def commands() -> Iterator[str]:
    """What the page tells to type: whole lines of its blocks, and what is between backticks."""
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", PAGE)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`([^`]+)`", re.sub(r"(?ms)^```.*?^```", "", PAGE))
    for line in lines:
        if "sprig-to-segment " in line and "=sprig-to-segment" not in line:
            yield " ".join(line.partition("sprig-to-segment ")[2].split())


def anchors(page: str) -> set[str]:
    titles = re.findall(r"(?m)^#+ (.+)$", page)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_has_a_section_that_says_what_to_do(alert: str) -> None:
    assert re.findall(r"(?m)^- \*\*(.+?)\*\*", SECTIONS[alert]) == ["Means", "Look", "Do", "Don't"]


def test_each_section_about_an_alert_has_its_alert() -> None:
    assert {title for title in SECTIONS if title.startswith("SprigToSegment")} == set(ALERTS)


def test_each_line_of_the_log_has_a_row_and_each_row_its_line() -> None:
    in_code: dict[str, set[str]] = dict(SAID_BY_A_VARIABLE)
    for path in sorted((ROOT / "consumer").rglob("*.py")):
        for text, levels in said(path):
            in_code[text] = in_code.get(text, set()) | levels
    assert {line: set(levels.split(", ")) for levels, line, _, _ in ROWS} == in_code


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_each_line_that_asks_for_somebody_leads_to_a_section(row: tuple[str, str, str, str]) -> None:
    levels, _, _, do = row
    asks = bool({"error", "critical"} & set(levels.split(", ")))
    if linked := re.fullmatch(r"\[[^]]+\]\(#(.+)\) ?", do):
        (section,) = [text for title, text in SECTIONS.items() if linked[1] in anchors(f"# {title}")]
        assert re.findall(r"(?m)^- \*\*(.+?)\*\*", section) == ["Means", "Look", "Do", "Don't"]
    else:
        assert not do.strip()
        assert not asks


def test_each_reason_to_hold_has_a_row() -> None:
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", SECTIONS["SprigToSegmentBlocked"])) == set(HOLDS)


@pytest.mark.parametrize("typed", sorted(set(commands())))
def test_each_command_is_there_with_its_options(typed: str) -> None:
    words = shlex.split(typed)
    command: click.Command = main
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        command = command.commands[words.pop(0)]
    options = {option: it for it in command.params for option in it.opts if isinstance(it, click.Option)}
    left = iter(words)
    arguments = 0
    for word in left:
        if not word.startswith("-"):
            arguments += 1
        elif not options[word].is_flag:
            assert options[word].type_cast_value(click.Context(command), _given(options[word], next(left))) is not None
    assert arguments <= sum(isinstance(it, click.Argument) for it in command.params)


def _given(option: click.Parameter, value: str) -> object:
    if isinstance(option.type, click.Path):  # no such file is here
        option.type.exists = False
    return [value] if option.multiple else value


def test_each_setting_metric_and_reason_that_it_names_is_there() -> None:
    assert set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)[=`]", PAGE)) <= set(NAMES)
    assert {name.removeprefix(PREFIX) for name in re.findall(rf"{PREFIX}\w+", PAGE)} <= set(
        re.findall(rf"{PREFIX}(\w+)", page())
    )
    assert set(re.findall(r"--reason (\w+)", PAGE)) <= SET_ASIDE.keys()


def test_each_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        path, _, anchor = target.partition("#")
        assert (ROOT / "docs" / path).exists() or path == "metrics.md", target
        text = page() if path == "metrics.md" else PAGE
        assert not anchor or anchor in anchors(text), target


def test_each_alert_that_it_names_for_short_is_there() -> None:
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`", PAGE))
    assert "Blocked" in named
    assert {f"SprigToSegment{name}" for name in named} <= set(ALERTS)
