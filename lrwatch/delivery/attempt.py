"""One attempt to deliver, cut off after its time whatever a receiver does."""

from __future__ import annotations

import threading

from lrwatch.delivery.channel import Channel, DeliveryFailed
from lrwatch.delivery.message import Message
from lrwatch.formats import duration

__all__ = ["Attempts"]


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
        self._attempts: dict[str, _Attempt] = {}  # by message, until it is said how they went

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
            attempt = _Attempt(self._channel, message)
            attempt.start()
            self._attempts[message.id] = attempt
            self._wait_for(attempt)
        failure = self._attempts.pop(message.id).failure
        if failure is not None:
            raise failure

    def _wait_for(self, attempt: _Attempt) -> None:
        attempt.join(self._channel.timeout)
        if attempt.is_alive():
            raise DeliveryFailed(f"gave no answer within {duration(self._channel.timeout)}")


class _Attempt(threading.Thread):
    def __init__(self, channel: Channel, message: Message) -> None:
        super().__init__(name="lrwatch-alert", daemon=True)
        self.failure: DeliveryFailed | None = None
        self._message = message
        self._channel = channel

    def run(self) -> None:
        try:
            self._channel.send(self._message)
        except DeliveryFailed as failure:
            self.failure = failure
        except Exception as error:  # noqa: BLE001  of a service we do not know
            # Its text may hold the address, so its kind has to do.
            self.failure = DeliveryFailed(f"failed with {type(error).__name__}")
