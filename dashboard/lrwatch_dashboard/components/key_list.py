"""The keys of the dashboard as a list."""

from __future__ import annotations

from typing import Any, Final

from dash import html

__all__ = ["KEYS", "key_list"]

KEYS: Final = (
    ("/", "filter the runs"),
    ("j  k", "next and previous run"),
    ("Enter", "open the run"),
    ("x", "select or deselect the run"),
    ("c", "compare the selected runs"),
    ("g o", "Overview"),
    ("g c", "Compare"),
    ("g s", "Sweep"),
    ("g a", "Alerts"),
    ("l", "switch between log and linear y axes"),
    ("s", "change the smoothing of the loss"),
    ("p", "pause or resume updates"),
    ("t", "switch between light and dark"),
    ("?", "show keys and verdicts"),
)


def key_list() -> html.Dl:
    """Return each key with what it does."""
    keys: list[Any] = []
    for key, meaning in KEYS:
        caps = [html.Kbd(cap) for cap in key.split()]
        keys.append(html.Div([html.Dt(caps), html.Dd(meaning)]))
    return html.Dl(keys, className="keys")
