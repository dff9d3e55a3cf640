"""A hint that is heard in the midst of a look is followed up like one that comes while the thread sleeps."""

from __future__ import annotations

import fcntl
import math
import os
from pathlib import Path

import pytest

from queuekit.wake import Wake
from queuekit.wake.inotify import Inotify

LOOK = 20  # so many looks after the beginning the pauses are long


def test_a_hint_that_comes_in_a_look_shortens_the_pauses(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    with Wake(db, fallback=math.inf, method="poll", poll=math.inf) as wake:

        def read(_: object) -> float:
            if len(pauses) == LOOK:
                wake.notify()
            return math.inf

        def rest(sleeper: object, seconds: float) -> None:
            pauses.append(seconds)

        monkeypatch.setattr(wake, "_longest_pause", read)
        monkeypatch.setattr(wake, "_rest", rest)
        assert wake.wait(lambda: len(pauses) > LOOK + 2, None)
    assert pauses[LOOK - 1] == math.inf
    assert pauses[LOOK] < pauses[LOOK + 1] < 0.001


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="inotify is Linux")
def test_no_program_that_is_started_meanwhile_inherits_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: object) -> None:
        raise AssertionError("too late for a thread that starts a program just then")

    monkeypatch.setattr(os, "set_inheritable", late)
    watch = Inotify(str(tmp_path))
    assert fcntl.fcntl(watch._events, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    assert not os.get_blocking(watch._events)
    watch.close()
