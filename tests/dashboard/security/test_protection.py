from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from dashboard_views import FakeSource, curves
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.security.access import Access
from lrwatch_dashboard.security.headers import content_security_policy

UPDATE = "/_dash-update-component"


def _client(access: Access | None = None) -> Any:
    return _server(access).test_client()


@cache
def _server(access: Access | None) -> Any:
    """Serve one view to all tests: none of them changes what it knows."""
    return create_app(FakeSource(lines=curves()), access).server


def _is_let_through(answer: Any) -> bool:
    return answer.status_code not in (401, 403, 405, 415)


def test_every_answer_has_the_headers() -> None:
    client = _client()
    for path in (
        "/",
        "/health",
        "/metrics",
        "/assets/lrwatch.css",
        "/no/such/page",
        "/assets/none.css?m=1",
    ):
        headers = client.get(path, buffered=True).headers
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "script-src 'self' 'sha256-" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_refusals_have_the_headers_too() -> None:
    headers = _client().get("/", headers={"Host": "evil.example"}).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_scripts_may_not_be_inline_without_a_hash() -> None:
    policy = content_security_policy(["'sha256-abc='"])
    scripts = re.search("script-src ([^;]*)", policy)
    assert scripts
    assert scripts.group(1) == "'self' 'sha256-abc='"


def test_what_is_not_named_in_the_policy_is_forbidden() -> None:
    assert content_security_policy([]).startswith("default-src 'none';")


def test_data_is_kept_by_nobody_and_files_of_the_page_by_the_browser() -> None:
    client = _client()
    for path in ("/", "/health", "/metrics", "/_dash-layout", "/nothing"):
        assert client.get(path).headers["Cache-Control"] == "no-store"
    assert client.post(UPDATE, json={}).headers["Cache-Control"] == "no-store"
    style = client.get("/assets/lrwatch.css?m=1", buffered=True).headers["Cache-Control"]
    assert "immutable" in style


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8050", 200),
        ("127.0.0.1", 200),
        ("[::1]:8050", 200),
        ("LOCALHOST", 200),
        ("evil.example", 403),
        ("localhost.evil.example:8050", 403),
        ("127.0.0.1.evil.example", 403),
        ("192.0.2.1", 403),
        ("", 403),
    ],
)
@pytest.mark.parametrize("token", ["", "a-token-of-some-length"])
def test_only_names_of_this_machine_are_answered(host: str, status: int, token: str) -> None:
    client = _client(Access(token=token))
    assert client.get("/health", headers={"Host": host}).status_code == status


def test_behind_a_proxy_any_name_is_answered() -> None:
    client = _client(Access(any_host=True))
    assert client.get("/health", headers={"Host": "runs.example"}).status_code == 200


def test_a_forwarded_host_does_not_replace_the_true_one() -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "localhost"}
    assert _client().get("/health", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost:3000"},  # another program of this machine
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost@evil.example"},
        {"Origin": "file://"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        },
    ],
)
@pytest.mark.parametrize("path", [UPDATE, "/login"])
def test_another_site_can_post_nothing(headers: dict[str, str], path: str) -> None:
    client = _client(Access(token="a-token-of-some-length"))
    answer = client.post(path, json={}, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {},
    ],
)
def test_the_page_itself_can_post(headers: dict[str, str]) -> None:
    assert _is_let_through(_client().post(UPDATE, json={}, headers=headers))


def test_behind_a_proxy_the_page_that_goes_by_an_allowed_name_can_post() -> None:
    access = Access(hosts=Access().hosts | {"runs.example"})
    headers = {"Origin": "https://runs.example"}  # the proxy calls this server localhost
    assert _is_let_through(_client(access).post(UPDATE, json={}, headers=headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
    ],
)
def test_another_site_can_load_nothing_but_link_here(headers: dict[str, str]) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for path in ("/", "/metrics", "/_dash-layout", "/assets/lrwatch.css"):
        assert _client().get(path, headers=foreign | headers).status_code == 403
    link = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert _client().get("/", headers=foreign | link).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_only_json_can_be_posted(content_type: str) -> None:
    answer = _client().post(UPDATE, data=b'{"output": "x"}', content_type=content_type)
    assert answer.status_code == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(method: str) -> None:
    assert _client().open("/", method=method).status_code == 405


def test_a_request_that_is_too_large_is_refused() -> None:
    answer = _client().post(UPDATE, data=b"x" * 4_000_001, content_type="application/json")
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/assets/..%2fapp.py",
        "/assets/..%5capp.py",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/app.py%00.css",
        "/assets/vendor/../../app.py",
        "/_dash-component-suites/dash/../../app.py",
        "/_dash-component-suites/os/path.py",
        "/_dash-component-suites/lrwatch_dashboard/app.py",
    ],
)
def test_nothing_beside_the_assets_is_served(path: str) -> None:
    answer = _client().get(path, buffered=True)
    assert b"create_app" not in answer.data
    assert b"root:" not in answer.data


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"output": "../../etc/passwd"}',
        b'{"output": "page.children", "inputs": [], "outputs": {}}',
        b'{"output": 1e999}',
        b"[" * 100_000,
    ],
)
def test_nonsense_is_answered_without_telling_how_the_server_is_made(body: bytes) -> None:
    answer = _client().post(UPDATE, data=body, content_type="application/json")
    assert answer.status_code >= 400
    assert b"Traceback" not in answer.data
    assert b".py" not in answer.data
