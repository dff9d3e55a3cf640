"""The pages of the documentation, and their fenced blocks.

A block of bash, sql, python or toml is run; json is parsed. An HTML comment on the line before it may say how:

    <!-- run: exit 4 -->           it ends with this status
    <!-- run: background -->       it goes on while the next blocks run; SIGTERM at the end of the page
    <!-- run: until -->            it is repeated until its output is the one shown
    <!-- run: file mail.py -->     it is a file of this name, which later blocks use
    <!-- not run: REASON -->       it is not run

A text block that follows with nothing between is the output; in it … stands for any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUNNABLE = {"bash", "sql", "python", "toml", "json"}
SHOWN = {"text", "mermaid"}

_FENCE = re.compile(r"^( *)(```+)(\S*)[^\n]*\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- (run|not run): (.*?) -->\n\Z")


@dataclass
class Block:
    """One fenced block; how is what its comment says, output the text block that follows (None: there is none)."""

    page: Path
    line: int
    language: str
    text: str
    how: str = ""
    unrun: str = ""
    output: str | None = None

    @property
    def place(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    """The page as one names it in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in order, outputs joined to the block before them."""
    found: list[Block] = []
    ended = -1
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        block = _block(page, text, match)
        if (
            block.language == "text"
            and found
            and found[-1].language in RUNNABLE
            and not text[ended : match.start()].strip()
        ):
            found[-1].output = block.text
        else:
            found.append(block)
        ended = match.end()
    return found


def all_blocks() -> Iterator[Block]:
    for page in PAGES:
        yield from blocks(page)


def _block(page: Path, text: str, match: re.Match[str]) -> Block:
    block = Block(page, text.count("\n", 0, match.start()) + 1, match[3], _dedent(match[4], match[1]))
    if comment := _COMMENT.search(text[: match.start()]):
        if comment[1] == "run":
            block.how = comment[2]
        else:
            block.unrun = comment[2]
    return block


def _dedent(text: str, indent: str) -> str:
    return "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
