"""An `Alert` as a JSON object, and back: in files of the store and in what receivers are sent."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final

from lrwatch.alert import Alert

__all__ = ["alert_from_record", "alert_record"]

_NAMES: Final = tuple(field.name for field in dataclasses.fields(Alert))
# Only these are numbers that may be unknown; elsewhere null means that there is none.
_MAYBE_NAN: Final = ("confidence", "lr", "time")


def alert_record(alert: Alert) -> dict[str, Any]:
    """Return every field of an alert as JSON has it: NaN and infinities are null, pairs lists."""
    return {name: _plain(getattr(alert, name)) for name in _NAMES}


def alert_from_record(record: Mapping[str, Any]) -> Alert:
    """Return the alert that `alert_record` wrote; what a later version added is left out.

    Raises
    ------
    KeyError
        If a field is missing.
    TypeError
        If an interval is not a pair of numbers.
    """
    fields = {name: record[name] for name in _NAMES}
    for name in _MAYBE_NAN:
        fields[name] = math.nan if fields[name] is None else fields[name]
    if fields["interval"] is not None:
        first, last = fields["interval"]
        fields["interval"] = int(first), int(last)
    return Alert(**fields)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return list(value) if isinstance(value, tuple) else value
