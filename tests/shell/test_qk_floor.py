"""What qk needs, and what must not matter to it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from shell_client import QK, ROOT, Qk, wait_until


@pytest.fixture
def floor(tmp_path: Path) -> str:
    """A PATH with bash, sqlite3 and od alone."""
    folder = tmp_path / "floor"
    folder.mkdir()
    for program in ("bash", "sqlite3", "od"):
        path = shutil.which(program)
        assert path
        (folder / program).symlink_to(path)
    return str(folder)


def test_bash_sqlite3_and_od_are_enough(qk: Qk, floor: str) -> None:
    qk.env["PATH"] = floor
    qk.out("init", "-q", "notifications")
    task = qk.put(stdin="é\n".encode() * 3000)
    assert qk("show", str(task), "--payload").stdout == "é\n".encode() * 3000
    qk.out("put", "--lines", "--at", "2030-01-01T00:00:00Z", stdin=b"a\nb\n")
    qk.out("ack", qk.claim()["receipt"], "--result", "x" * 1000)
    for verb in (
        ["ls"],
        ["stats", "--json"],
        ["tick"],
        ["purge"],
        ["help"],
        ["help", "put"],
        ["pause"],
        ["resume"],
    ):
        qk.out(*verb)


def test_they_are_enough_to_work(qk: Qk, floor: str) -> None:
    qk.env["PATH"] = floor
    qk.out("put", "--lines", stdin=b"one\ntwo\n")
    qk.out("work", "default", "--burst", "--", "bash", "-c", 'read -r line; printf %s "$line"')
    assert [qk.show(task)["result"] for task in (1, 2)] == ["one", "two"]
    worker = qk.start("work", "default", "--poll", "1ms", "--", "bash", "-c", ":")
    task = qk.put("three")
    wait_until(lambda: qk.show(task)["state"] == "done", "the worker found a task that came later")
    worker.terminate()
    assert worker.wait(30) == 0


def test_the_start_file_of_sqlite3_does_not_matter(qk: Qk, home: Path) -> None:
    (home / ".sqliterc").write_text(
        ".headers on\n.mode box\n.echo on\n.bail off\nselect 'noise';\ndrop table qk_task;\n.quit\n"
    )
    (home / ".config" / "sqlite3").mkdir(parents=True)
    shutil.copy(home / ".sqliterc", home / ".config" / "sqlite3" / "sqliterc")
    assert qk.out("put", "é") == "1\n"
    qk.out("put", "--lines", "--at", "2030-01-01", stdin=b"a\n")
    assert qk.claim()["payload"] == "é"
    qk.out("init", "--db", str(home / "fresh.db"))
    qk.put("p")
    qk.out("work", "default", "--burst", "--", "true")


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX", "en_US.UTF-8", "nonsense"])
def test_the_locale_does_not_matter(qk: Qk, locale: str) -> None:
    for name in ("LC_ALL", "LANG"):
        task = int(
            qk("put", "é日本", **{name: locale}).stdout
        )  # bash itself warns of a locale it does not know
        assert qk.show(task)["payload"] == "é日本"


def test_the_surroundings_do_not_matter(qk: Qk, tmp_path: Path) -> None:
    hostile = {
        "IFS": "0123456789",
        "CDPATH": "/:/tmp",
        "POSIXLY_CORRECT": "1",
        "verb": "x",
        "opt_queue": "other",
        "names": "x",
        "BASH_ENV": "/dev/null",
        "rows": "7",
        "opt_json": "yes",
        "TMPDIR": "/nonexistent",
        "ENV": "/dev/null",
    }
    assert qk.out("put", "p", "--kind", "123", **hostile) == "1\n"
    assert qk.show(1)["queue"] == "default"


@pytest.mark.parametrize(
    "name",
    ["it's a queue.db", '"quoted".db', "-db", "a b", "q?mode=ro&x#y.db", "file:x.db", ":memory:", "é\n.db"],
)
def test_the_name_of_the_file_does_not_matter(qk: Qk, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for args in (["init"], ["put", "p"], ["claim"]):
        subprocess.run(
            [QK, *args, "--db", name], env=qk.env, cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
    assert (folder / name).stat().st_size > 0


def test_qk_in_a_folder_with_odd_letters(qk: Qk, tmp_path: Path) -> None:
    home = tmp_path / 'it\'s "my" folder * $(x)'
    for source in ("bin", "sql"):
        shutil.copytree(ROOT / source, home / source)
    done = subprocess.run([home / "bin" / "qk", "put", "p"], env=qk.env, capture_output=True, check=True)
    assert done.stdout == b"1\n"


def test_eight_at_once_lose_nothing(qk: Qk) -> None:
    loop = f'for n in 1 2 3 4 5; do "{QK}" put --lock-wait 60 "$1 $n" || exit 1; done'
    writers = [
        subprocess.Popen(
            ["bash", "-c", loop, "-", str(n)], env=qk.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for n in range(8)
    ]
    ids: list[bytes] = []
    for writer in writers:
        out, message = writer.communicate(timeout=120)
        assert (writer.returncode, message) == (0, b"")
        ids += out.split()
    assert sorted(map(int, ids)) == list(range(1, 41))
    assert qk.sql("select count(distinct payload) from qk_task") == [["40"]]


def test_eight_that_put_one_key_get_one_task(qk: Qk) -> None:
    putters = [qk.start("put", "p", "--key", "k", "--lock-wait", "60") for _ in range(8)]
    assert {putter.communicate(timeout=60)[0] for putter in putters} == {b"1\n"}
    assert qk.show(1)["duplicates"] == 7


def test_a_payload_never_shows_in_the_list_of_processes(qk: Qk) -> None:
    """The sqlite3 process gets its SQL on stdin: its arguments hold only options and the file."""
    source = (ROOT / "bin" / "qk").read_text()
    calls = [line for line in source.splitlines() if "sqlite3 -batch" in line]
    assert len(calls) == 3
    assert all("$script" not in line and "$values" not in line for line in calls)


def test_qk_is_clean_under_shellcheck() -> None:
    checker = shutil.which("shellcheck") or os.path.join(os.path.dirname(os.sys.executable), "shellcheck")  # type: ignore[attr-defined]
    if not os.path.exists(checker):
        pytest.skip("shellcheck is not installed")
    subprocess.run([checker, QK], check=True)
