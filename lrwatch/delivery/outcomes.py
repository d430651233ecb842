"""What became of messages: one `Delivery` each for the history, and each receiver's health."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from lrwatch.delivery.channel import Receiver

__all__ = ["Delivery", "DeliveryEvent", "Outcomes", "ReceiverHealth"]

logger = logging.getLogger("lrwatch.alerts")


_DELIVERIES_KEPT: Final = 10_000

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


class Outcomes:
    """Counts deliveries by receiver, and keeps them until they are asked for.

    Parameters
    ----------
    receivers
        All of them.
    earlier
        How they did before, to count on from.
    """

    def __init__(self, receivers: Iterable[Receiver], earlier: Iterable[ReceiverHealth]) -> None:
        known = {health.name: health for health in earlier}
        self.health: dict[str, ReceiverHealth] = {}
        for receiver in receivers:
            health = known.get(receiver.name, ReceiverHealth(receiver.name, receiver.kind))
            self.health[receiver.name] = dataclasses.replace(health, kind=receiver.kind, queued=0)
        self._deliveries: deque[Delivery] = deque(maxlen=_DELIVERIES_KEPT)

    def add(self, delivery: Delivery) -> None:
        """Record what became of a message."""
        self._deliveries.append(delivery)
        health = self.health[delivery.receiver]
        count = {delivery.event: getattr(health, delivery.event) + 1}
        self.health[delivery.receiver] = dataclasses.replace(health, **count)

    def attempted(self, receiver: str, problem: str) -> None:
        """Record how an attempt went; `problem` is empty where it went well."""
        health, now = self.health[receiver], time.time()
        if problem and problem != health.problem:
            logger.warning("alerts do not reach %s: it %s", receiver, problem)
        elif health.problem and not problem:
            logger.warning("alerts reach %s again", receiver)
        self.health[receiver] = dataclasses.replace(
            health,
            problem=problem,
            last_success_at=health.last_success_at if problem else now,
            last_failure_at=now if problem else health.last_failure_at,
        )

    def take(self) -> list[Delivery]:
        """Return what has happened since the last call, in order."""
        happened = list(self._deliveries)
        self._deliveries.clear()
        return happened
