"""qk work: what a command is given, and what becomes of its exit. Real commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from shell_client import Qk


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
