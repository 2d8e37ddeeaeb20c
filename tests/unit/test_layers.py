"""The house's rules, read off its imports: which room may know which, and one outside library in one place."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "consumer"
FILES = sorted(HOUSE.rglob("*.py"))

CORE = {"model", "request", "errors", "reasons", "schema", "json", "deadline"}  # what everybody may know
ROOMS = {"kafka", "reading", "contract", "delivery", "operate", "settings"}
MAY_IMPORT: dict[str, set[str]] = {
    **{core: {"model"} for core in CORE | {"paths"}},
    **dict.fromkeys(ROOMS, CORE),
    "web": set(),
    "operate": CORE | {"web"},
    "demo": CORE | {"web"},
    "lane": CORE,
    "lanes": CORE | {"lane"},
    "aside": CORE,
    "translator": CORE,
    "status": CORE | {"lane", "lanes", "operate"},
    "settling": CORE | {"lane", "lanes", "aside", "status", "kafka", "delivery", "reading"},
    "loop": CORE | {"lane", "lanes", "settling", "status", "kafka"},
    "commands": CORE | ROOMS | {"lane", "lanes", "aside", "translator", "status", "settling", "loop", "paths", "demo"},
}

# One outside library, one module; the Kafka client has a room, as it is a consumer, a producer and a broker.
ONLY_IN = {
    "click": {"commands"},
    "confluent_kafka": {"kafka"},
    "confluent_kafka.schema_registry": {"reading/registry.py"},
    "fastavro": {"reading/avro.py"},
    "httpcore": {"delivery/http.py"},
    "httpx": {"delivery/http.py"},
    "isal": {"delivery/body.py"},
    "jsonschema_rs": {"contract/validate.py"},
    "orjson": {"json.py"},
    "prometheus_client": {"operate/metrics.py"},
    "pydantic": {"settings"},
    "pydantic_settings": {"settings"},
    "structlog": {"operate/logs.py"},
    "tqdm": {"commands/progress.py"},
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
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("consumer.")}
    assert ours <= MAY_IMPORT[room(path)] | {room(path)}


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
    script = "import sys, consumer.commands.run; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "consumer.loop" in loaded
    assert not {"confluent_kafka.schema_registry", "authlib", "rich", "tqdm", "consumer.demo"} & set(loaded)
