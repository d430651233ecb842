from __future__ import annotations

import re
from typing import Any

import pytest
from dashboard_views import FakeSource, curves
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.security.access import Access
from lrwatch_dashboard.security.sign_in import local_target

TOKEN = "a-token-of-some-length"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def server() -> Any:
    return create_app(FakeSource(lines=curves()), Access(token=TOKEN)).server


@pytest.fixture
def client(server: Any) -> Any:
    """Return a browser that nothing is known of, at the server of all tests that do not guess."""
    return server.test_client()


@pytest.fixture
def guesser() -> Any:
    """Return a browser at a server of its own, which counts the guesses."""
    return create_app(FakeSource(lines=curves()), Access(token=TOKEN)).server.test_client()


def _cookie(answer: Any) -> str:
    cookies: list[str] = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    return cookies[0]


def _refresh(answer: Any) -> str:
    found = re.search('http-equiv="refresh" content="0;url=([^"]*)"', answer.get_data(as_text=True))
    assert found
    return found[1].replace("&amp;", "&")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/run/sgd-0.1",
        "/alerts",
        "/metrics",
        "/_dash-layout",
        "/_dash-dependencies",
        "/assets/lrwatch.css",
        "/_favicon.ico",
        "/login/../",
        "/login/x",
        "/health/x",
        "/Health",
        "/login%2f..%2f_dash-layout",
    ],
)
@pytest.mark.parametrize("headers", [{}, HTML], ids=["program", "browser"])
def test_nothing_is_shown_without_the_token(client: Any, path: str, headers: Any) -> None:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    if headers:
        assert _refresh(answer).startswith("/login?next=")
    else:
        assert answer.get_json().keys() == {"problem"}


def test_callbacks_need_the_token(client: Any) -> None:
    answer = client.post("/_dash-update-component", json={})
    assert answer.status_code == 401
    assert "sign in" in answer.get_json()["problem"]


def test_health_is_open_and_tells_nothing() -> None:
    source = FakeSource(problem="/home/me/secret-project: No such file or directory")
    client = create_app(source, Access(token=TOKEN)).server.test_client()
    answer = client.get("/health")
    assert (answer.status_code, answer.get_json()) == (503, {"status": "error"})


def test_a_page_leads_to_the_form_and_the_form_back_to_the_page(client: Any) -> None:
    first = client.get("/run/sgd-0.1?x=time", headers=HTML)
    form = client.get(_refresh(first), headers=HTML)
    assert form.status_code == 200
    assert 'value="/run/sgd-0.1?x=time"' in form.get_data(as_text=True)
    fields = {"token": TOKEN, "next": "/run/sgd-0.1?x=time"}
    entered = client.post("/login", data=fields)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/run/sgd-0.1?x=time")
    assert client.get("/").status_code == 200
    assert client.get("/_dash-layout").status_code == 200


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_from_other_sites(client: Any) -> None:
    cookie = _cookie(client.post("/login", data={"token": TOKEN}))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert TOKEN not in cookie
    assert "Secure" not in cookie


@pytest.mark.parametrize("header", ["X-Forwarded-Proto", "Origin"])
def test_over_an_encrypted_connection_the_cookie_stays_on_such(client: Any, header: str) -> None:
    value = "https" if header == "X-Forwarded-Proto" else "https://localhost"
    answer = client.post("/login", data={"token": TOKEN}, headers={header: value})
    assert "Secure" in _cookie(answer)


def test_a_link_with_the_token_becomes_a_cookie_and_an_address_without_it(client: Any) -> None:
    answer = client.get(f"/run/a%20b?x=time&token={TOKEN}&q=%26", headers=HTML)
    assert "HttpOnly" in _cookie(answer)
    assert _refresh(answer) == "/run/a%20b?x=time&q=%26"
    assert TOKEN not in answer.get_data(as_text=True)
    assert client.get("/").status_code == 200


def test_a_stale_link_does_not_sign_out(guesser: Any) -> None:
    guesser.post("/login", data={"token": TOKEN})
    answer = guesser.get("/?token=of-last-week-perhaps", headers=HTML)
    assert (answer.status_code, _refresh(answer)) == (200, "/")
    assert guesser.get("/").status_code == 200


