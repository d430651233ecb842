"""The table of the Overview: an AG Grid whose cells are drawn by ``assets/grid.js``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import dash_ag_grid

from lrwatch.formats import count, number
from lrwatch_dashboard import ids
from lrwatch_dashboard.address import run_href
from lrwatch_dashboard.theme import look
from lrwatch_dashboard.views import Overview, RunView

__all__ = ["grid_row", "run_table", "table_change"]

_RIGHT: Final[dict[str, Any]] = {"type": "rightAligned", "cellDataType": False}


def _column(field: str, name: str, cell: str, tip: str = "", **more: Any) -> dict[str, Any]:
    shown = {"field": field, "headerName": name, "cellRenderer": cell, **more}
    return {**shown, "headerTooltip": tip} if tip else shown


def _searched(text: str) -> dict[str, Any]:
    return {"cellDataType": False, "getQuickFilterText": {"function": text}}


_UNSORTED: Final = {"sortable": False, **_searched("''")}
_RATE_TIP: Final = "Highest learning rate so far, and the one to try next"

_COLUMNS: Final = (
    _column(
        "rank",
        "Verdict",
        "VerdictCell",
        width=168,
        sort="asc",
        sortingOrder=["asc", "desc"],
        **_searched("params.data.word"),
    ),
    _column("name", "Run", "RunCell", minWidth=230, flex=4, cellDataType="text"),
    _column("spark", "Loss", "SparkCell", width=118, **_UNSORTED),
    _column("why", "Why", "WhyCell", minWidth=230, flex=6, cellDataType="text"),
    _column("lr", "Learning rate", "LrCell", _RATE_TIP, width=144, **_RIGHT),
    _column("best", "Best loss", "BestCell", "Lowest loss of any step", width=92, **_RIGHT),
    _column("steps", "Steps", "StepsCell", width=80, **_RIGHT),
    _column(
        "updated",
        "Last step",
        "AgeCell",
        "Time since the last recorded step",
        width=144,
        sortingOrder=["desc", "asc"],
        # The state is searched for, too: "failed", "interrupted".
        **_RIGHT | _searched("params.data.state"),
    ),
    # The only column of a narrow window; the script swaps it in.
    _column("card", "Runs, worst first", "RunCard", flex=1, hide=True, **_UNSORTED),
)


def grid_row(row: RunView) -> dict[str, Any]:
    """Return a row as the grid takes it: numbers to sort by, and texts to show."""
    shown = look(row.verdict)
    return {
        "key": row.key,
        "href": run_href(row.key),
        "name": row.name,
        "rank": row.rank,
        "word": shown.word,
        "mark": shown.mark,
        "why": row.reason,
        "state": row.state,
        "spark": list(row.sparkline),
        "broken": row.is_broken,
        "lr": row.lr,
        "lr_text": number(row.lr, 3),
        "try_text": number(row.suggested_lr, 2) if row.suggested_lr is not None else "",
        "best": row.best_loss,
        "best_text": number(row.best_loss),
        "steps": row.steps,
        "steps_text": count(row.steps),
        "updated": row.updated_at,
    }


def table_change(overview: Overview) -> dict[str, Any]:
    """Return the change of the table for ``applyRows`` of the script."""
    return {
        "rows": [grid_row(row) for row in overview.rows],
        "removed": list(overview.removed),
        "whole": overview.whole,
    }


def run_table(rows: Iterable[RunView]) -> dash_ag_grid.AgGrid:
    """Return the table, worst run first."""
    return dash_ag_grid.AgGrid(
        id=ids.GRID,
        className="runs",
        rowData=[grid_row(row) for row in rows],
        columnDefs=list(_COLUMNS),
        defaultColDef={"resizable": True, "sortable": True, "suppressMovable": True},
        getRowId="params.data.key",
        dashGridOptions=_options(),
        eventListeners={
            "rowClicked": ["lrwatchOpenRow(params)"],
            "cellKeyDown": ["lrwatchKeyInRow(params)"],
            "sortChanged": ["lrwatchSorted(params)"],
            "selectionChanged": ["lrwatchSelected(params)"],
        },
        style={"height": "100%", "width": "100%"},
    )


def _options() -> dict[str, Any]:
    return {
        "theme": {"function": "lrwatchTheme(themeQuartz)"},
        "rowHeight": 48,
        "headerHeight": 34,
        "animateRows": False,
        "enableCellTextSelection": True,
        "ensureDomOrder": True,
        "suppressCellFocus": False,
        "rowSelection": {
            "mode": "multiRow",
            "checkboxes": True,
            "headerCheckbox": False,
            "enableClickSelection": False,
        },
        "selectionColumnDef": {"width": 36, "maxWidth": 36, "resizable": False},
        "suppressDragLeaveHidesColumns": True,
        "tooltipShowDelay": 400,
        "localeText": {"noRowsToShow": "No run matches", "noMatchingRows": "No run matches"},
        "isExternalFilterPresent": {"function": "lrwatchHasFilter()"},
        "doesExternalFilterPass": {"function": "lrwatchPasses(params)"},
    }
