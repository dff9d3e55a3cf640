"""The state diagram shows moves that the law allows, and all that a verb makes."""

from __future__ import annotations

import re

from pages import ROOT

PAGE = (ROOT / "docs" / "explanation" / "states.md").read_text()
LAWS = (ROOT / "sql" / "laws.sql").read_text()

Moves = set[tuple[str, str]]


def drawn() -> Moves:
    """The arrows of the diagram from state to state."""
    return {(before, after) for before, after in re.findall(r"(\w+) --> (\w+):", PAGE) if before != after}


def legal() -> Moves:
    """The list of law QK020."""
    listed = re.search(r"instr\('(.*?)'", LAWS, re.DOTALL)
    assert listed
    return set(re.findall(r"(\w+)>(\w+)", listed[1]))


def test_every_arrow_is_a_legal_move() -> None:
    assert drawn() - legal() == set()


def test_what_a_waiting_or_running_task_can_become_is_drawn() -> None:
    by_a_plain_update = {("ready", "scheduled"), ("dead", "cancelled")}
    with_a_delay = {(end, "scheduled") for end in ("done", "dead", "cancelled")}
    missing = {move for move in legal() - drawn() if "blocked" not in move}
    assert missing - by_a_plain_update - with_a_delay == set()
