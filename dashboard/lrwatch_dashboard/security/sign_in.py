"""Who asks: by what a proxy says, by a token, or by the cookie that stands for one.

The token is asked for once; from then on a cookie stands for it that no script can read. Programs
show it with every request: ``Authorization: Bearer TOKEN``.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from typing import Final
from urllib.parse import quote, urlencode

from flask import Flask, Response, g, jsonify, request
from itsdangerous import TimestampSigner

from lrwatch.activity import Actor
from lrwatch.formats import counted
from lrwatch_dashboard.security.access import Access
from lrwatch_dashboard.security.sign_in_page import POLICY, onward_page, refused_page, sign_in_page
from lrwatch_dashboard.security.throttle import Throttle

__all__ = ["LIFETIME_SECONDS", "SIGN_IN", "Sessions", "SignIn", "local_target", "same"]

SIGN_IN: Final = "/login"
LIFETIME_SECONDS: Final = 30 * 24 * 3600

_OPEN: Final = frozenset({"/health", "/ready"})
_BEARER: Final = "bearer "
_PATH: Final = re.compile(r"/(?![/\\])[^\x00-\x20\\]*")
_NOBODY: Final = Actor("", "reader", "dashboard")
_ANYBODY: Final = Actor("", "editor", "dashboard")
"""Who has the one token of everybody."""

_WRONG: Final = "That is not the token of this dashboard."


class Sessions:
    """Issues and checks sessions of one token: the time of issue, signed with the token.

    Nothing is kept on the server, so several worker processes and a restart know the same
    sessions, and a new token ends all of them.

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


class SignIn:
    """Lets in who has shown a token, or is said to be somebody by a proxy."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._sessions = Sessions(access.token) if access.token else None
        self._throttle = Throttle()
        # One of its own: every scrape that gets in would let a guesser at the form start anew.
        self._bearer_throttle = Throttle()

    def install(self, server: Flask) -> None:
        """Ask on a server from now on who somebody is; `g.actor` says it to whoever comes later."""
        server.before_request(self._check)
        if not self._access.asks_for_token:
            return
        server.add_url_rule(SIGN_IN, "sign_in_form", self._form, methods=["GET"])
        server.add_url_rule(SIGN_IN, "sign_in", self._submitted, methods=["POST"])

    def _check(self) -> Response | None:
        """Answer a request that is not let through."""
        g.actor = _NOBODY
        has_form = self._access.asks_for_token
        if request.path in _OPEN or (has_form and request.path == SIGN_IN):
            return None
        said = self._access.proxy and self._access.proxy.who(request)
        is_link = request.method == "GET" and "token" in request.args
        if is_link and not said and has_form:
            return self._link_with_token()
        actor = said or self._known() or self._with_token()
        if actor is not None:
            g.actor = actor
            return None
        if not has_form:
            return _page(refused_page(), 401)
        if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            target = local_target(_this_address())
            form = f"{SIGN_IN}?{urlencode({'next': target})}"
            return _page(onward_page(form), 401)
        answer = jsonify(problem="the session has ended; open the dashboard anew and sign in")
        answer.status_code = 401
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    def _link_with_token(self) -> Response:
        """Take the token out of the address, and a cookie in exchange for it."""
        target = local_target(_this_address())
        if self._known():
            return _page(onward_page(target))
        token = request.args["token"].strip()
        refused = self._tried(token, target)
        return refused or self._with_cookie(_page(onward_page(target)), token)

    def _form(self) -> Response:
        target = local_target(request.args.get("next", ""))
        # Somebody who followed a link from another site gets here without it, and is known here.
        if self._known():
            return _redirect(target)
        return _page(sign_in_page(target))

    def _submitted(self) -> Response:
        target = local_target(request.form.get("next", ""))
        token = request.form.get("token", "").strip()
        refused = self._tried(token, target)
        return refused or self._with_cookie(_redirect(target), token)

    def _tried(self, token: str, target: str) -> Response | None:
        """Check a token; return the answer to one that is wrong or came too early."""
        address = request.remote_addr or ""
        wait = math.ceil(self._throttle.admit(address))
        if wait:
            wrong = f"Too many wrong tokens; try again in {counted(wait, 'second')}."
            answer = _page(sign_in_page(target, wrong), 429)
            answer.headers["Retry-After"] = str(wait)
            return answer
        if self._whose(token) is None:
            return _page(sign_in_page(target, _WRONG), 401)
        self._throttle.succeeded(address)
        return None

    def _known(self) -> Actor | None:
        """Return whose session the cookies are."""
        sessions, people, cookies = self._sessions, self._access.people, request.cookies
        if sessions is not None and sessions.holds(cookies.get(sessions.cookie, "")):
            return _ANYBODY
        return None if people is None else people.whose_session(cookies.get(people.cookie, ""))

    def _whose(self, token: str) -> Actor | None:
        shared, people = self._access.token, self._access.people
        if shared and same(shared, token):
            return _ANYBODY
        return None if people is None else people.who(token)

    def _with_token(self) -> Actor | None:
        """Return who a program shows a token of, not after too many wrong ones."""
        shown = request.headers.get("Authorization", "")
        address = request.remote_addr or ""
        if not self._access.asks_for_token or not shown.lower().startswith(_BEARER):
            return None
        if self._bearer_throttle.admit(address):
            return None
        actor = self._whose(shown[len(_BEARER) :].strip())
        if actor is not None:
            self._bearer_throttle.succeeded(address)
        return actor

    def _with_cookie(self, answer: Response, token: str) -> Response:
        sessions, people = self._sessions, self._access.people
        if sessions is not None and same(self._access.token, token):
            name, value = sessions.cookie, sessions.issue()
        else:
            assert people is not None  # noqa: S101  the token was right
            name, value = people.cookie, people.session(token)
        answer.set_cookie(
            name,
            value,
            max_age=LIFETIME_SECONDS,
            httponly=True,
            samesite="Strict",
            secure=_is_encrypted(),
        )
        return answer


def local_target(address: str) -> str:
    """Return an address if it is a path of this server, else the Overview's.

    Examples
    --------
    >>> local_target("/run/a?x=1"), local_target("//evil.example"), local_target("https://evil")
    ('/run/a?x=1', '/', '/')
    """
    return address if _PATH.fullmatch(address) else "/"


def _this_address() -> str:
    """Return path and query of the request, without the token."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "token"]
    query = f"?{urlencode(kept, safe=',:/')}" if kept else ""
    return quote(request.path, safe="/~!$&'()*+,;=:@") + query


def _is_encrypted() -> bool:
    # A client that lies here harms itself alone: its browser keeps the cookie to itself.
    said = (request.headers.get("X-Forwarded-Proto", ""), request.headers.get("Origin", ""))
    return request.is_secure or any(text.lower().startswith("https") for text in said)


def _page(text: str, status: int = 200) -> Response:
    answer = Response(text, status, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = POLICY
    # With "no-referrer" a browser would send the form with the origin "null".
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def _redirect(target: str) -> Response:
    return Response("", 303, {"Location": target})
