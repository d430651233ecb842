"""What all receivers have in common: `Channel`, `Receiver` and `DeliveryFailed`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from lrwatch.delivery.message import Message

__all__ = ["TIMEOUT", "Channel", "DeliveryFailed", "Receiver"]

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
