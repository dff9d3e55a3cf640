"""The daemon's TOML file, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from queuekit import Usage, config
from queuekit.config import Config, QueueConfig


def load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "daemon.toml"
    path.write_text(text)
    return Config.load(path)


def test_a_full_file_is_read(tmp_path: Path) -> None:
    text = """
        database = "data/q.db"
        [daemon]
        log = "json"
        grace = "1m"
        fallback = 5
        purge_interval = "0"
        [[queue]]
        name = "mail"
        exec = "send --now"
        concurrency = 3
        lease = "90s"
        later = "500ms"
        [[queue]]
        name = "index"
        app = "shop.tasks:app"
        [[queue]]
        name = "list"
        exec = ["a", "b c"]
    """
    assert load(tmp_path, text) == Config(
        database=tmp_path / "data/q.db",
        queues=(
            QueueConfig("mail", exec="send --now", concurrency=3, lease=90, later=0.5),
            QueueConfig("index", app="shop.tasks:app"),
            QueueConfig("list", exec=["a", "b c"]),
        ),
        log="json",
        grace=60,
        fallback=5,
        purge_interval=0,
    )


def test_an_empty_file_keeps_house_for_the_default_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUEKIT_DB", "/somewhere/q.db")
    assert load(tmp_path, "") == Config(database=Path("/somewhere/q.db"))


def test_the_example_in_the_documentation_is_read(tmp_path: Path) -> None:
    assert config.__doc__
    assert load(tmp_path, config.__doc__.partition("\n\n")[2]).queues[0].name == "notifications"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("database = 3", "database: expected text, not 3"),
        ("databse = 'x'", "databse: no such key; known are database, daemon, queue"),
        ("daemon = 1", "daemon: expected a [table], not 1"),
        ("[daemon]\nlog = 'xml'", 'daemon: log: expected "human" or "json", not \'xml\''),
        (
            "[daemon]\ngrace = 'soon'",
            'daemon: grace: expected a duration such as 1.5, "90s" or "10m", not \'soon\'',
        ),
        ("[daemon]\nfallback = 0", "daemon: fallback: expected a duration above 0, not 0"),
        ("[daemon]\npurge = 1", "daemon: purge: no such key"),
        ("[queue]\nname = 'a'", "queue: expected [[queue]] tables"),
        ("[[queue]]\nexec = 'true'", "queue 1: name: the name of a queue is missing"),
        ("[[queue]]\nname = 'a'", 'queue 1: exec: give either exec = "COMMAND" or app = "module:object"'),
        ("[[queue]]\nname = 'a'\nexec = 'true'\napp = 'm:o'", "queue 1: exec: give either"),
        ("[[queue]]\nname = 'a'\nexec = 'true'\n[[queue]]\nname = ''", "queue 2: name: expected text"),
        (
            "[[queue]]\nname = 'a'\nexec = []",
            "queue 1: exec: expected a command, as text or a list of words, not []",
        ),
        ("[[queue]]\nname = 'a'\nexec = ' '", "queue 1: exec: expected a command"),
        ("[[queue]]\nname = 'a'\nexec = [1]", "queue 1: exec: expected a command"),
        (
            "[[queue]]\nname = 'a'\nexec = 'x'\nconcurrency = 0",
            "concurrency: expected a whole number above 0, not 0",
        ),
        ("[[queue]]\nname = 'a'\nexec = 'x'\nconcurrency = true", "queue 1: concurrency: expected"),
        ("[[queue]]\nname = 'a'\nexec = 'x'\nlease = -1", "queue 1: lease: expected a duration"),
        ("[[queue]]\nname = 'a'\nexec = 'x'\nlease = nan", "queue 1: lease: expected a duration"),
        ("= 3", "not a TOML file"),
        ("\n[daemon", "not a TOML file"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_file_key_and_what_is_expected(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(Usage) as caught:
        load(tmp_path, text)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}/daemon.toml: ")
    assert words in said
    assert "\n" not in said


def test_a_missing_file_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Usage, match=r"no\.toml: cannot be read \(No such file"):
        Config.load(tmp_path / "no.toml")


def test_a_file_that_is_no_text_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff")
    with pytest.raises(Usage, match="not a TOML file"):
        Config.load(tmp_path / "x.toml")
