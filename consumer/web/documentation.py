"""The pages of docs/ as HTML, so that an operator has the runbook of the version that runs."""

import html
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from consumer import paths
from consumer.web import Asset, asset

_TITLE, _CONTENT = "{title}", "{content}"
_PAGE_LINK = re.compile(r"([a-z_-]+)\.md(#.*)?")
_LOG_ROW = re.compile(r"(?m)^\| [a-z, ]+ \| `([^`]+)` \|")


def names() -> Sequence[str]:
    """The names of the pages, without an extension."""
    return sorted(path.stem for path in paths.docs().glob("*.md"))


@cache
def page(name: str) -> Asset:
    """The page as HTML. Rendering the largest takes about 0.1 s, so it happens once, when somebody opens the page."""
    text = (paths.docs() / f"{name}.md").read_text()
    content_type, template = asset("document.html")
    title = text.partition("\n")[0].removeprefix("# ")
    filled = template.decode().replace(_TITLE, html.escape(title)).replace(_CONTENT, _html(text))
    return Asset(content_type, filled.encode())


def slug(heading: str) -> str:
    """The anchor that GitHub gives to a heading: lower case, without punctuation, blanks as hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def log_anchors() -> frozenset[str]:
    """The anchors of the runbook's rows about log messages."""
    return frozenset(map(slug, _LOG_ROW.findall((paths.docs() / "runbook.md").read_text())))


def _html(text: str) -> str:
    from markdown_it import MarkdownIt  # takes 0.1 s, and most members never need it

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    _set_anchors(tokens)
    for token in tokens:
        _set_targets(token.children or [])
    rendered: str = markdown.renderer.render(tokens, markdown.options, {})
    return rendered.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")


def _set_anchors(tokens: Sequence[Any]) -> None:
    """An id for each heading, and for each row of a table that begins with code, or has its first code later."""
    anchors: set[str] = set()
    row: Any = None
    for token, inner in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open":
            anchors |= set(_anchor(token, "".join(child.content for child in inner.children), anchors))
        elif token.type == "tr_open":
            row = token
        elif token.type == "inline" and row is not None:
            code = next((child.content for child in token.children if child.type == "code_inline"), "")
            if code:
                anchors |= set(_anchor(row, code, anchors))
                row = None


def _anchor(token: Any, text: str, anchors: set[str]) -> Iterator[str]:
    anchor = slug(text)
    if anchor not in anchors:
        token.attrSet("id", anchor)
        yield anchor


def _set_targets(children: Sequence[Any]) -> None:
    """Lead links to pages that are served to them; a link to anything else in the repository becomes plain text."""
    for child in children:
        if child.type != "link_open":
            continue
        target = str(child.attrGet("href"))
        match = _PAGE_LINK.fullmatch(target)
        if match and match[1] in names():
            child.attrSet("href", match[1] + (match[2] or ""))
        elif not re.match(r"#|https:", target):
            del child.attrs["href"]
