"""Pages a verb writes, exactly: they do not depend on the machine, so they may be asserted (a time may not)."""

from __future__ import annotations

import pytest

from tests.bench.frames import per_verb

# Means over 200 tasks of 200 bytes; the fractions are pages that were split.
EXPECTED = {
    "put": 2.35,
    "claim": 2.09,
    "extend": 1.06,
    "ack": 1.0,
    "put with a key": 3.44,
    "put, duplicate": 1.0,
    "claim with a key": 2.09,
    "nack": 3.26,
    "tick, nothing due": 0.0,
    "claim again": 2.1,
    "release": 3.58,
    "cancel": 3.08,
}


# With history events on: a page more for each change of state, and a row of their book now and then.
WITH_EVENTS = {
    "put": 3.44,
    "claim": 3.22,
    "extend": 1.06,
    "ack": 2.08,
    "put with a key": 4.52,
    "put, duplicate": 1.0,
    "claim with a key": 3.23,
    "nack": 4.35,
    "tick, nothing due": 0.0,
    "claim again": 3.2,
    "release": 4.71,
    "cancel": 4.18,
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    return per_verb(tmp_path_factory.mktemp("frames"))


@pytest.fixture(scope="module")
def told_with_events(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    return per_verb(tmp_path_factory.mktemp("frames"), events=True)


@pytest.mark.parametrize("verb", EXPECTED)
def test_a_verb_writes_just_these_pages(told: dict[str, float], verb: str) -> None:
    assert told[verb] == EXPECTED[verb]


@pytest.mark.parametrize("verb", WITH_EVENTS)
def test_so_it_does_with_events_on(told_with_events: dict[str, float], verb: str) -> None:
    assert told_with_events[verb] == WITH_EVENTS[verb]
