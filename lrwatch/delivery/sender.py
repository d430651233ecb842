"""Delivers messages to every receiver, each at its own pace, until they have them."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from lrwatch.delivery.channel import TIMEOUT, Attempts, DeliveryFailed, Receiver
from lrwatch.delivery.message import Message
from lrwatch.delivery.outbox import Outbox, Progress, QueuedMessage
from lrwatch.delivery.outcomes import Delivery, DeliveryEvent, ReceiverHealth
from lrwatch.delivery.receiver_queue import CAPACITY, GIVE_UP_SECONDS, Backoff, ReceiverQueue
from lrwatch.errors import InvalidArgument

__all__ = ["Sender", "check_names"]

logger = logging.getLogger("lrwatch.alerts")

_PATIENT: Final = Backoff()
_DELIVERIES_KEPT: Final = 10_000


class Sender:
    """Sends messages to receivers, from an outbox that outlives this process.

    Each receiver has a thread, so that none waits for another one.

    Parameters
    ----------
    receivers
        Each gets every message.
    outbox
        Folder for messages on their way; those in it are delivered first.
    health
        How the receivers did in an earlier process, to count on from.
    backoff, capacity
        See `Backoff` and `ReceiverQueue`.
    after
        Messages have greater numbers than this, and than all in the outbox.

    Attributes
    ----------
    last_number
        The number of the last message that was submitted, by any process; 0 if none was.
    problem
        Why messages cannot be saved; empty if they can.

    Raises
    ------
    InvalidArgument
        If two receivers have one name.
    """

    def __init__(
        self,
        receivers: Sequence[Receiver],
        outbox: Path,
        *,
        health: Iterable[ReceiverHealth] = (),
        backoff: Backoff = _PATIENT,
        capacity: int = CAPACITY,
        after: int = 0,
    ) -> None:
        check_names(receivers)
        # It guards everything below, and wakes threads when a queue has changed.
        self._changed = threading.Condition()
        self._outbox = Outbox(outbox)
        self.problem = ""
        self._is_closed = False
        self._deliveries: deque[Delivery] = deque(maxlen=_DELIVERIES_KEPT)
        known = {each.name: each for each in health}
        self._health = {
            r.name: dataclasses.replace(
                known.get(r.name, ReceiverHealth(r.name, r.kind)), kind=r.kind, queued=0
            )
            for r in receivers
        }
        self._queues = {
            r.name: ReceiverQueue(r.name, gap=r.channel.gap, backoff=backoff, capacity=capacity)
            for r in receivers
        }
        self._timeouts = [r.channel.timeout for r in receivers]
        self._messages: dict[str, QueuedMessage] = {}  # those that are not done, by id
        self.last_number = max(after, self._outbox.last_done)
        for queued in self._outbox.queued():
            self.last_number = max(self.last_number, queued.number)
            self._take_up(queued)
        self._threads = [
            threading.Thread(
                target=self._serve, args=(r,), name=f"lrwatch-alerts {r.name}", daemon=True
            )
            for r in receivers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, message: Message) -> None:
        """Save a message and have it delivered; a known one is ignored.

        If it cannot be saved it is still delivered, and `problem` says so. Known
        are those on their way, and the last thousand that were done, by any process.
        """
        with self._changed:
            if message.id in self._messages or self._outbox.is_done(message.id):
                return
            self.last_number += 1
            queued = QueuedMessage(message, self._progress(), number=self.last_number)
            self._write(queued)
            self._take_up(queued)
            self._changed.notify_all()

    def since(self, number: int) -> list[Message]:
        """Return the messages of the outbox with greater numbers, the oldest first."""
        with self._changed:
            return self._outbox.since(number)

    def poll(self) -> list[Delivery]:
        """Return what has happened since the last call, in order: the last ten thousand at most."""
        with self._changed:
            happened = list(self._deliveries)
            self._deliveries.clear()
            return happened

    def health(self) -> list[ReceiverHealth]:
        """Return how each receiver is doing."""
        with self._changed:
            return [
                dataclasses.replace(health, queued=len(self._queues[name]))
                for name, health in self._health.items()
            ]

    def drain(self, timeout: float) -> bool:
        """Wait until every receiver has every message; return whether that is so.

        Parameters
        ----------
        timeout
            Seconds. It is not used up where no attempt is due within them.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while unfinished := [each for each in self._queues.values() if len(each)]:
                now = time.monotonic()
                left = deadline - now
                if left <= 0 or all(each.is_idle_for(left, now) for each in unfinished):
                    return False
                self._changed.wait(left)
            return True

    def close(self, *, is_replaced: bool = False) -> None:
        """Begin no further attempt; those that are being made have a moment to end.

        Parameters
        ----------
        is_replaced
            Let each take the time of its channel. Whoever delivers from the outbox next, in
            this process, would make an attempt again that still goes on.
        """
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        deadline = time.monotonic() + TIMEOUT
        for thread, channel_timeout in zip(self._threads, self._timeouts, strict=True):
            left = deadline - time.monotonic() + (channel_timeout if is_replaced else 0.0)
            thread.join(max(left, 0.0))

    def _progress(self) -> dict[str, Progress]:
        return {name: Progress() for name in self._queues}

    def _take_up(self, queued: QueuedMessage) -> None:
        # Saved when there were no receivers: it is for those that are here now.
        queued.receivers = queued.receivers or self._progress()
        self._messages[queued.message.id] = queued
        for name, progress in queued.receivers.items():
            queue = self._queues.get(name)
            if progress.state != "pending":
                continue
            if queue is not None:
                dropped = queue.add(queued, time.monotonic())
                if dropped is not None:
                    self._record("dropped", dropped, name, "its queue is full")
                    self._keep(dropped)
            elif queued.queued_at < time.time() - GIVE_UP_SECONDS:
                progress.state = "gave_up"  # there is no such receiver any more
        if queued.is_done:
            self._keep(queued)

    def _serve(self, receiver: Receiver) -> None:
        queue, attempts = self._queues[receiver.name], Attempts(receiver.channel)
        while (queued := self._next(queue)) is not None:
            failure = None
            try:
                attempts.make(queued.message)
            except DeliveryFailed as error:
                failure = error
            with self._changed:
                self._settle(queue, queued, failure)
                self._changed.notify_all()

    def _next(self, queue: ReceiverQueue) -> QueuedMessage | None:
        with self._changed:
            while not self._is_closed:
                queued = queue.take(time.monotonic())
                if queued is not None:
                    return queued
                self._changed.wait(queue.seconds_to_wait(time.monotonic()))
            return None

    def _settle(
        self, queue: ReceiverQueue, queued: QueuedMessage, failure: DeliveryFailed | None
    ) -> None:
        now = time.monotonic()
        problem = failure.problem if failure else ""
        if failure is None:
            queue.delivered(now)
            self._record("sent", queued, queue.name)
        elif failure.is_permanent:
            queue.refused(now)
            self._record("failed", queued, queue.name, problem)
        else:
            for given_up in queue.failed(failure, now):
                self._record("failed", given_up, queue.name, problem)
                self._keep(given_up)
        self._note_attempt(queue.name, problem)
        self._keep(queued)

    def _record(
        self, event: DeliveryEvent, queued: QueuedMessage, name: str, why: str = ""
    ) -> None:
        tries = queued.receivers[name].tries
        self._deliveries.append(Delivery(event, queued.message.id, name, tries, why))
        health = self._health[name]
        count = {event: getattr(health, event) + 1}
        self._health[name] = dataclasses.replace(health, **count)

    def _note_attempt(self, receiver: str, problem: str) -> None:
        """Record how an attempt went; `problem` is empty where it went well."""
        health, now = self._health[receiver], time.time()
        if problem and problem != health.problem:
            logger.warning("alerts do not reach %s: it %s", receiver, problem)
        elif health.problem and not problem:
            logger.warning("alerts reach %s again", receiver)
        self._health[receiver] = dataclasses.replace(
            health,
            problem=problem,
            last_success_at=health.last_success_at if problem else now,
            last_failure_at=now if problem else health.last_failure_at,
        )

    def _keep(self, queued: QueuedMessage) -> None:
        """Save how far a message has come, unless it is done and that is saved."""
        is_known = queued.message.id in self._messages
        if queued.is_done:
            self._messages.pop(queued.message.id, None)
        if is_known:
            self._write(queued)

    def _write(self, queued: QueuedMessage) -> None:
        try:
            self._outbox.write(queued)
        except OSError as error:
            had, self.problem = self.problem, f"messages cannot be saved: {error.strerror}"
            if not had:
                logger.warning("%s", self.problem)
        else:
            self.problem = ""


def check_names(receivers: Sequence[Receiver]) -> None:
    """Check that each receiver has a name of its own.

    Raises
    ------
    InvalidArgument
        If two have one.
    """
    names = [receiver.name for receiver in receivers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidArgument(
            f"two receivers are called {twice[0]}: remove one, or name each in lrwatch.toml"
        )
