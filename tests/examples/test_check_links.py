"""The link checker of bin/demo, on commits of real repositories."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKER = Path(__file__).parents[2] / "docs/examples/check_links.py"
ME = ["-c", "user.name=Me", "-c", "user.email=me@example.org"]


class Repository:
    """A git repository; commit(files) writes them and commits, check() runs the checker on the last commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "-b", "main", ".")

    def git(self, *words: str) -> str:
        run = ["git", *ME, *words]
        return subprocess.run(run, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def check(self, **payload: str) -> subprocess.CompletedProcess[str]:
        task = {"repository": str(self.folder), "commit": self.git("rev-parse", "HEAD"), "branch": "main"}
        return check(json.dumps(task | payload))

    def faults(self, files: dict[str, str]) -> list[str]:
        """What the checker says about a commit of files."""
        self.commit(files)
        return self.faults_of_the_last()

    def faults_of_the_last(self) -> list[str]:
        """What it says about the last commit; its status and its summary are in keeping with that."""
        told = self.check()
        *faults, summary = told.stdout.splitlines()
        assert json.loads(summary)["broken"] == len(faults)
        assert told.returncode == (65 if faults else 0)
        return faults


def check(payload: str) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, str(CHECKER)]
    return subprocess.run(run, input=payload, capture_output=True, text=True, encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "notes").mkdir()
    return Repository(tmp_path / "notes")


GOOD = {
    "a file": "[b](b.md)",
    "a file in a folder": "[c](sub/c.md)",
    "a folder": "[sub](sub) [sub](sub/) [here](.)",
    "a file from the root": "[b](/b.md)",
    "another page's heading": "[b](b.md#two-words)",
    "a heading of the page itself": "# Top of all\n\n[up](#top-of-all)",
    "an image with a title": '![a](pic.png "A picture")',
    "an image in a link": "[![a](pic.png)](b.md)",
    "a name with blanks": "[b](with%20blank.md) [b](<with blank.md>)",
    "a name with brackets": "[b](b(1).md)",
    "a line of code": "[code](code.py#L10)",
    "the network": "[x](https://example.org/no.md) [y](mailto:me@example.org) [z](//example.org)",
    "a definition": "[b][it] and [it]\n\n[it]: b.md 'Title'",
    "code that only looks like one": "`[b](gone.md)` and ``[`](gone.md)``",
    "a fence": "```\n[b](gone.md)\n```\n\n~~~~ md\n```\n[b](gone.md)\n~~~~\n",
    "a fence in a list": "- x\n  ```\n  [b](gone.md)\n  ```\n",
    "a comment": "<!-- [b](gone.md)\n[b](gone.md) -->",
    "an HTML anchor": '<a name="here"></a><p id="there">\n\n[up](#here) [up](#there)',
    "a tag": '<a href="b.md">b</a> <img alt="" src="pic.png">',
    "lines that end as on Windows": "# Top\r\n\r\n[up](#top)\r\n",
}
BROKEN = {
    "a file": ("[b](gone.md)", "1: gone.md: no such file in the commit"),
    "the line": ("# x\n\ntext\nand [b](gone.md) more", "4: gone.md: no such file in the commit"),
    "a line after a fence": ("```\nx\n```\n[b](gone.md)", "4: gone.md: no such file in the commit"),
    "an image": ("![b](gone.png)", "1: gone.png: no such file in the commit"),
    "the letter case": ("[b](B.md)", "1: B.md: no such file in the commit"),
    "a heading": ("[b](b.md#three-words)", "1: b.md#three-words: no such heading in b.md"),
    "a heading of its own": ("[b](#gone)", "1: #gone: no such heading in page.md"),
    "a heading in a fence": ("```\n# Gone\n```\n[b](#gone)", "4: #gone: no such heading in page.md"),
    "a definition": ("[b][it]\n\n[it]: gone.md", "3: gone.md: no such file in the commit"),
    "a tag": ('<img src="gone.png">', "1: gone.png: no such file in the commit"),
}
HEADINGS = {
    "Plain words": "plain-words",
    "`code` and *stress*": "code-and-stress",
    "snake_case and _stress_": "snake_case-and-stress",
    "[a link](https://example.org)": "a-link",
    "Über 3.10, and more!": "über-310-and-more",
    "A & B": "a--b",
    "closed ##": "closed",
    "qk put -q NAME": "qk-put--q-name",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=list(GOOD))
