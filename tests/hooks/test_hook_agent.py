"""agent-stop: the JSON of a Stop hook on stdin."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from scene import HOOKS, LIMIT, SHELLS, Result, documented, spooled, tasks

Run = Callable[..., Result]
Silent = Callable[..., None]
STOP = HOOKS / "agent-stop"
SAID = {
    "session_id": "5e1f-9a",
    "transcript_path": "/home/me/.claude/projects/x/5e1f-9a.jsonl",
    "cwd": "/home/me/x",
    "hook_event_name": "Stop",
    "stop_hook_active": False,
}


def test_a_session_that_stops_is_a_task(db: Path, silent: Silent) -> None:
    silent(STOP, stdin=json.dumps(SAID).encode())
    (task,) = tasks(db)
    assert (task["queue"], task["kind"], task["key"]) == ("agent", "agent.stop", "5e1f-9a")


def install(silent: Silent) -> None:
    silent("bash", "-c", documented("agent-stop", "settings.json"))


def commands(folder: Path) -> list[str]:
    """The commands of the project's Stop hooks."""
    settings = json.loads((folder / ".claude/settings.json").read_text())
    return [hook["command"] for entry in settings["hooks"]["Stop"] for hook in entry["hooks"]]


def test_the_settings_of_the_how_to_run_the_hook(
    tmp_path: Path, db: Path, silent: Silent, env: dict[str, str]
) -> None:
    install(silent)
    env["HOME"] = str(shutil.copytree(env["HOME"], tmp_path / "my home $(x)", symlinks=True))
    (command,) = commands(tmp_path)
    silent("/bin/sh", "-c", command, stdin=json.dumps(SAID).encode())
    assert len(tasks(db)) == 1


def test_the_settings_keep_what_was_in_them(tmp_path: Path, silent: Silent) -> None:
    (tmp_path / ".claude").mkdir()
    mine = {"hooks": [{"type": "command", "command": "mine"}]}
    before = {"model": "x", "hooks": {"Start": [], "Stop": [mine]}, "nothing": None}
    (tmp_path / ".claude/settings.json").write_text(json.dumps(before))
    install(silent)
    after = json.loads((tmp_path / ".claude/settings.json").read_text())
    assert after["hooks"].pop("Stop")[0] == before["hooks"].pop("Stop")[0]  # type: ignore[attr-defined]
    assert after == before
    assert len(commands(tmp_path)) == 2


def test_settings_that_are_no_json_stay_as_they_are(tmp_path: Path, run: Run) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text("{ // a comment\n}")
    assert run("bash", "-c", documented("agent-stop", "settings.json")).returncode != 0
    assert (tmp_path / ".claude/settings.json").read_text() == "{ // a comment\n}"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(SAID),
        json.dumps(SAID, indent=4) + "\n\n",
        json.dumps(
            SAID | {"last_assistant_message": "it's 'q' \"w\" $(id) `id` \\ \\n \r\n é✓\u2028 %s"},
            ensure_ascii=False,
        ),
        '{"session_id":"s",\r\n.quit\r\n"x":1}\n.exit\n',
        "no JSON at all ' \" \\",
    ],
)
def test_the_payload_is_what_the_agent_gave_to_the_byte(db: Path, silent: Silent, text: str) -> None:
    silent(STOP, stdin=text.encode())
    assert [task["payload"] for task in tasks(db)] == [text]


def test_a_megabyte_arrives_whole(db: Path, silent: Silent) -> None:
    text = json.dumps(SAID | {"last_assistant_message": 'say "it\'s" \\ ' * 80_000})
    silent(STOP, stdin=text.encode())
    assert [task["payload"] == text for task in tasks(db)] == [True]


@pytest.mark.parametrize(
    "given", [{"separators": (",", ":")}, {}, {"indent": 2}, {"separators": (",", " :\t\n")}]
)
@pytest.mark.parametrize("first", [True, False])
def test_nothing_is_put_when_a_stop_hook_keeps_the_agent_going(
    db: Path, silent: Silent, given: dict[str, object], first: bool
) -> None:
    active = {"stop_hook_active": True}
    text = json.dumps({**active, **SAID, **active} if first else {**SAID, **active}, **given)  # type: ignore[arg-type]
    silent(STOP, stdin=text.encode())
    assert tasks(db) == spooled(db) == []


