"""Answers as gzip for clients that accept it; files to take away are sent as they are.

Bodies hold no secret, so their length reveals none (BREACH): a session is in a cookie, which other
sites cannot ask with.
"""

from __future__ import annotations

import functools
import gzip
from typing import Final

from flask import Response, request

from lrwatch_dashboard.security.headers import PROGRAM

__all__ = ["compress"]

_TYPES: Final = ("text/", "application/json", "application/javascript", "image/svg+xml")
_SMALLEST: Final = 1000  # bytes; less fits into a packet as it is


def compress(response: Response) -> Response:
    """Return an answer as the client of the request takes it."""
    if not (response.mimetype or "").startswith(_TYPES):
        return response
    response.vary.add("Accept-Encoding")
    is_program = request.path.startswith(PROGRAM)
    size = response.content_length or response.calculate_content_length() or 0
    is_whole = response.status_code == 200 and request.method != "HEAD"  # noqa: PLR2004
    is_to_take_away = response.direct_passthrough and not is_program
    if size < _SMALLEST or not is_whole or is_to_take_away:
        return response
    if not request.accept_encodings["gzip"]:
        return response
    response.direct_passthrough = False
    body = response.get_data()
    response.set_data(_packed(body) if is_program else gzip.compress(body, 6))
    response.headers["Content-Encoding"] = "gzip"
    tag, _ = response.get_etag()
    if tag:  # the same content in other bytes, which is what a weak tag says
        response.set_etag(tag, weak=True)
        response.make_conditional(request)
    return response


@functools.lru_cache(maxsize=32)
def _packed(body: bytes) -> bytes:
    """Compress a file of the program, once."""
    return gzip.compress(body)
