"""What ``lrwatch top`` shows: the runs of a store, followed, and a picture of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Group
from rich.text import Text

from lrwatch.cli.appearance import GAP, in_columns, run_name, verdict_text, widths_of
from lrwatch.cli.judging import ListedRun, beside_siblings, chosen, listed, worst_first
from lrwatch.cli.place import known_as
from lrwatch.cli.plot import small_curve
from lrwatch.cli.report import summary
from lrwatch.errors import StorageError
from lrwatch.following import FollowedRun, FollowedStore
from lrwatch.formats import count, duration, number, printable
from lrwatch.monitor import Monitor

__all__ = ["LiveList", "picture"]

_TOP: Final = 7  # of a small curve
_CURVE, _SHORT_CURVE = 16, 10
_ODD: Final = ("failed", "interrupted", "silent", "unreadable")
"""What a run does that stands in place of its age."""

_NARROW: Final = 100
"""Columns of a terminal below which a reason stands in a line of its own."""

_FIRST_NUMBER: Final = 3
_HEAD_LINES: Final = 3


class LiveList:
    """The runs of a store as they are now.

    Parameters
    ----------
    wanted
        Which of them, as `lrwatch.finding.RunFilter` reads it.

    Attributes
    ----------
    runs
        Worst first, as of the last look.
    n_waiting
        Runs that are still to be judged.
    problem
        Why the store cannot be looked at now; empty if it can.
    """

    def __init__(self, folder: Path, *, wanted: str = "", alone: bool = False) -> None:
        self.folder = folder
        self.runs: list[ListedRun] = []
        self.n_waiting = 0
        self.problem = ""
        self._wanted, self._alone = wanted, alone
        self._store: FollowedStore[FollowedRun[Any]] = FollowedStore(
            folder,
            lambda entry: FollowedRun(entry, lambda info: Monitor(total_steps=info.total_steps)),
        )

    def look(self, seconds: float) -> bool:
        """Read and judge for so long what is new; return whether all is done.

        Raises
        ------
        RunNotFound
            If the store does not exist.
        StorageError
            If it is at an address that was never reached.
        InvalidArgument
            If the filter cannot be understood.
        """
        try:
            self._store.relist()
            self.problem = ""
        except StorageError as error:  # what was seen is still shown
            if not self._store.runs:
                raise
            self.problem = str(error)
        deadline = time.monotonic() + seconds
        waiting = [run for run in self._store.runs.values() if run.needs_work()]
        waiting.sort(key=lambda run: (run.has_ended, -run.entry.last_write))
        self.n_waiting = len(waiting)
        for run in waiting:
            run.advance(deadline=deadline)
            self.n_waiting -= not run.is_behind
            if run.can_rest() and run.diagnosis is not None:
                run.rest_on(run.summary, run.diagnosis)
            if time.monotonic() > deadline:
                break
        found = [listed(run) for run in self._store.runs.values()]
        # Before every run is known, none can be missed by a filter.
        runs = found if self._alone else beside_siblings(found)
        self.runs = worst_first(chosen(runs, self._wanted))
        return not self.n_waiting

    def curve(self, run: ListedRun, n: int) -> tuple[int | None, ...]:
        """Return a small picture of a run's loss, `n` heights from 0 to 7 at most."""
        follower = self._store.runs.get(run.key)
        return () if follower is None else follower.summary.losses.heights(n, _TOP)


def picture(runs: LiveList, width: int, height: int | None, *, is_plain: bool) -> Group:
    """Return the table, cut to the height of a terminal; a reason below each flagged run."""
    lines = [_head(runs), Text()]
    room = None if height is None else max(height - _HEAD_LINES, 1)
    rows = [_cells(runs, run, width, is_plain=is_plain) for run in runs.runs]
    widths = widths_of(rows, width, share=1.0 if width < _NARROW else 0.5)
    shown = 0
    body: list[Text] = []
    for run, row in zip(runs.runs, rows, strict=True):
        block = _block(run, row, widths, width)
        if room is not None and len(body) + len(block) > room:
            break
        body += block
        shown += 1
    if shown < len(rows):
        body.append(Text(f"and {count(len(rows) - shown)} more", "dim"))
    return Group(*lines, *body)


def _head(runs: LiveList) -> Text:
    n_running = sum(run.state == "running" for run in runs.runs)
    said = f"{summary(runs.runs)}, {n_running} running" if runs.runs else "no runs to show yet"
    waiting = f", judging {count(runs.n_waiting)}" if runs.n_waiting else ""
    where = Text(f"  {printable(known_as(runs.folder))}", "dim")
    problem = Text(f"  {printable(runs.problem)}" if runs.problem else "", "bold red")
    line = Text.assemble((said + waiting, "bold"), where, problem)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _cells(runs: LiveList, run: ListedRun, room: int, *, is_plain: bool) -> list[Text]:
    rate = Text(number(run.summary.peak_lr, 3))
    if run.diagnosis is not None and run.diagnosis.suggested_lr is not None:
        rate.append(" -> " if is_plain else " → ", "dim")
        rate.append(number(run.diagnosis.suggested_lr, 2), "bold")
    n = _SHORT_CURVE if room < _NARROW else _CURVE
    age = run.state if run.state in _ODD else duration(max(time.time() - run.last_write, 1.0))
    loss = [] if room < _NARROW else [Text(number(run.summary.last_loss, 3))]
    return [
        verdict_text(run),
        run_name(run),
        Text(small_curve(runs.curve(run, n), _TOP, is_plain=is_plain), "blue"),
        rate,
        *loss,
        Text(age, "dim"),
    ]


def _block(run: ListedRun, row: list[Text], widths: list[int], room: int) -> list[Text]:
    line = in_columns(row, widths, _FIRST_NUMBER)
    line.overflow = "ellipsis"  # a number that is cut would be another one
    if not run.reason or run.learning_rate == "ok":
        return [line]
    reason = Text(printable(run.reason), "dim", no_wrap=True, overflow="ellipsis")
    left = room - cell_len(line.plain) - len(GAP)
    if left >= _NARROW // 3:
        reason.truncate(left, overflow="ellipsis")
        return [Text.assemble(line, GAP, reason, no_wrap=True, overflow="crop")]
    indent = widths[0] + len(GAP)
    reason.truncate(max(room - indent, 1), overflow="ellipsis")
    return [line, Text.assemble(" " * indent, reason, no_wrap=True, overflow="crop")]
