from __future__ import annotations

import base64
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which

import pytest
from receivers import (
    Answer,
    HttpReceiver,
    answer,
    free_port,
    garbage,
    hang_up,
    redirect,
    silence,
)

from lrwatch.delivery.channel import DeliveryFailed
from lrwatch.delivery.http_post import HttpPost, retry_after


def failure_of(*answers: Answer) -> DeliveryFailed:
    with HttpReceiver(*answers) as http, pytest.raises(DeliveryFailed) as caught:
        HttpPost(http.url)(b"{}", timeout=0.2)
    # What went wrong may quote the address, and be printed by whoever logs the failure.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_answer_that_begins_with_2_is_success(status: int) -> None:
    with HttpReceiver(answer(status, b"anything" if status == 200 else b"")) as http:
        HttpPost(http.url)(b"{}")
    assert http.posts[0].body == b"{}"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422])
def test_a_refusal_is_permanent(status: int) -> None:
    failure = failure_of(answer(status, b"a secret"))
    assert failure.is_permanent
    assert failure.problem.startswith(f"answered {status} (")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_trouble_of_the_receiver_is_worth_another_try(status: int) -> None:
    failure = failure_of(answer(status))
    assert not failure.is_permanent
    assert failure.problem.startswith(f"answered {status}")


def test_nothing_that_the_receiver_says_is_repeated() -> None:
    failure = failure_of(answer(500, b"stack trace with a secret", x_secret="a secret"))
    assert "secret" not in failure.problem


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_may_ask_for_time(status: int) -> None:
    assert failure_of(answer(status, retry_after="7")).retry_after == 7


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with HttpReceiver() as elsewhere:
        failure = failure_of(answer(status, location=elsewhere.url))
        assert not elsewhere.posts
    assert failure.is_permanent
    assert "redirect, which is not followed" in failure.problem


def test_a_redirect_to_a_file_is_not_followed_either(tmp_path: Path) -> None:
    assert failure_of(redirect(tmp_path.as_uri())).is_permanent


@pytest.mark.parametrize("reply", [garbage, hang_up])
def test_what_is_no_http_is_worth_another_try(reply: Answer) -> None:
    failure = failure_of(reply)
    assert failure.problem == "gave no valid HTTP answer"
    assert not failure.is_permanent


def test_silence_is_worth_another_try() -> None:
    failure = failure_of(silence)
    assert failure.problem == "gave no answer in time"
    assert not failure.is_permanent


def test_a_closed_port_is_worth_another_try() -> None:
    with pytest.raises(DeliveryFailed, match=r"^cannot be reached: Connection refused$") as caught:
        HttpPost(f"http://127.0.0.1:{free_port()}/token")(b"{}")
    assert not caught.value.is_permanent


def test_a_name_and_a_password_are_sent_as_basic_authentication() -> None:
    with HttpReceiver() as http:
        HttpPost(http.url.replace("://", "://ann:p%40ss:word@"))(b"{}")
    (post,) = http.posts
    assert post.headers["authorization"] == "Basic " + base64.b64encode(b"ann:p@ss:word").decode()
    assert post.path == "/hook"


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpReceiver() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        HttpPost("http://alerts.invalid/hook")(b"{}")
    assert proxy.posts[0].path == "http://alerts.invalid/hook"


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with tls_server(tmp_path) as url, pytest.raises(DeliveryFailed, match="self-signed") as caught:
        HttpPost(url)(b"{}")
    assert caught.value.problem.startswith("cannot be reached: ")


def test_a_certificate_of_an_authority_of_ones_own_is_taken_where_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tls_server(tmp_path) as url:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        HttpPost(url)(b"{}")
        with pytest.raises(DeliveryFailed, match="Hostname mismatch"):
            HttpPost(url.replace("127.0.0.1", "localhost"))(b"{}")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        ("-5", 0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
    ],
)
def test_what_a_receiver_asks_for(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, 100.0) == seconds


@contextmanager
def tls_server(folder: Path) -> Iterator[str]:
    openssl = which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    request = [openssl, "req", "-x509", "-nodes", "-subj", "/CN=here"]
    request += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    request += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with QuietServer(("127.0.0.1", 0), Taking) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}/token"
        finally:
            server.shutdown()
            thread.join()


class Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


class QuietServer(ThreadingHTTPServer):
    """Its clients leave during the handshake."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing."""
