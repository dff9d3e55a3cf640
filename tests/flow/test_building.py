"""A flow is built of steps; what is no flow is refused before anything is put."""

from __future__ import annotations

import pytest
from test_flow import NOW, run_all

from queuekit import BadPayload, Flow, FlowRun, Full, NoTask, Queue, Usage, chain, chord, group, step
from queuekit.flow import Part


def edges(flow: FlowRun) -> list[tuple[str, str]]:
    name = {row["id"]: row["name"] for row in flow.tasks()}
    return [(name[before], row["name"]) for row in flow.tasks() for before in row["after"]]


PARTS: list[tuple[Part, list[tuple[str, str]]]] = [
    (chain(step("a", name="a"), step("b", name="b"), step("c", name="c")), [("a", "b"), ("b", "c")]),
    (group(step("a", name="a"), step("b", name="b")), []),
    (
        chain(step("a", name="a"), group(step("b", name="b"), step("c", name="c")), step("d", name="d")),
        [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")],
    ),
    (chord([step("a", name="a"), step("b", name="b")], step("c", name="c")), [("a", "c"), ("b", "c")]),
    (
        group(
            chain(step("a", name="a"), step("b", name="b")), chain(step("c", name="c"), step("d", name="d"))
        ),
        [("a", "b"), ("c", "d")],
    ),
]


@pytest.mark.parametrize(("part", "expected"), PARTS, ids=["chain", "group", "both", "chord", "chains"])
def test_parts_are_joined(queue: Queue, part: Part, expected: list[tuple[str, str]]) -> None:
    assert sorted(edges(Flow("x", part).put(queue.database))) == expected


def test_steps_may_be_added_in_any_order(queue: Queue) -> None:
    flow = Flow()
    last = flow.add("last", "2")
    first = flow.add("first", "1")
    last.after.append(first)
    flow.put(queue.database, now=NOW)
    assert run_all(queue) == ["1", "2"]


def test_a_step_takes_what_put_takes(queue: Queue) -> None:
    options = {
        "kind": "k",
        "priority": "high",
        "delay": 5,
        "group": "g",
        "share": "s",
        "max_attempts": 3,
        "lease": 7,
    }
    flow = Flow(part=step({"n": 1}, queue="other", **options)).put(queue.database, now=NOW)  # type: ignore[arg-type]
    (row,) = flow.tasks()
    told = queue.show(row["id"])
    assert (told["queue"], told["kind"], told["priority"], told["max_attempts"]) == ("other", "k", 10, 3)
    assert (told["state"], told["due_at"], told["payload"]) == ("scheduled", NOW + 5000, '{"n":1}')


def test_a_circle_is_refused(queue: Queue) -> None:
    flow = Flow()
    a, b = flow.add("a", 1), flow.add("b", 2)
    a.after.append(b)
    b.after.append(a)
    with pytest.raises(Usage, match="circle"):
        flow.put(queue.database)
    assert queue.list() == []


@pytest.mark.parametrize(
    "make", [lambda one: [one, one], lambda one: [step("x", name="same"), step("y", name="same")]]
)
def test_what_is_no_flow_is_refused(queue: Queue, make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Usage, match=r"twice|two steps"):
        Flow(part=group(*make(step("x")))).put(queue.database)


def test_a_step_of_another_flow_cannot_be_waited_for(queue: Queue) -> None:
    flow = Flow()
    flow.add("a", 1, after=[step("elsewhere")])
    with pytest.raises(Usage, match="not in the flow"):
        flow.put(queue.database)


def test_all_of_it_is_put_or_nothing(queue: Queue) -> None:
    queue.policy(max_depth=3)
    with pytest.raises(Full):
        Flow("big", chain(*(step(n) for n in range(4)))).put(queue.database)
    assert queue.list() == []
    with pytest.raises(NoTask):
        FlowRun(queue.database, 1).show()


def test_a_part_without_a_step_is_as_if_it_were_not_there(queue: Queue) -> None:
    a, b = step("a", name="a"), step("b", name="b")
    flow = Flow(part=chain(group(), a, group(), chord([], group()), b, chain())).put(queue.database)
    assert edges(flow) == [("a", "b")]


def test_a_chord_stands_in_a_chord(queue: Queue) -> None:
    inner = chord([step(n, name=n) for n in "ab"], step("c", name="c"))
    flow = Flow(part=chord([inner, step("d", name="d")], step("e", name="e"))).put(queue.database)
    assert sorted(edges(flow)) == [("a", "c"), ("b", "c"), ("c", "e"), ("d", "e")]


def test_a_step_waits_for_a_part_as_for_a_step(queue: Queue) -> None:
    flow = Flow()
    a = flow.add("a", 1)
    b = flow.add("b", 2, after=a)
    flow.add("c", 3, after=[group(a, b)])
    assert sorted(edges(flow.put(queue.database))) == [("a", "b"), ("a", "c"), ("b", "c")]
    with pytest.raises(Usage, match="waits for steps, not for 'a'"):
        flow.add("d", 4, after=["a"])  # type: ignore[list-item]


@pytest.mark.parametrize("payload", ["a\0b", {"text": "a\0b"}, b"a\0b"])
def test_a_payload_is_never_cut_short(payload: object) -> None:
    if isinstance(payload, dict):
        assert step(payload).given["payload"] == '{"text":"a\\u0000b"}'
    else:
        with pytest.raises(BadPayload, match="NUL"):
            step(payload)


@pytest.mark.parametrize("what", ["name", "queue", "kind", "share", "group", "on_failure"])
@pytest.mark.parametrize("text", ["a\0b", 1, ["a"], {"a": 1}, True])
def test_a_name_is_text(what: str, text: object) -> None:
    with pytest.raises(Usage, match="text without NUL"):
        step("x", **{what: text})  # type: ignore[arg-type]


def test_a_name_that_is_not_given_is_none(queue: Queue) -> None:
    flow = Flow()
    flow.steps = [step("x", kind="k"), step("y", kind="k"), step("z")]
    assert [row["name"] for row in flow.put(queue.database).tasks()] == ["k", "k 2", "step"]
