"""The Markdown pages of the repository, and the parts of a page that tests compare with the code."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FOLDERS = ("docs", "helm", "examples")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])

_FENCED = re.compile(r"(?ms)^ *```.*?^ *```$")
_INLINE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"(?m)^#+ (.+?)\s*$")
_LINKED_TEXT = re.compile(r"\[([^]]*)\]\([^)]*\)")


class Link(NamedTuple):
    """The target of a relative link: a path ("": the page itself) and an anchor ("": the top)."""

    path: str
    anchor: str


def name_of(page: Path) -> str:
    """The page's path in the repository, for test ids."""
    return str(page.relative_to(ROOT))


def without_blocks(text: str) -> str:
    return _FENCED.sub("", text)


def shell_lines(text: str) -> Sequence[str]:
    """The lines of the page's shell blocks."""
    blocks = re.findall(r"(?ms)^ *```sh\n(.*?)^ *```$", text)
    return [line for block in blocks for line in block.splitlines()]


def inline_code(text: str) -> Sequence[str]:
    """What the page has between backticks, with line breaks as blanks."""
    return [" ".join(code.split()) for code in _INLINE.findall(without_blocks(text))]


def relative_links(text: str) -> Sequence[Link]:
    targets = _LINK.findall(_INLINE.sub("", without_blocks(text)))
    return [Link(*target.partition("#")[::2]) for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """
    The anchors of the page's headings by GitHub's rules.

    Lower case, without punctuation, blanks as hyphens; a heading that repeats an earlier one gets a number.
    """
    slugs: Counter[str] = Counter()
    for heading in _HEADING.findall(without_blocks(text)):
        shown = _LINKED_TEXT.sub(r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        slugs[slug] += 1
    repeated = {f"{slug}-{number}" for slug, count in slugs.items() for number in range(1, count)}
    return {*slugs, *repeated}


def supported_versions() -> list[str]:
    """The versions of Kafka that `make versions` tests."""
    lines = (ROOT / "tests" / "infra" / "kafka" / "versions").read_text().splitlines()
    return [line.split()[0] for line in lines if not line.startswith("#")]
