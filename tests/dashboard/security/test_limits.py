"""Hostile clients on real sockets: slow, large and many."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest
from dashboard_views import FakeSource
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.security.access import Access
from lrwatch_dashboard.security.limits import LARGEST_ADDRESS, LARGEST_BODY, Server

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not

PATIENCE_SECONDS = 30.0
N_BLOCKS = 32  # of a million bytes: more than the kernel and waitress keep for a client


def _app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/long":
        return (b"x" * 1_000_000 for _ in range(N_BLOCKS))
    return [b"hello"]


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Return a function that serves until the test ends, and says at which port."""
    with ExitStack() as stack:

        def start(app: Any = _app, **options: Any) -> int:
            server = Server(app, socket.create_server(("127.0.0.1", 0)), **options)
            thread = threading.Thread(target=server.run, daemon=True)
            thread.start()
            stack.callback(server.task_dispatcher.shutdown)
            stack.callback(thread.join, PATIENCE_SECONDS)
            stack.callback(_end, server)
            return int(server.effective_port)

        yield start


def _end(server: Any) -> None:
    def close() -> None:
        for connection in list(server.active_channels.values()):
            connection.handle_close()
        server.asyncore.close_all(server._map)

    # In the loop, which ends when nothing is left; woken by another, it may be over already.
    with suppress(OSError):
        server.trigger.pull_trigger(close)


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)


def _answer(port: int, request: bytes) -> bytes:
    """Return the first line of the answer to a request, which may still be going on."""
    with closing(_connect(port)) as client:
        client.sendall(request)
        return _first_line(client)


def _first_line(client: socket.socket) -> bytes:
    with client.makefile("rb") as file:
        return file.readline().strip()


def _is_closed(client: socket.socket) -> bool:
    try:
        return not client.recv(1)
    except ConnectionResetError:
        return True


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
SLOW = [
    b"",
    b"GET / HT",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
]


@pytest.mark.parametrize("begun", SLOW)
def test_requests_that_never_end_shut_nobody_out(serve: Any, begun: bytes) -> None:
    port = serve(most_connections=32)
    with ExitStack() as stack:
        slow = [stack.enter_context(_connect(port)) for _ in range(120)]
        for client in slow:
            client.sendall(begun)
        assert _answer(port, GET) == b"HTTP/1.1 200 OK"
        # Those that came first made room, and the last ones are still waited for.
        assert _is_closed(slow[0])
        slow[-1].setblocking(False)
        with pytest.raises(BlockingIOError):
            slow[-1].recv(1)


def test_a_client_that_sends_a_byte_now_and_then_is_not_waited_for_forever(serve: Any) -> None:
    port = serve(patience_seconds=1)
    with closing(_connect(port)) as client:
        client.settimeout(0.1)
        deadline = time.monotonic() + PATIENCE_SECONDS
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        while time.monotonic() < deadline:
            try:
                client.sendall(b"x")
                if _is_closed(client):
                    return
            except TimeoutError:
                continue
            except OSError:
                return
    pytest.fail("the connection is still open")


def test_clients_that_stop_reading_keep_no_thread(serve: Any) -> None:
    port = serve(patience_seconds=2)
    with ExitStack() as stack:
        for _ in range(16):  # twice as many as there are threads
            client = stack.enter_context(_connect(port))
            client.sendall(GET.replace(b"/ ", b"/long "))
        assert _answer(port, GET) == b"HTTP/1.1 200 OK"


def test_an_answer_that_is_being_made_is_waited_for(serve: Any) -> None:
    is_free = threading.Event()

    def app(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/slow":
            is_free.wait(PATIENCE_SECONDS)
        return _app(environ, start_response)

    port = serve(app, most_connections=2)
    with closing(_connect(port)) as client:
        client.sendall(GET.replace(b"/ ", b"/slow "))
        for _ in range(8):
            assert _answer(port, GET) == b"HTTP/1.1 200 OK"
        is_free.set()
        assert _first_line(client) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("path", ["/login", "/", "/_dash-update-component", "/metrics", "/x"])
def test_a_body_that_is_too_large_is_refused_without_being_read(serve: Any, path: str) -> None:
    port = serve()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000\r\n\r\n"
    assert _answer(port, head.encode()) == b"HTTP/1.1 413 Request Entity Too Large"


def test_a_body_of_unknown_length_is_read_as_far_as_the_limit(serve: Any) -> None:
    port = serve()
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (LARGEST_BODY, b"x" * LARGEST_BODY)
    assert _answer(port, head + chunk) == b"HTTP/1.1 413 Request Entity Too Large"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000,
        b"GET /" + b"x" * 100_000,
        b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 20_000,
    ],
    ids=["value", "address", "many"],
)
def test_headers_that_are_too_large_are_refused_before_they_end(
    serve: Any, request_: bytes
) -> None:
    port = serve()
    assert _answer(port, request_).startswith(b"HTTP/1.0 431")


@pytest.mark.parametrize("token", ["", "a-token-of-some-length"])
def test_the_application_refuses_as_well_where_another_server_reads(token: str) -> None:
    client = create_app(FakeSource(), Access(token=token)).server.test_client()
    for path in ("/login", "/", "/_dash-update-component", "/elsewhere"):
        assert client.post(path, data=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert client.get("/?q=" + "x" * LARGEST_ADDRESS).status_code == 414
    assert client.get("/" + "x" * LARGEST_ADDRESS).status_code == 414
