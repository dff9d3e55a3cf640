"""A task that requires something is taken only by a worker that can do all of it."""

from __future__ import annotations

import pytest
from begun import NOW
from client_raw import Raw
from clients import Client

from queuekit import Refused


def taken(client: Client, capabilities: str | None = None) -> list[str]:
    found = []
    while task := client.claim(now=NOW, capabilities=capabilities):
        found.append(task["payload"])
    return found


def test_a_worker_without_capabilities_takes_what_requires_nothing(client: Client) -> None:
    client.put("plain", now=NOW)
    client.put("gpu", require="gpu", now=NOW)
    assert taken(client) == ["plain"]


def test_a_worker_takes_what_it_can_do_and_what_requires_nothing(client: Client) -> None:
    client.put("both", require="gpu region=us", now=NOW)
    client.put("gpu", require="gpu", now=NOW)
    client.put("plain", now=NOW)
    client.put("elsewhere", require="gpu region=eu", now=NOW)
    assert taken(client, "gpu region=us ssd") == ["both", "gpu", "plain"]


def test_half_of_it_is_not_enough(client: Client) -> None:
    client.put("both", require="gpu region=us", now=NOW)
    assert taken(client, "gpu") == taken(client, "region=us") == []


@pytest.mark.parametrize("written", ["b a", "a b", " b  a ", "b a b"])
def test_the_order_of_the_words_does_not_matter(client: Client, written: str) -> None:
    client.put("x", require=written, now=NOW)
    assert taken(client, "b a") == ["x"]


def test_a_capability_counts_once_however_often_it_is_named(client: Client) -> None:
    """A word named again would make the claim look for the same sets again. (sql/claim.sql wants each once.)"""
    for words in ("a", "a b", "a b c", "a b c d"):
        client.put(words, require=words, now=NOW)
    times = 1 if type(client) is Raw else 40
    assert taken(client, " ".join(["d c b a"] * times)) == ["a", "a b", "a b c", "a b c d"]


def test_a_word_is_not_its_beginning(client: Client) -> None:
    client.put("x", require="gpu2", now=NOW)
    client.put("y", require="gpu-large gpu2", now=NOW)
    assert taken(client, "gpu") == []
    assert taken(client, "gpu2 gpu-large") == ["x", "y"]


def test_capabilities_do_not_change_the_order(client: Client) -> None:
    client.put("low", require="z", priority=1, now=NOW)
    client.put("high", require="a", priority=5, now=NOW)
    client.put("middle", priority=3, now=NOW)
    client.put("high too", priority=5, now=NOW)
    assert taken(client, "a z") == ["high", "high too", "middle", "low"]


def test_every_strategy_heeds_them(client: Client) -> None:
    for strategy in ("fifo", "lifo", "random", "fair", "priority"):
        client.put("no", require="other", now=NOW)
        client.put("yes", require="gpu", now=NOW)
        task = client.claim(now=NOW, strategy=strategy, capabilities="gpu")
        assert (task or {}).get("payload") == "yes"
        assert client.claim(now=NOW, strategy=strategy, capabilities="gpu") is None


@pytest.mark.parametrize("bad", ["a*b", "[x]", 'a"b', "größe", "a,b", "a'b"])
def test_a_requirement_is_plain_words(client: Client, bad: str) -> None:
    with pytest.raises(Refused, match=r"QK025|QK024|malformed"):
        client.put("x", require=bad, now=NOW)
    assert client.listed() == []
