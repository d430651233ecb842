"""Serving: on a bound socket, and the WSGI entry for other servers."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.data import RunStore, cache_folder
from lrwatch_dashboard.security.access import LOOPBACK_NAMES, Access, signing_in
from lrwatch_dashboard.security.limits import Server

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
    """Serve a folder of runs on a bound socket until interrupted; the rest is for `RunStore`."""
    Server(_app(root, access, alone=alone, read_only=read_only), listener).run()


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
    root = os.environ.get(RUNS_VARIABLE, "runs")
    read_only = os.environ.get(READ_ONLY_VARIABLE, "") not in ("", "0")
    return _app(root, access_from(os.environ), read_only=read_only)


def access_from(environment: Mapping[str, str]) -> Access:
    """Return who may ask, as the environment says.

    Raises
    ------
    TokenError, SignInError
        If that would protect nothing, or let in the wrong people, or nobody.
    """
    names = [name.strip().lower() for name in environment.get(HOSTS_VARIABLE, "").split(",")]
    given = {name for name in names if name}
    signed = signing_in(environment)
    return dataclasses.replace(signed, hosts=LOOPBACK_NAMES | given, any_host="*" in given)


def _app(root: str, access: Access | None, **how: bool) -> Any:
    # Requests that wait for a thread, as those of one page do, are no warning of waitress.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    return create_app(RunStore(root, cache=cache_folder(os.environ), **how), access).server
