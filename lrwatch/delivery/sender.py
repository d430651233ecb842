"""Delivers messages to every receiver, each at its own pace, until they have them."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

from lrwatch.delivery.attempt import Attempts
from lrwatch.delivery.backoff import Backoff
from lrwatch.delivery.channel import TIMEOUT, DeliveryFailed, Receiver
from lrwatch.delivery.health import ReceiverHealth
from lrwatch.delivery.lane import CAPACITY, GIVE_UP_SECONDS, Lane
from lrwatch.delivery.message import Message
from lrwatch.delivery.outbox import Letter, Outbox, Standing
from lrwatch.delivery.tally import Delivery, Tally
from lrwatch.errors import InvalidArgument

__all__ = ["Sender", "check_names"]

logger = logging.getLogger("lrwatch.alerts")

_PATIENT: Final = Backoff()


class Sender:
    """Tells receivers, from an outbox that outlives this process.

    Each receiver has a thread, so that none waits for another one.

    Parameters
    ----------
    receivers
        Who is told.
    outbox
        Folder for messages on their way; those in it are delivered first.
    health
        How the receivers did in an earlier process, to count on from.
    backoff, capacity
        See `Backoff` and `Lane`.

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
    ) -> None:
        check_names(receivers)
        # It guards everything below, and wakes threads when a lane has changed.
        self._changed = threading.Condition()
        self._outbox = Outbox(outbox)
        self._problem = ""
        self._is_closed = False
        self._tally = Tally(receivers, health)
        self._lanes = {
            r.name: Lane(r.name, gap=r.channel.gap, backoff=backoff, capacity=capacity)
            for r in receivers
        }
        self._timeouts = [r.channel.timeout for r in receivers]
        self._letters: dict[str, Letter] = {}
        for letter in self._outbox.letters():
            self._take_up(letter)
        self._threads = [
            threading.Thread(
                target=self._serve, args=(r,), name=f"lrwatch-alerts {r.name}", daemon=True
            )
            for r in receivers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, message: Message) -> None:
        """Write a message down, and have it delivered; one that is known already is let be.

        If it cannot be written down it is delivered all the same, and `problem` says so. Known
        are those on their way, and the last thousand that were done with, by any process.
        """
        with self._changed:
            if message.id in self._letters or self._outbox.is_done(message.id):
                return
            letter = Letter(message, self._standings())
            self._write(letter)
            self._take_up(letter)
            self._changed.notify_all()

    def poll(self) -> list[Delivery]:
        """Return what has happened since the last call, in order: the last ten thousand at most."""
        with self._changed:
            return self._tally.take()

    def health(self) -> list[ReceiverHealth]:
        """Return how each receiver is doing."""
        with self._changed:
            return [
                dataclasses.replace(health, queued=len(self._lanes[name]))
                for name, health in self._tally.health.items()
            ]

    @property
    def problem(self) -> str:
        """Why messages cannot be written down; empty if they can."""
        return self._problem

    def drain(self, timeout: float) -> bool:
        """Wait until everybody has every message; return whether that is so.

        Parameters
        ----------
        timeout
            Seconds. It is not used up where no attempt is due within them.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while unfinished := [lane for lane in self._lanes.values() if len(lane)]:
                now = time.monotonic()
                left = deadline - now
                if left <= 0 or all(lane.is_idle_for(left, now) for lane in unfinished):
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

    def _standings(self) -> dict[str, Standing]:
        return {name: Standing() for name in self._lanes}

    def _take_up(self, letter: Letter) -> None:
        # Written down when there was nobody to tell: it is for those who are here now.
        letter.standings = letter.standings or self._standings()
        self._letters[letter.message.id] = letter
        for name, standing in letter.standings.items():
            lane = self._lanes.get(name)
            if standing.state != "pending":
                continue
            if lane is not None:
                self._drop(lane.add(letter, time.monotonic()), name)
            elif letter.queued_at < time.time() - GIVE_UP_SECONDS:
                standing.state = "gave_up"  # nobody has that receiver any more
        self._finish_if_done(letter)

    def _serve(self, receiver: Receiver) -> None:
        lane, attempts = self._lanes[receiver.name], Attempts(receiver.channel)
        while (letter := self._next(lane)) is not None:
            failure = None
            try:
                attempts.make(letter.message)
            except DeliveryFailed as error:
                failure = error
            with self._changed:
                self._settle(lane, letter, failure)
                self._changed.notify_all()

    def _next(self, lane: Lane) -> Letter | None:
        with self._changed:
            while not self._is_closed:
                letter = lane.take(time.monotonic())
                if letter is not None:
                    return letter
                self._changed.wait(lane.seconds_to_wait(time.monotonic()))
            return None

    def _settle(self, lane: Lane, letter: Letter, failure: DeliveryFailed | None) -> None:
        now = time.monotonic()
        if failure is None:
            lane.delivered(now)
            self._note("sent", letter, lane.name)
        elif failure.is_permanent:
            lane.refused(now)
            self._note("failed", letter, lane.name, failure.problem)
        else:
            for given_up in lane.failed(failure, now):
                self._note("failed", given_up, lane.name, failure.problem)
                self._keep(given_up)
        self._tally.attempted(lane.name, failure.problem if failure else "")
        self._keep(letter)

    def _drop(self, letter: Letter | None, name: str) -> None:
        if letter is not None:
            self._note("dropped", letter, name, "too many messages wait for this receiver")
            self._keep(letter)

    def _note(
        self, event: Literal["sent", "failed", "dropped"], letter: Letter, name: str, why: str = ""
    ) -> None:
        message_id, tries = letter.message.id, letter.standings[name].tries
        self._tally.add(Delivery(event, message_id, name, tries, why))

    def _keep(self, letter: Letter) -> None:
        if not self._finish_if_done(letter):
            self._write(letter)

    def _finish_if_done(self, letter: Letter) -> bool:
        if letter.is_done and self._letters.pop(letter.message.id, None) is not None:
            self._write(letter)
        return letter.is_done

    def _write(self, letter: Letter) -> None:
        try:
            (self._outbox.finish if letter.is_done else self._outbox.write)(letter)
        except OSError as error:
            if not self._problem:
                logger.warning("alerts cannot be written down: %s", error.strerror)
            self._problem = f"alerts cannot be written down: {error.strerror}"
        else:
            self._problem = ""


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
            f"two receivers are called {twice[0]}: leave one out, or give each a name of its own "
            "in lrwatch.toml"
        )
