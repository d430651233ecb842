"""Messages to receivers, without a store behind them."""

from __future__ import annotations

from typing import Any

from alert_samples import an_alert

from lrwatch.delivery import Message

__all__ = ["a_message"]


def a_message(number: int = 1, **fields: Any) -> Message:
    """Make a message that a run diverges; each number makes another one, about another run."""
    usual: dict[str, Any] = {
        "id": f"msg_{number:032x}",
        "status": "firing",
        "severity": "page",
        "title": f"sgd-{number} is diverging",
        "lines": ("The loss rose from 0.31 to 47. Try 0.05 to 0.14.",),
        "alerts": (an_alert(id=f"{number:016x}"),),
        "link": "http://127.0.0.1:8050/alerts",
        "created_at": 1_700_000_000.25,
    }
    return Message(**{**usual, **fields})
