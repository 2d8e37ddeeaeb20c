"""The house's rules, read off its imports: which room may know which, and one outside library in one place."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "consumer"
FILES = sorted(HOUSE.rglob("*.py"))

CORE = {"model", "request", "errors", "reasons", "jsonio", "http_deadline", "avro.schema"}  # what everybody may know
ROOMS = {"kafka", "avro", "contract", "segment", "observability", "settings"}
MAY_IMPORT: dict[str, set[str]] = {
    **{core: {"model"} for core in CORE | {"paths"}},
    **dict.fromkeys(ROOMS, CORE),
    "web": set(),
    "observability": CORE | {"web"},
    "demo": CORE | {"web"},
    "pipeline": CORE | {"kafka", "avro", "segment", "observability"},
    "app": CORE | ROOMS | {"pipeline", "paths"},
    "cli": CORE | ROOMS | {"pipeline", "app", "paths", "demo"},
}

# One outside library, one module; the Kafka client has a room, as it is a consumer, a producer and a broker.
ONLY_IN = {
    "click": {"cli"},
    "confluent_kafka": {"kafka"},
    "confluent_kafka.schema_registry": {"avro/schema_registry.py"},
    "fastavro": {"avro/decoder.py"},
    "httpcore": {"segment/client.py"},
    "httpx": {"segment/client.py"},
    "isal": {"segment/body.py"},
    "jsonschema_rs": {"contract/validator.py"},
    "orjson": {"jsonio.py"},
    "prometheus_client": {"observability/prometheus.py"},
    "pydantic": {"settings"},
    "pydantic_settings": {"settings"},
    "structlog": {"observability/log_setup.py"},
    "tqdm": {"cli/progress.py"},
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module if node.module != "consumer" else f"consumer.{node.names[0].name}"
            yield from (f"consumer.{alias.name}" for alias in node.names if node.module == "consumer")


def room(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_rooms_know_the_core_and_not_each_other(path: Path) -> None:
    if path == HOUSE / "__init__.py":
        return
    own = {name.removeprefix("consumer.") for name in imported(path) if name.startswith("consumer.")}
    may_import = MAY_IMPORT[room(path)] | {room(path)}
    assert not [name for name in own if not any(f"{name}.".startswith(f"{known}.") for known in may_import)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_an_outside_library_is_imported_in_one_place(path: Path) -> None:
    for name in imported(path):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names or top == "consumer":
            continue
        library = next(known for known in sorted(ONLY_IN, key=len, reverse=True) if f"{name}.".startswith(f"{known}."))
        place = str(path.relative_to(HOUSE))
        assert any(place == allowed or place.startswith(f"{allowed}/") for allowed in ONLY_IN[library]), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_each_module_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_import_on_the_way_of_run_is_heavy() -> None:
    """The registry's client takes longer to import than everything else together."""
    script = "import sys, consumer.cli.run; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "consumer.pipeline.loop" in loaded
    assert not {"confluent_kafka.schema_registry", "authlib", "rich", "tqdm", "consumer.demo"} & set(loaded)
