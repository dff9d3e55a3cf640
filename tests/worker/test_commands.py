"""A command as handler: what it gets, and what its exit means."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from workshop import run_command

from queuekit import Batch, Queue, Usage
from queuekit.process import Command

QK = Path(__file__).parents[2] / "bin" / "qk"
HOSTILE = "'\"$(touch pwned)`x`\\ \r\n.leading\n-n\n\t\x01\x7f ünï ☃ 𝄞 %s\\n\n\n"


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def run_one(q: Queue, script: str, **put: object) -> dict[str, object]:
    id = q.put("payload", **put)  # type: ignore[arg-type]
    run_command(q, shell(script))
    return q.show(id)


def test_exit_0_is_an_ack_with_stdout_as_the_result(q: Queue) -> None:
    task = run_one(q, "printf 'all is well'; echo noise >&2")
    assert (task["state"], task["result"], task["error"]) == ("done", "all is well", None)


def test_no_output_is_no_result(q: Queue) -> None:
    assert run_one(q, ":")["result"] is None


def test_exit_75_releases_the_task_for_ten_seconds_without_counting_a_failure(q: Queue) -> None:
    task = run_one(q, "echo resting >&2; exit 75")
    assert (task["state"], task["failures"]) == ("scheduled", 0)
    (run,) = task["runs"]
    assert run["outcome"] == "released"
    assert task["due_at"] == run["ended_at"] + 10_000


def test_exit_65_makes_the_task_dead_at_once(q: Queue) -> None:
    task = run_one(q, "echo 'no such user' >&2; exit 65")
    assert (task["state"], task["error"]) == ("dead", "exit 65: no such user")


def test_any_other_exit_is_a_failure_with_the_last_line_of_stderr(q: Queue) -> None:
    task = run_one(q, "echo first >&2; echo 'the  last' >&2; echo >&2; exit 3")
    assert (task["state"], task["failures"], task["error"]) == ("scheduled", 1, "exit 3: the  last")


def test_a_failure_without_words_tells_its_exit(q: Queue) -> None:
    assert run_one(q, "exit 4")["error"] == "exit 4"


def test_a_signal_is_a_failure_that_names_the_signal(q: Queue) -> None:
    task = run_one(q, "kill -KILL $$")
    assert (task["state"], task["failures"], task["error"]) == ("scheduled", 1, "signal 9 (SIGKILL)")


def test_the_last_attempt_that_fails_makes_the_task_dead(q: Queue) -> None:
    assert run_one(q, "exit 1", max_attempts=1)["state"] == "dead"


def test_the_environment_tells_the_task(q: Queue, db: Path) -> None:
    names = "QK_ID QK_RECEIPT QK_QUEUE QK_KIND QK_KEY QK_ATTEMPT QK_DB"
    script = f'for name in {names}; do eval "printf \'%s|\' \\"\\${{$name-unset}}\\""; done'
    key = "it's a 'key' $(x)\nwith a line"
    task = run_one(q, script, kind="mail", key=key)
    assert task["result"] == f"{task['id']}|{task['id']}:1|default|mail|{key}|1|{db}|"


def test_a_task_without_key_and_kind_has_them_empty_and_set(q: Queue) -> None:
    assert run_one(q, 'set -u; printf \'[%s][%s]\' "$QK_KEY" "$QK_KIND"')["result"] == "[][]"


def test_the_attempt_counts_the_failures(q: Queue) -> None:
    id = q.put("x", backoff=0)
    task = q.claim()
    assert task
    task.nack("no", delay=0)
    run_command(q, shell('printf %s "$QK_ATTEMPT"'))
    assert q.show(id)["result"] == "2"


@pytest.mark.parametrize(
    "payload", [HOSTILE, "", "x", '{"a": 1}', HOSTILE * 20_000], ids=lambda text: f"{len(text)}"
)
def test_the_payload_is_on_stdin_byte_for_byte(q: Queue, tmp_path: Path, payload: str) -> None:
    q.put(payload)
    run_command(q, ["dd", "bs=65536", "status=none", f"of={tmp_path}/seen"])
    assert (tmp_path / "seen").read_bytes() == payload.encode()


def test_a_command_that_does_not_read_its_stdin_does_no_harm(q: Queue) -> None:
    id = q.put("x" * 1_000_000)
    run_command(q, "true")
    assert q.show(id)["state"] == "done"


def test_the_result_is_the_first_64_kilobytes_of_stdout(q: Queue) -> None:
    task = run_one(q, "head -c 65000 /dev/zero | tr '\\0' a; head -c 3000000 /dev/zero | tr '\\0' b")
    assert task["result"] == "a" * 65_000 + "b" * (65_536 - 65_000)


def test_bytes_that_are_no_text_are_replaced_in_the_result(q: Queue) -> None:
    assert run_one(q, r"printf 'a\377b\000c'")["result"] == "a\ufffdb\ufffdc"


def test_a_flood_on_both_outputs_neither_blocks_nor_hides_the_last_line(q: Queue) -> None:
    flood = "head -c 2000000 /dev/zero | tr '\\0' x"
    assert run_one(q, f"{flood} >&2; {flood}; echo >&2; echo end >&2; exit 1")["error"] == "exit 1: end"


def test_a_child_left_in_the_background_does_not_hold_the_task(q: Queue, tmp_path: Path) -> None:
    task = run_one(q, f"sleep 300 & echo $! >{tmp_path}/pid; echo ok")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert (task["state"], task["result"]) == ("done", "ok\n")


def test_a_command_given_as_text_is_split_without_a_shell(q: Queue) -> None:
    id = q.put("x")
    run_command(q, "printf '%s|' 'a b' $HOME ;")
    assert q.show(id)["result"] == "a b|$HOME|;|"


def test_a_command_inherits_no_descriptor_of_the_database(q: Queue) -> None:
    result = str(run_one(q, "ls -l /proc/self/fd")["result"])
    assert "pipe:" in result
    assert "queue.db" not in result


def test_a_command_leads_a_process_group_of_its_own(q: Queue) -> None:
    pid, group = str(run_one(q, "cut -d' ' -f1,5 /proc/$$/stat")["result"]).split()
    assert pid == group


@pytest.mark.parametrize("command", ["no-such-program x", "", "   ", "an 'open quote", [], ["/etc/passwd"]])
def test_a_command_that_cannot_run_is_refused_before_any_task_is_claimed(
    db: Path, command: str | list[str]
) -> None:
    with pytest.raises(Usage):
        Command(command, database=db)


def test_a_task_that_cannot_even_be_started_is_a_failure(q: Queue) -> None:
    task = run_one(q, ":", key="k" * 3_000_000)
    assert task["state"] == "scheduled"
    assert "Argument list too long" in str(task["error"])


@pytest.mark.parametrize("tool", ["qk", "queuekit"])
def test_a_command_reads_the_results_of_those_it_waited_for(q: Queue, tool: str) -> None:
    """Called without --db: the worker tells which file it is."""
    first = q.put("a")
    id = q.put("b", after=first)
    q.ack(q.claim().receipt, "left by a")  # type: ignore[union-attr]
    program = QK if tool == "qk" else f"{sys.executable} -m queuekit"
    run_command(q, shell(f'{program} results "$QK_ID" --json'))
    assert '"result":"left by a"' in str(q.show(id)["result"])


def test_the_command_of_a_callback_reads_how_its_batch_went(q: Queue) -> None:
    with Batch.open(q.database, "callback") as batch:
        q.put_many(["a", "b"], batch=batch.id)
    q.ack(q.claim().receipt)  # type: ignore[union-attr]
    q.nack(q.claim().receipt, dead=True)  # type: ignore[union-attr]
    run_command(q, shell(f'{QK} batch show --callback "$QK_ID" --json'))
    assert '"done":1,"failed":1' in str(q.show(1)["result"])
