"""qk work: what a command is given, and what becomes of its exit. Real commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from shell_client import QK, Qk


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


@pytest.mark.parametrize(
    ("last_words", "error"),
    [
        ("'\\377'", "exit 1, and the last words were not UTF-8"),
        ("'a' && printf '\\303\\251%.0s' {1..600}", "exit 1: a" + "é" * 499),
        ("'\\360\\237\\230\\200%.0s' {1..600}", "exit 1: " + "😀" * 249),
    ],
    ids=["no UTF-8", "two bytes a character, cut", "four bytes a character, cut"],
)
def test_a_failure_counts_whatever_its_last_words_are(qk: Qk, last_words: str, error: str) -> None:
    task = qk.put("p", "--attempts", "1")
    done = burst(qk, f"{{ printf {last_words}; }} >&2; exit 1")
    assert done.stderr.count(b"\n") == 1
    assert (state(qk, task), qk.show(task)["error"]) == ("dead", error)


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


@pytest.mark.parametrize(("character", "whole"), [("é", 32767), ("€", 21844), ("😀", 16383)])
@pytest.mark.parametrize("before", ["x", "xy", "xyz"])
def test_a_cut_never_splits_a_character(qk: Qk, before: str, character: str, whole: int) -> None:
    task = qk.put("p")
    burst(qk, f'printf {before}; printf -v text "%040000d" 0; printf "${{text//0/{character}}}"')
    result = qk.show(task)["result"]
    assert result.startswith(before + character * (whole - 1))
    assert set(result[len(before) :]) == {character}


def test_a_result_that_is_not_text_does_not_lose_the_ack(qk: Qk) -> None:
    task = qk.put("p")
    done = burst(qk, "printf 'a\\xff'")
    assert (state(qk, task), qk.show(task)["result"]) == ("done", None)
    assert done.stderr == b"qk: what task 1 wrote is not text (invalid UTF-8): it is done, without a result\n"


def test_a_result_ends_before_a_nul(qk: Qk) -> None:
    task = qk.put("p")
    done = burst(qk, "printf 'a\\x00b'")
    assert (state(qk, task), qk.show(task)["result"], done.stderr) == ("done", "a", b"")


@pytest.mark.parametrize("column", ["kind", "key", "payload"])
def test_a_text_with_nul_that_got_past_the_laws_is_dead_before_its_command_sees_it(
    qk: Qk, column: str
) -> None:
    task = qk.put("--kind", "kind", "--key", "key", "payload")
    qk.sql(f"pragma ignore_check_constraints = 1; update qk_task set {column} = 'a' || char(0) || 'b'")
    good = qk.put("good")
    burst(qk, "cat")
    assert (state(qk, task), qk.show(task)["error"]) == ("dead", "its texts hold a NUL byte")
    assert (state(qk, good), qk.show(good)["result"]) == ("done", "good")


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


def test_a_command_reads_the_results_of_those_it_waited_for(qk: Qk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUEUEKIT_DB", raising=False)
    first = qk.put("a")
    task = qk.put("b", "--after", str(first))
    script = 'read -r line; [ "$line" = a ] && echo left by a || "$0" results "$QK_ID" --json'
    done = qk("work", "default", "--burst", "--", "bash", "-c", script, str(QK))
    assert done.returncode == 0, done
    assert '"result":"left by a' in qk.show(task)["result"]
