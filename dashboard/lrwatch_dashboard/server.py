"""Serving: on a bound socket, and the WSGI entry for other servers."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.data import RunStore, cache_folder
from lrwatch_dashboard.security.access import LOOPBACK_NAMES, Access
from lrwatch_dashboard.security.limits import Server
from lrwatch_dashboard.security.people import token_or_people
from lrwatch_dashboard.security.proxy import proxy_sign_in

if TYPE_CHECKING:
    import socket

__all__ = ["access_from", "serve", "wsgi"]

RUNS_VARIABLE: Final = "LRWATCH_RUNS"
HOSTS_VARIABLE: Final = "LRWATCH_ALLOWED_HOSTS"
READ_ONLY_VARIABLE: Final = "LRWATCH_READ_ONLY"


def serve(
    listener: socket.socket,
    root: str,
    access: Access | None = None,
    *,
    alone: bool = False,
    read_only: bool = False,
) -> None:
    """Serve a folder of runs until interrupted.

    Parameters
    ----------
    listener
        A bound socket.
    root
        Folder of the runs.
    access
        Who may ask; None stands for this machine alone, without a token.
    alone
        Whether each run is judged by itself, and not beside its siblings.
    read_only
        Whether nothing may be written into the folder.
    """
    source = RunStore(root, cache=cache_folder(os.environ), alone=alone, read_only=read_only)
    app = create_app(source, access)
    _quieten()
    Server(app.server, listener).run()


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request; for ``gunicorn lrwatch_dashboard.server:wsgi``.

    ``LRWATCH_RUNS`` gives the folder of runs ("runs" without it), ``LRWATCH_TOKEN`` or
    ``LRWATCH_TOKEN_FILE`` the token. ``LRWATCH_ALLOWED_HOSTS`` gives the names that requests
    may be addressed to, separated by commas, beside those of the loopback address; ``*``
    stands for any, behind a proxy that checks them. ``LRWATCH_READ_ONLY=1`` writes nothing.
    `proxy_sign_in` says how a proxy signs people in.
    """
    answer: Iterable[bytes] = _wsgi_app()(environ, start_response)
    return answer


@functools.cache
def _wsgi_app() -> Any:
    _quieten()
    root = os.environ.get(RUNS_VARIABLE, "runs")
    read_only = os.environ.get(READ_ONLY_VARIABLE, "") not in ("", "0")
    source = RunStore(root, cache=cache_folder(os.environ), read_only=read_only)
    return create_app(source, access_from(os.environ)).server


def access_from(environment: Mapping[str, str]) -> Access:
    """Return who may ask, as the environment says.

    Raises
    ------
    TokenError
        If the token would protect nothing.
    SignInError
        If the sign-in by a proxy would let in the wrong people, or nobody.
    """
    names = [name.strip().lower() for name in environment.get(HOSTS_VARIABLE, "").split(",")]
    given = {name for name in names if name}
    token, people = token_or_people(environment)
    return Access(
        hosts=LOOPBACK_NAMES | given,
        any_host="*" in given,
        token=token,
        people=people,
        proxy=proxy_sign_in(environment),
    )


def _quieten() -> None:
    """Keep waitress from warning of requests that wait for a thread, as those of one page do."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
