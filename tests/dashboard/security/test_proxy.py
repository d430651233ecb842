"""Sign-in by a header: it counts from the proxy, and from nobody else."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from dashboard_views import FakeSource, curves
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.security.access import Access
from lrwatch_dashboard.security.limits import Server
from lrwatch_dashboard.security.people import People, new_token
from lrwatch_dashboard.security.proxy import SignInError, proxy_sign_in
from lrwatch_dashboard.server import access_from

HEADER = "X-Auth-Request-Email"
PROXY, STRANGER = "10.42.0.7", "10.43.0.7"


def _access(**more: Any) -> Access:
    proxy = proxy_sign_in(
        {},
        user_header=HEADER,
        trust_proxy=["10.42.0.0/16", "2001:db8::7"],
        editors=["ann@x.org", "group:ml"],
    )
    return Access(any_host=True, proxy=proxy, **more)


def _shown(
    headers: dict[str, str] | None = None, peer: str = PROXY, access: Access | None = None
) -> tuple[int, str]:
    """Return the status of an answer, and who it says is signed in, with the role."""
    client = _server(access).test_client()
    answer = client.get("/_dash-layout", headers=headers, environ_base={"REMOTE_ADDR": peer})
    if answer.status_code != 200:
        return answer.status_code, ""
    shell = answer.get_json()["props"]["children"]
    title = next((t for t in _titles(shell) if t.startswith("Signed in as ")), "")
    return answer.status_code, title.removeprefix("Signed in as ")


@cache
def _server(access: Access | None) -> Any:
    """Serve all tests that ask by one access: nobody is remembered from one request to the next."""
    return create_app(FakeSource(lines=curves()), access or _access()).server


def _titles(part: Any) -> list[str]:
    if isinstance(part, list):
        return [title for each in part for title in _titles(each)]
    if not isinstance(part, dict):
        return []
    props = part.get("props", {})
    return [str(props.get("title", "")), *_titles(props.get("children"))]


def test_the_proxy_says_who_asks_and_an_option_what_they_may() -> None:
    assert _shown({HEADER: "ann@x.org"})[1] == "ann@x.org: may also label, delete and silence"
    assert _shown({HEADER: "bob@x.org"})[1] == "bob@x.org: may only look"
    assert _shown({HEADER: "Ann@x.org"})[1] == "Ann@x.org: may only look"
    groups = {HEADER: "bob@x.org", "X-Auth-Request-Groups": "ops, ml"}
    assert "silence" in _shown(groups)[1]
    assert "only look" in _shown(groups | {"X-Auth-Request-Groups": "mlops,group:ml"})[1]
    assert _shown({HEADER: "jürgen".encode().decode("latin-1")})[1].startswith("jürgen:")


@pytest.mark.parametrize(
    "peer", [STRANGER, "127.0.0.1", "::1", "2001:db8::8", "", "unix", "::ffff:10.43.0.7"]
)
def test_the_header_is_nothing_from_anybody_else(peer: str) -> None:
    forwarded = {"X-Forwarded-For": PROXY, "Forwarded": f"for={PROXY}", "X-Real-IP": PROXY}
    assert _shown({HEADER: "ann@x.org", **forwarded}, peer)[0] == 401


@pytest.mark.parametrize("peer", [PROXY, "10.42.255.255", "2001:db8::7", "::ffff:10.42.0.7"])
def test_addresses_of_the_proxy_are_known_however_they_are_written(peer: str) -> None:
    assert _shown({HEADER: "ann@x.org"}, peer)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {HEADER: ""},
        {HEADER: "   "},
        {HEADER: "ann@x.org, eve@x.org"},
        {HEADER: "eve@x.org,ann@x.org"},
        {HEADER: "a" * 300},
        {HEADER: "group:ml"},
        {HEADER: "*"},
        {"X-Forwarded-User": "ann@x.org"},
        {"X-Auth-Request-Groups": "ml"},
        {"Cookie": f"{HEADER}=ann@x.org"},
        {"Authorization": "Bearer anything-at-all-of-some-length"},
    ],
)
def test_who_is_not_said_to_be_somebody_is_let_in_nowhere(headers: dict[str, str]) -> None:
    assert _shown(headers)[0] == 401


def test_nobody_is_led_to_a_form_that_is_not_there() -> None:
    client = _server(None).test_client()
    answer = client.get("/?token=x", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert "reached through a proxy" in answer.get_data(as_text=True)
    assert "<form" not in answer.get_data(as_text=True)
    assert client.post("/login", data={"token": "x"}).status_code == 401
    assert client.get("/login").status_code == 401
    assert client.get("/health").status_code == 200


def test_tokens_let_in_those_who_come_past_the_proxy(tmp_path: Path) -> None:
    token = new_token("prometheus", "reader", tmp_path / "people")[0]
    access = _access(people=People(tmp_path / "people"))
    bearer = {"Authorization": f"Bearer {token}"}
    assert _shown(bearer, STRANGER, access)[1] == "prometheus: may only look"
    spoofed = _shown({**bearer, HEADER: "ann@x.org"}, STRANGER, access)
    assert spoofed[1] == "prometheus: may only look"
    assert _shown({HEADER: "ann@x.org"}, STRANGER, access)[0] == 401
    assert "silence" in _shown({HEADER: "ann@x.org"}, PROXY, access)[1]


def test_headers_with_underscores_and_twice_are_no_way_in() -> None:
    """WSGI knows no difference between a dash and an underscore; the server has to."""
    proxy = proxy_sign_in({}, user_header=HEADER, trust_proxy=["127.0.0.1"], editors=["ann@x.org"])
    app = create_app(FakeSource(lines=curves()), Access(proxy=proxy)).server
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(app, listener)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    port = int(server.effective_port)

    def status(*headers: tuple[str, str]) -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.putrequest("GET", "/_dash-layout")
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            return connection.getresponse().status

    try:
        assert status((HEADER, "ann@x.org")) == 200
        assert status((HEADER.replace("-", "_"), "ann@x.org")) == 401
        assert status((HEADER, "bob@x.org"), (HEADER, "ann@x.org")) == 401
        assert status((HEADER.lower(), "bob@x.org"), (HEADER, "ann@x.org")) == 401
    finally:
        server.trigger.pull_trigger(lambda: server.asyncore.close_all(server._map))
        server.task_dispatcher.shutdown()
        thread.join(30)


def test_another_site_cannot_use_who_is_signed_in_at_the_proxy() -> None:
    client = _server(None).test_client()
    answer = client.post(
        "/_dash-update-component",
        json={},
        headers={HEADER: "ann@x.org", "Origin": "https://evil.example"},
        environ_base={"REMOTE_ADDR": PROXY},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"user_header": HEADER}, "anybody can send the header"),
        ({"trust_proxy": ["10.0.0.1"]}, "--user-header X-Auth-Request-Email"),
        ({"editors": ["ann"]}, "--user-header X-Auth-Request-Email"),
        ({"user_header": HEADER, "trust_proxy": ["proxy"]}, "must be an address"),
        ({"user_header": HEADER, "trust_proxy": ["10.0.0.1/8"]}, "must be an address"),
        ({"user_header": HEADER, "trust_proxy": ["*"]}, "must be an address"),
        ({"user_header": HEADER, "trust_proxy": ["0.0.0.0/0"]}, "believe everybody"),
        ({"user_header": HEADER, "trust_proxy": ["10.0.0.1", "::/0"]}, "believe everybody"),
        ({"user_header": "X Y", "trust_proxy": ["10.0.0.1"]}, "no proxy says"),
        ({"user_header": "X_Y", "trust_proxy": ["10.0.0.1"]}, "no proxy says"),
        ({"user_header": "Authorization", "trust_proxy": ["10.0.0.1"]}, "no proxy says"),
        (
            {"user_header": HEADER, "trust_proxy": ["10.0.0.1"], "groups_header": "Host"},
            "no proxy says",
        ),
    ],
)
def test_options_that_would_let_in_the_wrong_people_are_refused(
    given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(SignInError, match="(?i)" + problem.replace("(", "[(]")):
        proxy_sign_in({}, **given)


def test_the_environment_says_it_to_other_servers() -> None:
    access = access_from(
        {
            "LRWATCH_USER_HEADER": "X-Forwarded-Email",
            "LRWATCH_TRUST_PROXY": "10.0.0.1, 10.42.0.0/16",
            "LRWATCH_EDITORS": "ann@x.org,group:ml",
            "LRWATCH_GROUPS_HEADER": "X-Forwarded-Groups",
        }
    )
    assert access.signs_in
    assert not access.asks_for_token
    assert access.proxy is not None
    assert len(access.proxy.trusted) == 2
    assert access.proxy.editors == {"ann@x.org", "group:ml"}
    assert access.proxy.groups_header == "X-Forwarded-Groups"
    with pytest.raises(SignInError):
        access_from({"LRWATCH_EDITORS": "ann"})
