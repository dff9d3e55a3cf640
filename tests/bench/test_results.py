"""From rounds to figures, tables, a picture and a page."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from queuekit.errors import QueuekitError, Usage
from tests.bench import machine, page, plot
from tests.bench.cells import CELLS
from tests.bench.goals import GOALS
from tests.bench.run import plan
from tests.bench.summary import AGAINST, fate, figures, number, reached
from tests.bench.systems import SYSTEMS
from tests.bench.tables import for_page, for_terminal

SETTINGS = {"journal_mode": "wal", "synchronous": "normal", "page_size": 4096}


def one(wall: float, cpu: float = 1.0, lost: int = 0, twice: int = 0) -> dict[str, Any]:
    counts = {"messages": 100, "delivered": 100 - lost, "lost": lost, "twice": twice, "refused": 0}
    return {"wall": wall, "cpu": cpu, **counts, "settings": SETTINGS}


def system(title: str) -> dict[str, str]:
    return {"title": title, "version": "1.0", "ack": "yes", "lease": "no", "history": "no", "note": "a note"}


@pytest.fixture
def results() -> dict[str, Any]:
    """Three rounds of two cells, in which one system loses and doubles, one fails, and one is missing."""
    put = [
        {"floor": one(10), "queuekit": one(20), "careless": one(5, lost=1, twice=2)},
        {"floor": one(30), "queuekit": one(10), "careless": one(6)},
        {"floor": one(12), "queuekit": one(12), "careless": {"failed": "OperationalError: locked"}},
    ]
    put[2]["careless"] = one(7)
    loop = [{AGAINST: one(30), "floor": one(15), "queuekit": one(20), "broken": {"failed": "Oops: no"}}] * 3
    cells = {cell.name: cell._asdict() for cell in CELLS if cell.name in ("put", "loop")}
    return {
        "release": "0.0",
        "machine": {"cpu": "a processor", "file system": "ext4"},
        "rounds": 3,
        "scale": 1,
        "seconds": 7,
        "systems": {
            **{name: system(name) for name in ("floor", "queuekit", "careless", "broken")},
            "absent": {"title": "absent", "missing": "not installed: pip install absent"},
        },
        "cells": {"put": {**cells["put"], "rounds": put}, "loop": {**cells["loop"], "rounds": loop}},
        "extras": {
            "frames": {"put": 2.35},
            "steps": {"put": 299},
            "killed": {"floor": {"outcome": "held", "after": None}},
            "start": [
                {"name": "a", "value": 3.0, "unit": "ms", "goal": 4.0, "better": "less", "note": "n"},
                {"name": "b", "value": 3.0, "unit": "×", "goal": 4.0, "better": "more", "note": "n"},
                {"name": "c", "value": 3.0, "unit": "ms", "goal": None, "better": "less", "note": "n"},
            ],
        },
    }


def test_a_figure_is_the_median_of_the_rounds_with_the_least_and_the_most(results: dict[str, Any]) -> None:
    found = figures(results["cells"]["put"]["rounds"], "queuekit")
    assert found is not None
    assert (found.median, found.low, found.high) == (12, 10, 20)


def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds(results: dict[str, Any]) -> None:
    found = figures(results["cells"]["put"]["rounds"], "queuekit")
    assert found is not None
    assert found.ratio == 1.0  # of 0.5, 3 and 1; of the medians it would be the same, so:
    results["cells"]["put"]["rounds"][2]["queuekit"]["wall"] = 4
    found = figures(results["cells"]["put"]["rounds"], "queuekit")
    assert found is not None
    assert (found.median, found.ratio) == (10, 3.0)  # of 0.5, 3 and 3, where 12 / 10 is 1.2


def test_a_ratio_is_to_the_floors_other_action_where_the_cell_names_one(results: dict[str, Any]) -> None:
    rounds = results["cells"]["loop"]["rounds"]
    ours, floor = figures(rounds, "queuekit"), figures(rounds, "floor")
    assert ours is not None
    assert floor is not None
    assert (ours.ratio, floor.ratio) == (1.5, 2.0)


def test_lost_and_doubled_messages_of_all_rounds_are_added_up(results: dict[str, Any]) -> None:
    found = figures(results["cells"]["put"]["rounds"], "careless")
    assert found is not None
    assert fate(found) == "1 lost, 2 twice of 300"


def test_goals_say_what_was_reached_and_what_not(results: dict[str, Any]) -> None:
    told = {row["name"]: (row["value"], row["reached"]) for row in reached(results)}
    assert told == {
        "put, each its own commit": ("1.00 ×", True),
        "consumer loop, to the floor's claim + ack": ("1.50 ×", True),
        "a": ("3 ms", True),
        "b": ("3 ×", False),
    }


def test_every_goal_is_of_a_cell_and_systems_that_there_are() -> None:
    assert {goal.cell for goal in GOALS} <= {cell.name for cell in CELLS}
    assert {name for goal in GOALS for name in (goal.system, goal.base)} <= SYSTEMS.keys()


def test_a_queue_that_loses_in_the_cell_of_processes_misses_that_goal(results: dict[str, Any]) -> None:
    rounds = [{"floor": one(1), "queuekit": one(1, lost=1)}]
    results["cells"]["processes"] = {**CELLS[0]._asdict(), "rounds": rounds}
    told = {row["name"]: (row["value"], row["reached"]) for row in reached(results)}
    assert told["2 producers + 2 consumers: lost or doubled"] == ("1", False)


def test_numbers_are_written_with_three_digits_that_count() -> None:
    assert [number(n) for n in (0.00002, 0.0123456, 2.345, 26.0, 123.4, 12345.6)] == [
        "0.00002",
        "0.0123",
        "2.35",
        "26",
        "123",
        "12,346",
    ]


def test_the_tables_mark_what_lost_or_doubled_failed_or_is_missing(results: dict[str, Any]) -> None:
    for text in (
        "\n".join(table.text() for table in for_terminal(results)),
        "\n".join(table.markdown() for table in for_page(results)),
    ):
        assert "6 † ‡" in text
        assert "1 lost, 2 twice of 300" in text
        assert "failed: Oops: no" in text
        assert "not installed: pip install absent" in text
        assert "wal, normal" in text


@pytest.mark.parametrize(("load", "busy"), [("1.90 9.00 9.00", False), ("2.10 0.00 0.00", True)])
def test_a_machine_that_was_busy_is_told_of(results: dict[str, Any], load: str, busy: bool) -> None:
    results["machine"] |= {"load": load, "cores": 2}
    assert ("busy" in "\n".join(table.text() for table in for_terminal(results))) == busy


def test_rows_of_a_markdown_table_have_as_many_cells_as_its_head(results: dict[str, Any]) -> None:
    for table in for_page(results):
        assert {len(row) for row in table.rows} == {len(table.head)}, table.title


def test_the_picture_names_every_system_and_marks_what_lost_or_doubled(
    results: dict[str, Any], tmp_path: Path
) -> None:
    plot.plot(results, tmp_path / "speed.svg")
    picture = (tmp_path / "speed.svg").read_text()
    for text in ("floor", "queuekit", "careless", "(1 lost, 2 twice)", plot._BAD.lower()):
        assert text in picture


def test_the_picture_is_the_same_when_it_is_drawn_again(results: dict[str, Any], tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        plot.plot(results, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_picture_is_svg_or_png_and_needs_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Usage, match=r"\.svg or \.png"):
        plot.can_plot(Path("speed.pdf"))
    monkeypatch.setattr(plot, "find_spec", lambda name: None)
    with pytest.raises(QueuekitError, match=r"pip install 'queuekit\[bench\]'") as refused:
        plot.can_plot(Path("speed.svg"))
    assert refused.value.exit_code == 1


def test_the_page_is_renewed_between_its_marks_and_the_results_lie_beside_it(
    results: dict[str, Any], tmp_path: Path
) -> None:
    marks = "<!-- results: by a program -->", "<!-- end of results -->"
    (tmp_path / page.PAGE).write_text("before\n{}\nwhat was before\n{}\nafter\n".format(*marks))
    given = copy.deepcopy(results)
    for _ in range(2):
        page.write(results, tmp_path)
    text = (tmp_path / page.PAGE).read_text()
    assert text.startswith(f"before\n{marks[0]}\n")
    assert text.endswith(f"{marks[1]}\nafter\n")
    assert "what was before" not in text
    assert text.count("### Goals") == 1
    assert json.loads((tmp_path / "benchmarks" / "results.json").read_text()) == given
    assert (tmp_path / "benchmarks" / "speed.svg").is_file()


def test_a_folder_without_the_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Usage, match=r"no benchmarks\.md"):
        page.can_write(tmp_path)


MOUNTS = """\
/dev/root / ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
/dev/sda /tmp/on\\040disk xfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/ada", "ext4"),
        ("/tmp", "tmpfs"),
        ("/tmp/x", "tmpfs"),
        ("/tmpx", "ext4"),
        ("/tmp/on disk/x", "xfs"),
    ],
)
def test_the_file_system_of_a_folder_is_that_of_the_nearest_mount(folder: str, kind: str) -> None:
    assert machine.mounted_as(Path(folder), MOUNTS) == kind


def test_a_folder_in_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "file_system", lambda folder: "tmpfs")
    with pytest.raises(Usage, match=r"in memory \(tmpfs\)"):
        machine.real_disk(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unknown_names_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(Usage, match=r"no system 'redis'; there are floor, .*queuekit"):
        plan(["floor", "redis"], None, 1, 1)
    with pytest.raises(Usage, match=r"no cell 'get'; there are put, .*frames"):
        plan(None, ["get"], 1, 1)
