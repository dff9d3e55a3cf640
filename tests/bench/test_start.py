"""The figures of whole commands: that each is there and is a figure, not how large it is."""

from __future__ import annotations

from tests.bench.start import measure


def test_every_whole_command_is_measured() -> None:
    rows = {row["name"]: row for row in measure(1, 1)}
    for name in ("sqlite3 insert", "qk put", "cron-put", "on-fail false", "python -c pass", "queuekit put"):
        assert rows[name]["unit"] == "ms"
        assert rows[name]["value"] > 0
    goals = {name: row["goal"] for name, row in rows.items()}
    assert goals["qk put / sqlite3 insert"] == 2
    assert goals["git-post-commit"] == 10
    assert goals["import queuekit - python -c pass"] == 40
    assert goals["queuekit put"] == 120
