"""The queue in front of one receiver: what is next, when, and what goes when it is full."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from lrwatch.delivery.channel import DeliveryFailed
from lrwatch.delivery.outbox import Progress, QueuedMessage

__all__ = ["CAPACITY", "GIVE_UP_SECONDS", "Backoff", "ReceiverQueue"]

CAPACITY: Final = 1000
GIVE_UP_SECONDS: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Three retries at once, for a hiccup, then ever more patience, for an outage.

    Attributes
    ----------
    burst
        Seconds before each of the first retries.
    slow, slowest
        Seconds before the retry after those; doubled from then on, up to `slowest`.
    longest_asked
        Longest wait in seconds that a receiver may ask for.
    random
        Returns a number from 0 up to 1; the waits vary by a quarter with it, so that watchers
        that failed together do not come back together.
    """

    burst: tuple[float, ...] = (1.0, 2.0, 4.0)
    slow: float = 60.0
    slowest: float = 900.0
    longest_asked: float = 3600.0
    random: Callable[[], float] = random.random

    def seconds(self, n_failures: int, retry_after: float | None = None) -> float:
        """Return how long to wait after so many failures in a row, at least one.

        Examples
        --------
        >>> patient = Backoff(random=lambda: 0.5)
        >>> [patient.seconds(n) for n in (1, 2, 3, 4, 5, 100)]
        [1.0, 2.0, 4.0, 60.0, 120.0, 900.0]
        """
        n_slow = n_failures - 1 - len(self.burst)
        if n_slow < 0:
            wait = self.burst[n_failures - 1]
        else:
            wait = min(self.slow * 2.0 ** min(n_slow, 30), self.slowest)
        wait *= 0.75 + self.random() / 2
        return max(wait, min(retry_after or 0.0, self.longest_asked))


class ReceiverQueue:
    """Messages that wait for one receiver.

    It waits by the clock that cannot be set. Only what an earlier process saved
    is taken from the other one, within bounds.

    Parameters
    ----------
    name
        The receiver's.
    gap
        Seconds between two messages.
    backoff
        Seconds after failures.
    capacity
        Most messages that wait.
    """

    def __init__(
        self, name: str, *, gap: float, backoff: Backoff, capacity: int = CAPACITY
    ) -> None:
        self.name = name
        self._gap = gap
        self._backoff = backoff
        self._capacity = capacity
        self._waiting: list[QueuedMessage] = []
        self._give_up_at: dict[str, float] = {}  # by id, of the clock that cannot be set
        self._taken: QueuedMessage | None = None
        self._n_failures = 0  # in a row
        self._not_before = 0.0
        self._asked_to_wait = False

    def __len__(self) -> int:
        return len(self._waiting)

    def is_idle_for(self, seconds: float, now: float) -> bool:
        """Tell whether no attempt is being made, and none is due for so long."""
        return self._taken is None and self._not_before > now + seconds

    def add(self, queued: QueuedMessage, now: float) -> QueuedMessage | None:
        """Take a message; return the one that had to go for it, if any.

        Parameters
        ----------
        queued
            One for this receiver, among others.
        now
            Seconds of the clock that cannot be set.
        """
        age = min(max(time.time() - queued.queued_at, 0.0), GIVE_UP_SECONDS)
        self._waiting.append(queued)
        self._give_up_at[queued.message.id] = now + GIVE_UP_SECONDS - age
        earlier = self._progress(queued)
        if earlier.tries:
            wait = min(max(earlier.next_at - time.time(), 0.0), self._backoff.longest_asked)
            self._n_failures = max(self._n_failures, earlier.tries)
            self._not_before = max(self._not_before, now + wait)
        elif self._n_failures and not self._asked_to_wait:
            # Something new is worth a look at whether the receiver is back.
            self._not_before = min(self._not_before, now + self._backoff.seconds(1))
        if len(self._waiting) <= self._capacity:
            return None
        droppable = [each for each in self._waiting if each is not self._taken]
        dropped = min(droppable, key=_worth)  # the oldest of those that matter least
        self._leave(dropped, "dropped")
        return dropped

    def take(self, now: float) -> QueuedMessage | None:
        """Return the message to send now; ``None`` if it is not time, or there is none.

        In the order they came, except that a message which has failed for a while lets others
        pass, unless they are about the same alerts: nothing is over before it has begun.
        """
        if now < self._not_before or self._taken is not None:
            return None
        patience = len(self._backoff.burst) + 1
        held: set[str] = set()  # alerts that an earlier message is about
        free = []
        for queued in self._waiting:
            about = {alert.id for alert in queued.message.alerts}
            if about.isdisjoint(held):
                free.append(queued)
            held |= about
        self._taken = min(free, key=lambda q: self._progress(q).tries // patience, default=None)
        return self._taken

    def seconds_to_wait(self, now: float) -> float | None:
        """Return how long nothing is to be done; ``None`` for until something is added."""
        return max(self._not_before - now, 0.0) if self._waiting else None

    def delivered(self, now: float) -> None:
        """Record that the message taken has arrived."""
        self._settle("sent", now)

    def refused(self, now: float) -> None:
        """Record that the message taken will never be accepted."""
        self._settle("gave_up", now)

    def failed(self, failure: DeliveryFailed, now: float) -> list[QueuedMessage]:
        """Record that the message taken has not arrived; return those that are given up."""
        progress = self._progress(self._put_back())
        self._n_failures += 1
        self._asked_to_wait = failure.retry_after is not None
        wait = self._backoff.seconds(self._n_failures, failure.retry_after)
        self._not_before = now + wait
        progress.tries += 1
        # Only a wait that was asked for outlives this process: whoever starts another one, or
        # has cron do it, may know that the receiver is back.
        progress.next_at = time.time() + wait if self._asked_to_wait else 0.0
        if self._n_failures <= len(self._backoff.burst):
            return []
        given_up = [q for q in self._waiting if self._give_up_at[q.message.id] <= now]
        for too_old in given_up:
            self._leave(too_old, "gave_up")
        return given_up

    def _settle(self, state: Literal["sent", "gave_up"], now: float) -> None:
        self._n_failures = 0
        self._asked_to_wait = False
        self._not_before = now + self._gap
        self._leave(self._put_back(), state)

    def _put_back(self) -> QueuedMessage:
        queued, self._taken = self._taken, None
        if queued is None:
            raise AssertionError("no message was taken")
        return queued

    def _leave(self, queued: QueuedMessage, state: Literal["sent", "gave_up", "dropped"]) -> None:
        self._waiting.remove(queued)
        del self._give_up_at[queued.message.id]
        self._progress(queued).state = state

    def _progress(self, queued: QueuedMessage) -> Progress:
        return queued.receivers[self.name]


def _worth(queued: QueuedMessage) -> int:
    message = queued.message
    if message.severity == "info":
        return 0
    if message.status != "firing":
        return 1
    return 2 if message.severity == "ticket" else 3
