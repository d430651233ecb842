"""Importers of single JSON documents: the Trainer's state, the History of Keras, lists of rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lrwatch.errors import RunUnreadable
from lrwatch.importing.cells import RawTable, typed
from lrwatch.importing.foreign_run import Choice, ForeignRun, Trouble
from lrwatch.importing.source import decoded, is_text, run_name, text_of

__all__ = ["JsonRows", "KerasHistory", "TrainerState"]

_HISTORY: Final = re.compile(r'"log_history"\s*:\s*\[')
_LISTS: Final = re.compile(r'\s*\{\s*"[^"]+"\s*:\s*\[\s*(-?\d|NaN|-?Infinity|null)')
_ROWS: Final = re.compile(r"\s*\[\s*\{")
_BATCH: Final = "train_batch_size"


class TrainerState:
    """Reads ``trainer_state.json`` of the Hugging Face Trainer, whole or cut short."""

    name, title = "huggingface", "Hugging Face trainer_state"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is of this kind."""
        return 0.95 if is_text(head) and _HISTORY.search(decoded(head)) else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the run of a file; raises `RunUnreadable`."""
        text = text_of(path)
        start = _HISTORY.search(text)
        if start is None:
            raise RunUnreadable(f"{path.name} has no log_history")
        rows, end = _objects(text, start.end())
        raw = RawTable.of_rows(path, rows)
        try:
            state = json.loads(text)
        except (ValueError, RecursionError):
            state = {}
            raw.troubles.append(Trouble(path, _line(text, end), "the file ends too early"))
        if not rows:
            raise RunUnreadable(f"{path.name} has an empty log_history: the run logged nothing")
        state = state if isinstance(state, dict) else {}
        ended = any("train_runtime" in row for _, row in rows)
        return [
            ForeignRun(
                run_name(path),
                typed(raw),
                self.title,
                columns={"step": "step"},
                is_averaged=True,
                every=_whole(state.get("logging_steps")),
                total_steps=_whole(state.get("max_steps")),
                config={"batch_size": state[_BATCH]} if state.get(_BATCH) else {},
                is_over=ended or None,
                troubles=tuple(raw.troubles),
            )
        ]


class KerasHistory:
    """Reads what ``json.dump(history.history)`` writes: a list a metric, an item an epoch."""

    name, title = "keras-history", "Keras History"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is of this kind."""
        return 0.6 if is_text(head) and _LISTS.match(decoded(head)) else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the run of a file; raises `RunUnreadable`."""
        history = _document(path)
        lists = {
            name: column
            for name, column in (history.items() if isinstance(history, dict) else ())
            if isinstance(column, list)
        }
        n_rows = max(map(len, lists.values()), default=0)
        if not n_rows:
            raise RunUnreadable(f"{path.name} has no list of numbers by epoch")
        columns: dict[str, list[Any]] = {
            name: column + [None] * (n_rows - len(column)) for name, column in lists.items()
        }
        columns.setdefault("epoch", list(range(n_rows)))
        raw = RawTable(path, columns, [1] * n_rows)
        short = [name for name, column in lists.items() if len(column) < n_rows]
        raw.troubles += [Trouble(path, None, f"{name} has fewer epochs") for name in short]
        table = typed(raw)
        run = ForeignRun(
            run_name(path), table, self.title, columns={"step": "epoch"}, is_averaged=True,
            is_by_epoch=True, troubles=tuple(raw.troubles),
        )  # fmt: skip
        return [run]


class JsonRows:
    """Reads a list of objects, one a row, as ``json.dump(rows)`` and pandas write it."""

    name, title = "json", "JSON list"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is of this kind."""
        text = decoded(head) if is_text(head) else ""
        return (0.4 if "loss" in text else 0.1) if _ROWS.match(text) else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the run of a file; raises `RunUnreadable`."""
        text = text_of(path)
        start = re.match(r"\s*\[", text)
        rows, end = _objects(text, start.end() if start else 0)
        if not rows:
            raise RunUnreadable(f"{path.name} has no list of objects")
        raw = RawTable.of_rows(path, rows)
        if not text[end:].lstrip().startswith("]"):
            raw.troubles.append(Trouble(path, _line(text, end), "no JSON from here on"))
        table = typed(raw)
        return [ForeignRun(run_name(path), table, self.title, troubles=tuple(raw.troubles))]


def _document(path: Path) -> Any:
    text = text_of(path)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise RunUnreadable(f"{path.name} is nested too deeply") from error
    except ValueError as error:
        raise RunUnreadable(f"{path.name} cannot be read as JSON: {error}") from error


def _objects(text: str, start: int) -> tuple[list[tuple[int, Mapping[str, Any]]], int]:
    """Return lines and objects of a list that begins at `start`, and where they end."""
    line, at, end, found = 1, 0, start, []
    for begin, row, end in _decoded_objects(text, start):  # noqa: B007  the last one counts
        line, at = line + text.count("\n", at, begin), begin
        found.append((line, row))
    return found, end


def _decoded_objects(text: str, at: int) -> Iterator[tuple[int, Mapping[str, Any], int]]:
    decoder = json.JSONDecoder()
    while (begin := _SPACE.match(text, at)) and text.startswith("{", begin.end()):
        try:
            row, at = decoder.raw_decode(text, begin.end())
        except (ValueError, RecursionError):
            return
        yield begin.end(), row, at


_SPACE: Final = re.compile(r"[\s,]*")


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _whole(value: Any) -> int | None:
    """Return a number of steps; ``None`` if it is none, such as a fraction of all steps."""
    is_count = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_count and 1 <= value < 2**53 and value == int(value) else None
