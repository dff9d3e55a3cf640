"""Every relative link and anchor of README and docs leads somewhere. The reading of Markdown is the example's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import PAGES, ROOT, name_of

sys.path.append(str(ROOT / "docs" / "examples"))

from check_links import ELSEWHERE, Page


@pytest.mark.parametrize("page", [*PAGES, ROOT / "sql" / "README.md"], ids=name_of)
def test_every_relative_link_of_the_page_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    folder = ROOT / "docs"
    linked = {(folder / target).resolve() for _, target in read(folder / "README.md").links()}
    pages = [page for page in PAGES if folder in page.parents and "decisions" not in page.parts]
    assert [name_of(page) for page in pages if page not in linked | {folder / "README.md"}] == []


def broken(page: Path) -> Iterator[str]:
    for line, target in read(page).links():
        path, _, anchor = target.partition("#")
        if ELSEWHERE.match(target):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"line {line}: {target}: no such file"
        elif anchor and anchor not in read(file).anchors:
            yield f"line {line}: {target}: no such heading"


def read(page: Path) -> Page:
    return Page(page.read_text(encoding="utf-8"))
