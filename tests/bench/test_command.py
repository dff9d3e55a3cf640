"""queuekit bench: what it writes, and how it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from queuekit import cli
from tests.bench import frames, machine, plot
from tests.conftest import ROOT

BENCH = ROOT / "tests" / "bench"
SMALL = ["--smoke", "--systems", "floor,queuekit", "--cells", "put,loop,frames"]
Result = subprocess.CompletedProcess[str]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that counts as one on a disk, even where the tests' own are in memory."""
    monkeypatch.setattr(machine, "file_system", lambda folder: "ext4")
    return tmp_path


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Call queuekit bench in this process: its exit code, stdout and stderr."""

    def call(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["queuekit", "bench", *map(str, words)])
        code = cli._run()
        told = capfd.readouterr()
        return code, told.out, told.err

    return call


def test_the_results_as_json_have_the_machine_the_systems_and_every_round(bench, disk: Path) -> None:
    code, out, _ = bench(*SMALL, "--rounds", "2", "--dir", disk, "--json", "-")
    told = json.loads(out)
    assert code == 0
    assert told["machine"].keys() >= {
        "date",
        "cpu",
        "cores",
        "kernel",
        "file system",
        "python",
        "sqlite",
        "load",
    }
    assert told["systems"]["queuekit"].keys() == {"version", "title", "ack", "lease", "history", "note"}
    assert told["cells"].keys() == {"put", "loop"}
    assert [round.keys() for round in told["cells"]["put"]["rounds"]] == [{"floor", "queuekit"}] * 2
    assert told["cells"]["loop"]["rounds"][0].keys() == {"floor", "queuekit", "against"}
    measured = told["cells"]["put"]["rounds"][0]["queuekit"]
    assert {name for name in measured if name != "settings"} == set(
        "wall cpu messages delivered twice lost refused".split()
    )
    assert measured["settings"] == {"journal_mode": "wal", "synchronous": "normal", "page_size": 2048}
    assert told["extras"]["frames"]["ack"] > 0


def test_nothing_stays_in_the_folder(bench, disk: Path) -> None:
    assert bench(*SMALL, "--dir", disk)[0] == 0
    assert list(disk.iterdir()) == []


def test_an_earlier_run_is_told_again_and_drawn(bench, disk: Path) -> None:
    code, first, _ = bench(*SMALL, "--dir", disk, "--json", disk / "run.json")
    again = bench("--from", disk / "run.json", "--plot", disk / "speed.png")
    assert (code, again) == (0, (0, first, ""))
    assert (disk / "speed.png").read_bytes().startswith(b"\x89PNG")


def test_a_system_that_fails_is_told_of_and_the_others_go_on(
    bench, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = disk / "broken"
    broken.mkdir()
    (broken / "litequeue.py").write_text("class LiteQueue:\n    pass\n")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    import tests.bench.children as children

    ours = children.environment
    monkeypatch.setattr(children, "environment", lambda: {**ours(), "PYTHONPATH": f"{broken}:{ROOT}"})
    code, out, _ = bench(
        "--smoke", "--dir", disk, "--cells", "put", "--systems", "floor,litequeue", "--json", "-"
    )
    told = json.loads(out)["cells"]["put"]["rounds"][0]
    assert code == 0
    assert "TypeError" in told["litequeue"]["failed"]
    assert told["floor"]["lost"] == 0


def test_a_measurement_that_fails_is_told_of_and_the_others_go_on(
    bench, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(frames, "per_verb", fail)
    code, out, _ = bench("--smoke", "--dir", disk, "--systems", "floor", "--cells", "frames,steps")
    assert code == 0
    assert "OSError: the disk is full" in out
    assert "claim, with tick" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--systems", "redis"], "no system 'redis'"),
        (["--cells", "get"], "no cell 'get'"),
        (["--dir", "nowhere"], "no folder nowhere"),
        (["--rounds", "0"], "--rounds"),
        (["--quick", "--smoke"], "either --quick or --smoke"),
        (["--plot", "speed.pdf"], ".svg or .png"),
        (["--plot", "nowhere/speed.svg"], "no folder for nowhere/speed.svg"),
        (["--json", "nowhere/run.json"], "no folder for nowhere/run.json"),
        (["--from", "nothing.json"], "nothing.json"),
        (["--docs", "nowhere"], "no benchmarks.md"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(bench, words: list[str], told: str) -> None:
    code, out, err = bench(*words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_a_file_that_holds_no_results_is_refused(bench, tmp_path: Path) -> None:
    for text in ("", "[]", '{"cells": {}}'):
        (tmp_path / "run.json").write_text(text)
        code, _, err = bench("--from", tmp_path / "run.json")
        assert (code, err.count("\n")) == (2, 1)


def test_a_folder_in_memory_is_refused_before_anything_is_measured(
    bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "file_system", lambda folder: "tmpfs")
    code, _, err = bench("--dir", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "in memory (tmpfs)" in err


def test_a_plot_without_matplotlib_is_refused_before_anything_is_measured(
    bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plot, "find_spec", lambda name: None)
    code, _, err = bench("--plot", "speed.svg")
    assert (code, err.count("\n")) == (1, 1)
    assert "pip install 'queuekit[bench]'" in err


def test_python_m_in_a_checkout_is_the_same_command() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--cells", "get"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("queuekit: there is no cell 'get'")


def test_the_benchmark_imports_itself_by_relative_names_for_it_has_another_name_when_installed() -> None:
    absolute = re.compile(r"^\s*(from|import) tests\b", re.MULTILINE)
    files = [path for path in BENCH.rglob("*.py") if not path.name.startswith("test_")]
    assert [path.name for path in files if absolute.search(path.read_text(encoding="utf-8"))] == []
