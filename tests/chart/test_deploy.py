"""The page about Kubernetes: its examples are value sets of the chart, and what it tells to type can be typed."""

import json
import re
import shlex
from typing import Any

import click
import pytest
import yaml

from consumer.cli.main import main
from tests.chart.rendering import CHART, ROOT, SETS, attempt, rendered

PAGE = (ROOT / "docs" / "deploy.md").read_text()
EXAMPLES = re.findall(r"(?ms)^`helm/ci/([a-z-]+)-values\.yaml`\n\n```yaml\n(.*?)^```$", PAGE)
TYPED = [line for block in re.findall(r"(?ms)^ *```sh\n(.*?)^ *```", PAGE) for line in block.splitlines()]
SCHEMA: Any = json.loads((CHART / "values.schema.json").read_text())


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_is_the_value_set(name: str, text: str) -> None:
    assert text == (CHART / "ci" / f"{name}-values.yaml").read_text()


def test_each_value_set_has_its_place() -> None:
    assert {name for name in SETS if f"{name}-values.yaml" in PAGE} == set(SETS)


@pytest.mark.parametrize("typed", [line for line in TYPED if re.match(r"helm (install|upgrade) ", line)])
def test_helm_takes_what_is_to_be_typed(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = shlex.split(typed)
    values = [it for at, word in enumerate(words) if word in ("--set", "--set-file") for it in (word, words[at + 1])]
    assert values
    done = attempt({}, "minimal", *values)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("typed", [line for line in TYPED if " -- sprig-to-segment " in line])
def test_the_product_takes_what_is_to_be_typed(typed: str) -> None:
    name, *options = typed.partition(" -- sprig-to-segment ")[2].split()
    command = main.get_command(click.Context(main), name)
    assert command
    assert set(options) <= {option for it in command.params for option in it.opts}


def test_what_it_calls_a_value_is_one() -> None:
    tops = set(SCHEMA["properties"])
    for name in re.findall(r"`([a-z][A-Za-z]+(?:\.[A-Za-z]+)+)(?:=[^`]*)?`", PAGE):
        first, *rest = name.split(".")
        if first in tops:
            place = SCHEMA["properties"][first]
            for step in rest:
                place = place["properties"][step]


def test_the_names_of_its_objects_are_those_of_the_release() -> None:
    named = set(re.findall(r"(?:deployment|job)/(sprig[a-z-]*)", PAGE))
    made = {it["metadata"]["name"] for it in rendered("minimal")} | {"sprig-sprig-to-segment-check"}
    assert named
    assert named <= made


def test_its_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", PAGE):
        assert (ROOT / "docs" / link).exists(), link


def test_its_application_of_argo_cd_has_values_that_are_there() -> None:
    (text,) = re.findall(r"(?ms)^```yaml\n(apiVersion.*?)^```$", PAGE)
    (path,) = yaml.safe_load(text)["spec"]["source"]["helm"]["valueFiles"]
    assert (CHART / path).exists()
