#!/usr/bin/env python3
"""Checks the links in the Markdown files that a commit touched: a handler for the tasks of hooks/git-post-commit.

    queuekit work git --exec docs/examples/check_links.py

On stdin: {"repository": …, "commit": …}. Every relative link, image and anchor is looked up in the tree of that
commit, not in the working directory, and never on the network. On stdout: a line for each
broken link, then the summary as JSON.

Exit 0: all is well. 65: links are broken, or the payload is none; trying again would not help. 1: git failed.
"""

from __future__ import annotations

import html
import json
import posixpath
import re
import subprocess
import sys
from functools import cache, cached_property
from urllib.parse import unquote

MULTILINE, DOTALL = re.MULTILINE, re.DOTALL
FENCE = re.compile(r"^([ >\t]*)(`{3,}|~{3,})[^\n]*\n(?:.*?^[ >\t]*\2[`~]*[ \t]*$|.*\Z)", MULTILINE | DOTALL)
COMMENT = re.compile(r"<!--.*?-->", DOTALL)
CODE = re.compile(r"(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)[ \t#]*$|^ {0,3}(\S[^\n]*)\n {0,3}(?:=+|-+)[ \t]*$", MULTILINE)
ID = re.compile(r"""<\w[^>]*?\s(?:id|name)=["']([^"']+)["']""")
TITLE = r"""(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?"""
LINKS = (
    re.compile(rf"\]\(\s*(<[^>\n]*>|(?:[^\s()]|\([^\s()]*\))*){TITLE}\s*\)"),
    re.compile(r"""<(?:a|img)\s[^>]*?(?:href|src)=["']([^"']+)["']"""),
    re.compile(r"^ {0,3}\[(?!\^)[^]\n]+\]:[ \t]*(<[^>\n]*>|\S+)", MULTILINE),
)
ELSEWHERE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")


class Page:
    """A Markdown file. Code and comments are blanked, so that lines keep their numbers."""

    def __init__(self, text: str) -> None:
        self.text = COMMENT.sub(blank, FENCE.sub(blank, text.replace("\r\n", "\n")))
        self.prose = CODE.sub(blank, self.text)

    def links(self) -> list[tuple[int, str]]:
        """(line, target) of every link, image and definition of a reference, in order."""
        found = sorted((at for link in LINKS for at in link.finditer(self.prose)), key=re.Match.start)
        return [(self.prose.count("\n", 0, at.start(1)) + 1, at[1].strip("<>")) for at in found]

    @cached_property
    def anchors(self) -> set[str]:
        """As GitHub makes them: a second heading of the same words ends in -1, the next in -2."""
        anchors: set[str] = set()
        for match in HEADING.finditer(self.text):
            slug = words = slug_of(match[1] or match[2] or "")
            again = 0
            while slug in anchors:
                slug = f"{words}-{(again := again + 1)}"
            anchors.add(slug)
        return anchors | set(ID.findall(self.prose)) | {"", "top"}


class Commit:
    """The files and folders of a commit, read from git."""

    def __init__(self, repository: str, commit: str) -> None:
        self.repository, self.commit = repository, commit
        self.names = {".", *self._names("ls-tree", "-r", "-t", "--full-tree", "--name-only", commit)}
        self.page = cache(self.page)  # type: ignore[method-assign]

    def touched(self) -> list[str]:
        """The Markdown files that it added or changed; for a merge, against any parent."""
        difference = ("-r", "-m", "--root", "--no-commit-id", "--name-only", "--diff-filter=d")
        return sorted(filter(is_markdown, self._names("diff-tree", *difference, self.commit)))

    def page(self, file: str) -> Page:
        """A Markdown file as it is in the commit."""
        return Page(self._git("show", f"{self.commit}:{file}"))

    def fault(self, file: str, target: str) -> str | None:
        """Why target, written in file, leads nowhere; None: it leads somewhere, or out of the repository."""
        if ELSEWHERE.match(target):
            return None
        path, _, anchor = target.partition("#")
        path = unquote(path.partition("?")[0])
        to = (
            posixpath.normpath(posixpath.join("/", posixpath.dirname(file), path)).strip("/") or "."
            if path
            else file
        )
        if to not in self.names:
            return "no such file in the commit"
        if not is_markdown(to) or unquote(anchor) in self.page(to).anchors:
            return None
        return f"no such heading in {to}"

    def _names(self, *command: str) -> set[str]:
        return set(self._git(*command, "-z").split("\0")) - {""}

    def _git(self, *command: str) -> str:
        run = ["git", "-C", self.repository, *command]
        return subprocess.run(run, check=True, capture_output=True).stdout.decode("utf-8", "replace")


def slug_of(heading: str) -> str:
    """The anchor of a heading: its words as they are read, lower case, blanks as dashes, no punctuation."""
    words = re.sub(r"!\[[^]]*\](\([^)]*\)|\[[^]]*\])", "", heading)
    words = re.sub(r"\[([^]]*)\](\([^)]*\)|\[[^]]*\])|<[^>]*>|(?<!\w)_+(?=\S)|(?<=\S)_+(?!\w)", r"\1", words)
    return re.sub(r"[^\w\- ]", "", html.unescape(words).strip().lower()).replace(" ", "-")


def is_markdown(file: str) -> bool:
    return file.lower().endswith((".md", ".markdown"))


def blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def main() -> int:
    try:
        task = json.load(sys.stdin)
        commit = Commit(task["repository"], task["commit"])
        links = [(file, *link) for file in commit.touched() for link in commit.page(file).links()]
    except (ValueError, TypeError, KeyError):
        print("the payload is not JSON with repository and commit", file=sys.stderr)
        return 65
    except subprocess.CalledProcessError as error:
        print(error.stderr.decode(errors="replace"), file=sys.stderr)
        return 1
    broken = [f"{file}:{line}: {to}: {why}" for file, line, to in links if (why := commit.fault(file, to))]
    summary = {
        "commit": commit.commit,
        "files": len(commit.touched()),
        "links": len(links),
        "broken": len(broken),
    }
    print(*broken, json.dumps(summary), sep="\n")
    if broken:
        print(f"{len(broken)} of {len(links)} links broken: {broken[0]}", file=sys.stderr)
    return 65 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
