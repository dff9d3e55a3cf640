"""on-fail: nobody can tell that it stands in front of a command, but the queue when the command fails."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from scene import HOOKS, LIMIT, SHELLS, Result, payloads, tasks

Run = Callable[..., Result]
Start = Callable[..., subprocess.Popen[bytes]]
ON_FAIL = HOOKS / "on-fail"

COUNTER = """
import os, signal, sys, time
caught = []
def catch(number, frame):
    caught.append(number)
    os.write(1, signal.Signals(number).name.encode() + b" ")
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, catch)
os.write(1, b"up ")
while not caught:
    time.sleep(0.01)
time.sleep(0.3)
sys.exit(len(caught))
"""


@pytest.fixture
def start(env: dict[str, str]) -> Callable[..., subprocess.Popen[bytes]]:
    """Start a command without stdin, its output in a pipe, and wait until it has said that it is up."""

    def start(*command: str | Path) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            command, stdin=quiet, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
        )
        assert process.stdout
        assert process.stdout.read(3) == b"up "
        return process

    return start


def test_a_command_that_succeeds_leaves_no_task(run: Run, db: Path) -> None:
    done = run(ON_FAIL, "cat", stdin=b"\x00\xff in and out\n")
    assert (done.returncode, done.stdout, done.stderr, tasks(db)) == (0, b"\x00\xff in and out\n", b"", [])


def test_a_command_that_fails_is_a_task(run: Run, db: Path, tmp_path: Path) -> None:
    command = ["sh", "-c", "echo out; echo err >&2; exit 3", 'it\'s "é"\n']
    done = run(ON_FAIL, *command)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")
    assert payloads(db) == [
        {"command": command, "status": 3, "host": socket.gethostname(), "directory": str(tmp_path)}
    ]
    assert [(task["queue"], task["kind"], task["key"]) for task in tasks(db)] == [
        ("failures", "command.failed", None)
    ]


def test_every_failure_is_a_task(run: Run, db: Path) -> None:
    for _ in range(2):
        run(ON_FAIL, "false")
    assert len(tasks(db)) == 2


def test_a_command_that_is_not_there_fails_as_in_a_shell(run: Run, db: Path) -> None:
    assert run(ON_FAIL, "no-such-command").returncode == 127
    assert [payload["status"] for payload in payloads(db)] == [127]


def test_a_command_that_a_signal_ended_has_the_status_a_shell_gives_it(run: Run, db: Path) -> None:
    done = run(ON_FAIL, "sh", "-c", "kill -9 $$")
    assert (done.returncode, done.stderr) == (137, b"")
    assert [payload["status"] for payload in payloads(db)] == [137]


def test_the_command_has_the_environment_and_descriptors_of_the_caller(run: Run, env: dict[str, str]) -> None:
    script = 'exec 3>&1 4>&2; "$0" sh -c "$1"'
    done = run("bash", "-c", script, ON_FAIL, 'printf "%s %s" "$PATH" "${LC_ALL-none}" >&3; printf 4 >&4')
    assert (done.stdout.decode(), done.stderr) == (f"{env['PATH']} none", b"4")


@pytest.mark.parametrize("shell", SHELLS)
def test_closed_descriptors_are_no_trouble(run: Run, db: Path, shell: str) -> None:
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        done = run("sh", "-c", f'exec {shell} "$0" sh -c "exit 5" {closed}', ON_FAIL)
        assert (done.returncode, done.stdout, done.stderr) == (5, b"", b"")
    assert [payload["status"] for payload in payloads(db)] == [5] * 4


def test_a_reader_sees_the_end_when_the_command_closes_its_output(env: dict[str, str]) -> None:
    with subprocess.Popen(
        [ON_FAIL, "sh", "-c", "echo x; exec >&-; read never"], stdin=-1, stdout=-1, env=env
    ) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.read() == b"x\n"
        process.stdin.write(b"\n")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_a_signal_reaches_the_command_once(start: Start, db: Path, shell: str, name: str) -> None:
    with start(*shell.split(), ON_FAIL, sys.executable, "-c", COUNTER) as process:
        process.send_signal(signal.Signals[name])
        out, err = process.communicate(timeout=LIMIT)
    assert (out.decode().split(), err, process.returncode) == ([name], b"", 1)
    assert [payload["status"] for payload in payloads(db)] == [1]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_that_ends_the_command_ends_on_fail(start: Start, db: Path, name: str) -> None:
    with start(ON_FAIL, "sh", "-c", "printf 'up '; exec sleep 60") as process:
        process.send_signal(signal.Signals[name])
        assert process.wait(LIMIT) == -signal.Signals[name]
    assert [payload["status"] for payload in payloads(db)] == [128 + signal.Signals[name]]


def test_a_signal_that_is_ignored_stays_ignored(env: dict[str, str]) -> None:
    script = 'trap "" HUP INT; exec "$0" grep SigIgn /proc/self/status'
    done = subprocess.run(
        ["sh", "-c", script, ON_FAIL], env=env, capture_output=True, check=True, timeout=LIMIT
    )
    assert int(done.stdout.split()[1], 16) & 3 == 3


def test_ctrl_c_at_a_terminal_reaches_the_command_once(env: dict[str, str], db: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execve(ON_FAIL, ["on-fail", sys.executable, "-c", COUNTER], env)
    said, limit = b"", time.monotonic() + LIMIT
    while b"up" not in said and time.monotonic() < limit:
        said += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 1
    assert [payload["status"] for payload in payloads(db)] == [1]


def test_nothing_to_run_is_a_mistake(run: Run, db: Path) -> None:
    done = run(ON_FAIL)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n"), tasks(db)) == (2, b"", 1, [])
