"""The list that ``lrwatch ls`` prints: for people, for pipes, and as JSON."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from lrwatch.cli.appearance import GAP, in_columns, run_name, verdict_text, widths_of
from lrwatch.cli.judging import ListedRun
from lrwatch.cli.place import known_as
from lrwatch.formats import count, duration, number, printable

__all__ = ["as_object", "plain", "table"]

_HEADINGS: Final = ("verdict", "run", "learning rate", "last loss", "steps", "age")


def table(runs: Sequence[ListedRun], console: Console | None = None) -> str:
    """Return a table that fits the terminal, with the reason below each run that needs one."""
    console = Console(highlight=False) if console is None else console
    rows = [(verdict_text(run), run_name(run), *map(Text, _numbers(run))) for run in runs]
    headings = tuple(map(Text, _HEADINGS))
    widths = widths_of([headings, *rows], console.width)
    with console.capture() as captured:
        console.print(in_columns(headings, widths, 2), style="dim", overflow="ellipsis")
        for run, row in zip(runs, rows, strict=True):
            console.print(in_columns(row, widths, 2), overflow="ellipsis")
            if run.reason and run.learning_rate != "ok":
                reason = Text(printable(run.reason), "dim")
                console.print(Padding(reason, (0, 0, 0, widths[0] + len(GAP))))
    return captured.get()


def plain(runs: Sequence[ListedRun]) -> str:
    """Return a line a run under one line of headings, columns separated by tabs."""
    headings = (*_HEADINGS[:2], "reason", *_HEADINGS[2:])
    rows = [
        (run.verdict, printable(run.run), printable(run.reason), *_numbers(run)) for run in runs
    ]
    return "\n".join("\t".join(row) for row in (headings, *rows))


def as_object(run: ListedRun) -> dict[str, Any]:
    """Return what is printed of a run as JSON; the keys are part of the public interface."""
    diagnosis = run.diagnosis
    return {
        "run": run.run,
        "path": known_as(run.path),
        "verdict": None if diagnosis is None else diagnosis.verdict,
        "learning_rate": run.learning_rate,
        "confidence": None if diagnosis is None else diagnosis.confidence,
        "reason": run.reason,
        "peak_lr": run.summary.peak_lr,
        "suggested_lr": None if diagnosis is None else diagnosis.suggested_lr,
        "last_loss": run.summary.last_loss,
        "steps": run.summary.n_steps,
        "total_steps": run.total_steps,
        "status": run.status or None,
        "last_write": datetime.fromtimestamp(run.last_write, UTC).isoformat(timespec="seconds"),
        "problem": run.problem or None,
        "name": run.name or run.run,
        "tags": list(run.labels.tags),
        "note": run.labels.note,
        "pinned": run.labels.pinned,
        "archived": run.labels.archived,
    }


def _numbers(run: ListedRun) -> tuple[str, ...]:
    age = duration(max(time.time() - run.last_write, 1.0))
    return (
        number(run.summary.peak_lr),
        number(run.summary.last_loss),
        count(run.summary.n_steps),
        age,
    )
