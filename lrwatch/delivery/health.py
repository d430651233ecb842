"""How a receiver has been doing; shown on the Alerts page, and kept in the ledger."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ReceiverHealth"]


@dataclass(frozen=True, slots=True)
class ReceiverHealth:
    """A receiver, and what became of the messages for it.

    Attributes
    ----------
    name
        Safe to show: holds no secret.
    kind
        ``webhook``, ``slack``, ``log`` and so on.
    sent, failed, dropped
        Messages delivered, given up, and thrown out of a full queue.
    queued
        Messages that wait.
    last_success_at, last_failure_at
        Seconds since the Unix epoch; ``None`` if never.
    problem
        Why the last attempt failed; empty after one that did not.
    """

    name: str
    kind: str
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    queued: int = 0
    last_success_at: float | None = None
    last_failure_at: float | None = None
    problem: str = ""
