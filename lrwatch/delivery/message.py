"""A `Message`: what receivers are sent at one time about one group of alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from lrwatch.alert import Alert, Severity
from lrwatch.codec import plain

__all__ = ["Message", "Status"]

Status = Literal["firing", "resolved", "test"]
"""What a message says of its alerts: that they fire, that they are over, or nothing but hello."""

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to every receiver, to each in its own form.

    Attributes
    ----------
    id
        ``msg_`` and 32 hexadecimal digits: the same whenever the same thing is said, so that a
        receiver can tell a second delivery from a second message.
    status, severity
        Of the alerts together.
    title
        One line for a subject: which runs and what.
    lines
        One a run: reason and advice, numbers first.
    alerts
        What it is about; empty in a test.
    link
        Address of the run or of the alerts on the dashboard; empty where none is configured.
    created_at
        Seconds since the Unix epoch.
    """

    id: str
    status: Status
    severity: Severity
    title: str
    lines: tuple[str, ...]
    alerts: tuple[Alert, ...]
    link: str
    created_at: float

    @property
    def text(self) -> str:
        """Everything below the title, for receivers that show text."""
        return "\n".join([*self.lines, *([self.link] if self.link else [])])

    def payload(self) -> dict[str, Any]:
        """Return the JSON object that programs are sent, as in docs/alert-receivers.md."""
        created = datetime.fromtimestamp(self.created_at, UTC)
        return {
            "type": f"lrwatch.alert.{self.status}",
            "timestamp": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": {
                "format": _FORMAT,
                "title": self.title,
                "severity": self.severity,
                "lines": list(self.lines),
                "link": self.link or None,
                "alerts": plain(self.alerts),
            },
        }
