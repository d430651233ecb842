"""A list of which one is picked; the script of the assets sets the word of the address."""

from __future__ import annotations

from collections.abc import Iterable

from dash import html

__all__ = ["pick"]


def pick(name: str, word: str, choices: Iterable[tuple[str, str]], chosen: str) -> html.Label:
    """Return the list: text and value of each choice, an empty value being as usual.

    `word` is what of the address it sets.
    """
    options = [
        html.Option(text, value=value, **({"selected": "selected"} if value == chosen else {}))
        for text, value in choices
    ]
    # By its choice: a browser keeps what was picked in a list that has another one marked.
    listed = html.Select(options, className="pick", key=chosen, **{"data-word": word})
    return html.Label([html.Span(name, className="quiet"), listed], className="switch")
