"""git-post-commit and git-post-receive under a real git, installed by the command that the how-to gives."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from scene import HOOKS, Result, documented, payloads, spooled, tasks

Run = Callable[..., Result]
Silent = Callable[..., None]
GIT = shutil.which("git") or "git"
ZEROS = "0" * 40


@pytest.fixture
def site(tmp_path: Path, silent: Silent) -> Path:
    """A bare repository with the post-receive hook."""
    silent("bash", "-c", documented("git-post-receive", "ln -s"))
    return tmp_path / "site.git"


@pytest.fixture
def notes(tmp_path: Path, repository: Path, silent: Silent) -> Path:
    """A repository with the post-commit hook."""
    silent("bash", "-c", documented("git-post-commit", "git init"))
    return repository


def head(run: Run, folder: Path) -> str:
    return run("git", "rev-parse", "HEAD", cwd=folder).stdout.decode().strip()


def test_a_commit_is_a_task(notes: Path, db: Path, run: Run, silent: Silent) -> None:
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=notes)
    (task,) = tasks(db)
    assert (task["queue"], task["kind"]) == ("git", "git.post-commit")
    told = {
        "repository": str(notes),
        "git_dir": f"{notes}/.git",
        "commit": head(run, notes),
        "branch": "main",
    }
    assert payloads(db) == [told]
    assert task["key"] == f'"{notes}"@{head(run, notes)}'


def test_a_commit_is_one_task_however_often_the_hook_runs(notes: Path, db: Path, silent: Silent) -> None:
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=notes)
    silent(HOOKS / "git-post-commit", cwd=notes)
    assert [task["duplicates"] for task in tasks(db)] == [1]


def test_a_merge_and_a_patch_are_commits_too(notes: Path, db: Path, run: Run, silent: Silent) -> None:
    silent("bash", "-c", documented("git-post-commit", "post-merge"))
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=notes)
    silent("git", "checkout", "-q", "-b", "side", cwd=notes)
    (notes / "file").write_text("1\n")
    silent("git", "add", "file", cwd=notes)
    silent("git", "commit", "-q", "-m", "y", cwd=notes)
    patch = run("git", "format-patch", "--stdout", "-1", cwd=notes).stdout
    silent("git", "checkout", "-q", "main", cwd=notes)
    run("git", "merge", "-q", "--no-ff", "-m", "z", "side", cwd=notes)
    merged = head(run, notes)
    silent("git", "reset", "-q", "--hard", "HEAD~", cwd=notes)
    silent("git", "am", "-q", cwd=notes, stdin=patch, GIT_COMMITTER_NAME="Other")
    assert [payload["commit"] for payload in payloads(db)][2:] == [merged, head(run, notes)]


def test_a_work_tree_elsewhere_is_told_with_the_folder_of_git(
    tmp_path: Path, db: Path, silent: Silent
) -> None:
    """As for the dot files of a home: neither leads to the other."""
    silent("git", "init", "-q", "--bare", "dots.git")
    (tmp_path / "dots.git/hooks/post-commit").symlink_to(HOOKS / "git-post-commit")
    (tmp_path / "tree").mkdir()
    apart = ("--git-dir=dots.git", "--work-tree=tree")
    silent("git", *apart, "commit", "-q", "--allow-empty", "-m", "x")
    (payload,) = payloads(db)
    assert (payload["repository"], payload["git_dir"]) == (str(tmp_path / "tree"), str(tmp_path / "dots.git"))


def test_a_detached_head_has_no_branch(notes: Path, db: Path, silent: Silent) -> None:
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=notes)
    silent("git", "checkout", "-q", "--detach", cwd=notes)
    silent("git", "commit", "-q", "--allow-empty", "-m", "y", cwd=notes)
    assert [payload["branch"] for payload in payloads(db)] == ["main", None]


def test_a_commit_in_a_linked_worktree_names_that_worktree(
    notes: Path, db: Path, run: Run, silent: Silent
) -> None:
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=notes)
    run("git", "worktree", "add", "-b", "other", "../other tree", cwd=notes)
    silent("git", "commit", "-q", "--allow-empty", "-m", "y", cwd=notes.parent / "other tree")
    assert payloads(db)[1]["repository"] == str(notes.parent / "other tree")
    assert payloads(db)[1]["branch"] == "other"


@pytest.mark.parametrize(
    "branch", ["a'b", 'say-"hi"', "$(id)", "é✓", "%s%n", "a-nb", "x;drop'table", "HEADS/x", "日本"]
)
def test_a_hostile_branch_arrives_as_it_is(
    notes: Path, db: Path, run: Run, silent: Silent, branch: str
) -> None:
    run("git", "symbolic-ref", "HEAD", f"refs/heads/{branch}", cwd=notes)
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=notes)
    assert payloads(db)[0]["branch"] == branch


def test_a_branch_that_shares_its_name_with_a_tag_is_told_plainly(
    notes: Path, db: Path, silent: Silent
) -> None:
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=notes)
    silent("git", "tag", "main", cwd=notes)
    silent("git", "commit", "-q", "--allow-empty", "-m", "y", cwd=notes)
    assert payloads(db)[1]["branch"] == "main"


@pytest.mark.parametrize(
    "folder", ["it's", 'a "b"', "two\nlines\n\nand a\ttab", "back\\slash\\n", "é✓", " x ", "\x01\x7f"]
)
def test_a_hostile_path_arrives_as_it_is(
    tmp_path: Path, db: Path, run: Run, silent: Silent, folder: str
) -> None:
    place = tmp_path / folder
    silent("git", "init", "-q", place)
    (place / ".git/hooks/post-commit").symlink_to(HOOKS / "git-post-commit")
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=place)
    (payload,) = payloads(db)
    assert (payload["repository"], payload["git_dir"]) == (str(place), f"{place}/.git")
    assert payload["commit"] == head(run, place)
    assert "\n" not in tasks(db)[0]["key"]


def test_a_path_that_is_no_utf8_becomes_json_all_the_same(tmp_path: Path, db: Path, silent: Silent) -> None:
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    silent("git", "init", "-q", place)
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=place)
    silent(HOOKS / "git-post-commit", cwd=place)
    assert payloads(db)[0]["repository"] == f"{tmp_path}/café"


def test_where_there_is_no_commit_there_is_no_task(
    repository: Path, db: Path, silent: Silent, tmp_path: Path
) -> None:
    silent(HOOKS / "git-post-commit", cwd=repository)
    silent(HOOKS / "git-post-commit", cwd=tmp_path)
    assert tasks(db) == spooled(db) == []


def test_git_config_names_the_queue_file_and_the_queue(
    notes: Path, db: Path, silent: Silent, env: dict[str, str]
) -> None:
    del env["QUEUEKIT_DB"]
    (Path(env["HOME"]) / "my.db").symlink_to(db)
    silent("git", "config", "queuekit.db", "~/my.db", cwd=notes)
    silent("git", "config", "queuekit.queue", "links to check", cwd=notes)
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=notes)
    assert [task["queue"] for task in tasks(db)] == ["links to check"]


def test_the_environment_wins_over_git_config(notes: Path, db: Path, silent: Silent) -> None:
    silent("git", "config", "queuekit.db", "/nowhere/q.db", cwd=notes)
    silent("git", "config", "queuekit.queue", "other", cwd=notes)
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=notes, QUEUEKIT_QUEUE="mine")
    assert [task["queue"] for task in tasks(db)] == ["mine"]


def test_an_empty_path_and_no_home_break_no_commit(
    notes: Path, db: Path, run: Run, env: dict[str, str]
) -> None:
    run("git", "config", "queuekit.db", str(db), cwd=notes)
    who = [f"{name}={value}" for name, value in env.items() if name.startswith("GIT_")]
    done = run(
        "/usr/bin/env", "-i", "PATH=", *who, GIT, "commit", "-q", "--allow-empty", "-m", "x", cwd=notes
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(tasks(db)) == 1


@pytest.mark.parametrize("how", ["copied", "link to nothing"])
def test_a_hook_that_finds_nothing_beside_it_does_nothing(
    notes: Path, db: Path, silent: Silent, how: str
) -> None:
    hook = notes / ".git/hooks/post-commit"
    hook.unlink()
    if how == "copied":
        shutil.copy(HOOKS / "git-post-commit", hook)
    else:
        hook.symlink_to("/nowhere/git-post-commit")
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=notes)
    assert tasks(db) == spooled(db) == []


def test_each_ref_of_a_push_is_a_task(
    site: Path, repository: Path, db: Path, run: Run, silent: Silent
) -> None:
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=repository)
    silent("git", "branch", 'it\'s-"é"', cwd=repository)
    silent("git", "push", "-q", "--all", site, cwd=repository)
    silent("git", "push", "-q", site, ':it\'s-"é"', cwd=repository)
    new = head(run, repository)
    assert sorted((p["ref"], p["old"], p["new"]) for p in payloads(db)) == sorted(
        [
            ("refs/heads/main", ZEROS, new),
            ('refs/heads/it\'s-"é"', ZEROS, new),
            ('refs/heads/it\'s-"é"', new, ZEROS),
        ]
    )
    assert {p["repository"] for p in payloads(db)} == {str(site)}
    assert {(t["queue"], t["kind"], t["key"]) for t in tasks(db)} == {("git", "git.post-receive", None)}


def test_a_push_of_500_refs_is_one_transaction(
    site: Path, repository: Path, db: Path, silent: Silent
) -> None:
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=repository)
    refs = "".join(f"create refs/heads/b{n} HEAD\n" for n in range(500))
    silent("git", "update-ref", "--stdin", cwd=repository, stdin=refs.encode())
    with closing(sqlite3.connect(db)) as watching:
        before = watching.execute("pragma data_version").fetchone()[0]
        silent("git", "push", "-q", site, "refs/heads/b*", cwd=repository)
        assert watching.execute("pragma data_version").fetchone()[0] == before + 1
    assert {p["ref"] for p in payloads(db)} == {f"refs/heads/b{n}" for n in range(500)}


def test_a_push_into_a_locked_queue_is_spooled_ref_by_ref(
    site: Path, repository: Path, db: Path, locked: object, silent: Silent
) -> None:
    silent("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=repository)
    silent("git", "branch", "b", cwd=repository)
    silent("git", "push", "-q", "--all", site, cwd=repository)
    assert len(spooled(db)) == 2
