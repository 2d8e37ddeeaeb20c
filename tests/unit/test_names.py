"""The names of the code: each says something, no class is named twice, and no module hides one of Python's own."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "consumer"

# Words that say nothing about a value. A name is one of these if it is nothing but the word.
WORDS = """
    it its one ones this that these those they them their theirs our ours us mine what who whose which
    told tell said say asked met known found made done gone came come taken given kept seen wanted meant got had
    thing things stuff something anything nothing everything somebody anybody nobody everybody
    other others another some such same more here there tmp temp foo bar baz obj
"""
EMPTY_WORDS = frozenset(WORDS.split())
MOST = 0.004  # of all names that are bound; well-kept codebases have 0.001 to 0.004


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def bound_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Each name that is bound, with its line: functions, classes, arguments, variables, attributes, aliases."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno
            case ast.alias(asname=str(name)):
                yield name, node.lineno


@pytest.mark.parametrize("folder", ["consumer", "tests", "bench"])
def test_names_say_something(folder: str) -> None:
    total, empty = 0, []
    for path in sources(folder):
        for name, line in bound_names(ast.parse(path.read_text())):
            total += 1
            if name.strip("_") in EMPTY_WORDS:
                empty.append(f"{path.relative_to(ROOT)}:{line}: {name}")
    assert len(empty) <= MOST * total, f"{len(empty)} of {total}: {empty}"


def test_no_class_is_named_twice() -> None:
    classes = Counter(
        node.name.strip("_")
        for path in sources("consumer")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert not [name for name, times in classes.items() if times > 1]


def test_no_module_hides_one_of_the_standard_library() -> None:
    """At the top of the package, where `from consumer import json` would read like Python's own."""
    own = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith("__")}
    assert not own & sys.stdlib_module_names


def test_no_module_is_too_long_to_be_read_in_a_minute() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources("consumer")}
    assert not {path: lines for path, lines in lengths.items() if lines > 200}
