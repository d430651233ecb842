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

_RIGHT: Final = {"type": "rightAligned", "cellDataType": False}
_UNSEARCHED: Final = {"cellDataType": False, "getQuickFilterText": {"function": "''"}}

_COLUMNS: Final[tuple[dict[str, Any], ...]] = (
    {
        "field": "rank",
        "headerName": "Verdict",
        "cellRenderer": "VerdictCell",
        "width": 160,
        "sort": "asc",
        "sortingOrder": ["asc", "desc"],
        "cellDataType": False,
        "getQuickFilterText": {"function": "params.data.word"},
    },
    {
        "field": "name",
        "headerName": "Run",
        "cellRenderer": "RunCell",
        "minWidth": 230,
        "flex": 3,
        "cellDataType": "text",
    },
    {
        "field": "spark",
        "headerName": "Loss",
        "cellRenderer": "SparkCell",
        "width": 118,
        "sortable": False,
        **_UNSEARCHED,
    },
    {
        "field": "why",
        "headerName": "Why",
        "cellRenderer": "WhyCell",
        "minWidth": 240,
        "flex": 5,
        "cellDataType": "text",
    },
    {
        "field": "lr",
        "headerName": "Learning rate",
        "cellRenderer": "LrCell",
        "headerTooltip": "Highest learning rate so far, and the one to try next",
        "width": 144,
        **_RIGHT,
    },
    {
        "field": "best",
        "headerName": "Best loss",
        "cellRenderer": "BestCell",
        "headerTooltip": "Lowest loss of any step",
        "width": 92,
        **_RIGHT,
    },
    {"field": "steps", "headerName": "Steps", "cellRenderer": "StepsCell", "width": 80, **_RIGHT},
    {
        # The state is searched for, too: "failed", "interrupted".
        "field": "updated",
        "getQuickFilterText": {"function": "params.data.state"},
        "headerName": "Last step",
        "cellRenderer": "AgeCell",
        "headerTooltip": "Time since the last recorded step",
        "width": 116,
        "sortingOrder": ["desc", "asc"],
        **_RIGHT,
    },
    {
        # The only column of a narrow window; the script swaps it in.
        "field": "card",
        "headerName": "Runs, worst first",
        "cellRenderer": "RunCard",
        "flex": 1,
        "hide": True,
        "sortable": False,
        **_UNSEARCHED,
    },
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
