"""A point in time: how far it is from now; the script of the assets keeps the text up to date."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Final

from dash import html

from lrwatch.formats import NOTHING, duration

__all__ = ["moment"]

_END_OF_TIME: Final = 2e10  # seconds since the Unix epoch, far ahead


def moment(at: float, now: float | None = None) -> html.Time:
    """Return a time, in seconds since the Unix epoch, with its distance: ``3 min ago``."""
    if math.isnan(at):
        return html.Time(NOTHING)
    away = at - (time.time() if now is None else now)
    span = duration(max(abs(away), 1.0))
    text = f"in {span}" if away > 0 else f"{span} ago"
    # Files say what they like, and no calendar has a year 10,000.
    exact = datetime.fromtimestamp(min(max(at, 0.0), _END_OF_TIME), UTC).isoformat()
    return html.Time(text, dateTime=exact, **{"data-at": str(at)})
