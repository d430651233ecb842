"""The keys of the dashboard as a list."""

from __future__ import annotations

from typing import Any, Final

from dash import html

__all__ = ["KEYS", "key_list"]

KEYS: Final = (
    ("/", "filter the runs"),
    ("j  k", "next and previous run"),
    ("Enter", "open the run"),
    ("x", "select the run, or leave it out"),
    ("c", "compare the selected runs"),
    ("g o", "Overview"),
    ("g c", "Compare"),
    ("g s", "Sweep"),
    ("g a", "Alerts"),
    ("l", "logarithmic or linear y axes"),
    ("s", "smoothing of the loss"),
    ("p", "pause, and go on"),
    ("t", "light or dark"),
    ("?", "keys and verdicts"),
)


def key_list() -> html.Dl:
    """Return each key with what it does."""
    keys: list[Any] = []
    for key, meaning in KEYS:
        caps = [html.Kbd(cap) for cap in key.split()]
        keys.append(html.Div([html.Dt(caps), html.Dd(meaning)]))
    return html.Dl(keys, className="keys")
