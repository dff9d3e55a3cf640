"""A flow drawn: every task once, every edge told, no text of a task taken for a command of the drawing."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from queuekit import drawing

HOSTILE = 'a"] --> b\n<script>x</script>\\ \x1b[2J %%{init}%% #quot; ü'


def row(
    id: int, *after: int, name: str | None = None, state: str = "ready", error: str | None = None
) -> dict[str, Any]:
    return {
        "id": id,
        "name": name or f"step{id}",
        "kind": "",
        "state": state,
        "after": list(after),
        "error": error,
    }


ROWS = [
    row(1, state="done"),
    row(2, 1, state="dead", error="no\nnet"),
    row(3, 1),
    row(4, 2, 3, state="blocked"),
    row(5),
]


def test_the_tree_shows_every_task_once() -> None:
    assert list(drawing.tree(ROWS)) == [
        "✓ step1  1 done",
        "├─ ✗ step2  2 dead  no net",
        "│  └─ · step4  4 blocked  (and after 3)",
        "└─ ○ step3  3 ready",
        "○ step5  5 ready",
    ]


def test_a_chain_of_thousands_is_drawn() -> None:
    rows = [row(1), *(row(n, n - 1) for n in range(2, 3000))]
    assert len(list(drawing.tree(rows))) == 2999


def test_what_waits_for_a_task_outside_is_a_root() -> None:
    assert list(drawing.tree([row(7, 3)])) == ["○ step7  7 ready"]


@pytest.mark.parametrize("draw", [drawing.tree, drawing.mermaid, drawing.dot])
def test_the_text_of_a_task_stays_text(draw) -> None:  # type: ignore[no-untyped-def]
    plain, hostile = (list(draw([row(1, name=name, error=name)])) for name in ("name", HOSTILE))
    assert len(plain) == len(hostile)
    assert "\x1b" not in "".join(hostile)


def test_mermaid_names_no_character_that_means_something() -> None:
    line = next(line for line in drawing.mermaid([row(1, name=HOSTILE)]) if line.startswith("  t1["))
    label = line[len('  t1["') : line.index("<br/>")]
    assert not set(label) & set('"<>[]{}%\\&')


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_graphviz_reads_the_dot() -> None:
    text = "\n".join(drawing.dot([*ROWS, row(6, name=HOSTILE)]))
    done = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, check=True)
    assert done.stdout.count("\nnode ") == 6
    assert done.stdout.count("\nedge ") == 4
