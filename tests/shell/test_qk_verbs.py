"""qk claim and the verbs that move a task on."""

from __future__ import annotations

import json

import pytest
from shell_client import Qk


def test_claim_prints_the_task_as_one_line_of_json(qk: Qk) -> None:
    qk.put("--kind", "mail", "--key", "k", "a\nb")
    line = qk.out("claim", "--worker", "me", "--lease", "10m")
    assert line.count("\n") == 1
    task = json.loads(line)
    assert list(task) == ["id", "receipt", "queue", "kind", "key", "payload", "attempt", "lease_until"]
    assert task == {
        "id": 1,
        "receipt": "1:1",
        "queue": "default",
        "kind": "mail",
        "key": "k",
        "payload": "a\nb",
        "attempt": 1,
        "lease_until": task["lease_until"],
    }
    assert qk.sql("select worker, due_at - claimed_at from qk_task") == [["me", "600000"]]


@pytest.mark.parametrize("stop", [1500, 1000])
def test_more_than_a_thousand_are_claimed_by_a_strategy_too(qk: Qk, stop: int) -> None:
    """A thousand at a time: when the next thousand fails, those that were taken are told."""
    qk("put", "--lines", stdin=b"x\n" * 1600)
    qk.sql(f"""create trigger stop after update on qk_task
        when new.state = 'running' and (select count(*) from qk_task where state = 'running') > {stop}
        begin select raise(abort, 'stop'); end""")
    done = qk("claim", "-n", "1500", "--strategy", "lifo")
    taken = done.stdout.count(b"\n")
    assert (done.returncode, taken) == (0, stop)
    assert qk.sql("select count(*), min(id) from qk_task where state = 'running'") == [
        [str(stop), str(1601 - stop)]
    ]


def test_nothing_to_claim_is_exit_3_in_silence(qk: Qk) -> None:
    qk.put("-q", "other", "a")
    for options in ([], ["-n", "5"]):
        done = qk("claim", *options)
        assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")


def test_claim_of_many_prints_a_line_each_the_highest_priority_first(qk: Qk) -> None:
    for priority in (1, 5, 3, 5):
        qk.put("--priority", str(priority), "p")
    lines = qk.out("claim", "-n", "3").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [2, 4, 3]
    assert len(qk.out("claim", "-n9").splitlines()) == 1


def test_claim_alone_makes_delays_and_leases_fall_due(qk: Qk) -> None:
    qk.put("p", "--delay", "1h", "--backoff", "0")
    qk.sql("update qk_task set due_at = 1000 where id = 1")
    assert qk.claim("--lease", "1ms")["attempt"] == 1
    qk.sql("insert into qk_tick (now) select now + 10000 from qk_clock; update qk_task set due_at = 1000")
    assert qk.claim()["attempt"] == 2


def test_the_verbs_of_a_receipt_are_silent(qk: Qk) -> None:
    qk.put("p", "--backoff", "0")
    assert qk.out("extend", qk.claim()["receipt"], "--lease", "2h") == ""
    assert qk.out("release", "1:1") == ""
    assert qk.out("nack", qk.claim()["receipt"], "--error", "no") == ""
    assert qk.show(1)["error"] == "no"
    assert qk.out("ack", qk.claim()["receipt"], "--result", "yes") == ""
    assert (qk.show(1)["state"], qk.show(1)["result"]) == ("done", "yes")
    assert [run["outcome"] for run in qk.show(1)["runs"]] == ["released", "failed"]


def test_with_json_they_print_their_row(qk: Qk) -> None:
    for _ in range(3):
        qk.put("p")
    qk.out("claim", "-n", "3")
    extended = json.loads(qk.out("extend", "1:1", "--json"))
    assert (list(extended), extended["cancel_at"]) == (["id", "lease_until", "cancel_at"], None)
    assert json.loads(qk.out("ack", "1:1", "--json")) == {"id": 1, "state": "done"}
    assert json.loads(qk.out("release", "2:1", "--json")) == {"id": 2, "state": "ready"}
    assert json.loads(qk.out("nack", "3:1", "--dead", "--json")) == {
        "id": 3,
        "state": "dead",
        "failures": 1,
        "due_at": None,
    }
    assert json.loads(qk.out("cancel", "2", "--json")) == {"id": 2, "state": "cancelled"}
    assert json.loads(qk.out("retry", "3", "--json")) == {"id": 3, "state": "ready"}


