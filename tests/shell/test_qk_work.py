"""qk work: a complete consumer. Real commands, real signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from shell_client import QK, Qk, wait_until


def burst(qk: Qk, script: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    done = qk("work", "default", "--burst", *options, "--", "bash", "-c", script)
    assert done.returncode == 0, done
    return done


def state(qk: Qk, task: int) -> str:
    return str(qk.show(task)["state"])


def test_exit_0_is_done_with_stdout_as_the_result(qk: Qk) -> None:
    task = qk.put("a payload")
    done = burst(qk, "read -r line; printf 'got %s\\n\\n' \"$line\"")
    assert (done.stdout, done.stderr) == (b"", b"")
    assert (state(qk, task), qk.show(task)["result"]) == ("done", "got a payload\n\n")


def test_no_output_is_no_result(qk: Qk) -> None:
    task = qk.put("p")
    burst(qk, ":")
    assert (state(qk, task), qk.show(task)["result"]) == ("done", None)


def test_any_other_exit_is_tried_again_with_the_last_line_of_stderr_as_the_error(qk: Qk) -> None:
    task = qk.put("p", "--backoff", "1h")
    done = burst(qk, "echo first >&2; echo last words >&2; echo; echo not this; exit 3")
    assert done.stderr == b"first\nlast words\n"
    assert (state(qk, task), qk.show(task)["error"]) == ("scheduled", "exit 3: last words")
    assert qk.show(task)["failures"] == 1


def test_exit_65_is_dead_at_once(qk: Qk) -> None:
    task = qk.put("p")
    burst(qk, "printf 'no newline' >&2; exit 65")
    assert (state(qk, task), qk.show(task)["error"]) == ("dead", "exit 65: no newline")


def test_exit_75_is_later_and_costs_no_attempt(qk: Qk) -> None:
    task = qk.put("p")
    burst(qk, "exit 75")
    assert (state(qk, task), qk.show(task)["failures"]) == ("scheduled", 0)


def test_a_command_that_is_killed_has_failed(qk: Qk) -> None:
    task = qk.put("p", "--backoff", "1h")
    burst(qk, "kill -9 $$")
    assert (state(qk, task), qk.show(task)["error"]) == ("scheduled", "exit 137")


def test_a_command_that_kills_its_whole_group_has_failed(qk: Qk) -> None:
    task = qk.put("p", "--backoff", "1h")
    burst(qk, "kill -9 0")
    assert (state(qk, task), qk.show(task)["error"]) == ("scheduled", "killed with all its processes")


def test_the_command_is_told_all_about_its_task(qk: Qk) -> None:
    task = qk.put("-q", "it's", "--kind", "two\nlines\n", "--key", "k=1 $(x)\n", "p")
    script = 'for n in ID RECEIPT QUEUE KIND KEY ATTEMPT DB; do n=QK_$n; printf "%s|" "${!n}"; done'
    qk.out("work", "it's", "--burst", "--", "bash", "-c", script)
    assert qk.show(task)["result"] == f"1|1:1|it's|two\nlines\n|k=1 $(x)\n|1|{qk.db}|"


def test_the_command_sees_the_environment_and_locale_of_its_worker(qk: Qk) -> None:
    task = qk.put("p")
    qk(
        "work",
        "default",
        "--burst",
        "--",
        "bash",
        "-c",
        'printf "%s %s %s" "$MINE" "$LC_ALL" "$PWD"',
        MINE="yes",
        LC_ALL="C.UTF-8",
    )
    assert qk.show(task)["result"] == f"yes C.UTF-8 {os.getcwd()}"


def test_the_arguments_of_the_command_are_kept_apart(qk: Qk) -> None:
    task = qk.put("p")
    qk.out("work", "default", "--burst", "--", "printf", "<%s>", "a b", "", "--json", "$(x)", "--")
    assert qk.show(task)["result"] == "<a b><><--json><$(x)><-->"


def test_a_result_is_cut_at_64_kilobytes_and_the_command_is_heard_to_its_end(qk: Qk) -> None:
    task = qk.put("p")
    done = burst(
        qk, 'printf -v text "%0100000d" 0; for n in 1 2 3 4 5; do printf "é%s" "$text"; done; echo end >&2'
    )
    assert done.stderr == b"end\n"
    result = qk.show(task)["result"]
    assert (state(qk, task), result) == ("done", "é" + "0" * 65534)


def test_a_cut_never_splits_a_character(qk: Qk) -> None:
    task = qk.put("p")
    burst(qk, 'printf x; printf -v text "%040000d" 0; printf "${text//0/é}"')
    assert qk.show(task)["result"] == "x" + "é" * 32767


def test_a_result_that_is_not_text_does_not_lose_the_ack(qk: Qk) -> None:
    for text in ("a\\xff", "a\\x00b"):
        task = qk.put("p")
        burst(qk, f"printf '{text}'")
        assert state(qk, task) == "done"


def test_a_command_need_not_read_its_payload(qk: Qk) -> None:
    task = qk.put(stdin=b"x" * 1_000_000)
    burst(qk, "exit 0")
    assert state(qk, task) == "done"


def test_what_a_command_leaves_in_the_background_is_not_waited_for(qk: Qk) -> None:
    task = qk.put("p")
    script = f"sleep 600 & echo $! > {qk.db}.pid; echo result"
    burst(qk, script)
    assert (state(qk, task), qk.show(task)["result"]) == ("done", "result\n")
    os.kill(int(Path(f"{qk.db}.pid").read_text()), signal.SIGKILL)


def test_burst_ends_when_nothing_is_ready(qk: Qk) -> None:
    qk.out("put", "--lines", stdin=b"a\nb\nc\n")
    burst(qk, ":")
    assert json.loads(qk.out("stats", "--json"))["done"] == 3


def test_the_worker_has_a_name(qk: Qk) -> None:
    task = qk.put("p")
    burst(qk, ":", "--worker", "it's me")
    assert qk.show(task)["worker"] == "it's me"


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
        wait_until(lambda task=task: state(qk, task) == "done", "the task is done")  # type: ignore[misc]
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
    assert (state(qk, first), qk.show(first)["result"], state(qk, second)) == ("done", "finished\n", "ready")


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
    wait_until(lambda: state(qk, task) == "done", "it is done")
    assert qk.show(task)["claims"] == 1
    worker.terminate()
    assert worker.wait(30) == 0


def test_a_cancel_stops_the_command(qk: Qk, gate: Path) -> None:
    task = qk.put("a")
    worker = working(qk, gate, "--lease", "300ms", before="trap 'echo bye >&2; exit 9' TERM; ")
    qk.out("cancel", str(task))
    wait_until(lambda: state(qk, task) == "cancelled", "it is cancelled")
    assert qk.show(task)["error"] == "exit 9: bye"
    worker.terminate()
    assert worker.wait(30) == 0


def test_a_lost_lease_stops_the_command_and_its_outcome_does_not_count(qk: Qk, gate: Path) -> None:
    task = qk.put("a", "--backoff", "1h")
    worker = working(qk, gate, "--lease", "900ms")
    qk.sql("insert into qk_tick (now) select now + 3600000 from qk_clock")
    assert state(qk, task) == "scheduled"
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
    wait_until(lambda: state(qk, task) == "done", "another has done it")
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
    burst(qk, "exit 1")
    wait_until(lambda: qk("claim").returncode == 0, "the lease has ended")
    assert qk.show(task)["attempt"] == 2


def test_a_busy_file_does_not_end_a_worker(qk: Qk) -> None:
    holder = subprocess.Popen(["sqlite3", qk.db], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    qk.put("p")
    holder.stdin.write(b"begin immediate; select 'locked';\n")
    holder.stdin.flush()
    holder.stdout.readline()
    worker = qk.start("work", "default", "--poll", "10ms", "--lock-wait", "20ms", "--", "true")
    assert worker.stderr is not None
    assert b"locked" in worker.stderr.readline()
    holder.communicate(b"rollback;\n")
    wait_until(lambda: state(qk, 1) == "done", "it is done")
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
    worker = qk.start("work", "default", "--poll", "20s", "--", "true")
    wait_until(lambda: state(qk, 1) == "done", "it works")
    task = qk.put("second")
    wait_until(lambda: state(qk, task) == "done", "it woke")
    worker.terminate()
    assert worker.wait(30) == 0
    assert QK.exists()
