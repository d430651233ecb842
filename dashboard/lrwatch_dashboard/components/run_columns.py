"""The columns of the table of runs: those that every run has, and its settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

__all__ = ["COLUMN_NAMES", "METRICS", "SETTING", "column_definitions", "usual_columns"]

SETTING: Final = "config."
"""Before the name of a setting, in the address and in the grid."""

METRICS: Final = {"last.": "last", "best.": "best", "at.": "at best loss"}
"""Before the name of a metric that users log, and which of its values is shown."""

_RIGHT: Final[dict[str, Any]] = {"type": "rightAligned", "cellDataType": False}
_PLAIN: Final[dict[str, Any]] = {"cellDataType": False}
_MOST: Final = 40
_RATE_TIP: Final = "Highest learning rate so far, and the one to try next"
_BEST_TIP: Final = "Lowest mean loss over a short stretch of the run, a 256th to a 128th of it"


def _column(field: str, name: str, cell: str, tip: str = "", **more: Any) -> dict[str, Any]:
    shown = {"field": field, "colId": field, "headerName": name, "cellRenderer": cell, **more}
    return {**shown, "headerTooltip": tip} if tip else shown


_COLUMNS: Final = (
    _column(
        "rank",
        "Verdict",
        "VerdictCell",
        width=168,
        initialSort="asc",
        sortingOrder=["asc", "desc"],
        **_PLAIN,
    ),
    _column("name", "Run", "RunCell", minWidth=200, flex=7, cellDataType="text"),
    _column("spark", "Loss", "SparkCell", width=118, sortable=False, **_PLAIN),
    _column("why", "Why", "WhyCell", minWidth=170, flex=6, cellDataType="text"),
    _column("lr", "Learning rate", "LrCell", _RATE_TIP, width=144, minWidth=110, **_RIGHT),
    _column("best", "Best loss", "BestCell", _BEST_TIP, width=96, minWidth=88, **_RIGHT),
    _column("steps", "Steps", "StepsCell", width=84, minWidth=80, **_RIGHT),
    _column(
        "updated",
        "Last step",
        "AgeCell",
        "Time since the last recorded step",
        width=108,
        minWidth=100,
        sortingOrder=["desc", "asc"],
        **_RIGHT,
    ),
)
_MORE: Final = (
    _column("status", "Status", "TextCell", width=110, **_PLAIN),
    _column("optimizer", "Optimizer", "TextCell", width=120, **_PLAIN),
    _column("group", "Group", "TextCell", width=120, **_PLAIN),
)
# The only column of a narrow window; the script swaps it in.
_CARD: Final = _column("card", "Runs, worst first", "RunCard", flex=1, hide=True, sortable=False)

COLUMN_NAMES: Final = {column["field"]: column["headerName"] for column in (*_COLUMNS, *_MORE)}
"""What the columns of every run are called, in their usual order."""


def usual_columns() -> list[str]:
    """Return the columns that a table has unless its address says otherwise."""
    return [column["field"] for column in _COLUMNS]


def column_definitions(chosen: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the columns of those names, in that order; the usual ones for none.

    What nobody can choose is left out; the name of the run is always there.
    """
    known = {column["field"]: column for column in (*_COLUMNS, *_MORE)}
    wanted = dict.fromkeys(chosen or usual_columns())
    if "name" not in wanted:
        wanted = {"name": None, **wanted}
    found = [
        known.get(name) or _by_prefix(name)
        for name in list(wanted)[:_MOST]
        if name in known or _prefix(name)
    ]
    return [*found, _CARD]


def _prefix(name: str) -> str:
    before, dot, after = name.partition(".")
    prefix = before + dot
    return prefix if after and prefix in (SETTING, *METRICS) else ""


def _by_prefix(name: str) -> dict[str, Any]:
    prefix = _prefix(name)
    if prefix in METRICS:
        which, metric = METRICS[prefix], name.removeprefix(prefix)
        tip = f"{metric}, {which}"
        return _column(name, tip, "MetricCell", tip, width=130, minWidth=96, **_RIGHT)
    shown = name.removeprefix(SETTING)
    return _column(name, shown, "SettingCell", f"Setting {shown}", width=112, minWidth=84, **_PLAIN)
