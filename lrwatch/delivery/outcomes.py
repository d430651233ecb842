"""What became of messages: one `Delivery` each for the history, and each receiver's health."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Delivery", "DeliveryEvent", "ReceiverHealth"]

DeliveryEvent = Literal["sent", "failed", "dropped"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message for one receiver.

    Attributes
    ----------
    event
        ``sent``; ``failed`` if it was given up; ``dropped`` if the queue was full.
    message, receiver
        Id of the one, name of the other.
    tries
        Attempts that failed before.
    problem
        Why, unless it was sent.
    """

    event: DeliveryEvent
    message: str
    receiver: str
    tries: int
    problem: str = ""


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
