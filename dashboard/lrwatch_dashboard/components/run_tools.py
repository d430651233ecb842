"""What stands above the table of runs: its filter, how rows are grouped, what to do with some."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from dash import dcc, html

from lrwatch_dashboard.components.verdicts import mark_filters

__all__ = ["run_dialogs", "run_toolbar", "undo_line"]

_HINT: Final = "Filter  /   width:16 lr>0.01 -tag:old words"
_ABOUT: Final = (
    'Words, "exact words", and terms: lr>0.01  width:16  optimizer:adam  status:failed  tag:keep  '
    "-tag:old  is:archived"
)


def run_toolbar(
    verdicts: Mapping[str, int],
    words: Mapping[str, str],
    pressed: Iterable[str],
    said: html.Span,
    *,
    is_read_only: bool,
) -> html.Div:
    """Return the line above the table.

    Parameters
    ----------
    verdicts
        Number of runs that the filter means, by verdict.
    words
        Those of the address.
    pressed
        Marks that are shown alone.
    said
        How many runs there are, in words.
    is_read_only
        Whether nothing may be written.
    """
    return html.Div(
        [
            mark_filters(verdicts, list(pressed)),
            html.Span([html.Span(id="shown"), said], className="summary"),
            html.Span(className="break"),
            dcc.Input(
                id="filter",
                type="search",
                value=words.get("q", ""),
                placeholder=_HINT,
                className="filter",
                autoComplete="off",
                spellCheck=False,
                list="filter-terms",
            ),
            html.Datalist(id="filter-terms"),
            html.Label(
                [html.Span("Group by", className="unseen"), html.Select(id="group-by")],
                className="group-by",
            ),
            _button("columns-button", "Columns", "Choose the columns"),
            html.Button(
                "Compare",
                id="compare-button",
                className="action",
                title="Select runs with space or x, then compare them (c)",
                disabled=True,
            ),
            _selected() if not is_read_only else html.Span(id="selected-actions", hidden=True),
            _button("csv-button", "CSV", "Save this table as CSV"),
            html.P(id="filter-note", className="filter-note", role="status", title=_ABOUT),
        ],
        className="toolbar",
    )


def run_dialogs() -> list[html.Dialog]:
    """Return the forms in which columns are chosen and runs labelled; the script fills them."""
    return [
        _dialog("columns", "Columns", "Choose the columns of the table"),
        _dialog("labels", "Edit runs", "Edit runs"),
    ]


def undo_line(text: str, undo: Mapping[str, Any] | None) -> list[Any]:
    """Return what was done, and a button that says how to undo it."""
    if undo is None:
        return [text]
    return [text, html.Button("Undo", className="action", **{"data-undo": json.dumps(undo)})]


def _selected() -> html.Span:
    """Return what can be done with the runs that are selected; hidden while there are none."""
    return html.Span(
        [
            _button("edit-button", "Edit", "Name, tags and notes of the selected runs (e)"),
            _button("pin-button", "Pin", "Show the selected runs first"),
            _button("archive-button", "Archive", "Leave the selected runs out of the table"),
            _button("delete-button", "Delete", "Throw the selected runs away; you can undo it"),
        ],
        id="selected-actions",
        className="selected-actions",
        hidden=True,
        role="group",
        **{"aria-label": "Selected runs"},
    )


def _button(id_: str, text: str, title: str) -> html.Button:
    label = {} if title.startswith(text) else {"aria-label": f"{text}: {title}"}
    return html.Button(text, id=id_, className="action", title=title, **label)


def _dialog(name: str, title: str, label: str) -> html.Dialog:
    close = html.Button("Close", className="tool", **{"data-close": f"{name}-dialog"})
    return html.Dialog(
        [
            html.Div([html.H2(title, id=f"{name}-title"), close], className="dialog-head"),
            html.Div(id=f"{name}-form", className="form"),
        ],
        id=f"{name}-dialog",
        className="form-dialog",
        **{"aria-label": label},
    )
