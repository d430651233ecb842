"""The value of the session cookie: the time at which it was issued, signed with the token.

Nothing is kept on the server, so several worker processes and a restart know the same
sessions, and a new token ends all of them.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from itsdangerous import TimestampSigner

__all__ = ["LIFETIME_SECONDS", "Sessions", "same"]

LIFETIME_SECONDS: Final = 30 * 24 * 3600


class Sessions:
    """Issues and checks sessions of one token.

    Parameters
    ----------
    token
        The secret.

    Attributes
    ----------
    cookie
        Name of the cookie. Browsers do not tell the ports of a machine apart, so each token
        has a name of its own, and two dashboards on one machine do not sign each other out.
    """

    def __init__(self, token: str) -> None:
        self._signer = TimestampSigner(
            token, salt="lrwatch session", key_derivation="hmac", digest_method=hashlib.sha256
        )
        name = hmac.digest(token.encode(), b"lrwatch cookie name", "sha256")
        self.cookie = "lrwatch-" + name.hex()[:12]

    def issue(self) -> str:
        """Return the value of a new session."""
        return self._signer.sign("session").decode()

    def holds(self, value: str) -> bool:
        """Return whether a value was issued here and has not ended."""
        return self._signer.validate(value.encode("utf-8", "replace"), LIFETIME_SECONDS)


def same(secret: str, given: str) -> bool:
    """Compare in a time that does not reveal how much is right."""
    return hmac.compare_digest(secret.encode(), given.encode("utf-8", "surrogatepass"))
