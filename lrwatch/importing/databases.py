"""SQLite files of other tools, opened for reading only, and trusted with nothing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lrwatch.errors import RunUnreadable
from lrwatch.plain_files import open_plain

__all__ = ["opened", "tables_if_any", "tables_of"]

_MAGIC: Final = b"SQLite format 3\0"
_HEAD, _WITH_LOG = 19, b"\2"
"""Bytes of a header up to the version of reading, which says that writers keep a log beside it."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for reading, also while another process writes it.

    Raises
    ------
    RunUnreadable
        If it cannot be read; also for what goes wrong while it is open.
    """
    connection: sqlite3.Connection | None = None
    try:
        with os.fdopen(open_plain(path, follow=True), "rb") as file:  # no pipe, no device
            head = file.read(_HEAD)
        connection = _connected(path, keeps_log=head[_HEAD - 1 :] == _WITH_LOG)
        yield connection
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        raise RunUnreadable(f"{path.name} cannot be read as SQLite: {error}") from error
    finally:
        if connection is not None:
            connection.close()


def tables_if_any(path: Path, head: bytes) -> dict[str, set[str]]:
    """Return the tables as `tables_of` does; none of what is no database that can be read."""
    if not head.startswith(_MAGIC):
        return {}
    try:
        return tables_of(path)
    except RunUnreadable:
        return {}


def tables_of(path: Path) -> dict[str, set[str]]:
    """Return the tables of a database with their columns; views are left out, as they run code.

    Raises
    ------
    RunUnreadable
        If it cannot be read.
    """
    with opened(path) as database:
        names = [name for (name,) in database.execute(_TABLES)]
        about = "SELECT name FROM pragma_table_info(?)"
        return {name: {column for (column,) in database.execute(about, (name,))} for name in names}


_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"


def _connected(path: Path, *, keeps_log: bool) -> sqlite3.Connection:
    """Connect; what a writer left in a log beside it is not read where files cannot be made.

    One whose log is gone is at rest, and is read as a file that nobody writes: SQLite would put
    two files beside it otherwise, and leave them there.
    """
    failure: sqlite3.Error | None = None
    ways = ["mode=ro", "mode=ro&immutable=1"]
    if keeps_log and not Path(f"{path}-wal").exists():
        ways.reverse()
    for how in ways:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=5)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            connection.execute(_TABLES).fetchone()
        except sqlite3.Error as error:
            connection.close()
            failure = error
            continue
        return connection
    raise failure or sqlite3.OperationalError("cannot be opened")
