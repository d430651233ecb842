"""What all receivers have in common: a `Channel`, its `Attempts`, and `DeliveryFailed`."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Final, Protocol

from lrwatch.delivery.message import Message
from lrwatch.formats import duration

__all__ = ["TIMEOUT", "Attempts", "Channel", "DeliveryFailed", "Receiver"]

TIMEOUT: Final = 5.0
"""Seconds that a receiver may take to confirm a message."""


class DeliveryFailed(Exception):  # noqa: N818  the name says what happened, as its siblings do
    """A receiver did not accept a message.

    Parameters
    ----------
    problem
        Why, for people: without the address, and without a word of what the receiver answered.
    is_permanent
        Trying again would give the same answer.
    retry_after
        Seconds that the receiver asks to wait; ``None`` if it asks for nothing.
    """

    def __init__(
        self, problem: str, *, is_permanent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.is_permanent = is_permanent
        self.retry_after = retry_after


class Channel(Protocol):
    """A way of sending messages.

    Attributes
    ----------
    kind
        ``webhook``, ``slack``, ``log`` and so on.
    timeout
        Seconds after which an attempt counts as failed, whatever it still does.
    gap
        Seconds to leave between two messages.
    """

    kind: str
    timeout: float
    gap: float

    def send(self, message: Message) -> None:
        """Deliver a message once.

        Raises
        ------
        DeliveryFailed
            If the receiver did not accept it, or did not confirm it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where messages are sent.

    Attributes
    ----------
    name
        Unique among the receivers of a store, and safe to show: it holds no secret.
    channel
        How they are sent there.
    """

    name: str
    channel: Channel

    @property
    def kind(self) -> str:
        """What the channel is."""
        return self.channel.kind


class Attempts:
    """Makes attempts over a channel, one at a time.

    The time-outs of sockets hold for each byte. A receiver that sends one now and then, or a
    name server that does not answer, would hold up an attempt for hours; so each is made in a
    thread of its own that is left behind when its time is up. No other one is made while it
    lives, and what becomes of it late counts for the message that it carries, whenever that is
    asked for again.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._attempts: dict[str, Future[None]] = {}  # by message, until it is said how they went

    def make(self, message: Message) -> None:
        """Deliver a message once.

        Raises
        ------
        DeliveryFailed
            If that did not work, for whatever reason, or took too long.
        """
        for earlier in self._attempts.values():
            self._wait_for(earlier)
        if message.id not in self._attempts:
            attempt: Future[None] = Future()
            threading.Thread(
                target=self._send, args=(message, attempt), name="lrwatch-alert", daemon=True
            ).start()
            self._attempts[message.id] = attempt
            self._wait_for(attempt)
        self._attempts.pop(message.id).result()

    def _wait_for(self, attempt: Future[None]) -> None:
        if not wait([attempt], self._channel.timeout).done:
            raise DeliveryFailed(f"gave no answer within {duration(self._channel.timeout)}")

    def _send(self, message: Message, attempt: Future[None]) -> None:
        try:
            self._channel.send(message)
        except DeliveryFailed as failure:
            attempt.set_exception(failure)
        except BaseException as error:  # noqa: BLE001  of a service we do not know
            # Its text may hold the address, so its kind has to do.
            attempt.set_exception(DeliveryFailed(f"failed with {type(error).__name__}"))
        else:
            attempt.set_result(None)
