"""Any text comes back byte for byte, by every road in and every road out; anything else is refused."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from shell_client import QK, Qk

HOSTILE = {
    "empty": b"",
    "one letter": b"x",
    "one quote": b"'",
    "quotes": b"it's \"quoted\" `twice` ''",
    "sql": b"'); drop table qk_task; --",
    "sub-select": b"(select 1)",
    "a number": b"007",
    "a float": b"1.0",
    "hex literal": b"x'414243'",
    "null": b"null",
    "parameter": b":payload ?1 @a $b",
    "command substitution": b"$(touch pwned) `touch pwned` ${HOME}",
    "shell characters": b"a;b|c&d>e<f*g?h[i]j{k}l~m#n!o",
    "backslashes": b"\\ \\\\ \\n \\x41 \\0 \\033[0m",
    "trailing backslash": b"a\\",
    "percent": b"100%s %d %n %%",
    "trailing newline": b"a\n",
    "trailing newlines": b"a\n\n\n",
    "only newlines": b"\n\n",
    "leading newline": b"\na",
    "crlf": b"a\r\nb\r\n",
    "carriage return": b"a\rb\r",
    "tabs and spaces": b" \t a  b \t ",
    "dot command": b".quit",
    "dot commands in lines": b"a\n.shell touch pwned\n.quit\n",
    "sqlite terminators": b"a\n/\ngo\n;\n",
    "separator": b"a|b|c",
    "comment": b"-- a comment /* or */ two",
    "json": b'{"a": [1, 2.50, "\\u00e9", null]}',
    "accents": "é à ü ñ".encode(),
    "cjk": "日本語のペイロード".encode(),
    "emoji": "👩‍👩‍👧‍👦 𝄞".encode(),
    "right to left": "שלום \u202e".encode(),
    "last code points": "\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff".encode(),
    "byte order mark": b"\xef\xbb\xbfa",
    "control characters": bytes(range(1, 32)) + b"\x7f",
    "escape sequence": b"\x1b[31mred\x1b[0m\x07",
    "a long line": b"0123456789abcdef" * 1000,
    "a long accented line": "é€".encode() * 3000,
}

OPTION_LIKE = [b"-n", b"-e", b"--", b"--key", b"-0", b"--after"]

megabyte = pytest.mark.parametrize(
    "payload", [b'it\'s a "test"\n' * 70000, "é€𝄞'\n".encode() * 90000], ids=["ascii", "unicode"]
)
hostile = pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE.keys())


@hostile
def test_a_payload_given_as_an_argument_comes_back_byte_for_byte(qk: Qk, payload: bytes) -> None:
    task = qk.put("--", payload)
    assert qk("show", str(task), "--payload").stdout == payload


@hostile
def test_a_payload_given_on_stdin_comes_back_byte_for_byte(qk: Qk, payload: bytes) -> None:
    task = qk.put(stdin=payload)
    assert qk("show", str(task), "--payload").stdout == payload
    assert json.loads(qk.out("claim"))["payload"].encode() == payload


@hostile
def test_the_road_that_an_older_bash_takes_is_as_exact(qk: Qk, payload: bytes) -> None:
    task = int(qk.out("put", stdin=payload, BASH_COMPAT="5.0"))
    assert qk("show", str(task), "--payload", BASH_COMPAT="5.0").stdout == payload


@hostile
def test_a_worker_command_gets_the_payload_byte_for_byte(qk: Qk, payload: bytes) -> None:
    task = qk.put(stdin=payload)
    assert qk("work", "default", "--burst", "--", "od", "-An", "-v", "-tx1").returncode == 0
    assert bytes.fromhex(qk.show(task)["result"] or "") == payload


@pytest.mark.parametrize("payload", OPTION_LIKE)
def test_a_payload_that_looks_like_an_option_follows_two_dashes(qk: Qk, payload: bytes) -> None:
    task = qk.put("--", payload)
    assert qk("show", str(task), "--payload").stdout == payload


@megabyte
def test_a_megabyte_goes_in_and_out(qk: Qk, payload: bytes) -> None:
    task = qk.put(stdin=payload)
    assert qk("show", str(task), "--payload").stdout == payload
    assert qk.claim()["payload"].encode() == payload


@megabyte
def test_a_worker_command_gets_a_megabyte(qk: Qk, payload: bytes) -> None:
    qk.put(stdin=payload)
    qk.out("work", "default", "--burst", "--", "bash", "-c", f"od -An -v -tx1 > {qk.db}.copy")
    assert bytes.fromhex(qk.db.with_name(qk.db.name + ".copy").read_text()) == payload


@hostile
def test_every_text_of_a_task_may_be_hostile(qk: Qk, payload: bytes) -> None:
    queue = payload or b"q"
    task = qk.put("-q", queue, "--kind", payload, "--key", payload, "x")
    shown = qk.show(task)
    assert (shown["queue"], shown["kind"], shown["key"]) == (
        queue.decode(),
        payload.decode(),
        payload.decode(),
    )
    claimed = qk.claim("-q", queue.decode(), "--worker", payload.decode())
    assert claimed["key"] == payload.decode()
    qk.out("ack", claimed["receipt"], "--result", payload.decode())
    assert (qk.show(task)["result"], qk.show(task)["worker"]) == (payload.decode(), payload.decode())


def test_nothing_in_a_payload_is_ever_run(qk: Qk) -> None:
    for payload in HOSTILE.values():
        qk.put("--key", payload, stdin=payload)
    qk.out("work", "default", "--burst", "--", "bash", "-c", "exit 0")
    assert not list(qk.db.parent.rglob("pwned"))


NOT_TEXT = [
    b"\xff",
    b"\xfe\xff",
    b"\x80",
    b"a\x80",
    b"\xc3",
    b"\xc3a",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xc3\xa9\xa9",
    b"\xe2\x82",
    b"\xe2\x82a",
    b"\xe2a\x82",
    b"\xe0\x9f\xbf",
    b"\xe2\x82\xac\x80",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf0\x90\x80",
    b"\xf0\x90\x80a",
    b"\xf0\x90\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
]


@pytest.mark.parametrize(
    "payload", [b"\0", b"a\0", b"\0a", b"a\0b", *NOT_TEXT, b"x" * 5000 + b"\xff", b"x" * 5000 + b"\0"]
)
def test_a_payload_that_is_not_text_is_refused(qk: Qk, payload: bytes) -> None:
    assert "payload" in qk.refused(65, "put", stdin=payload)
    assert qk.sql("select count(*) from qk_task") == [["0"]]


@pytest.mark.parametrize("length", [599, 600, 601, 1200, 5999, 6001])
@pytest.mark.parametrize("letter", ["x", "é", "\x01", "\x7f", "\n"])
def test_a_payload_of_any_length_comes_back_byte_for_byte(qk: Qk, length: int, letter: str) -> None:
    """qk reads a short one itself, and has od read what is longer: where they meet nothing is lost."""
    payload = (b"a" * length + letter.encode())[-length:]
    for task in (qk.put(stdin=payload), qk.put("--", payload)):
        assert qk("show", str(task), "--payload").stdout == payload
    for cut in (payload[:-1] + b"\0", payload + b"\0", payload + b"\0x", payload + b"\xff"):
        qk.refused(65, "put", stdin=cut)
    assert qk.sql("select count(*) from qk_task") == [["2"]]


def test_stdin_may_be_a_file_and_may_not_be_a_folder(qk: Qk, tmp_path: Path) -> None:
    for length in (1, 600, 5000):
        (tmp_path / "payload").write_bytes(b"f" * length)
        with (tmp_path / "payload").open() as file:
            done = subprocess.run([QK, "put"], stdin=file, env=qk.env, capture_output=True, check=True)
        assert qk("show", done.stdout.decode().strip(), "--payload").stdout == b"f" * length
    folder = os.open(tmp_path, os.O_RDONLY)
    done = subprocess.run([QK, "put"], stdin=folder, env=qk.env, capture_output=True, check=False)
    os.close(folder)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"nothing was put" in done.stderr
    assert qk.sql("select count(*) from qk_task") == [["3"]]


def test_a_payload_that_comes_bit_by_bit_is_read_to_its_end(qk: Qk) -> None:
    with subprocess.Popen([QK, "put"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=qk.env) as put:
        assert put.stdin
        for part in (b"a\n", b"b" * 700, b"\n", b"c"):
            put.stdin.write(part)
            put.stdin.flush()
        out, _ = put.communicate(timeout=30)
    assert qk("show", out.decode().strip(), "--payload").stdout == b"a\n" + b"b" * 700 + b"\nc"


@pytest.mark.parametrize("bad", NOT_TEXT)
def test_no_other_text_may_be_invalid_either(qk: Qk, bad: bytes) -> None:
    for option in ("-q", "--kind", "--key"):
        qk.refused(65, "put", option, bad, "x")
    qk.refused(65, "put", bad)
    qk.refused(65, "claim", "--worker", bad)
    assert qk.sql("select count(*) from qk_task") == [["0"]]


def test_every_character_is_text(qk: Qk) -> None:
    """Python's own decoder is the judge of what is UTF-8."""
    every = "".join(chr(n) for n in range(1, 0x110000, 7) if not 0xD800 <= n < 0xE000).encode()
    task = qk.put(stdin=every)
    assert qk("show", str(task), "--payload").stdout == every
