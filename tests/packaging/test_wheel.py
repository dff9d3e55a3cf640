"""The wheel, built from the checkout, in a clean venv in another folder: it has all, and needs no checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_OURS = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
Result = subprocess.CompletedProcess[str]


class Installed:
    """A home with the wheel in a venv of its own; run(…) runs a program there, without the tests' environment."""

    def __init__(self, home: Path, wheel: Path) -> None:
        self.home = home
        self.wheel = wheel
        self.bin = home / "venv/bin"
        home.mkdir()
        checked(sys.executable, "-m", "venv", home / "venv")
        checked(self.bin / "python", "-m", "pip", "install", "--quiet", wheel)

    def run(self, *command: str | Path, stdin: str = "", limit: float = 120) -> Result:
        env = {"HOME": str(self.home), "PATH": f"{self.bin}:{os.defpath}:/usr/local/bin", "LANG": "C.UTF-8"}
        return subprocess.run(
            command, env=env, cwd=self.home, input=stdin, capture_output=True, text=True, timeout=limit
        )

    def says(self, *command: str | Path, stdin: str = "") -> str:
        """What a command says that must succeed, in silence otherwise."""
        result = self.run(*command, stdin=stdin)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout.strip()

    @property
    def package(self) -> Path:
        return Path(self.says("queuekit", "sql")).parent


def checked(*command: str | Path) -> None:
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy, so that nothing is written into the checkout."""
    place = tmp_path_factory.mktemp("build")
    shutil.copytree(ROOT, place / "source", ignore=NOT_OURS)
    checked(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", place, place / "source")
    (wheel,) = place.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("elsewhere") / "home", wheel)


def test_the_wheel_has_the_package_and_what_it_needs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"queuekit"}
    wanted = [
        "py.typed",
        "cli/__init__.py",
        "sql/put.sql",
        "bin/qk",
        "bench/run.py",
        "bench/systems/floor.py",
    ]
    assert [name for name in wanted if f"queuekit/{name}" not in names] == []
    assert [name for name in names if "tests" in name or "test_" in name or name.endswith(".pyc")] == []


def test_python_imports_it_from_where_it_is_installed(installed: Installed) -> None:
    place = Path(installed.says("python", "-c", "import queuekit; print(queuekit.__file__)"))
    assert installed.home in place.parents


def test_the_version_is_that_of_the_package(installed: Installed) -> None:
    version = installed.says("python", "-c", "import queuekit; print(queuekit.__version__)")
    assert version in installed.wheel.name
    assert installed.says("queuekit", "--version").split() == ["queuekit", version]


def test_the_sql_files_are_those_of_the_checkout(installed: Installed) -> None:
    assert contents(installed.package / "sql") == contents(ROOT / "sql")


def test_the_hooks_and_qk_are_those_of_the_checkout_and_can_be_run(installed: Installed) -> None:
    assert contents(installed.package / "hooks") == contents(ROOT / "hooks")
    assert contents(installed.package / "bin") == {"qk": contents(ROOT / "bin")["qk"]}
    for program in [installed.package / "bin/qk", *(installed.package / "hooks").iterdir()]:
        assert os.access(program, os.X_OK) == os.access(
            ROOT / program.relative_to(installed.package), os.X_OK
        )


def test_a_task_goes_its_way_through_the_command(installed: Installed) -> None:
    installed.says("queuekit", "init")
    assert installed.says("queuekit", "put", "-q", "mail", '{"to": "ada"}') == "1"
    task = json.loads(installed.says("queuekit", "claim", "-q", "mail"))
    assert (task["receipt"], task["payload"]) == ("1:1", '{"to": "ada"}')
    installed.says("queuekit", "ack", task["receipt"], "--result", "sent")
    assert json.loads(installed.says("queuekit", "show", "1", "--json"))["state"] == "done"


def test_a_task_put_by_qk_is_run_by_the_installed_worker(installed: Installed) -> None:
    qk = installed.package / "bin/qk"
    installed.says(qk, "init")
    task = installed.says(qk, "put", "-q", "jobs", "-", stdin="some words")
    assert installed.run("queuekit", "work", "jobs", "--exec", "wc -w", "--burst").returncode == 0
    shown = json.loads(installed.says(qk, "show", task, "--json"))
    assert (shown["state"], shown["result"].strip()) == ("done", "2")


def test_an_installed_hook_puts_a_task(installed: Installed) -> None:
    installed.says("queuekit", "init")
    assert installed.run(installed.package / "hooks/on-fail", "false").returncode == 1
    (task,) = installed.says("queuekit", "ls", "-q", "failures", "--json").splitlines()
    assert json.loads(task)["kind"] == "command.failed"


def test_the_benchmark_runs_where_it_is_installed(installed: Installed) -> None:
    place = ROOT / ".test" / "bench"  # on a disk, where a folder for temporary files may be in memory
    place.mkdir(parents=True, exist_ok=True)
    choice = ["--smoke", "--systems", "floor,queuekit"]
    told = installed.run("queuekit", "bench", *choice, "--dir", place, "--json", "-", limit=280)
    assert told.returncode == 0, told.stderr
    results = json.loads(told.stdout)
    (put,) = results["cells"]["put"]["rounds"]
    (processes,) = results["cells"]["processes"]["rounds"]
    assert [measured["lost"] for measured in [*put.values(), *processes.values()]] == [0] * 4
    assert results["extras"]["killed"]["queuekit"]["outcome"] == "redelivered"
    assert [name for name, found in results["extras"].items() if not found or "failed" in found] == []


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("[!.]*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
