"""Fair claims: each share of the work has its turn, whoever claims what meanwhile."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing

import pytest
from begun import NOW
from client_python import Python
from client_raw import Raw
from clients import Client


def order(client: Client, **choice: object) -> list[str]:
    """The payloads in the order of claims, to the last."""
    found = []
    while task := client.claim(now=NOW, **choice):
        found.append(task["payload"])
    return found


def shares_of(client: Client, *workers: str | None) -> str:
    """The first letters of the payloads that workers with these capabilities get, one after the other."""
    tasks = [client.claim(now=NOW, capabilities=words) for words in workers]
    return "".join(task["payload"][0] if task else "-" for task in tasks)


def put_shares(client: Client, shares: str, **options: object) -> None:
    for n, share in enumerate(shares):
        client.put(f"{share}{n}", share=share, now=NOW, **options)


def test_each_share_has_its_turn(client: Client) -> None:
    client.policy(strategy="fair")
    put_shares(client, "aaaabbc")
    assert order(client) == ["a0", "b4", "c6", "a1", "b5", "a2", "a3"]


def test_what_has_no_share_is_a_share_of_its_own(client: Client) -> None:
    client.policy(strategy="fair")
    put_shares(client, "aa")
    client.put("none", now=NOW)
    assert sorted(order(client)[:2]) == ["a0", "none"]


def test_priority_comes_before_fairness(client: Client) -> None:
    client.policy(strategy="fair")
    put_shares(client, "ab")
    put_shares(client, "aa", priority="high")
    assert order(client) == ["a0", "a1", "a0", "b1"]


def test_a_crowd_of_one_share_does_not_keep_the_others_waiting(client: Client) -> None:
    client.policy(strategy="fair")
    client.put_many(["crowd"] * 50, share="a", now=NOW)
    put_shares(client, "bc")
    assert {task["payload"] for task in client.claim_many(3, now=NOW)} == {"crowd", "b0", "c1"}


def test_by_priority_a_share_means_nothing(client: Client) -> None:
    put_shares(client, "zya")
    assert order(client) == ["z0", "y1", "a2"]


def test_a_priority_does_not_make_another_forget_whose_turn_it_is(client: Client) -> None:
    client.policy(strategy="fair")
    put_shares(client, "aaazzz")
    served = ""
    for _ in range(3):
        put_shares(client, "m", priority="high")
        served += shares_of(client, None, None, None)
        put_shares(client, "m", priority="high")
        served += shares_of(client, None)
    assert served == "mazmmazm" + "mazm"


def test_who_can_do_less_takes_no_turn_from_who_can_do_more(client: Client) -> None:
    client.policy(strategy="fair")
    put_shares(client, "aaaazzzz")
    put_shares(client, "mmm", require="gpu")
    assert shares_of(client, "gpu", None, "gpu", None, "gpu", None) == "azmamz"


def test_what_requires_something_has_turns_of_its_own(client: Client) -> None:
    client.policy(strategy="fair")
    put_shares(client, "aabb", require="gpu")
    put_shares(client, "aabb")
    assert sorted(shares_of(client, *["gpu"] * 4)) == ["a", "a", "b", "b"]
    assert sorted(shares_of(client, *["gpu"] * 4)) == ["a", "a", "b", "b"]


def test_who_comes_late_does_not_catch_up_on_what_he_missed(client: Client) -> None:
    client.policy(strategy="fair")
    put_shares(client, "aaaaaa")
    put_shares(client, "m", require="gpu")
    shares_of(client, "gpu", "gpu", *[None] * 3)
    put_shares(client, "mmmm", require="gpu")
    put_shares(client, "aaaa")
    assert shares_of(client, *["gpu"] * 6).count("a") >= 2


# --- in the long run ------------------------------------------------------------------------------------------------


@pytest.fixture
def python(raw: Raw) -> Iterator[Python]:
    with closing(Python(raw.db)) as client:
        yield client


def test_every_share_gets_exactly_as_much_while_all_have_work(python: Python) -> None:
    queue = python.queue()
    queue.policy(strategy="fair")
    served: Counter[str] = Counter(dict.fromkeys("abcdefg", 0))
    with queue.database.transaction():
        for share in served:
            queue.put_many([share] * (200 if share == "c" else 20), share=share, now=NOW)
        for n in range(210):
            if n % 3 == 0:
                queue.put("urgent", share="c", priority="high", now=NOW)
            task = queue.claim(now=NOW)
            assert task is not None
            if task.payload in served:
                served[task.payload] += 1
                assert max(served.values()) - min(served.values()) <= 1
    assert set(served.values()) == {20}


WORKERS = (None, "gpu", "gpu ssd", "ssd")
LANES = ("", "gpu", "ssd")


@pytest.mark.parametrize("seed", range(3))
def test_no_share_starves_whatever_is_interleaved(python: Python, seed: int) -> None:
    """Of all claims that could have taken a share, few pass it over: two for each that competes with it, and a few."""
    dice = random.Random(seed)
    queues = [python.queue(strategy="fair", capabilities=words) for words in WORKERS]
    database = queues[0].database
    waiting: dict[tuple[int, str, str], int] = defaultdict(int)
    passed: Counter[tuple[int, str, str]] = Counter()
    longest = 0

    def put(priority: int, lane: str, share: str) -> None:
        queues[0].put(f"{priority}/{lane}/{share}", priority=priority, require=lane, share=share, now=NOW)
        waiting[priority, lane, share] += 1

    with database.transaction():
        for lane in LANES:
            for share in "abcd":
                for _ in range(dice.randint(20, 60)):
                    put(0, lane, share)
        for _ in range(500):
            if dice.random() < 0.4:
                put(5, dice.choice(LANES), dice.choice("abcd"))
            number = dice.randrange(len(WORKERS))
            task = queues[number].claim(now=NOW)
            if task is None:
                continue
            priority, lane, share = task.payload.split("/")
            taken = int(priority), lane, share
            waiting[taken] -= 1
            passed[taken] = 0
            for group, left in waiting.items():
                if left and group[0] == taken[0] and group != taken and group[1] in f" {WORKERS[number]} ":
                    passed[group] += 1
                    longest = max(longest, passed[group])
    assert longest <= 2 * len(LANES) * 4 + 4
