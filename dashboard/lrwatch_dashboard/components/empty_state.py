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
            html.H2("The runs cannot be read"),
            html.P([problem, "."]),
            html.P("This page goes on by itself as soon as they can.", className="quiet"),
        ]
    return [
        html.H2("No runs yet"),
        html.P(["Watching ", html.Code(folder), ". Runs appear here while they train."]),
        html.Pre(html.Code(SNIPPET), className="snippet"),
        html.P(
            ["Or, for a first look: ", html.Code("lrwatch demo"), " trains a few small runs."],
            className="quiet",
        ),
    ]
