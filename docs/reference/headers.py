"""Reading the headers of sql/*.sql."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_ENTRY = re.compile(r"(\S+)\s+(.*)")


@dataclass
class Header:
    """A header taken apart: each parameter and column is (name, the rest of its line)."""

    name: str
    summary: str
    usage: str = ""
    parameters: list[tuple[str, str]] = field(default_factory=list)
    row: list[tuple[str, str]] = field(default_factory=list)
    no_row: str = ""


def read(path: Path) -> Header:
    """The header of one file."""
    lines = [line[2:].removeprefix(" ") for line in _comment(path)]
    header = Header(path.stem, "")
    part = "summary"
    for line in lines:
        if line in ("parameters", "row"):
            part = line
        elif line.startswith("usage: "):
            header.usage = line.removeprefix("usage: ")
        elif line.startswith("no row: "):
            header.no_row = line.removeprefix("no row: ")
        elif part == "summary" and line:
            header.summary += line.removeprefix(f"{path.stem}: ") + " "
        elif line and (entry := _ENTRY.match(line.strip())):
            getattr(header, part).append((entry[1], entry[2]))
    header.summary = sentence(header.summary)
    return header


def _comment(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return lines[:end]


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    text = " ".join(text.split())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ")")) else ".")
