"""docs/runbook.md: a section for each alert, a row for each log message and block reason, and names that exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk import environment_variables

from consumer.cli.group_text import RUNBOOK
from consumer.kafka.group_findings import GroupRule
from consumer.observability.metrics_docs import page as metrics_page
from consumer.observability.prometheus import PREFIX
from consumer.reasons import BlockReason, reject_meaning
from consumer.settings import NAMES
from tests.pages import ROOT, anchors

PAGE = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"(?ms)^### (.+?)\n(.*?)(?=^##|\Z)", PAGE))
PARTS_OF_A_SECTION = ["Means", "Look", "Do", "Don't"]
ALERTS = re.findall(r"alert: (\w+)", (ROOT / "helm" / "files" / "alerts.yaml").read_text())
LOG_MESSAGES = PAGE.partition("## Log messages")[2]
ROWS = re.findall(r"(?m)^\| ([a-z, ]+) \| `([^`]+)` \| ([^|]*) \| ([^|]*) ?\|$", LOG_MESSAGES)
LEVELS = {"debug", "info", "warning", "error", "critical"}

OF_OPENTELEMETRY = {value for name, value in vars(environment_variables).items() if name.startswith("OTEL_")}

# The only message whose text is not in its call: run.py logs what settings.suspicious() found.
MESSAGES_FROM_VARIABLES = {"NAME is no setting; did you mean ...?": {"warning"}}


def calls_of_loggers(function: ast.FunctionDef) -> Iterator[tuple[str, ast.Call]]:
    """Each call of a logger's method in the function, with the name of the method."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if owner == "log" or owner.startswith("logging.getLogger("):
                yield node.func.attr, node


def logged_messages(path: Path) -> Iterator[tuple[str, set[str]]]:
    """The messages that a module logs, each with its levels."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        for method, call in calls_of_loggers(function):
            if method == "log":
                text = call.args[1]
                levels = {level.lower() for level in re.findall(r"logging\.([A-Z]+)", ast.unparse(function))}
            elif method in LEVELS:
                text, levels = call.args[0], {method}
            else:
                continue
            if isinstance(text, ast.Constant):
                yield str(text.value), levels
            else:
                assert path.name == "run.py", f"{path}: write the text of a log message into its call"


def parts(section: str) -> list[str]:
    return re.findall(r"(?m)^- \*\*(.+?)\*\*", section)


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_has_a_section_that_says_what_to_do(alert: str) -> None:
    assert parts(SECTIONS[alert]) == PARTS_OF_A_SECTION


def test_each_section_about_an_alert_has_its_alert() -> None:
    assert {title for title in SECTIONS if title.startswith("SprigToSegment")} == set(ALERTS)


def test_each_log_message_has_a_row_and_each_row_its_message() -> None:
    in_code: dict[str, set[str]] = dict(MESSAGES_FROM_VARIABLES)
    for path in sorted((ROOT / "consumer").rglob("*.py")):
        for text, levels in logged_messages(path):
            in_code[text] = in_code.get(text, set()) | levels
    assert {message: set(levels.split(", ")) for levels, message, _, _ in ROWS} == in_code


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_each_log_message_that_needs_action_leads_to_a_section(row: tuple[str, str, str, str]) -> None:
    levels, _, _, action = row
    needs_action = bool({"error", "critical"} & set(levels.split(", ")))
    link = re.fullmatch(r"\[[^]]+\]\(#(.+)\) ?", action)
    if link:
        (section,) = [text for title, text in SECTIONS.items() if link[1] in anchors(f"# {title}")]
        assert parts(section) == PARTS_OF_A_SECTION
    else:
        assert not action.strip()
        assert not needs_action


def test_each_block_reason_has_a_row() -> None:
    rows = re.findall(r"(?m)^\| `(\w+)` \|", SECTIONS["SprigToSegmentBlocked"])
    assert sorted(rows) == sorted(BlockReason)


def test_each_rule_about_the_group_has_a_row_in_the_section_that_the_command_names() -> None:
    (section,) = [text for title, text in SECTIONS.items() if RUNBOOK.partition("#")[2] in anchors(f"# {title}")]
    assert re.findall(r"(?m)^\| `(\w+)` \|", section) == list(GroupRule)


def test_each_setting_metric_and_reason_that_the_page_names_exists() -> None:
    metrics = metrics_page()
    assert set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)[=`]", PAGE)) <= set(NAMES) | OF_OPENTELEMETRY
    assert set(re.findall(rf"{PREFIX}\w+", PAGE)) <= set(re.findall(rf"{PREFIX}\w+", metrics))
    assert all(map(reject_meaning, re.findall(r"--reason (\w+)", PAGE)))


def test_each_alert_that_the_page_names_without_its_prefix_exists() -> None:
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`", PAGE))
    assert "Blocked" in named
    assert {f"SprigToSegment{name}" for name in named} <= set(ALERTS)
