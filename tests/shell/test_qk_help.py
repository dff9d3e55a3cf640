"""qk help is the header of the SQL file."""

from __future__ import annotations

import pytest
from shell_client import ROOT, Qk

FILES = "put claim ack nack extend release cancel retry tick purge show stats pause resume".split()


def header(verb: str) -> str:
    lines = (ROOT / "sql" / f"{verb}.sql").read_text().split("\n\n")[0].splitlines()
    return "".join(line[2:].removeprefix(" ") + "\n" for line in lines)


@pytest.mark.parametrize("verb", FILES)
def test_help_of_a_verb_is_the_header_of_its_file(qk: Qk, verb: str) -> None:
    assert qk.out("help", verb) == header(verb)
    assert qk.out(verb, "--help") == header(verb)


def test_ls_is_told_by_list(qk: Qk) -> None:
    assert qk.out("help", "ls") == header("list")


@pytest.mark.parametrize("verb", ["work", "init", "help"])
def test_the_verbs_without_a_file_have_help_too(qk: Qk, verb: str) -> None:
    assert qk.out("help", verb).startswith(f"{verb}: ")


def test_help_lists_every_verb(qk: Qk) -> None:
    listed = qk.out("help")
    assert qk.out() == qk.out("--help") == qk.out("-h") == listed
    for verb in [*FILES, "init", "ls", "work", "help"]:
        assert verb in listed
    assert max(map(len, listed.splitlines())) < 120


def test_help_needs_no_database(qk: Qk) -> None:
    assert qk("help", "put", QUEUEKIT_DB="/nonexistent").returncode == 0
