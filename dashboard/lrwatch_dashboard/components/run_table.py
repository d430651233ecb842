"""The table of the Overview: an AG Grid whose cells are drawn by ``assets/grid.js``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import dash_ag_grid

from lrwatch.formats import count, number
from lrwatch_dashboard import ids
from lrwatch_dashboard.address import run_href
from lrwatch_dashboard.components.run_columns import METRICS, SETTING, column_definitions
from lrwatch_dashboard.own_metrics import wants_least
from lrwatch_dashboard.theme import JUDGING, look
from lrwatch_dashboard.views import Overview, RunView, setting_text

__all__ = ["grid_row", "group_text", "run_table", "table_change"]


def grid_row(row: RunView, columns: Sequence[str] = (), group_by: str = "") -> dict[str, Any]:
    """Return a row as the grid takes it: numbers to sort by, and texts to show."""
    shown = look(row.verdict)
    settings = [name for name in columns if name.startswith(SETTING)]
    return {
        "key": row.key,
        "href": run_href(row.key),
        "name": row.name,
        "rank": row.rank,
        "word": shown.word,
        "mark": shown.mark,
        "counted": "" if row.verdict == JUDGING else shown.mark,
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
        "status": row.state,
        "optimizer": row.optimizer,
        "group": row.group,
        "tags": list(row.tags),
        "note": row.note,
        "pinned": row.is_pinned,
        "archived": row.is_archived,
        **({"of": group_text(row, group_by)} if group_by else {}),
        **{name: _setting(row.config.get(name.removeprefix(SETTING))) for name in settings},
        **{name: _metric(row, name) for name in columns if name.startswith(tuple(METRICS))},
    }


def group_text(row: RunView, by: str) -> str:
    """Return the group of a run: the text of a setting, or of what every run has."""
    known = {
        "verdict": look(row.verdict).word,
        "optimizer": row.optimizer,
        "group": row.group,
        "status": row.state,
    }
    return setting_text(known[by] if by in known else row.config.get(by))


def table_change(
    overview: Overview, columns: Sequence[str] = (), group_by: str = ""
) -> dict[str, Any]:
    """Return the change of the table for ``applyRows`` of the script."""
    return {
        "rows": [grid_row(row, columns, group_by) for row in overview.rows],
        "removed": list(overview.removed),
        "whole": overview.whole,
    }


def run_table(
    rows: Iterable[RunView], columns: Sequence[str] = (), group_by: str = ""
) -> dash_ag_grid.AgGrid:
    """Return the table, worst run first."""
    return dash_ag_grid.AgGrid(
        id=ids.GRID,
        className="runs",
        rowData=[grid_row(row, columns, group_by) for row in rows],
        columnDefs=column_definitions(columns),
        defaultColDef={"resizable": True, "sortable": True},
        getRowId="params.data.key",
        dashGridOptions=_options(),
        eventListeners={
            "rowClicked": ["lrwatchOpenRow(params)"],
            "cellKeyDown": ["lrwatchKeyInRow(params)"],
            "sortChanged": ["lrwatchSorted(params)"],
            "selectionChanged": ["lrwatchSelected(params)"],
            "columnMoved": ["lrwatchMoved(params)"],
        },
        style={"height": "100%", "width": "100%"},
    )


def _metric(row: RunView, column: str) -> float | None:
    """Return the value of a metric that a column shows; None where there is none."""
    which, _, name = column.partition(".")
    metric = row.metrics.get(name)
    if metric is None:
        return None
    values = {
        "last": metric.last,
        "best": metric.best(least=wants_least(name)),
        "at": metric.at_best_loss,
    }
    return values[which] if math.isfinite(values[which]) else None


def _setting(value: Any) -> Any:
    """Return a value to sort by and to show: numbers stay numbers."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else setting_text(value)


def _options() -> dict[str, Any]:
    return {
        "theme": {"function": "lrwatchTheme(themeQuartz)"},
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
        "suppressFieldDotNotation": True,  # settings are named with dots
        "isFullWidthRow": {"function": "lrwatchIsGroup(params)"},
        "fullWidthCellRenderer": "GroupRow",
        "postSortRows": {"function": "lrwatchGrouped(params)"},
        "getRowHeight": {"function": "lrwatchRowHeight(params)"},
        "isExternalFilterPresent": {"function": "lrwatchHasFilter()"},
        "doesExternalFilterPass": {"function": "lrwatchPasses(params)"},
    }
