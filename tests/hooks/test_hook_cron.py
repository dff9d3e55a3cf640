"""cron-put, as cron runs it: /bin/sh -c LINE, next to no environment."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from scene import HOOKS, SHELLS, Result, documented, payloads, tasks

Run = Callable[..., Result]


@pytest.fixture
def cron(run: Run, db: Path, env: dict[str, str]) -> Callable[[str], None]:
    """Run a command as cron does."""

    def cron(line: str) -> None:
        little = [
            "-i",
            f"HOME={env['HOME']}",
            "LOGNAME=me",
            "SHELL=/bin/sh",
            "PATH=/usr/bin:/bin",
            f"QUEUEKIT_DB={db}",
        ]
        done = run("/usr/bin/env", *little, "/bin/sh", "-c", line)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

    return cron


def test_the_line_of_the_how_to_puts_a_task(cron: Callable[[str], None], db: Path) -> None:
    line = re.search(r'echo "\*/10 \* \* \* \* (.*?)"', documented("cron-put", "crontab"))
    assert line
    cron(line[1])
    (task,), (payload,) = tasks(db), payloads(db)
    assert (task["queue"], task["kind"]) == ("cron", "backup")
    assert task["key"] == f"backup@{payload['minute']}"
    assert payload["job"] == "backup"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", payload["minute"])


def test_the_same_minute_twice_is_one_task(cron: Callable[[str], None], db: Path) -> None:
    for _ in range(2):
        cron(f"{HOOKS}/cron-put backup")
    kept = tasks(db)
    assert len({task["key"] for task in kept}) == len(kept)
    assert len(kept) == 1 or kept[0]["key"] != kept[1]["key"]  # a minute may have ended in between


def test_two_jobs_are_two_tasks(cron: Callable[[str], None], db: Path) -> None:
    cron(f"{HOOKS}/cron-put backup; {HOOKS}/cron-put report")
    assert [task["kind"] for task in tasks(db)] == ["backup", "report"]


@pytest.mark.parametrize("payload", ['{"full": true}', "", "it's %d\n\\n", "-n"])
def test_a_payload_of_its_own_arrives_as_it_is(run: Run, db: Path, payload: str) -> None:
    run(HOOKS / "cron-put", "backup", payload)
    assert [task["payload"] for task in tasks(db)] == [payload]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_hostile_job_arrives_as_it_is(run: Run, db: Path, shell: str) -> None:
    run(*shell.split(), HOOKS / "cron-put", 'it\'s "x" $(id) é\\')
    assert (tasks(db)[0]["kind"], payloads(db)[0]["job"]) == ('it\'s "x" $(id) é\\',) * 2


def test_no_job_no_task(run: Run, db: Path) -> None:
    done = run(HOOKS / "cron-put")
    assert (done.returncode, done.stdout, done.stderr, tasks(db)) == (0, b"", b"", [])
