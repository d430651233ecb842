"""A progress bar on standard error while many runs are read; nothing where nobody looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import track

from lrwatch.cli.judging import ListedRun, judge_entry
from lrwatch.store import RunEntry

__all__ = ["judge_all"]


def judge_all(entries: Sequence[RunEntry]) -> Iterable[ListedRun]:
    """Judge runs one after the other."""
    console = Console(stderr=True)
    return track(
        map(judge_entry, entries),
        description="Reading",
        total=len(entries),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
