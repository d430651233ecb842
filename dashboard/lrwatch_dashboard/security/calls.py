"""What a page may post: values of the kinds that the pages themselves send.

The callbacks may then take what they get for what its type says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Request

from lrwatch_dashboard import ids

__all__ = ["CALLBACKS", "is_from_a_page", "is_kind"]

CALLBACKS: Final = "/_dash-update-component"

_WORDS: Final = (ids.VIEW, ids.ALERTS_WORDS, ids.OVERVIEW_WORDS)  # names to texts
_FORMS: Final = (
    ids.BEAT,
    ids.ALERTS_SAYING,
    ids.SILENCE_FORM,
    ids.OVERVIEW_ASKED,
)  # whose parts are made texts
_MAYBE: Final = (ids.URL, ids.THEME, ids.ALERT_COUNT)  # texts that are missing at first


def is_kind(component: Any, value: Any) -> bool:
    """Return whether a value is of the kind that a component holds: a text, but for a few."""
    if component in _WORDS:
        return value is None or all(isinstance(text, str) for text in value.values())
    if component in _FORMS:
        return isinstance(value, dict | None)
    if component == ids.COMPARE_RUNS:
        return isinstance(value, list) and all(isinstance(key, str) for key in value)
    if component == ids.THEME:
        return value in (None, "light", "dark")
    if component.endswith("-tick"):
        return isinstance(value, str | int | float | None)
    return isinstance(value, str | None if component in _MAYBE else str)


def is_from_a_page(request: Request, callbacks: Mapping[str, Any]) -> bool:
    """Return whether a call of a callback is one that a page could have made.

    Parameters
    ----------
    request
        The call.
    callbacks
        Those of the app, by what they write.
    """
    try:
        call = request.get_json()
        given = [*call["inputs"], *call.get("state", ())]
        known = callbacks[call["output"]]
        wanted = [(part["id"], part["property"]) for part in (*known["inputs"], *known["state"])]
        return (
            [(part["id"], part["property"]) for part in given] == wanted
            and all(is_kind(part["id"], part.get("value")) for part in given)
            and _are_parts(call["outputs"])
            and isinstance(call.get("changedPropIds", []), list)
        )
    except (AttributeError, KeyError, RecursionError, TypeError):
        return False


def _are_parts(outputs: Any) -> bool:
    if isinstance(outputs, list):
        return all(map(_are_parts, outputs))
    return isinstance(outputs["property"], str) and isinstance(outputs["id"], (str, dict))
