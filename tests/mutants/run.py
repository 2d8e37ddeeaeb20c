"""
Mutation testing of what decides on commits: each change of the code must be noticed by a test, or be explained.

Each module is mutated in a copy of its own, by cosmic-ray, and its tests run against each mutant. Those that survive
are compared with the table of docs/testing.md. Takes 25 minutes on two cores; `make mutants` calls it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COPIED = ("consumer", "schemas", "tests", "docs", "examples", "helm", "pyproject.toml", "README.md")
CORE = "tests/unit/pipeline tests/unit/segment/test_outbox.py"
KAFKA = "tests/unit/kafka/test_commits.py tests/unit/kafka/test_client.py tests/unit/kafka/test_source.py"
TESTS = {
    "consumer/pipeline/partition_buffer.py": CORE,
    "consumer/pipeline/buffers.py": CORE,
    "consumer/pipeline/dispatcher.py": CORE,
    "consumer/pipeline/loop.py": CORE,
    "consumer/request.py": CORE,
    "consumer/kafka/commits.py": KAFKA,
}
TIMEOUT = 90.0  # seconds for the tests of one mutant
# Random ones of test_states are few, as there are so many mutants, and the same for each.
FEW = {**os.environ, "SCHEDULES": "150", "SEED": "1"}
OUTCOMES = ("normal", "skipped", "no-test")  # the tests ran, the mutant is spared, the change changes nothing
# What the type checker refuses is no mistake that gets this far.
SPARED = [
    r"core/ReplaceBinaryOperator_(?!Add_Sub|Sub_Add|Mul_FloorDiv|FloorDiv_Mul).*",
    r"core/ReplaceComparisonOperator_(Gt|GtE|Lt|LtE|Eq|NotEq)_Is(Not)?",
    r"core/ReplaceComparisonOperator_Is(Not)?_(?!Is).*",
    r"core/ReplaceUnaryOperator_USub_(Invert|Not)",
    r"core/RemoveDecorator",
    r"core/ExceptionReplacer",
]


class Mutant(NamedTuple):
    """A change that no test noticed: the module, its function, and the line after the change."""

    module: str
    function: str
    line: str


def main() -> int:
    work = ROOT / ".cache" / "mutants"
    shutil.rmtree(work, ignore_errors=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda module: run(module, work / Path(module).stem), TESTS))
    survivors = [mutant for _, mutants in results for mutant in mutants]
    explained = set(explanations((ROOT / "docs" / "testing.md").read_text()))
    print(f"{sum(total for total, _ in results)} mutants")
    news = [mutant for mutant in survivors if mutant not in explained]
    for mutant in news:
        print(f"| `{mutant.module}` | `{mutant.function}` | `{mutant.line}` | |")
    print(f"{len(survivors)} survived, {len(news)} of them without an explanation in docs/testing.md")
    return 1 if news else 0


def run(module: str, copy: Path) -> tuple[int, list[Mutant]]:
    """How many mutants of the module there were, and those that no test noticed."""
    for name in COPIED:
        source, target = ROOT / name, copy / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    (copy / "cosmic-ray.toml").write_text(config(module))
    for words in (
        "cosmic-ray init cosmic-ray.toml session.sqlite",
        "cr-filter-operators session.sqlite cosmic-ray.toml",
        "cosmic-ray baseline cosmic-ray.toml",  # tests that fail anyhow would notice each mutant
        "cosmic-ray exec cosmic-ray.toml session.sqlite",
    ):
        command, *arguments = words.split()
        subprocess.run([BIN / command, *arguments], cwd=copy, env=FEW, check=True, stdout=subprocess.DEVNULL)
    dumped = subprocess.run(
        [BIN / "cosmic-ray", "dump", "session.sqlite"], cwd=copy, check=True, capture_output=True, text=True
    )
    items = [json.loads(line) for line in dumped.stdout.splitlines()]
    if missing := sum(not result or result["worker_outcome"] not in OUTCOMES for _, result in items):
        raise SystemExit(f"{module}: {missing} mutants without a result")
    done = [(item, result) for item, result in items if result["worker_outcome"] == "normal"]
    survivors = [survivor(item, result) for item, result in done if result["test_outcome"] == "survived"]
    mutants = [mutant for mutant in survivors if not mutant.line.startswith("@dataclass")]  # which the checker refuses
    print(f"{module:28} {len(done):4} mutants, {len(mutants):3} survived", flush=True)
    return len(done), mutants


def config(module: str) -> str:
    tests = f"{sys.executable} -m pytest -x -q --no-header -p no:cacheprovider {TESTS[module]}"
    return f"""[cosmic-ray]
module-path = {module!r}
timeout = {TIMEOUT}
excluded-modules = []
test-command = {tests!r}
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = {json.dumps(SPARED)}
"""


def survivor(item: dict[str, object], result: dict[str, str]) -> Mutant:
    mutations = item["mutations"]
    assert isinstance(mutations, list)
    changed = [line[1:].strip() for line in result["diff"].splitlines() if re.match(r"\+(?!\+\+ )", line)]
    return Mutant(mutations[0]["module_path"], str(mutations[0]["definition_name"]), " ".join(changed))


def explanations(page: str) -> Iterator[Mutant]:
    """The rows of its table: module, function, the line after the change, why no test can notice."""
    for row in re.finditer(r"^\| `(consumer/[^`]+)` \| `([^`]*)` \| `(.+?)` \| (.+) \|$", page, re.MULTILINE):
        yield Mutant(row[1], row[2], row[3])


if __name__ == "__main__":
    sys.exit(main())
