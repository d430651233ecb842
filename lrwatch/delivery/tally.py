"""What became of messages: one entry each for the history, and each receiver's health."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from lrwatch.delivery.channel import Receiver
from lrwatch.delivery.health import ReceiverHealth

__all__ = ["Delivery", "Tally"]

logger = logging.getLogger("lrwatch.alerts")

_DELIVERIES_KEPT: Final = 10_000


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

    event: Literal["sent", "failed", "dropped"]
    message: str
    receiver: str
    tries: int
    problem: str = ""


class Tally:
    """Counts deliveries by receiver, and keeps them until somebody asks.

    Parameters
    ----------
    receivers
        Who is told.
    earlier
        How they did before, to count on from.
    """

    def __init__(self, receivers: Iterable[Receiver], earlier: Iterable[ReceiverHealth]) -> None:
        known = {health.name: health for health in earlier}
        self.health: dict[str, ReceiverHealth] = {}
        for receiver in receivers:
            usual = ReceiverHealth(receiver.name, receiver.kind)
            health = known.get(receiver.name, usual)
            self.health[receiver.name] = dataclasses.replace(health, kind=receiver.kind, queued=0)
        self._deliveries: deque[Delivery] = deque(maxlen=_DELIVERIES_KEPT)

    def add(self, delivery: Delivery) -> None:
        """Take note of what became of a message."""
        self._deliveries.append(delivery)
        health = self.health[delivery.receiver]
        count = {delivery.event: getattr(health, delivery.event) + 1}
        self.health[delivery.receiver] = dataclasses.replace(health, **count)

    def attempted(self, receiver: str, problem: str) -> None:
        """Take note of how an attempt went; `problem` is empty where it went well."""
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
