#!/usr/bin/env python3
"""Writes the reference pages beside it from the headers of sql/, the queuekit command and the docstrings.

python docs/reference/generate.py            writes what has changed
python docs/reference/generate.py --check    writes nothing; exit 1 and the names of the pages that are not up to date
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]

import commands_page  # noqa: E402
import python_page  # noqa: E402
import sql_page  # noqa: E402

PAGES: dict[str, Callable[[Path], str]] = {
    "sql.md": sql_page.render,
    "cli.md": commands_page.render,
    "python.md": python_page.render,
}


def stale() -> dict[Path, str]:
    """The pages that are not as their sources say, with the text they should have."""
    fresh = {HERE / name: render(ROOT) for name, render in PAGES.items()}
    return {
        path: text
        for path, text in fresh.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }


def main(arguments: list[str]) -> int:
    pages = stale()
    check = "--check" in arguments
    for path, text in pages.items():
        print(f"{path.name} {'is not up to date' if check else 'written'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
