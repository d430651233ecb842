"""Serving: waitress on a bound socket, and the WSGI entry for other servers."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import waitress

from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.security import LOOPBACK_NAMES

if TYPE_CHECKING:
    import socket

__all__ = ["serve", "wsgi"]

RUNS_VARIABLE: Final = "LRWATCH_RUNS"
HOSTS_VARIABLE: Final = "LRWATCH_ALLOWED_HOSTS"

_N_THREADS: Final = 8


def serve(listener: socket.socket, root: str, *, behind_proxy: bool = False) -> None:
    """Serve a folder of runs until interrupted.

    Parameters
    ----------
    listener
        A bound socket.
    root
        Folder of the runs.
    behind_proxy
        Answer to any host name, because a proxy in front has checked it.
    """
    host = str(listener.getsockname()[0])
    names = None if behind_proxy else LOOPBACK_NAMES | {host}
    app = create_app(RunStore(root), allowed_hosts=names)
    _quieten()
    waitress.serve(app.server, sockets=[listener], threads=_N_THREADS, ident="lrwatch", _quiet=True)


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request; for ``gunicorn lrwatch_dashboard.server:wsgi``.

    ``LRWATCH_RUNS`` gives the folder of runs ("runs" without it). ``LRWATCH_ALLOWED_HOSTS``
    gives the names that requests may be addressed to, separated by commas: by default those
    of the loopback address, and ``*`` for any, behind a proxy that checks them.
    """
    answer: Iterable[bytes] = _wsgi_app()(environ, start_response)
    return answer


@functools.cache
def _wsgi_app() -> Any:
    _quieten()
    names = [name.strip().lower() for name in os.environ.get(HOSTS_VARIABLE, "").split(",")]
    given = {name for name in names if name}
    hosts = None if "*" in given else LOOPBACK_NAMES | given
    return create_app(RunStore(os.environ.get(RUNS_VARIABLE, "runs")), allowed_hosts=hosts).server


def _quieten() -> None:
    """Keep waitress from warning of requests that wait for a thread, as those of one page do."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