@pytest.mark.parametrize("verb", ["ack", "nack", "extend", "release"])
def test_a_lost_lease_is_exit_4_and_an_unknown_task_66(qk: Qk, verb: str) -> None:
    qk.put("p")
    qk.refused(4, verb, "1:1")
    receipt = qk.claim()["receipt"]
    for stale in ("1:0", "1:2", "01:1"):
        assert "lost" in qk.refused(4, verb, stale)
    for nonsense in ("1", "1:", " 1:1", "1:1 ", "1:1:1", "x", ""):
        assert "takes a receipt" in qk.refused(2, verb, nonsense)
    qk.refused(66, verb, "99:1")
    qk.out(verb, receipt)
    if verb != "extend":
        qk.refused(4, verb, receipt)


def test_nack_waits_as_told(qk: Qk) -> None:
    qk.put("p")
    qk.out("nack", qk.claim()["receipt"], "--delay", "1h")
    assert qk.sql("select state, due_at - ended_at from qk_task") == [["scheduled", "3600000"]]


def test_release_waits_as_told_and_costs_no_attempt(qk: Qk) -> None:
    qk.put("p")
    qk.out("release", qk.claim()["receipt"], "--delay", "1h")
    assert qk.sql("select state, due_at - ended_at, failures from qk_task") == [["scheduled", "3600000", "0"]]


def test_cancel_and_retry_take_many_ids_and_do_what_can_be_done(qk: Qk) -> None:
    for _ in range(3):
        qk.put("p")
    done = qk("cancel", "1", "99", "3")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (66, b"", 1)
    assert qk.sql("select state from qk_task order by id") == [["cancelled"], ["ready"], ["cancelled"]]
    assert "finished already" in qk.refused(4, "cancel", "1")
    assert "not finished" in qk.refused(4, "retry", "2")
    qk.out("retry", "1", "3", "--delay", "1h")
    assert qk.sql("select state from qk_task order by id") == [["scheduled"], ["ready"], ["scheduled"]]


def test_a_running_task_is_asked_to_stop_and_hears_it_at_extend(qk: Qk) -> None:
    qk.put("p")
    receipt = qk.claim()["receipt"]
    assert json.loads(qk.out("cancel", "1", "--json"))["state"] == "running"
    assert json.loads(qk.out("extend", receipt, "--json"))["cancel_at"] is not None
    qk.out("release", receipt)
    assert qk.show(1)["state"] == "cancelled"


def test_tick_moves_all_that_is_due(qk: Qk) -> None:
    qk.out("put", "--lines", "--delay", "1h", stdin=b"p\n" * 2500)
    qk.sql("update qk_task set due_at = id")
    assert qk.out("tick") == ""
    assert qk.sql("select state, count(*) from qk_task group by 1") == [["ready", "2500"]]


def test_purge_forgets_what_is_done_and_keeps_what_is_dead(qk: Qk) -> None:
    qk.out("put", "--lines", stdin=b"p\n" * 6)
    qk.out("claim", "-n", "3")
    qk.out("ack", "1:1")
    qk.out("nack", "2:1", "--dead")
    qk.out("cancel", "4")
    assert json.loads(qk.out("purge", "--json")) == {"purged": 0}
    assert qk.out("purge", "--older", "0") == ""
    assert qk.sql("select id from qk_task") == [["2"], ["3"], ["5"], ["6"]]
    assert json.loads(qk.out("purge", "--older", "0", "--state", "dead", "--json")) == {"purged": 1}
    qk.refused(2, "purge", "--state", "ready")


def test_purge_works_in_bites(qk: Qk) -> None:
    qk.sql("""with recursive n(i) as (select 1 union all select i + 1 from n where i < 25000)
              insert into qk_task (payload) select i from n;
              update qk_task set state = 'cancelled', ended_at = 1000;""")
    assert json.loads(qk.out("purge", "--json")) == {"purged": 24999}
    assert json.loads(qk.out("purge", "--json")) == {"purged": 0}
