"""What a page may post: values of the kinds that the pages themselves send.

The callbacks may then take what they get for what its type says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Request

from lrwatch_dashboard import ids

__all__ = ["CALLBACKS", "KINDS", "is_from_a_page"]

CALLBACKS: Final = "/_dash-update-component"

_SCALARS: Final = (str, int, float, type(None))


def _is_scalar(value: Any) -> bool:
    return isinstance(value, _SCALARS)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_words(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_is_text, value.values())))


def _is_form(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_is_scalar, value.values())))


KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    ids.URL: lambda value: value is None or _is_text(value),
    ids.THEME: lambda value: value in (None, "light", "dark"),
    ids.VIEW: _are_words,
    ids.BEAT: _is_form,
    ids.ALERT_COUNT: _is_scalar,
    ids.ALERTS_WORDS: _are_words,
    ids.ALERTS_SAYING: _is_form,
    ids.SILENCE_FORM: _is_form,
    ids.COMPARE_RUNS: _is_list,
    **dict.fromkeys((ids.RUN_KEY, ids.OVERVIEW_VERDICTS), _is_text),
    **dict.fromkeys((ids.OVERVIEW_TOKEN, ids.RUN_TOKEN, ids.RUN_CURVES_TOKEN), _is_text),
    **dict.fromkeys((ids.COMPARE_TOKEN, ids.SWEEP_TOKEN, ids.ALERTS_TOKEN), _is_text),
    **dict.fromkeys((ids.OVERVIEW_TICK, ids.RUN_TICK, ids.COMPARE_TICK), _is_scalar),
    **dict.fromkeys((ids.SWEEP_TICK, ids.ALERTS_TICK), _is_scalar),
}
"""The kind of value that a callback takes from each component."""


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
            and all(KINDS[part["id"]](part.get("value")) for part in given)
            and _are_parts(call["outputs"])
            and isinstance(call.get("changedPropIds", []), list)
        )
    except (AttributeError, KeyError, RecursionError, TypeError):
        return False


def _are_parts(outputs: Any) -> bool:
    if isinstance(outputs, list):
        return all(map(_are_parts, outputs))
    return isinstance(outputs["property"], str) and isinstance(outputs["id"], (str, dict))
