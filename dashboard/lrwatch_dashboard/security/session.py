"""The value of the session cookie: when it ends, signed with the token.

Nothing is kept on the server, so several worker processes and a restart know the same
sessions, and a new token ends all of them.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Final

__all__ = ["LIFETIME_SECONDS", "Sessions", "same"]

LIFETIME_SECONDS: Final = 30 * 24 * 3600


class Sessions:
    """Issues and checks sessions of one token.

    Parameters
    ----------
    token
        The secret.
    clock
        Returns seconds since the Unix epoch.

    Attributes
    ----------
    cookie
        Name of the cookie. Browsers do not tell the ports of a machine apart, so each token
        has a name of its own, and two dashboards on one machine do not sign each other out.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self._key = _mac(token.encode(), "lrwatch session key").encode()
        self._clock = clock
        self.cookie = "lrwatch-" + _mac(token.encode(), "lrwatch cookie name")[:12]

    def issue(self) -> str:
        """Return the value of a new session."""
        ends = str(int(self._clock()) + LIFETIME_SECONDS)
        return f"{ends}.{_mac(self._key, ends)}"

    def holds(self, value: str) -> bool:
        """Return whether a value was issued here and has not ended."""
        ends, _, signature = value.partition(".")
        if not same(_mac(self._key, ends), signature):
            return False
        return int(ends) > self._clock()


def same(secret: str, given: str) -> bool:
    """Compare in a time that does not tell how much is right."""
    return hmac.compare_digest(secret.encode(), given.encode("utf-8", "surrogatepass"))


def _mac(key: bytes, message: str) -> str:
    message_bytes = message.encode("utf-8", "surrogatepass")
    return hmac.new(key, message_bytes, hashlib.sha256).hexdigest()
