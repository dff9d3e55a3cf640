"""The reference is as its sources say, and complete."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from pages import ROOT

import queuekit

REFERENCE = ROOT / "docs" / "reference"
VERBS = """init put claim ack nack extend release cancel retry tick purge ls show stats pause resume help
    work daemon sql"""
EXITS = [0, 1, 2, 3, 4, 65, 66, 75, 124]


def test_writing_the_reference_again_changes_nothing() -> None:
    command = [sys.executable, str(REFERENCE / "generate.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, f"run docs/reference/generate.py: {result.stdout}{result.stderr}"


@pytest.mark.parametrize("verb", VERBS.split())
def test_every_verb_is_in_the_reference(verb: str) -> None:
    assert f"### {verb}\n" in (REFERENCE / "cli.md").read_text()


@pytest.mark.parametrize("code", EXITS)
def test_every_exit_code_is_in_the_reference(code: int) -> None:
    assert re.search(rf"^\| {code} \|", (REFERENCE / "cli.md").read_text(), re.MULTILINE)


def test_every_public_name_is_in_the_reference() -> None:
    page = (REFERENCE / "python.md").read_text()
    assert [
        name for name in queuekit.__all__ if not re.search(rf"^### {name}\n|^\| `{name}`", page, re.MULTILINE)
    ] == []


def test_every_verb_of_sql_is_in_the_reference() -> None:
    page = (REFERENCE / "sql.md").read_text()
    files = {path.stem for path in (ROOT / "sql").glob("*.sql")} - {"schema", "laws", "views", "pragmas"}
    assert {name for name in files if f"### {name}\n" not in page} == set()
