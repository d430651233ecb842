"""Requests that another site makes through the reader's browser are turned away.

Browsers say by themselves who asks: ``Sec-Fetch-Site`` where the connection is encrypted or
stays on the machine, ``Origin`` with every POST. What sends neither is no browser, and has no
cookie of the reader's to misuse.

References
----------
W3C, Fetch Metadata Request Headers. The token of a session rests on a SameSite cookie besides.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Request

from lrwatch_dashboard.security.access import LOOPBACK_NAMES, Access

__all__ = ["foreign"]

_OWN: Final = frozenset({"same-origin", "none"})


def foreign(request: Request, access: Access) -> str:
    """Return why a request is turned away as another site's; empty if it is not."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in _OWN and not _is_followed_link(request):
        return "another site may link to this dashboard, and not ask it anything"
    if request.method in ("GET", "HEAD"):
        return ""
    origin = request.headers.get("Origin")
    if site is None and origin is not None and not _is_own(origin, request.host, access):
        return "this came from a page of another site, or a proxy does not pass the Host header on"
    return ""


def _is_followed_link(request: Request) -> bool:
    headers = request.headers
    return (
        request.method == "GET"
        and headers.get("Sec-Fetch-Mode") == "navigate"
        and headers.get("Sec-Fetch-Dest") == "document"
    )


def _is_own(origin: str, host: str, access: Access) -> bool:
    try:
        place = urlsplit(origin)
    except ValueError:
        return False
    # Without the scheme: behind a proxy the page is encrypted and this server's side is not.
    if place.scheme not in ("http", "https") or not place.netloc:
        return False
    # Another port of this machine is another program, so the loopback names do not count.
    names = access.hosts - LOOPBACK_NAMES
    return place.netloc.lower() == host.lower() or (place.hostname or "") in names
