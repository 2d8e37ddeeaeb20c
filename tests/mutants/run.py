"""
Mutation testing of the code that decides on commits: a test notices each change, or docs/testing.md explains why not.

cosmic-ray mutates each module in a separate copy of the project, and the tests of the module run against each mutant.
The mutants that survive are compared with the table of docs/testing.md. `make mutants` runs this script, which takes 25
minutes on two cores.
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
SEGMENT = "tests/unit/segment/test_send_queue.py tests/unit/segment/test_bisection.py"
CORE = f"tests/unit/pipeline {SEGMENT} tests/unit/segment/test_circuit_breaker.py"
KAFKA = "tests/unit/kafka"
TESTS = {
    "consumer/model.py": CORE,
    "consumer/pipeline/partition_buffer.py": CORE,
    "consumer/pipeline/open_chunks.py": f"{CORE} tests/unit/segment/test_denials.py",
    "consumer/pipeline/batch.py": CORE,
    "consumer/pipeline/rejections.py": CORE,
    "consumer/pipeline/last_commit.py": CORE,
    "consumer/pipeline/buffers.py": CORE,
    "consumer/pipeline/backpressure.py": CORE,
    "consumer/pipeline/dispatcher.py": CORE,
    "consumer/pipeline/loop.py": CORE,
    "consumer/segment/bisection.py": CORE,
    "consumer/segment/denials.py": f"{CORE} tests/unit/segment/test_denials.py",
    "consumer/segment/key_queue.py": f"{CORE} tests/unit/segment/test_denials.py",
    "consumer/kafka/commits.py": KAFKA,
}
# The functions of a module that are tested; in model.py, all other classes only carry data.
DEFINITIONS = {"consumer/model.py": {"Chunk", "of", "append", "halves"}}
TIMEOUT = 90.0  # seconds for the tests of one mutant
# Few schedules are played, because there are many mutants, and the same schedules for each mutant.
ENVIRONMENT = {**os.environ, "SCHEDULES": "150", "FAULTS": "0.1", "SEED": "1"}
OUTCOMES = ("normal", "skipped", "no-test")  # the tests ran, the mutant is excluded, the mutant equals the code
# The type checker refuses these changes, so no test has to notice them.
EXCLUDED = [
    r"core/ReplaceBinaryOperator_(?!Add_Sub|Sub_Add|Mul_FloorDiv|FloorDiv_Mul).*",
    r"core/ReplaceComparisonOperator_(Gt|GtE|Lt|LtE|Eq|NotEq)_Is(Not)?",
    r"core/ReplaceComparisonOperator_Is(Not)?_(?!Is).*",
    r"core/ReplaceUnaryOperator_USub_(Invert|Not)",
    r"core/RemoveDecorator",
    r"core/ExceptionReplacer",
]


class Mutant(NamedTuple):
    """A change that no test noticed. `line` is the changed line."""

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
    unexplained = [mutant for mutant in survivors if mutant not in explained]
    for mutant in unexplained:
        print(f"| `{mutant.module}` | `{mutant.function}` | `{mutant.line}` | |")
    print(f"{len(survivors)} survived, {len(unexplained)} of them without an explanation in docs/testing.md")
    return 1 if unexplained else 0


def run(module: str, copy: Path) -> tuple[int, list[Mutant]]:
    """Test all mutants of a module: their number, and the mutants that no test noticed."""
    for name in COPIED:
        source, target = ROOT / name, copy / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    (copy / "cosmic-ray.toml").write_text(config(module))
    for command in (
        "cosmic-ray init cosmic-ray.toml session.sqlite",
        "cr-filter-operators session.sqlite cosmic-ray.toml",
        "cosmic-ray baseline cosmic-ray.toml",  # tests that fail without any mutant would seem to notice each mutant
        "cosmic-ray exec cosmic-ray.toml session.sqlite",
    ):
        program, *arguments = command.split()
        subprocess.run([BIN / program, *arguments], cwd=copy, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    dumped = subprocess.run(
        [BIN / "cosmic-ray", "dump", "session.sqlite"], cwd=copy, check=True, capture_output=True, text=True
    )
    items = [json.loads(line) for line in dumped.stdout.splitlines()]
    missing = sum(not result or result["worker_outcome"] not in OUTCOMES for _, result in items)
    if missing:
        raise SystemExit(f"{module}: {missing} mutants without a result")
    tested = [(item, result) for item, result in items if result["worker_outcome"] == "normal"]
    survivors = [survivor(item, result) for item, result in tested if result["test_outcome"] == "survived"]
    mutants = [mutant for mutant in survivors if must_be_noticed(mutant)]
    print(f"{module:38} {len(tested):4} mutants, {len(mutants):3} survived", flush=True)
    return len(tested), mutants


def must_be_noticed(mutant: Mutant) -> bool:
    """Whether a test has to notice the mutant. The type checker refuses changes of a decorator's flags."""
    definitions = DEFINITIONS.get(mutant.module, {mutant.function})
    return mutant.function in definitions and not mutant.line.startswith("@dataclass")


def config(module: str) -> str:
    """The configuration of cosmic-ray for a module."""
    tests = f"{sys.executable} -m pytest -x -q --no-header -p no:cacheprovider {TESTS[module]}"
    return f"""[cosmic-ray]
module-path = {module!r}
timeout = {TIMEOUT}
excluded-modules = []
test-command = {tests!r}
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = {json.dumps(EXCLUDED)}
"""


def survivor(item: dict[str, object], result: dict[str, str]) -> Mutant:
    """The mutant of one entry of cosmic-ray's dump."""
    mutations = item["mutations"]
    assert isinstance(mutations, list)
    changed = [line[1:].strip() for line in result["diff"].splitlines() if re.match(r"\+(?!\+\+ )", line)]
    return Mutant(mutations[0]["module_path"], str(mutations[0]["definition_name"]), " ".join(changed))


def explanations(page: str) -> Iterator[Mutant]:
    """The mutants in the table of the page, whose columns are module, function, changed line and explanation."""
    for row in re.finditer(r"^\| `(consumer/[^`]+)` \| `([^`]*)` \| `(.+?)` \| (.+) \|$", page, re.MULTILINE):
        yield Mutant(row[1], row[2], row[3])


if __name__ == "__main__":
    sys.exit(main())
