"""A webhook: JSON by POST, signed as Standard Webhooks says (standardwebhooks.com, version 1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from typing import Final

from lrwatch.delivery.channel import TIMEOUT
from lrwatch.delivery.http_post import HttpPost
from lrwatch.delivery.message import Message
from lrwatch.errors import InvalidArgument

__all__ = ["Webhook", "signature"]

_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = range(24, 65)  # the specification's bounds


class Webhook:
    """Posts messages to a program.

    Parameters
    ----------
    url
        ``http`` or ``https``.
    secrets
        Each ``whsec_`` and Base64 of 24 to 64 random bytes. Several give several signatures,
        so that a secret can be changed on one side first. Without any, nothing is signed.
    clock
        Returns seconds since the Unix epoch.

    Raises
    ------
    InvalidArgument
        If a secret is not one; what was given is not repeated.
    """

    kind = "webhook"
    gap = 0.0

    def __init__(
        self,
        url: str,
        secrets: Sequence[str] = (),
        *,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.timeout = timeout
        self._post = HttpPost(url)
        self._keys = [_key(secret) for secret in secrets]
        self._clock = clock

    def send(self, message: Message) -> None:
        """Post the message's payload."""
        body = json.dumps(message.payload(), allow_nan=False).encode()
        # The time is that of the attempt, since receivers refuse what was signed long ago; the
        # id is that of the message, by which they know it again.
        at = int(self._clock())
        headers = {"webhook-id": message.id, "webhook-timestamp": str(at)}
        if self._keys:
            signatures = (signature(key, message.id, at, body) for key in self._keys)
            headers["webhook-signature"] = " ".join(signatures)
        self._post(body, headers, timeout=self.timeout)


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Sign one delivery: ``v1,`` and Base64 of HMAC-SHA256 over id, time and body."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in _KEY_BYTES:
        raise InvalidArgument(
            f"a webhook's secret must be {_PREFIX} and Base64 of {_KEY_BYTES.start} to "
            f"{_KEY_BYTES.stop - 1} random bytes; this one is not "
            f"(make one with: echo {_PREFIX}$(openssl rand -base64 32))"
        )
    return key
