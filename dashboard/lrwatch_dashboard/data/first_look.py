"""What a store's table of verdicts says, for the pages to begin with.

Listing a store of ten thousand runs takes seconds, and judging them minutes. Until a run has a
verdict of its own here, it is shown with that of the table, if it has not been written since.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from lrwatch.comparing import flat_settings
from lrwatch.judging import VerdictTable
from lrwatch.judging.judges import judges
from lrwatch.judging.rows import VERDICT_COLUMNS
from lrwatch.verdicts import Diagnosis
from lrwatch_dashboard.views import RunView

__all__ = ["FirstLook"]

_NUMBERS: Final = ("first_alarm_step", "peak_lr", "best_loss", "steps", "total_steps", "curve")
_ABOUT: Final = ("key", "name", "state", "optimizer", "group", "config", "problem", "judges")
_REST: Final = ("created_at", "last_write", "pinned", "archived")


class FirstLook:
    """The runs of a store as its table has them.

    Parameters
    ----------
    root
        Folder of runs.
    alone
        Whether runs are shown as they were judged by themselves.
    """

    def __init__(self, root: Path, *, alone: bool) -> None:
        self._table = VerdictTable(root)
        self._said = [f"{name}_alone" if alone else name for name in VERDICT_COLUMNS]
        self._views: dict[str, RunView] = {}

    def read(self) -> Mapping[str, RunView]:
        """Read the table; return a view of each run that it knows."""
        columns = [*self._said, *_NUMBERS, *_ABOUT, *_REST]
        for row in self._table.rows(columns):
            if row["judges"] == judges() and not row["problem"]:
                # Whoever may write in the store may have written the table.
                with suppress(AttributeError, TypeError, ValueError, RecursionError):
                    self._views[row["key"]] = self._view(row)
        return self._views

    def filled(self, view: RunView) -> RunView:
        """Return the view of a run with what the table says, where nothing else is known yet."""
        said = self._views.get(view.key)
        if said is None or view.diagnosis or view.problem or view.updated_at != said.updated_at:
            return view
        return replace(
            view,
            diagnosis=said.diagnosis,
            steps=said.steps,
            lr=said.lr,
            best_loss=said.best_loss,
            sparkline=said.sparkline,
        )

    def forget(self) -> None:
        """Give the memory back: every run has a verdict of its own."""
        self._views = {}

    def _view(self, row: Mapping[str, Any]) -> RunView:
        said = {name: row[column] for name, column in zip(VERDICT_COLUMNS, self._said, strict=True)}
        diagnosis = Diagnosis(
            **said,
            first_alarm_step=row["first_alarm_step"],
            interval=None,
            evidence=[],
            n_steps=row["steps"],
        )
        return RunView(
            key=row["key"],
            name=row["name"],
            state=row["state"],
            diagnosis=diagnosis,
            steps=row["steps"],
            total_steps=row["total_steps"],
            lr=row["peak_lr"],
            best_loss=row["best_loss"],
            optimizer=row["optimizer"],
            group=row["group"] or "",
            config=flat_settings(json.loads(row["config"])),
            created_at=row["created_at"],
            updated_at=row["last_write"],
            sparkline=tuple(row["curve"]),
            is_pinned=row["pinned"],
            is_archived=row["archived"],
        )
