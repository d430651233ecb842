"""What the Overview says when there is no run to show."""

from __future__ import annotations

from typing import Final

from dash import html

__all__ = ["SNIPPET", "empty_state"]

SNIPPET: Final = """import lrwatch

run = lrwatch.watch(optimizer)      # once, after the optimizer is made
...                                 # train as before"""


def empty_state(folder: str, problem: str = "") -> list[html.Div | html.H2 | html.P | html.Pre]:
    """Return what to do next: log a run, or mend the folder."""
    if problem:
        return [
            html.H2("Cannot read the runs"),
            html.P([problem, "."]),
            html.P("This page updates automatically as soon as it can.", className="quiet"),
        ]
    return [
        html.H2("No runs yet"),
        html.P(["Watching ", html.Code(folder), ". Runs appear here while they train."]),
        html.Pre(html.Code(SNIPPET), className="snippet"),
        html.P(
            ["For a first look, ", html.Code("lrwatch demo"), " trains a few small runs."],
            className="quiet",
        ),
    ]
