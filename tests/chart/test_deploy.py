"""The examples in docs/deploy.md are value sets of the chart, and its commands are valid."""

import json
import re
import shlex
from itertools import pairwise
from typing import Any

import click
import pytest
import yaml

from consumer.cli.main import main
from tests.chart.rendering import CHART, ROOT, VALUE_SETS, only, render_with, rendered, try_render, workload

PAGE = (ROOT / "docs" / "deploy.md").read_text()
EXAMPLES = re.findall(r"(?ms)^`helm/ci/([a-z-]+)-values\.yaml`\n\n```yaml\n(.*?)^```$", PAGE)
COMMANDS = [line for block in re.findall(r"(?ms)^ *```sh\n(.*?)^ *```", PAGE) for line in block.splitlines()]
SCHEMA: Any = json.loads((CHART / "values.schema.json").read_text())


@pytest.mark.parametrize(("value_set", "text"), EXAMPLES, ids=[value_set for value_set, _ in EXAMPLES])
def test_each_example_is_the_value_set(value_set: str, text: str) -> None:
    assert text == (CHART / "ci" / f"{value_set}-values.yaml").read_text()


def test_each_value_set_is_on_the_page() -> None:
    assert {value_set for value_set in VALUE_SETS if f"{value_set}-values.yaml" in PAGE} == set(VALUE_SETS)


@pytest.mark.parametrize("command", [line for line in COMMANDS if re.match(r"helm (install|upgrade) ", line)])
def test_helm_accepts_the_values_in_each_command(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = shlex.split(command)
    options: list[str] = []
    for option, value in pairwise(words):
        if option in ("--set", "--set-file"):
            options += [option, value]
    assert options
    result = try_render({}, "minimal", *options)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", [line for line in COMMANDS if " -- sprig-to-segment " in line])
def test_the_service_has_each_command_and_its_options(command: str) -> None:
    name, *options = command.partition(" -- sprig-to-segment ")[2].split()
    subcommand = main.get_command(click.Context(main), name)
    assert subcommand
    assert set(options) <= {option for parameter in subcommand.params for option in parameter.opts}


def test_each_name_of_a_value_exists() -> None:
    sections = set(SCHEMA["properties"])
    for name in re.findall(r"`([a-z][A-Za-z]+(?:\.[A-Za-z]+)+)(?:=[^`]*)?`", PAGE):
        section, *path = name.split(".")
        if section in sections:
            schema = SCHEMA["properties"][section]
            for key in path:
                schema = schema["properties"][key]


def test_each_name_of_an_object_is_in_the_release() -> None:
    named = set(re.findall(r"(?:deployment|job)/(sprig[a-z-]*)", PAGE))
    names = {manifest["metadata"]["name"] for manifest in rendered("minimal")} | {"sprig-sprig-to-segment-check"}
    assert named
    assert named <= names


def test_the_value_file_of_the_argo_cd_application_exists() -> None:
    (text,) = re.findall(r"(?ms)^```yaml\n(apiVersion.*?)^```$", PAGE)
    (path,) = yaml.safe_load(text)["spec"]["source"]["helm"]["valueFiles"]
    assert (CHART / path).exists()


def test_a_command_that_waits_for_the_end_of_pods_waits_for_members_only() -> None:
    """The pods of a check that failed and of `helm test` are kept."""
    (command,) = [line for line in COMMANDS if "wait --for=delete pod" in line]
    (labels,) = re.findall(r"--selector=(\S+)", command)
    selected = dict(label.split("=") for label in labels.split(","))
    pod = workload(rendered("minimal"))["spec"]["template"]["metadata"]["labels"]
    check = only(render_with({"check": {"enabled": True}}), "Job")["spec"]["template"]["metadata"]["labels"]
    test = only(rendered("minimal"), "Pod")["metadata"]["labels"]
    assert selected.items() <= pod.items()
    assert not selected.items() <= check.items()
    assert not selected.items() <= test.items()