@pytest.mark.parametrize(
    "wrong", ["", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ä", "\x00", "<script>alert(1)</script>"]
)
@pytest.mark.parametrize("way", ["form", "link"])
def test_a_wrong_token_opens_nothing_and_is_not_repeated(
    guesser: Any, wrong: str, way: str
) -> None:
    if way == "form":
        answer = guesser.post("/login", data={"token": wrong})
    else:
        answer = guesser.get("/", query_string={"token": wrong}, headers=HTML)
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    text = answer.get_data(as_text=True)
    assert "not the token" in text
    assert "<script" not in text
    assert guesser.get("/").status_code == 401


def test_guessing_is_slowed_down_on_both_ways_together(guesser: Any) -> None:
    for _ in range(3):
        guesser.post("/login", data={"token": "wrong"})
    for _ in range(2):
        guesser.get("/?token=wrong", headers=HTML)
    for answer in (
        guesser.post("/login", data={"token": TOKEN}),
        guesser.get(f"/?token={TOKEN}", headers=HTML),
    ):
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "1"
        assert "try again in 1 second." in answer.get_data(as_text=True)
        assert "Set-Cookie" not in answer.headers


def test_guessing_does_not_disturb_who_is_signed_in() -> None:
    server = create_app(FakeSource(), Access(token=TOKEN)).server
    known, guesser = server.test_client(), server.test_client()
    known.post("/login", data={"token": TOKEN})
    for _ in range(20):
        guesser.post("/login", data={"token": "wrong"})
    assert known.get("/").status_code == 200


@pytest.mark.parametrize("page", ["/login", "/", "/?token=x"])
def test_the_pages_before_the_token_run_no_script_and_load_nothing(guesser: Any, page: str) -> None:
    answer = guesser.get(page, headers=HTML)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert not re.search("<script|<img|<link|//", answer.get_data(as_text=True))


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: x=y",
        "/\n",
        "evil",
        "",
        "\\\\evil.example",
    ],
)
def test_nobody_is_led_elsewhere(client: Any, target: str) -> None:
    assert local_target(target) == "/"
    answer = client.post("/login", data={"token": TOKEN, "next": target})
    assert answer.headers["Location"] == "/"


def test_a_target_is_text_in_the_form(client: Any) -> None:
    target = '/"><script>alert(1)</script>'
    text = client.get("/login", query_string={"next": target}).get_data(as_text=True)
    assert "<script" not in text


def test_a_path_that_looks_like_another_host_stays_here(client: Any) -> None:
    path = {"PATH_INFO": "//evil.example/"}  # the client would take it for a host
    answer = client.get(f"/?token={TOKEN}", headers=HTML, environ_overrides=path)
    assert _refresh(answer) == "/evil.example/"


def test_another_token_ends_all_sessions(client: Any) -> None:
    cookie = _cookie(client.post("/login", data={"token": TOKEN})).partition(";")[0]
    for token, status in ((TOKEN + "-new", 401), (TOKEN, 200)):
        server = create_app(FakeSource(), Access(token=token)).server
        restarted = server.test_client(use_cookies=False)
        assert restarted.get("/", headers={"Cookie": cookie}).status_code == status


def test_without_a_token_there_is_no_form() -> None:
    client = create_app(FakeSource()).server.test_client()
    assert client.post("/login", data={"token": ""}).status_code == 405
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("path", ["/metrics", "/", "/_dash-layout"])
def test_a_program_shows_the_token_with_every_request(client: Any, scheme: str, path: str) -> None:
    answer = client.get(path, headers={"Authorization": f"{scheme} {TOKEN}"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert client.get(path).status_code == 401


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Bearer{TOKEN}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \u00e4",
    ],
)
def test_a_program_without_the_token_gets_nothing(guesser: Any, shown: str) -> None:
    answer = guesser.get("/metrics", headers={"Authorization": shown})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in answer.get_data(as_text=True)


def test_a_program_that_guesses_is_slowed_down_and_disturbs_nobody() -> None:
    server = create_app(FakeSource(), Access(token=TOKEN)).server
    program, known = server.test_client(), server.test_client()
    for _ in range(5):
        program.get("/metrics", headers={"Authorization": "Bearer wrong"})
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert program.get("/metrics", headers=right).status_code == 401
    assert known.post("/login", data={"token": TOKEN}).status_code == 303
    assert known.get("/metrics").status_code == 200


def test_a_scraper_with_the_token_does_not_let_a_guesser_start_anew(guesser: Any) -> None:
    for _ in range(5):
        guesser.post("/login", data={"token": "wrong"})
    assert guesser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert guesser.post("/login", data={"token": TOKEN}).status_code == 429


@pytest.mark.slow
def test_a_browser_behind_a_proxy_with_a_token_of_its_own_stays_signed_in(guesser: Any) -> None:
    guesser.post("/login", data={"token": TOKEN})
    for _ in range(10):
        answer = guesser.get("/", headers={"Authorization": "Bearer the-token-of-the-proxy"})
        assert answer.status_code == 200
