"""A flow written down: TOML, JSON or YAML; and what is wrong with it in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from queuekit import Queue, Usage
from queuekit.flow_file import read
from tests.cli.program import QUEUEKIT, run

TOML = """
name = "images"
queue = "img"
[steps.publish]
after = ["small", "large"]
payload = "go"
[steps.fetch]
payload = {url = "x"}
kind = "fetch"
priority = "high"
[steps.small]
after = "fetch"
[steps.large]
after = ["fetch"]
on_failure = "run"
delay = "5m"
"""
YAML = """
name: images
queue: img
steps:
  fetch: {payload: {url: x}, kind: fetch, priority: high}
  small: {after: fetch}
  large: {after: [fetch], on_failure: run, delay: 5m}
  publish: {after: [small, large], payload: go}
"""
JSON = json.dumps(
    {
        "name": "images",
        "queue": "img",
        "steps": {
            "fetch": {"payload": {"url": "x"}, "kind": "fetch", "priority": "high"},
            "small": {"after": "fetch"},
            "large": {"after": ["fetch"], "on_failure": "run", "delay": "5m"},
            "publish": {"after": ["small", "large"], "payload": "go"},
        },
    }
)


@pytest.mark.parametrize(("suffix", "text"), [("toml", TOML), ("yaml", YAML), ("yml", YAML), ("json", JSON)])
def test_every_format_tells_the_same_flow(tmp_path: Path, queue: Queue, suffix: str, text: str) -> None:
    path = tmp_path / f"flow.{suffix}"
    path.write_text(text)
    flow = read(path).put(queue.database)
    rows = flow.tasks()
    id = {row["name"]: row["id"] for row in rows}
    assert {row["name"]: set(row["after"]) for row in rows} == {
        "fetch": set(),
        "small": {id["fetch"]},
        "large": {id["fetch"]},
        "publish": {id["small"], id["large"]},
    }
    fetch = queue.show(id["fetch"])
    assert (fetch["queue"], fetch["kind"], fetch["priority"], fetch["payload"]) == (
        "img",
        "fetch",
        10,
        '{"url":"x"}',
    )
    assert flow.show()["name"] == "images"


WRONG = [
    ("flow.txt", TOML, "toml, .json or .yaml"),
    ("flow.toml", "[steps", "not a toml file"),
    ("flow.json", "{", "not a json file"),
    ("flow.yaml", "a: [", "not a yaml file"),
    ("flow.yaml", "!!python/object/apply:os.system ['true']", "not a yaml file"),
    ("flow.json", "[]", "expected a table"),
    ("flow.toml", "name = 'x'", "expected a table of steps"),
    ("flow.toml", "nmae = 'x'\n[steps.a]", "nmae: no such key"),
    ("flow.toml", "[steps.a]\nafer = 'b'", "afer: no such key"),
    ("flow.toml", "[steps.a]\nafter = 'b'", "there is no step 'b'"),
    ("flow.toml", "[steps.a]\nafter = 5", "names of steps"),
    ("flow.toml", "[steps.a]\ndelay = 'soon'", "not a duration"),
    ("flow.toml", "steps = 5", "expected a table of steps"),
    ("flow.json", '{"steps": {"a": 5}}', "expected a table"),
    ("flow.toml", "name = 5\n[steps.a]", "expected text"),
    ("flow.toml", "[steps.a]\n[steps.a]", "not a toml file"),
    ("flow.json", '{"steps": {"a": {"payload": 1}, "a": {"payload": 2}}}', "a stands there twice"),
    ("flow.yaml", "steps: {a: {payload: 1}, a: {payload: 2}}", "a stands there twice"),
    ("flow.json", '{"steps": {"a\\u0000b": {}}}', "text without NUL"),
    ("flow.json", '{"steps": {"a": {"payload": "a\\u0000b"}}}', "without NUL"),
    ("flow.toml", "[steps.a]\nkind = {a = 1}", "the kind of a step is text"),
    ("flow.toml", "[steps.a]\ngroup = ['a']", "the group of a step is text"),
    ("flow.toml", "[steps.a]\nqueue = 1", "the queue of a step is text"),
    ("flow.toml", "[steps.a]\npriority = true", "not True"),
]


@pytest.mark.parametrize(("name", "text", "words"), WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, name: str, text: str, words: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(Usage) as refused:
        read(path)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_command_puts_shows_cancels_and_retries(tmp_path: Path) -> None:
    db, path = tmp_path / "queue.db", tmp_path / "flow.toml"
    path.write_text(TOML.replace('delay = "5m"', ""))
    run(QUEUEKIT, "init", db=db)
    assert run(QUEUEKIT, "flow", "run", str(path), db=db).stdout == b"1\n"
    shown = run(QUEUEKIT, "flow", "show", "1", db=db).stdout.decode()
    assert shown.splitlines()[0] == "flow 1 images: 0 done, 0 failed, 4 to go of 4"
    assert "└─" in shown
    assert "--> " in run(QUEUEKIT, "flow", "show", "1", "--draw", "mermaid", db=db).stdout.decode()
    assert run(QUEUEKIT, "flow", "cancel", "1", "--json", db=db).stdout == b'{"id":1,"tasks":4}\n'
    assert run(QUEUEKIT, "flow", "retry", "1", "--json", db=db).stdout == b'{"id":1,"tasks":4}\n'
    listed = json.loads(run(QUEUEKIT, "flow", "ls", "--json", db=db).stdout)
    assert (listed["name"], listed["unfinished"]) == ("images", 4)
    assert run(QUEUEKIT, "flow", "show", "9", db=db).returncode == 66
    for wrong in (["run", str(tmp_path / "none.toml")], ["run"], ["burn", "1"], ["show", "x"]):
        done = run(QUEUEKIT, "flow", *wrong, db=db)
        assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
