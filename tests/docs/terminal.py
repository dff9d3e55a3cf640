"""What a reader has: a home, a checkout at ~/queuekit, a folder per page, and programs that go on running."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from pages import ROOT, Block

from queuekit.config import Config

LIMIT = 60.0  # seconds; reached only by a test that fails
_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "tests", "build", "dist", "*.egg-info")
_MARK = "--end of block--"
# Every variable is kept for the next block, as in one terminal.
_BEFORE = 'set -aeo pipefail\ntrap \'env -0 >"$KEPT"; pwd >>"$KEPT"\' EXIT\n'


class Terminal:
    """Runs blocks in order. Its home has a copy of the checkout; the folder of a page is inside it."""

    def __init__(self, home: Path, folder: str) -> None:
        self.home = home
        shutil.copytree(ROOT, home / "queuekit", ignore=_NOT_COPIED)
        self.folder = home / folder
        self.folder.mkdir(exist_ok=True)
        self._kept = home / ".kept"
        programs = [
            str(home / "queuekit/bin"),
            str(Path(sys.executable).parent),
            "/usr/local/bin",
            "/usr/bin",
            "/bin",
        ]
        self._environment = {
            "PATH": ":".join(programs),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "NO_COLOR": "1",
        }
        self._environment |= {"KEPT": str(self._kept), "PYTHONWARNINGS": "error", "COLUMNS": "120"}
        self._python: subprocess.Popen[str] | None = None
        self._background: list[tuple[Block, subprocess.Popen[bytes]]] = []

    def run(self, block: Block) -> None:
        """Run the block as its comment says, and compare its output with the one shown."""
        word, _, value = block.how.partition(" ")
        if word == "file":
            self._save(block, value)
        elif word == "background":
            self._start(block)
        elif word == "until":
            self._repeat(block)
        else:
            status, output = self._once(block)
            assert status == int(value or 0), f"{block.place} ended with {status}:\n{output}"
            assert block.output is None or matches(block.output, output), _difference(block, output)

    def close(self) -> None:
        """End what still runs; a program in the background must end well when asked to."""
        if self._python:
            self._python.communicate()
        for block, process in self._background:
            process.send_signal(signal.SIGTERM)
            try:
                assert process.wait(LIMIT) == 0, (
                    f"{block.place} ended with {process.returncode}:\n{self._log(block).read_text()}"
                )
            finally:
                process.kill()

    def _once(self, block: Block) -> tuple[int, str]:
        if block.language == "python":
            return self._in_python(block)
        if block.language == "toml":
            return self._configure(block)
        if block.language == "json":
            json.loads(block.text)
            return 0, ""
        return self._in_bash(block.text if block.language == "bash" else _as_bash(block.text))

    def _in_bash(self, text: str) -> tuple[int, str]:
        process = subprocess.run(
            ["bash", "-c", _BEFORE + text],
            cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=LIMIT,
        )  # fmt: skip
        *variables, folder = self._kept.read_text().split("\0")
        self._environment = dict(variable.split("=", 1) for variable in variables)
        self.folder = Path(folder.strip())
        return process.returncode, process.stdout.decode()

    def _in_python(self, block: Block) -> tuple[int, str]:
        if self._python is None:
            argv = [sys.executable, str(Path(__file__).with_name("interpreter.py")), _MARK]
            self._python = subprocess.Popen(
                argv, cwd=self.folder, env=self._environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        assert self._python.stdin
        assert self._python.stdout
        self._python.stdin.write(json.dumps([block.place, block.text]) + "\n")
        self._python.stdin.flush()
        output = ""
        for line in self._python.stdout:
            if _MARK in line:
                output += line.partition(_MARK)[0]
                return int(line.partition(_MARK)[2]), output
            output += line
        return -1, output

    def _configure(self, block: Block) -> tuple[int, str]:
        path = self.home / "block.toml"
        path.write_text(block.text)
        Config.load(path)
        return 0, ""

    def _save(self, block: Block, name: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
        if block.text.startswith("#!"):
            path.chmod(0o755)
        if block.language == "toml":
            Config.load(path)

    def _start(self, block: Block) -> None:
        with self._log(block).open("wb") as log:
            command = ["bash", "-c", "exec " + block.text]
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._background.append((block, process))
        if block.output is not None:
            self._await(block, lambda: self._log(block).read_text(), lambda: process.poll() is None)

    def _repeat(self, block: Block) -> None:
        assert block.output is not None, f"{block.place} is repeated until … what? Show its output"
        self._await(block, lambda: self._once(block)[1], lambda: True)

    def _await(self, block: Block, look, goes_on) -> None:  # type: ignore[no-untyped-def]
        deadline = time.monotonic() + LIMIT
        while not matches(block.output or "", output := look()):
            assert goes_on(), f"{block.place} ended too early:\n{output}"
            assert time.monotonic() < deadline, _difference(block, output)
            time.sleep(0.1)

    def _log(self, block: Block) -> Path:
        return self.home / f".background-{block.line}"


def matches(shown: str, output: str) -> bool:
    """True if the output is the one shown, where … stands for any text and blanks at line ends do not count."""
    pattern = re.escape(_plain(shown)).replace("…", ".*?")
    return re.fullmatch(pattern, _plain(output), re.DOTALL) is not None


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()).rstrip()


def _difference(block: Block, output: str) -> str:
    return f"{block.place} shows\n{block.output}\nbut the output is\n{output}"


def _as_bash(sql: str) -> str:
    """The block as it is typed into the sqlite3 program on the queue file of the page."""
    return (
        'db=${QUEUEKIT_DB:-queue.db}; [ -s "$db" ] || qk init --db "$db"\n'
        f"sqlite3 -batch -bail -init /dev/null -cmd '.timeout 5000' \"$db\" <<'END OF BLOCK'\n{sql}END OF BLOCK\n"
    )
