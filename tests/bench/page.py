"""docs/benchmarks.md: its tables and its picture, written anew from the results of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from queuekit.errors import Usage

from .plot import can_plot, plot
from .tables import for_page

PAGE, FOLDER, PICTURE, DATA = "benchmarks.md", "benchmarks", "speed.svg", "results.json"
_RESULTS = re.compile(r"(<!-- results: [^\n]*-->\n).*?(<!-- end of results -->)", re.DOTALL)


def can_write(docs: Path) -> None:
    """Raises Usage if docs has no page with a place for results, QueuekitError without matplotlib."""
    page = docs / PAGE
    if not page.is_file() or not _RESULTS.search(page.read_text(encoding="utf-8")):
        raise Usage(f"there is no {PAGE} with a place for results in {docs}")
    can_plot(Path(PICTURE))


def write(results: Mapping[str, Any], docs: Path) -> None:
    """Write the page's tables, the picture and the results themselves into the folder of the documentation."""
    can_write(docs)
    (docs / FOLDER).mkdir(exist_ok=True)
    (docs / FOLDER / DATA).write_text(as_json(results), encoding="utf-8")
    plot(results, docs / FOLDER / PICTURE)
    page = docs / PAGE
    text = _RESULTS.sub(lambda found: found[1] + _body(results) + found[2], page.read_text(encoding="utf-8"))
    page.write_text(text, encoding="utf-8")


def as_json(results: Mapping[str, Any]) -> str:
    """All of a run as JSON, a measurement a line or so, for others to compute with."""
    return json.dumps(results, ensure_ascii=False, indent=1) + "\n"


def _body(results: Mapping[str, Any]) -> str:
    picture = f"![Messages a second of every system in every cell]({FOLDER}/{PICTURE})\n"
    return "\n".join([picture, *(table.markdown() for table in for_page(results))])