@pytest.mark.parametrize(
    "message",
    [
        '"stop_hook_active": true',
        '{"session_id": "evil", "stop_hook_active": true}',
        "stop_hook_active",
        "session_id",
        '\\"session_id":"x"',
    ],
)
def test_what_the_agent_says_is_not_taken_for_what_it_means(db: Path, silent: Silent, message: str) -> None:
    silent(STOP, stdin=json.dumps({"message": message, "list": [message, True], **SAID}).encode())
    assert [task["key"] for task in tasks(db)] == ["5e1f-9a"]


def test_the_same_session_twice_is_one_task(db: Path, silent: Silent) -> None:
    for _ in range(2):
        silent(STOP, stdin=json.dumps(SAID).encode())
    assert [task["duplicates"] for task in tasks(db)] == [1]


@pytest.mark.parametrize(
    ("one", "other"), [('a"b', 'a"c'), ("a\\", "a\\\\"), ("é", "è"), ("a'b", 'a"b'), ("a\nb", "a b")]
)
def test_two_sessions_are_two_tasks_whatever_they_are_called(
    db: Path, silent: Silent, one: str, other: str
) -> None:
    for session in (one, other):
        silent(STOP, stdin=json.dumps(SAID | {"session_id": session}, ensure_ascii=False).encode())
    assert len(tasks(db)) == 2


def test_an_agent_that_says_nothing_puts_nothing(db: Path, silent: Silent) -> None:
    silent(STOP)
    assert tasks(db) == spooled(db) == []


def test_a_stdin_that_is_never_closed_is_not_waited_for(db: Path, env: dict[str, str]) -> None:
    with subprocess.Popen(
        [STOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env
    ) as hook:
        assert hook.stdin
        hook.stdin.write(json.dumps(SAID).encode())
        hook.stdin.flush()
        assert hook.wait(LIMIT) == 0
        assert hook.stdout
        assert hook.stdout.read() == b""
    assert [json.loads(task["payload"]) for task in tasks(db)] == [SAID]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("shell", SHELLS)
def test_a_signal_breaks_off_nothing(
    db: Path, env: dict[str, str], shell: str, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [*shell.split(), STOP], stdin=subprocess.PIPE, env=env, start_new_session=True
    ) as hook:
        assert hook.stdin
        hook.stdin.write(json.dumps(SAID).encode())
        hook.stdin.flush()
        while fcntl.ioctl(hook.stdin, termios.FIONREAD, bytes(4)) != bytes(4):
            time.sleep(0.001)  # until it has read
        os.killpg(hook.pid, number)
        assert hook.wait(LIMIT) == 0
    assert [json.loads(task["payload"]) for task in tasks(db)] == [SAID]


def test_a_writer_that_stops_halfway_gives_what_came(db: Path, env: dict[str, str]) -> None:
    with subprocess.Popen([STOP], stdin=subprocess.PIPE, env=env) as hook:
        assert hook.stdin
        hook.stdin.write(b'{"session_id": "s1", "mess')
        hook.stdin.flush()
        assert hook.wait(LIMIT) == 0
    assert [(task["key"], task["payload"]) for task in tasks(db)] == [("s1", '{"session_id": "s1", "mess')]


def test_no_stdin_at_all_is_no_trouble(db: Path, env: dict[str, str]) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" <&-', STOP], env=env, capture_output=True, timeout=LIMIT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert tasks(db) == []


def test_two_hooks_at_once_are_two_tasks(db: Path, env: dict[str, str]) -> None:
    hooks = [subprocess.Popen([STOP], stdin=subprocess.PIPE, env=env) for _ in range(8)]
    for number, hook in enumerate(hooks):
        hook.communicate(b'{"session_id": "s%d"}' % number, LIMIT)
    assert [hook.returncode for hook in hooks] == [0] * 8
    kept = {task["key"] for task in tasks(db)} | {
        path.read_text().split("key=")[1].split("\n")[0] for path in spooled(db)
    }
    assert kept == {f"s{number}" for number in range(8)}
