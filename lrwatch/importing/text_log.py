"""Importers of console logs: a row for each line that has a step and a loss or a rate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lrwatch.errors import RunUnreadable
from lrwatch.importing.cells import RawTable, typed
from lrwatch.importing.foreign_run import Choice, ForeignRun
from lrwatch.importing.source import decoded, is_text, run_name, text_of
from lrwatch.importing.text_layouts import TextLayout
from lrwatch.records import STEP_COLUMNS

__all__ = ["TextLog"]

_LONGEST_LINE: Final = 4000
_ENOUGH_LINES: Final = 2
_SEGMENTS: Final = 3

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

_NUMBER: Final = (
    r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\.?#)|(?:nan|inf(?:inity)?)\b"
    r"|1\.#(?:QNAN|SNAN|INF|IND))"
)
_STEP: Final = re.compile(
    r"(?<![\w.])(?:global[_ ]?)?(?:step|iteration|iter)['\"]?\s*[:=\[#]*\s*(\d+)"
    r"(?:\s*/\s*(\d+))?(?![\w.]*\w)",
    re.IGNORECASE,
)
_BATCH: Final = re.compile(
    r"Epoch:?\s*\[?(\d+)(?:\]\[\s*|/\d+.*?\s|.*?%\|.*?\s)(\d+)/(\d+)(?:\]| \[\d+:\d+)"
)
"""Epoch, batch and batches, as the PyTorch examples and progress bars have them."""

# `loss: 2.1`, `lr=[3e-05, 3e-05]`, `'grad_norm': '1.5'`; of a loss, rate or norm also `loss 2.1`.
_PAIR: Final = re.compile(
    rf"(?<![\w./-])([A-Za-z_][\w./-]*?(?: (?:loss|norm|rate))?)['\"]?\s*[:=]\s*[\[('\"]*({_NUMBER})"
    rf"|(?<![\w./-])((?:[a-z]+[ _])?(?:loss|lr|norm|rate))\s+({_NUMBER})",
    re.IGNORECASE,
)
_TELLS: Final = re.compile(r"(?i)(^|[^a-z])(loss|lr|learning_rate)([^a-z]|$)")
_VALIDATES: Final = re.compile(r"(?i)\b(validate|validation|eval|evaluation)\s+(step|iteration)\b")
"""How a line begins that has a loss on data that are not trained on."""

_NOT_METRICS: Final = frozenset({"step", "iter", "iteration", "global_step"})
_OURS: Final = frozenset({"loss", "lr", "grad_norm"})


class TextLog:
    """Reads the console log of one trainer.

    Parameters
    ----------
    layout
        What its lines look like.
    """

    def __init__(self, layout: TextLayout) -> None:
        self.name, self.title = layout.name, layout.title
        self._layout = layout

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is of this kind."""
        if not is_text(head):
            return 0.0
        n_found = 0
        for _, line in _lines(decoded(head)):
            if self._layout.sign.search(line) and self._row(line) is not None:
                n_found += 1
                if n_found == _ENOUGH_LINES:
                    return self._layout.sureness
        return 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the run of a file; raises `RunUnreadable`."""
        rows: list[tuple[int, dict[str, Any]]] = []
        total = 0
        for at, line in _lines(text_of(path)):
            row = self._row(line)
            if row is None:
                continue
            total = max(total, row.pop("", 0))
            rows.append((at, row))
        if not rows:
            raise RunUnreadable(f"{path.name} has no line with a step and a loss")
        raw = RawTable.of_rows(path, rows)
        if not any("loss" in name for name in raw.columns):
            raise RunUnreadable(
                f"{path.name} has learning rates and no loss, from line {rows[0][0]} on; "
                "give the log of the trainer, which has both"
            )
        return [
            ForeignRun(
                run_name(path),
                typed(raw),
                self.title,
                columns={"step": "step"} if "step" in raw.columns else {},
                is_averaged=self._layout.is_averaged,
                total_steps=total or None,
                notes=self._layout.notes,
                troubles=tuple(raw.troubles),
            )
        ]

    def _row(self, line: str) -> dict[str, Any] | None:
        """Return the numbers of a line, the planned steps as ``""``; ``None`` if it is no row."""
        row: dict[str, Any] = {}
        batch = _BATCH.search(line)
        step = _STEP.search(line)
        if batch is not None:
            epoch, at, n_batches = map(int, batch.groups())
            row["step"] = epoch * n_batches + at
        elif step is not None:
            row["step"] = int(step[1])
            row[""] = int(step[2] or 0)
        elif self._layout.has_steps:
            return None
        for name, value in _pairs(line):
            row.setdefault(_column(name), value)
        if _VALIDATES.search(line) and "loss" in row:
            row["val_loss"] = row.pop("loss")
        if self._layout.nans is not None:
            loss, count = self._layout.nans
            if row.get(count, "0") != "0":
                row.setdefault(loss, "nan")
        return row if any(map(_TELLS.search, row)) else None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with their numbers; of a line drawn again and again, as each time it was."""
    for at, line in enumerate(text.split("\n"), 1):
        for drawn in line.split("\r"):
            if any(sign.isdigit() for sign in drawn[:_LONGEST_LINE]):
                yield at, _COLOUR.sub("", drawn[:_LONGEST_LINE])


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    segments = line.split("|")
    if len(segments) > _SEGMENTS and 2 * sum(":" in each for each in segments) > len(segments):
        for segment in segments:
            name, _, value = segment.rpartition(":")
            if re.fullmatch(_NUMBER, value.strip(), re.IGNORECASE):
                yield name.strip(), value.strip()
        return
    for match in _PAIR.finditer(line):
        name, value = (match[1], match[2]) if match[1] is not None else (match[3], match[4])
        if name.lower() not in _NOT_METRICS:
            yield name, value


def _column(name: str) -> str:
    """Return the column of a number; none is taken for one of ours that it is not."""
    column = re.sub(r"\s+", "_", name.strip())
    if column.lower() in _OURS:
        return column.lower()
    return f"logged_{column}" if column.lower() in STEP_COLUMNS else column
