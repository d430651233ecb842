"""The token is asked for once; a cookie that no script can read stands for it from then on.

Programs show it with every request: ``Authorization: Bearer TOKEN``.
"""

from __future__ import annotations

import math
import re
from typing import Final
from urllib.parse import quote, urlencode

from flask import Flask, Response, jsonify, request

from lrwatch_dashboard.security.session import LIFETIME_SECONDS, Sessions, same
from lrwatch_dashboard.security.sign_in_page import POLICY, onward_page, sign_in_page
from lrwatch_dashboard.security.throttle import Throttle

__all__ = ["SIGN_IN", "SignIn", "local_target"]

SIGN_IN: Final = "/login"

_OPEN: Final = frozenset({SIGN_IN, "/health"})
_BEARER: Final = "bearer "
_PATH: Final = re.compile(r"/(?![/\\])[^\x00-\x20\\]*")
_WRONG: Final = "That is not the token of this dashboard."


class SignIn:
    """Lets in who has shown the token.

    Parameters
    ----------
    token
        The secret.
    throttle
        Slows down who guesses.
    """

    def __init__(self, token: str, throttle: Throttle | None = None) -> None:
        self._token = token
        self._sessions = Sessions(token)
        self._throttle = throttle or Throttle()
        # One of its own: every scrape that gets in would let a guesser at the form start anew.
        self._bearer_throttle = Throttle()

    def install(self, server: Flask) -> None:
        """Ask for the token on a server from now on."""
        server.add_url_rule(SIGN_IN, "sign_in_form", self._form, methods=["GET"])
        server.add_url_rule(SIGN_IN, "sign_in", self._submitted, methods=["POST"])
        server.before_request(self._check)

    def _check(self) -> Response | None:
        """Answer a request that is not let through."""
        if request.path in _OPEN:
            return None
        if request.method == "GET" and "token" in request.args:
            return self._link_with_token()
        if self._is_known() or self._has_shown_token():
            return None
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
        if self._is_known():
            return _page(onward_page(target))
        refused = self._tried(request.args["token"], target)
        return refused or self._with_cookie(_page(onward_page(target)))

    def _form(self) -> Response:
        target = local_target(request.args.get("next", ""))
        # Somebody who followed a link from another site gets here without it, and is known here.
        if self._is_known():
            return _redirect(target)
        return _page(sign_in_page(target))

    def _submitted(self) -> Response:
        target = local_target(request.form.get("next", ""))
        refused = self._tried(request.form.get("token", ""), target)
        return refused or self._with_cookie(_redirect(target))

    def _tried(self, token: str, target: str) -> Response | None:
        """Check a token; return the answer to one that is wrong or came too early."""
        address = request.remote_addr or ""
        wait = math.ceil(self._throttle.admit(address))
        if wait:
            seconds = "1 second" if wait == 1 else f"{wait} seconds"
            page = sign_in_page(target, f"Too many wrong tokens; try again in {seconds}.")
            answer = _page(page, 429)
            answer.headers["Retry-After"] = str(wait)
            return answer
        if not same(self._token, token.strip()):
            return _page(sign_in_page(target, _WRONG), 401)
        self._throttle.succeeded(address)
        return None

    def _is_known(self) -> bool:
        return self._sessions.holds(request.cookies.get(self._sessions.cookie, ""))

    def _has_shown_token(self) -> bool:
        """Return whether a program has shown the token, and not after too many wrong ones."""
        shown = request.headers.get("Authorization", "")
        address = request.remote_addr or ""
        if not shown.lower().startswith(_BEARER) or self._bearer_throttle.admit(address):
            return False
        if not same(self._token, shown[len(_BEARER) :].strip()):
            return False
        self._bearer_throttle.succeeded(address)
        return True

    def _with_cookie(self, answer: Response) -> Response:
        answer.set_cookie(
            self._sessions.cookie,
            self._sessions.issue(),
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
