"""What a request may cost before anybody looks at it, and a server that slow clients cannot block.

waitress reads requests without a thread, so a slow client costs it a connection and no more. But
it accepts nobody once its connections are used up; one that sends a byte now and then keeps its
connection for ever, and one that stops reading a long answer keeps a thread. Here a connection
waits for its client for a minute in all, and the one that has waited longest makes room.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer

__all__ = ["LARGEST_ADDRESS", "LARGEST_BODY", "Server"]

LARGEST_BODY: Final = 1_000_000
"""Bytes of a request beside its headers; a page sends what it shows, which is a few kB."""

LARGEST_ADDRESS: Final = 32_000
"""Bytes of an address; that of a comparison names up to 60 runs."""

_LARGEST_HEADERS: Final = 65_536  # bytes, the address among them
_N_THREADS: Final = 8
_PATIENCE_SECONDS: Final = 60
_MOST_CONNECTIONS: Final = 128  # below the 256 files that macOS allows a process
_CHECK_SECONDS: Final = 5


class _Request(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.began = time.time()


class _Connection(HTTPChannel):  # type: ignore[misc]
    parser_class = _Request

    def waits_since(self) -> float:
        """Return since when it waits for its client; infinity while the client waits."""
        if self.requests and not self.total_outbufs_len:
            return float("inf")
        if self.request and not self.total_outbufs_len:
            return float(self.request.began)
        return float(self.last_activity)

    def hang_up(self) -> None:
        """Close it from the loop, which sees at once that the socket is shut down."""
        self.will_close = True
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)


class Server(TcpWSGIServer):  # type: ignore[misc]
    """Serves an application on a bound socket until `close`.

    Parameters
    ----------
    application
        The WSGI application.
    listener
        A bound socket.
    most_connections
        Open at once, except for those with a request that is being answered.
    patience_seconds
        For an idle connection, for the whole of one request, and for a client that reads nothing.
    """

    channel_class = _Connection

    def __init__(
        self,
        application: Callable[..., Any],
        listener: socket.socket,
        *,
        most_connections: int = _MOST_CONNECTIONS,
        patience_seconds: int = _PATIENCE_SECONDS,
    ) -> None:
        self._most_connections = most_connections
        super().__init__(
            application,
            _sock=listener,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
            threads=_N_THREADS,
            ident="lrwatch",
            max_request_body_size=LARGEST_BODY,
            max_request_header_size=_LARGEST_HEADERS,
            connection_limit=2 * most_connections,
            channel_timeout=patience_seconds,
            cleanup_interval=min(_CHECK_SECONDS, patience_seconds),
            asyncore_use_poll=True,  # `select` ends at 1,024 open files
        )

    def handle_accept(self) -> None:
        """Accept a connection; beyond the limit, for the one that has waited longest."""
        super().handle_accept()
        if len(self.active_channels) > self._most_connections:
            longest = min(self.active_channels.values(), key=_Connection.waits_since)
            if longest.waits_since() < float("inf"):
                longest.hang_up()

    def maintenance(self, now: float) -> None:
        """Close the connections whose clients have taken too long."""
        for connection in self.active_channels.values():
            if connection.waits_since() < now - self.adj.channel_timeout:
                connection.hang_up()
