"""The layers, read off the imports: which package may import which, and one outside library in one place."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "consumer"
FILES = sorted(PACKAGE.rglob("*.py"))

# What every package may import.
CORE = {
    "model",
    "attempt",
    "errors",
    "internal_errors",
    "reasons",
    "segment_limits",
    "jsonio",
    "outside_text",
    "waits",
    "closing",
    "avro.logical_types",
    "avro.schema",
    "avro.registry_options",
    "avro.registry_types",
}
PACKAGES = {"kafka", "avro", "contract", "segment", "observability", "settings"}
MAY_IMPORT: dict[str, set[str]] = {
    **{core: {"model", "reasons", "errors", "outside_text"} for core in CORE | {"paths", "signals"}},
    **dict.fromkeys(PACKAGES, CORE | {"http_client"}),
    "http_client": set(),
    "aws": CORE | {"http_client"},
    "kafka": CORE | {"http_client", "aws"},
    "avro": CORE | {"http_client", "aws"},
    "web": {"paths"},
    "observability": CORE | {"web", "http_client"},
    "demo": (CORE - {"segment_limits"}) | {"web"},  # the stand-in is the oracle of the limits
    "pipeline": CORE | {"kafka", "avro", "segment", "observability"},
    "factories": CORE | PACKAGES | {"http_client", "aws", "pipeline", "paths"},
    "closing": set(),
    "app": CORE | PACKAGES | {"pipeline", "factories"},
    "entry_point": {"signals", "cli"},
    "cli": CORE | PACKAGES | {"http_client", "aws", "pipeline", "factories", "app", "signals", "paths", "demo"},
}

# One outside library, one module. The Kafka client has a package, because it is a consumer, a producer and a broker.
ONLY_IN = {
    "certifi": {"kafka/token_endpoint.py"},
    "click": {"cli"},
    "confluent_kafka": {"kafka"},
    "fastavro": {"avro/decoder.py"},
    "opentelemetry": {"observability/telemetry"},
    "h11": {"observability/http_exchange.py"},
    "httpcore": {"http_client"},
    "httpx": {"http_client"},
    "markdown_it": {"web/documentation.py"},
    "isal": {"segment/body.py"},
    "jsonschema_rs": {"contract/validator.py"},
    "orjson": {"jsonio.py"},
    "prometheus_client": {"observability/prometheus.py"},
    "pydantic": {"settings"},
    "pydantic_settings": {"settings"},
    "structlog": {"observability/log_setup.py"},
    "tqdm": {"cli/output.py"},
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module if node.module != "consumer" else f"consumer.{node.names[0].name}"
            yield from (f"consumer.{alias.name}" for alias in node.names if node.module == "consumer")


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_packages_import_the_core_and_not_each_other(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        return
    own = {name.removeprefix("consumer.") for name in imported(path) if name.startswith("consumer.")}
    may_import = MAY_IMPORT[package_of(path)] | {package_of(path)}
    assert not [name for name in own if not any(f"{name}.".startswith(f"{prefix}.") for prefix in may_import)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_an_outside_library_is_imported_in_one_place(path: Path) -> None:
    for name in imported(path):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names or top == "consumer":
            continue
        library = next(
            prefix for prefix in sorted(ONLY_IN, key=len, reverse=True) if f"{name}.".startswith(f"{prefix}.")
        )
        place = str(path.relative_to(PACKAGE))
        assert any(place == allowed or place.startswith(f"{allowed}/") for allowed in ONLY_IN[library]), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_module_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_import_on_the_way_of_run_is_heavy() -> None:
    """Confluent's client for the registry takes longer to import than everything else together."""
    script = "import sys, consumer.cli.run; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "consumer.pipeline.loop" in loaded
    assert not {"confluent_kafka.schema_registry", "authlib", "opentelemetry", "rich", "tqdm", "consumer.demo"} & set(
        loaded
    )
