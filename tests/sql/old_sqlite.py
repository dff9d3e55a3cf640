"""sql/ on an old SQLite: python3.8 old_sqlite.py FILE, with pysqlite3 of the SQLite in question.

Reads commands from stdin, one in a line: JSON [VERB, {parameters}] runs sql/VERB.sql, JSON "SQL…" runs that.
Answers each with a line: {"rows": […], "changes": n} or {"error": "…"}.
"""

import json
import sys
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite3

SQL = Path(__file__).parents[2] / "sql"


class Given(dict):
    """Parameters; the ones that are not given are NULL."""

    def __missing__(self, name):
        return None


def statements(script):
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            if piece.strip():
                yield statement
            statement = ""


def answer(connection, command):
    verb, given = command if isinstance(command, list) else (None, {})
    script = (SQL / (verb + ".sql")).read_text(encoding="utf-8") if verb else command
    rows = []
    try:
        for statement in statements(script):
            rows = [dict(row) for row in connection.execute(statement, Given(given)).fetchall()]
    except sqlite3.Error as error:
        return {"error": str(error)}
    return {"rows": rows, "changes": connection.execute("select changes()").fetchone()[0]}


def main():
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    connection.row_factory = sqlite3.Row
    for line in sys.stdin:
        print(json.dumps(answer(connection, json.loads(line)), default=repr), flush=True)


print(json.dumps(sqlite3.sqlite_version), flush=True)
main()
