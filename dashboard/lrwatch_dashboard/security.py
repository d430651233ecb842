"""Headers and checks that every answer passes, whatever server runs the app.

The page may load nothing from another host and run no inline script but Dash's own, by hash.
On a loopback address the ``Host`` header must name this machine: a web site that points its
own name at 127.0.0.1 (DNS rebinding) gets nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from dash import Dash
from flask import Response, abort, request

__all__ = ["LOOPBACK_NAMES", "content_security_policy", "protect"]

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_YEAR_SECONDS: Final = 365 * 24 * 3600
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def content_security_policy(script_hashes: Collection[str]) -> str:
    """Return the policy; `script_hashes` are those of the inline scripts that Dash needs."""
    scripts = " ".join(("'self'", *(f"'{h.strip(chr(39))}'" for h in script_hashes)))
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src {scripts}",
            # plotly and AG Grid write style elements; styles run no code.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def protect(app: Dash, allowed_hosts: Collection[str] | None) -> None:
    """Add the headers and the check of the ``Host`` header; call once all callbacks are known.

    Parameters
    ----------
    app
        The dashboard.
    allowed_hosts
        Names that requests may be addressed to, without port; None allows any, for use behind
        a proxy that checks them.
    """
    policy = content_security_policy(app.csp_hashes())

    def check_host() -> None:
        if allowed_hosts is not None and _host_name(request.host) not in allowed_hosts:
            abort(403, "this dashboard answers to the name of its own machine only")

    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        for name, value in _HEADERS.items():
            response.headers[name] = value
        if request.path.startswith("/assets/") and "m" in request.args:
            # The address changes with the file, so that a browser need never ask again.
            response.headers["Cache-Control"] = f"public, max-age={_YEAR_SECONDS}, immutable"
        return response

    app.server.before_request(check_host)
    app.server.after_request(add_headers)


def _host_name(host: str) -> str:
    """Return a ``Host`` header without its port, and without the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