def test_a_link_that_leads_somewhere_is_good(repository: Repository, text: str) -> None:
    others = {
        "sub/c.md": "",
        "b.md": "# Two words\n",
        "b(1).md": "",
        "with blank.md": "",
        "pic.png": "",
        "code.py": "",
    }
    assert repository.faults({**others, "page.md": text}) == []


@pytest.mark.parametrize(("text", "fault"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_link_is_named_with_its_line(repository: Repository, text: str, fault: str) -> None:
    assert repository.faults({"b.md": "# Two words\n", "page.md": text}) == [f"page.md:{fault}"]


@pytest.mark.parametrize(("heading", "slug"), HEADINGS.items())
def test_the_anchor_of_a_heading_is_as_on_github(repository: Repository, heading: str, slug: str) -> None:
    assert repository.faults({"page.md": f"## {heading}\n\n[x](#{slug})\n"}) == []


def test_an_underlined_heading_has_an_anchor_too(repository: Repository) -> None:
    assert repository.faults({"page.md": "Two words\n=========\n\n[x](#two-words)"}) == []


def test_headings_of_the_same_words_are_counted(repository: Repository) -> None:
    headings = "# Same\n# Same\n# Same\n"
    assert repository.faults({"page.md": f"{headings}[x](#same) [x](#same-1) [x](#same-2)"}) == []
    assert repository.faults({"page.md": f"{headings}[x](#same-3)"}) == [
        "page.md:4: #same-3: no such heading in page.md"
    ]


def test_a_link_is_relative_to_its_page(repository: Repository) -> None:
    faults = repository.faults({"b.md": "", "sub/page.md": "[b](../b.md) [c](b.md)"})
    assert faults == ["sub/page.md:1: b.md: no such file in the commit"]


def test_only_what_the_commit_touched_is_read(repository: Repository) -> None:
    repository.commit({"old.md": "[x](gone.md)"})
    assert repository.faults({"new.md": "", "data.txt": "[x](gone.md)"}) == []


def test_the_first_commit_and_a_merge_are_read_too(repository: Repository) -> None:
    assert len(repository.faults({"a.md": "[x](gone.md)"})) == 1
    repository.git("checkout", "-q", "-b", "side")
    repository.commit({"side.md": "[x](gone.md)"})
    repository.git("checkout", "-q", "main")
    repository.commit({"b.md": ""})
    repository.git("merge", "-q", "--no-edit", "side")
    assert repository.faults_of_the_last() == ["side.md:1: gone.md: no such file in the commit"]


def test_the_commit_counts_and_not_the_working_directory(repository: Repository) -> None:
    repository.commit({"page.md": "[b](b.md)", "b.md": ""})
    (repository.folder / "b.md").unlink()
    assert repository.check().returncode == 0
    (repository.folder / "gone.md").touch()
    assert repository.faults({"page.md": "[x](later.md)"}) == [
        "page.md:1: later.md: no such file in the commit"
    ]


def test_a_deleted_page_is_not_read(repository: Repository) -> None:
    repository.commit({"page.md": "[x](gone.md)", "b.md": ""})
    (repository.folder / "page.md").unlink()
    assert repository.faults({}) == []


def test_the_last_line_of_stderr_says_it_in_short(repository: Repository) -> None:
    repository.commit({"page.md": "[x](gone.md) [y](page.md)"})
    told = repository.check().stderr
    assert told == "1 of 2 links broken: page.md:1: gone.md: no such file in the commit\n"


@pytest.mark.parametrize("payload", ["", "{", "[]", "{}", '{"repository": "."}'])
def test_a_payload_that_is_none_is_dead_at_once(payload: str) -> None:
    assert check(payload).returncode == 65


def test_a_repository_that_is_not_there_is_tried_again(repository: Repository) -> None:
    repository.commit({"page.md": ""})
    told = repository.check(repository="/no/such/folder")
    assert (told.returncode, told.stdout) == (1, "")
    assert "/no/such/folder" in told.stderr
