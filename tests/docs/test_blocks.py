"""Every code block of README and docs runs, and prints what the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import PAGES, RUNNABLE, SHOWN, all_blocks, blocks, name_of
from terminal import Terminal, matches

GOOD_REASONS = ("needs the network", "needs root", "needs a systemd", "changes your crontab")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_of_the_page_runs(page: Path, tmp_path: Path) -> None:
    found = [block for block in blocks(page) if block.language in RUNNABLE and not block.unrun]
    if not found:
        return
    terminal = Terminal(tmp_path, "queuekit" if page.name == "README.md" else "work")
    try:
        for block in found:
            terminal.run(block)
    finally:
        terminal.close()


def test_every_block_says_its_language() -> None:
    strange = [
        f"{block.place} {block.language!r}"
        for block in all_blocks()
        if block.language not in RUNNABLE | SHOWN
    ]
    assert not strange, "neither run nor output nor picture"


def test_a_block_that_is_not_run_has_a_good_reason() -> None:
    unrun = [f"{block.place} {block.unrun}" for block in all_blocks() if block.unrun]
    print("\n".join(unrun))
    assert [line for line in unrun if not line.partition(" ")[2].startswith(GOOD_REASONS)] == []


def test_three_dots_stand_for_any_text() -> None:
    assert matches("id …\nstate ready\n", "id 12  \nstate ready\n\n")
    assert not matches("state ready", "state done")
