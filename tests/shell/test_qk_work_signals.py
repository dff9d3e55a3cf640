"""qk work while it works and waits: signals, leases, other workers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from shell_client import Qk, wait_until


@pytest.fixture
def gate(qk: Qk) -> Path:
    """A command that runs gate() stays in its task until the file is made."""
    return qk.db.with_name("gate")


WAIT = "touch {gate}.running; until [ -e {gate} ]; do sleep 0.02; done; "


def working(
    qk: Qk, gate: Path, *options: str, before: str = "", after: str = "echo finished"
) -> subprocess.Popen[bytes]:
    """A worker, in the middle of its task."""
    script = before + WAIT.format(gate=gate) + after
    worker = qk.start("work", "default", "--poll", "20ms", *options, "--", "bash", "-c", script)
    wait_until(lambda: gate.with_name("gate.running").exists(), "the command runs")
    return worker


def test_a_worker_finds_what_comes_later_and_ends_at_once_on_sigterm(qk: Qk) -> None:
    worker = qk.start("work", "default", "--poll", "50ms", "--", "true")
    for _ in range(3):
        task = qk.put("p")
        wait_until(lambda task=task: qk.show(task)["state"] == "done", "the task is done")  # type: ignore[misc]
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0


def test_an_idle_worker_does_not_sit_out_its_poll_when_told_to_stop(qk: Qk) -> None:
    worker = qk.start("work", "default", "--poll", "1h", "--", "true")
    wait_until(lambda: Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().strip(), "it rests")
    worker.send_signal(signal.SIGINT)
    assert worker.wait(30) == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_task_finish_and_takes_no_other(
    qk: Qk, gate: Path, sign: signal.Signals
) -> None:
    first, second = qk.put("a"), qk.put("b")
    worker = working(qk, gate)
    worker.send_signal(sign)
    assert worker.stderr is not None
    assert b"taking no more" in worker.stderr.readline()
    gate.touch()
    assert worker.wait(30) == 0
    assert (qk.show(first)["state"], qk.show(first)["result"]) == ("done", "finished\n")
    assert qk.show(second)["state"] == "ready"


def test_a_second_signal_stops_the_command_and_gives_the_task_back(qk: Qk, gate: Path) -> None:
    task = qk.put("a")
    worker = working(qk, gate, before=f"trap '' TERM; echo $$ > {qk.db}.pid; ")
    worker.send_signal(signal.SIGTERM)
    assert worker.stderr is not None
    worker.stderr.readline()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    shown = qk.show(task)
    assert (shown["state"], shown["failures"], shown["runs"][0]["outcome"]) == ("ready", 0, "released")
    pid = int(Path(f"{qk.db}.pid").read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the command is gone")


def test_the_lease_is_extended_while_the_command_runs(qk: Qk, gate: Path) -> None:
    task = qk.put("a")
    worker = working(qk, gate, "--lease", "600ms")
    first = qk.show(task)["due_at"]
    wait_until(lambda: qk.show(task)["due_at"] > first + 1200, "the lease has grown to twice its length")
    gate.touch()
    wait_until(lambda: qk.show(task)["state"] == "done", "it is done")
    assert qk.show(task)["claims"] == 1
    worker.terminate()
    assert worker.wait(30) == 0


def test_a_cancel_stops_the_command(qk: Qk, gate: Path) -> None:
    task = qk.put("a")
    worker = working(qk, gate, "--lease", "300ms", before="trap 'echo bye >&2; exit 9' TERM; ")
    qk.out("cancel", str(task))
    wait_until(lambda: qk.show(task)["state"] == "cancelled", "it is cancelled")
    assert qk.show(task)["error"] == "exit 9: bye"
    worker.terminate()
    assert worker.wait(30) == 0


def test_a_command_that_does_not_hear_of_its_cancel_is_killed(qk: Qk, gate: Path) -> None:
    task = qk.put("a")
    worker = working(qk, gate, "--lease", "300ms", before="trap '' TERM; ")
    qk.out("cancel", str(task))
    wait_until(lambda: qk.show(task)["state"] == "cancelled", "it is cancelled")
    assert qk.show(task)["error"] == "killed with all its processes"
    worker.terminate()
    assert worker.wait(30) == 0


def test_a_lost_lease_stops_the_command_and_its_outcome_does_not_count(qk: Qk, gate: Path) -> None:
    task = qk.put("a", "--backoff", "1h")
    worker = working(qk, gate, "--lease", "900ms")
    qk.sql("insert into qk_tick (now) select now + 3600000 from qk_clock")
    assert qk.show(task)["state"] == "scheduled"
    assert worker.stderr is not None
    assert b"lease of 1:1 is lost" in worker.stderr.readline()
    worker.terminate()
    assert worker.wait(30) == 0
    assert qk.show(task)["runs"][0]["outcome"] == "crashed"


def test_a_worker_killed_in_the_middle_loses_nothing(qk: Qk, gate: Path) -> None:
    """kill -9 of the worker alone: what it left behind stops, the lease ends, and another worker is given the task."""
    task = qk.put("a", "--backoff", "0")
    worker = working(qk, gate, "--lease", "600ms", before=f"echo $$ > {qk.db}.pid; ")
    worker.kill()
    worker.wait(30)
    pid = int(Path(f"{qk.db}.pid").read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "its command is stopped")
    other = qk.start("work", "default", "--poll", "20ms", "--", "bash", "-c", 'echo "attempt $QK_ATTEMPT"')
    wait_until(lambda: qk.show(task)["state"] == "done", "another has done it")
    assert (qk.show(task)["result"], qk.show(task)["claims"]) == ("attempt 2\n", 2)
    other.terminate()
    assert other.wait(30) == 0


def test_workers_killed_whole_lose_nothing(qk: Qk, gate: Path) -> None:
    task = qk.put("a", "--backoff", "0")
    worker = working(qk, gate, "--lease", "600ms", before=f"echo $PPID $$ > {qk.db}.pid; ")
    worker.kill()
    worker.wait(30)
    for pid in Path(f"{qk.db}.pid").read_text().split():
        os.kill(int(pid), signal.SIGKILL)
    qk("work", "default", "--burst", "--", "false")
    wait_until(lambda: qk("claim").returncode == 0, "the lease has ended")
    assert qk.show(task)["attempt"] == 2


def holding(qk: Qk) -> subprocess.Popen[bytes]:
    """Another program, in the middle of a write."""
    holder = subprocess.Popen(["sqlite3", qk.db], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write(b"begin immediate; select 'locked';\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == b"locked\n"
    return holder


def test_an_ack_that_meets_a_busy_file_is_tried_again(qk: Qk, gate: Path) -> None:
    task = qk.put("p")
    worker = working(qk, gate, "--lock-wait", "1s")
    holder = holding(qk)
    gate.touch()
    assert worker.stderr is not None
    assert b"locked" in worker.stderr.readline()
    holder.communicate(b"rollback;\n")
    wait_until(lambda: qk.show(task)["state"] == "done", "it is done")
    assert (qk.show(task)["claims"], qk.show(task)["result"]) == (1, "finished\n")
    worker.terminate()
    assert worker.wait(30) == 0


def test_a_busy_file_does_not_end_a_worker(qk: Qk) -> None:
    qk.put("p")
    holder = holding(qk)
    worker = qk.start("work", "default", "--poll", "10ms", "--lock-wait", "20ms", "--", "true")
    assert worker.stderr is not None
    assert b"locked" in worker.stderr.readline()
    holder.communicate(b"rollback;\n")
    wait_until(lambda: qk.show(1)["state"] == "done", "it is done")
    worker.terminate()
    assert worker.wait(30) == 0


def test_two_workers_share_a_queue(qk: Qk) -> None:
    qk.out("put", "--lines", stdin=b"".join(b"%d\n" % n for n in range(40)))
    log = qk.db.with_name("log")
    script = f'read -r n; echo "$n" >> {log}'
    workers = [
        qk.start("work", "default", "--burst", "--lock-wait", "60", "--", "bash", "-c", script)
        for _ in range(2)
    ]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    assert sorted(map(int, log.read_text().split())) == list(range(40))
    assert {row[0] for row in qk.sql("select claims from qk_task")} == {"1"}


def test_a_worker_leaves_no_process_behind(qk: Qk) -> None:
    qk.out("put", "--lines", stdin=b"a\nb\n")
    worker = qk.start("work", "default", "--poll", "1h", "--", "true")
    wait_until(lambda: json.loads(qk.out("stats", "--json"))["done"] == 2, "both are done")
    worker.terminate()
    assert worker.wait(30) == 0

    def left() -> list[str]:
        found = subprocess.run(
            ["ps", "-eo", "sid,args"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        return [line for line in found if line.split()[0] == str(worker.pid)]

    wait_until(lambda: not left(), "its session is empty")


@pytest.mark.skipif(not shutil.which("inotifywait"), reason="inotify-tools is not installed")
def test_with_inotifywait_a_long_poll_is_no_matter(qk: Qk) -> None:
    qk.put("first")
    worker = qk.start("work", "default", "--poll", "1h", "--", "true")
    wait_until(lambda: qk.show(1)["state"] == "done", "it works")
    task = qk.put("second")
    wait_until(lambda: qk.show(task)["state"] == "done", "it woke")
    worker.terminate()
    assert worker.wait(30) == 0
