"""Read tables out of text: CSV of any dialect, JSON lines; what is broken costs its own line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lrwatch.formats import counted
from lrwatch.importing.cells import RawTable, number_of

__all__ = ["csv_names", "csv_table", "json_lines", "json_names"]

_DELIMITERS: Final = ",;\t"
_HEAD_LINES: Final = 20
_LONGEST_NAME: Final = 200
_MOST_BLANKS: Final = 8  # in a name; more are a sentence


def csv_table(path: Path, text: str) -> RawTable:
    """Read a CSV file: the first line has the names; a later line of names takes their place."""
    raw = RawTable(path)
    broken: list[tuple[int, str]] = []
    rows: list[tuple[int, int, list[str]]] = []  # line, which names, cells
    headers: list[list[str]] = []
    names: list[str] = []
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text), skipinitialspace=True)
    try:
        for cells in reader:
            if not "".join(cells).strip():
                continue
            if not names or (not cells[0][:1].isdigit() and _is_header(cells, names)):
                names = _names(cells)
                headers.append(names)
            elif len(cells) != len(names) and (
                len(cells) < len(names) or "".join(cells[len(names) :]).strip()
            ):
                said = f"{counted(len(cells), 'field')} where {len(names)} are expected"
                broken.append((reader.line_num, said))
            else:
                rows.append((reader.line_num, len(headers) - 1, cells))
    except csv.Error as error:
        broken.append((reader.line_num, f"{error}; the rest of the file is left out"))
    raw.lines = [line for line, _, _ in rows]
    for name in dict.fromkeys(name for header in headers for name in header if name):
        places = [header.index(name) if name in header else None for header in headers]
        raw.columns[name] = [_cell(cells, places[which]) for _, which, cells in rows]
    raw.add_troubles(broken)
    return raw


def csv_names(head: str) -> list[str]:
    """Return the names in the first line of a CSV file; none if that is no line of names."""
    lines = [line for line in head.splitlines()[:_HEAD_LINES] if line.strip()]
    try:
        rows = list(csv.reader(lines, delimiter=_delimiter(head), skipinitialspace=True))
    except csv.Error:
        return []
    if not rows or not rows[0][1:] or _has_number(rows[0]) or any(map(_is_prose, rows[0])):
        return []
    is_table = not rows[1:] or any(len(row) >= len(rows[0]) and _has_number(row) for row in rows)
    return [name for name in _names(rows[0]) if name] if is_table else []


def json_lines(path: Path, text: str) -> RawTable:
    """Read a file with an object a line."""
    rows: list[tuple[int, dict[str, Any]]] = []
    broken: list[tuple[int, str]] = []
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            broken.append((at, f"no JSON ({' '.join(str(error).split())[:60]})"))
            continue
        if isinstance(row, dict):
            rows.append((at, row))
        else:
            broken.append((at, f"a JSON object is expected, got {type(row).__name__}"))
    raw = RawTable.of_rows(path, rows)
    raw.add_troubles(broken)
    return raw


def json_names(head: str) -> list[str]:
    """Return the names in the first lines of a file with an object a line; none if it is not."""
    names: dict[str, None] = {}
    for line in head.splitlines()[:_HEAD_LINES]:
        if not line.lstrip().startswith("{"):
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        names |= dict.fromkeys(row)
    return list(names)


def _has_number(cells: Sequence[str]) -> bool:
    return any(isinstance(number_of(cell), float) for cell in cells)


def _is_prose(name: str) -> bool:
    """Tell whether a cell is part of a sentence, or of a line that a program printed."""
    is_long = len(name) > _LONGEST_NAME or name.count(" ") > _MOST_BLANKS
    return is_long or any(sign in name for sign in ("=", "%|", ": "))


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=first.count)


def _names(cells: Sequence[str]) -> list[str]:
    """Return the names of a header, each once."""
    names: list[str] = []
    for cell in cells:
        name = re.sub(r"^#\s*", "", cell.strip())
        again = sum(each == name or each.startswith(f"{name}.") for each in names)
        names.append(f"{name}.{again}" if name in names and name else name)
    return names


def _is_header(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Tell whether a line has names again, as where a log was begun anew in one file."""
    stripped = [cell.strip() for cell in cells]
    if not {*stripped} & {*names} - {""}:
        return False
    return not _has_number(stripped)


def _cell(cells: Sequence[str], place: int | None) -> str | None:
    return None if place is None else cells[place]
