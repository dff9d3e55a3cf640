"""Every relative link and anchor of README and docs leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pages import PAGES, ROOT, name_of, prose

_LINK = re.compile(r"!?\[(?:[^][]|\[[^]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*?) *#*$", re.MULTILINE)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "sql" / "README.md"], ids=name_of)
def test_every_relative_link_of_the_page_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = prose(ROOT / "docs" / "README.md")
    pages = [
        page.relative_to(ROOT / "docs").as_posix() for page in PAGES[1:] if "decisions" not in page.parts
    ]
    assert [page for page in pages if page != "README.md" and f"({page})" not in index] == []


def broken(page: Path) -> Iterator[str]:
    for target in _LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page))):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"{target}: no such file"
        elif anchor and anchor not in anchors(file):
            yield f"{target}: no such heading"


@cache
def anchors(page: Path) -> set[str]:
    """What a heading is linked by, as on GitHub: lower case, blanks as dashes, no punctuation."""
    text = prose(page)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}
