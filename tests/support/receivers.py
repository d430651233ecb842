"""Receivers of alerts on this machine: real HTTP and SMTP servers that answer as told."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

__all__ = [
    "Answer",
    "HttpReceiver",
    "MailReceiver",
    "Post",
    "answer",
    "dribble",
    "free_port",
    "garbage",
    "hang_up",
    "redirect",
    "silence",
]

PATIENCE_SECONDS = 60.0

Answer = Callable[["_Handler"], None]
"""Answers one request."""


@dataclass(frozen=True)
class Post:
    """What was posted; the names of headers are lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


def answer(status: int, text: bytes = b"", **headers: str) -> Answer:
    """Answer with a status; ``retry_after="3"`` becomes the header ``retry-after``."""

    def reply(handler: _Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    return reply


def redirect(to: str) -> Answer:
    """Send the client elsewhere, in the way that has a POST repeated."""
    return answer(307, location=to)


def garbage(handler: _Handler) -> None:
    """Answer with what is no HTTP."""
    handler.wfile.write(b"\x00\xffno such thing as a status line\r\n" * 100)
    handler.close_connection = True


def hang_up(handler: _Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def silence(handler: _Handler) -> None:
    """Say nothing until the receiver is closed."""
    handler.receiver.closing.wait(PATIENCE_SECONDS)
    handler.close_connection = True


def dribble(handler: _Handler) -> None:
    """Send a header without end, a byte at a time, so that no read ever times out."""
    handler.close_connection = True
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not handler.receiver.closing.wait(0.02):
            handler.wfile.write(b"x")
    except OSError:
        return


class HttpReceiver:
    """An HTTP server that remembers what it was sent.

    Parameters
    ----------
    answers
        One a request; the last one is given from then on.
    port
        By default one that is free.
    """

    def __init__(self, *answers: Answer, port: int = 0) -> None:
        self.answers = list(answers) or [answer(200)]
        self.posts: list[Post] = []
        self.closing = threading.Event()
        self._changed = threading.Condition()
        handler = type("Handler", (_Handler,), {"receiver": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def __enter__(self) -> HttpReceiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def ids(self) -> list[str]:
        """The ids of the messages that came, as often as they came."""
        with self._changed:
            return [post.id for post in self.posts]

    def wait_for(self, n: int) -> list[Post]:
        """Wait until so many requests have come, and return them all."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.posts) >= n, PATIENCE_SECONDS):
                raise AssertionError(f"{len(self.posts)} requests came, waited for {n}")
            return list(self.posts)

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, post: Post) -> Answer:
        with self._changed:
            self.posts.append(post)
            self._changed.notify_all()
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Handler(BaseHTTPRequestHandler):
    receiver: HttpReceiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.take(Post(self.path, headers, body))(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


@dataclass
class MailReceiver:
    """An SMTP server that remembers what it was sent.

    Attributes
    ----------
    replies
        One a mail; the last one is given from then on.
    user, password
        Whoever sends must know them.
    """

    replies: list[str] = field(default_factory=lambda: ["250 OK"])
    user: str = "lrwatch"
    password: str = "correct-horse-battery"
    mails: list[Mail] = field(default_factory=list)
    port: int = 0

    def address(self, to: str = "ops@example.com") -> str:
        return (
            f"mailto://{self.user}:{self.password}@127.0.0.1:{self.port}/"
            f"?from=lrwatch@example.com&to={to}&mode=insecure"
        )

    @property
    def subjects(self) -> list[str]:
        return [str(make_header(decode_header(mail["Subject"]))) for mail in self.mails]

    def wait_for(self, n: int) -> list[Mail]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.mails) < n:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(self.mails)} mails came, waited for {n}")
            time.sleep(0.01)
        return self.mails

    @contextmanager
    def serving(self) -> Iterator[MailReceiver]:
        self.port = free_port()
        controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self._authenticate,
            auth_require_tls=False,
        )
        controller.start()
        try:
            yield self
        finally:
            controller.stop()

    async def handle_DATA(  # noqa: N802  aiosmtpd calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content))
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def _authenticate(self, *given: Any) -> AuthResult:
        login = given[-1]
        is_right = (login.login, login.password) == (self.user.encode(), self.password.encode())
        return AuthResult(success=is_right, handled=False)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
