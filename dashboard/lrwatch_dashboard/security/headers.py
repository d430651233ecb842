"""The headers of every answer, which say what a browser has to refuse.

The page may load nothing from another host and run no inline script but Dash's own, by hash.
"""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from flask import Response, request

__all__ = ["PROGRAM", "add_headers", "content_security_policy"]

_YEAR_SECONDS: Final = 365 * 24 * 3600
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_FOUND: Final = (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
PROGRAM: Final = ("/assets/", "/_dash-component-suites/")
"""Beginnings of the addresses of the program, which is the same for everybody."""


def content_security_policy(script_hashes: Collection[str]) -> str:
    """Return the policy; `script_hashes` are those of the inline scripts that Dash needs."""
    scripts = " ".join(("'self'", *(f"'{h.strip(chr(39))}'" for h in script_hashes)))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            # plotly and AG Grid write style elements; styles run no code.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def add_headers(response: Response, policy: str) -> Response:
    """Add the headers to an answer; one that has a header already keeps it."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    if not request.path.startswith(PROGRAM):
        # Runs are for who was let in: neither a proxy nor the next user of a browser keeps them.
        response.headers["Cache-Control"] = "no-store"
    elif "m" in request.args and response.status_code in _FOUND:
        # The address changes with the file, so that a browser need never ask again.
        response.headers["Cache-Control"] = f"private, max-age={_YEAR_SECONDS}, immutable"
    return response
