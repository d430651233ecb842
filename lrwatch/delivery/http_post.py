"""One POST over HTTP with the standard library, and what the answer means for a message."""

from __future__ import annotations

import math
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException, responses
from typing import Final
from urllib.parse import unquote, urlsplit

from lrwatch.delivery.channel import TIMEOUT, DeliveryFailed

__all__ = ["HttpPost", "retry_after"]

_WORTH_ANOTHER_TRY: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


class HttpPost:
    """Posts to one address.

    Certificates are verified, the proxies of the environment are used, redirects are not
    followed (they would take the signature and the address's secret to somebody else), and of
    the answer nothing but status and headers is read.

    Parameters
    ----------
    url
        Checked already: ``http`` or ``https``, a host, printable ASCII. Name and password in
        it are sent as HTTP basic authentication.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        account, _, place = parts.netloc.rpartition("@")
        self._url = parts._replace(netloc=place, fragment="").geturl()
        self._headers = {"Content-Type": "application/json", "User-Agent": "lrwatch"}
        if account:
            user, _, password = account.partition(":")
            token = b64encode(f"{unquote(user)}:{unquote(password)}".encode())
            self._headers["Authorization"] = f"Basic {token.decode()}"
        # Put together by hand: the ready one also follows redirects and opens files.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
        ):
            self._opener.add_handler(handler)

    def __call__(
        self, body: bytes, headers: Mapping[str, str] | None = None, *, timeout: float = TIMEOUT
    ) -> None:
        """Post once.

        Raises
        ------
        DeliveryFailed
            Without an answer that begins with 2.
        """
        request = urllib.request.Request(  # noqa: S310  the scheme has been checked
            self._url, data=body, headers={**self._headers, **(headers or {})}, method="POST"
        )
        # Errors are raised anew, without their cause: its text may hold the address.
        try:
            self._opener.open(request, timeout=timeout).close()
        except urllib.error.HTTPError as error:
            error.close()
            raise _refusal(error.code, error.headers.get("Retry-After")) from None
        except HTTPException:
            raise DeliveryFailed("gave no valid HTTP answer") from None
        except OSError as error:
            raise DeliveryFailed(_no_answer(error)) from None


def retry_after(header: str | None, now: float) -> float | None:
    """Return how many seconds an answer asks to wait (RFC 9110, 10.2.3); ``None`` if it does not.

    Parameters
    ----------
    header
        Seconds, or a date.
    now
        Seconds since the Unix epoch.

    Examples
    --------
    >>> retry_after("120", 0.0), retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 50.0)
    (120.0, 10.0)
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _refusal(status: int, header: str | None) -> DeliveryFailed:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return DeliveryFailed(
            f"answered {status}, a redirect, which is not followed", is_permanent=True
        )
    is_theirs = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    # Named by the standard, not by what the receiver wrote beside it.
    phrase = f" ({responses[status]})" if status in responses else ""
    return DeliveryFailed(
        f"answered {status}{phrase}",
        is_permanent=not is_theirs and status not in _WORTH_ANOTHER_TRY,
        retry_after=retry_after(header, time.time()),
    )


def _no_answer(error: OSError) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return "gave no answer in time"
    why = getattr(reason, "verify_message", None) or getattr(reason, "strerror", None)
    return f"cannot be reached: {why or type(reason).__name__}"
