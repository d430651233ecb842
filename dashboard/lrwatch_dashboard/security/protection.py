"""Every check, put before an app: whose name was called, who asks, and what they may see.

Requests that another site makes through the reader's browser are turned away. Browsers say by
themselves who asks: ``Sec-Fetch-Site`` where the connection is encrypted or stays on the machine,
``Origin`` with every POST. What sends neither is no browser, and has no cookie of the reader's to
misuse.

References
----------
W3C, Fetch Metadata Request Headers. The token of a session rests on a SameSite cookie besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from dash import Dash
from flask import Request, abort, g, request

from lrwatch.activity import Actor, acting
from lrwatch_dashboard.security.access import LOOPBACK_NAMES, Access
from lrwatch_dashboard.security.calls import CALLBACKS, is_from_a_page
from lrwatch_dashboard.security.headers import add_headers, content_security_policy
from lrwatch_dashboard.security.limits import LARGEST_ADDRESS, LARGEST_BODY
from lrwatch_dashboard.security.sign_in import SIGN_IN, SignIn

__all__ = ["protect"]

_METHODS: Final = frozenset({"GET", "HEAD", "POST"})
_OWN: Final = frozenset({"same-origin", "none"})


def protect(app: Dash, access: Access) -> None:
    """Add the headers and the checks to the dashboard; call once all callbacks are known."""
    policy = content_security_policy(app.csp_hashes())
    server = app.server
    server.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    server.before_request(partial(_check, access))
    if access.signs_in:
        SignIn(access).install(server)
    server.before_request(_act)
    server.teardown_request(_act_no_more)
    server.before_request(partial(_check_call, app.callback_map))  # of those who were let in
    server.after_request(partial(add_headers, policy=policy))


def _act() -> None:
    """Do what is asked for whoever signed in, where that is asked for; else for anybody."""
    g.acting = acting(g.get("actor") or Actor("", "editor", "dashboard"))
    g.acting.__enter__()


def _act_no_more(_error: BaseException | None) -> None:
    under_way = g.pop("acting", None)
    if under_way is not None:
        under_way.__exit__(None, None, None)


def _check(access: Access) -> None:
    if (request.content_length or 0) > LARGEST_BODY:
        abort(413)
    if len(request.path) + len(request.query_string) > LARGEST_ADDRESS:
        abort(414)
    if not access.allows(request.host):
        abort(403, "this dashboard does not answer to that name; see --allowed-host")
    if request.method not in _METHODS:
        abort(405)
    reason = _foreign(request, access)
    if reason:
        abort(403, reason)
    if request.method == "POST" and request.path != SIGN_IN and not request.is_json:
        # A form of another site can post anything but this without being asked first.
        abort(415, "only JSON is accepted here")


def _check_call(callbacks: Mapping[str, Any]) -> None:
    if request.path == CALLBACKS and not is_from_a_page(request, callbacks):
        abort(400, "no page sends this; reload the page")


def _foreign(request: Request, access: Access) -> str:
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
