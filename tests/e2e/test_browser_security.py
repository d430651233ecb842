"""Attacks on the dashboard in a real browser: markup in names, the token, and other sites.

Chromium itself judges here what a policy or a cookie attribute is worth.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from attacks import ATTACKS, hostile_store
from browser import FLAGS, PATIENCE_SECONDS, chromium, is_complaint
from lrwatch_dashboard.address import compare_href
from serving import served
from stores import write_run

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

TOKEN = "a-token-of-some-length"


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    yield page
    context.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Return a function that serves a store by the real command, and says where."""
    with ExitStack() as servers:

        def serve(store: Path, *options: str, **environment: str) -> str:
            known = {"LRWATCH_CACHE_DIR": str(tmp_path / "c"), **environment}
            return servers.enter_context(served(store, "--port", "18350", *options, **known))

        yield serve


@pytest.fixture
def elsewhere() -> Iterator[Callable[[str], str]]:
    """Return a function that puts a page on another site, and says where."""
    content = {"page": ""}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content["page"].encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def put(page: str) -> str:
        content["page"] = page
        # A name and not the address: the dashboard's site is 127.0.0.1, and this is another.
        return f"http://localhost:{server.server_address[1]}/"

    yield put
    server.shutdown()
    thread.join()
    server.server_close()


def test_no_text_of_a_run_becomes_markup(serve: Any, page: Any, tmp_path: Path) -> None:
    names = hostile_store(tmp_path / "runs")
    wrong: list[str] = []
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if is_complaint(m) else None)
    address = serve(tmp_path / "runs")
    page.goto(address)
    page.locator(".run-link").first.wait_for()
    for name in names:
        page.goto(f"{address}/run/{quote(name, safe='')}")
        page.locator("h1").wait_for()
        assert page.locator("h1").text_content() == name
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
        _hover(page)  # its box, too
        _holds_no_markup_of_users(page)
    for path in (compare_href(names), "/sweep", f"/sweep?group={quote(ATTACKS[0])}"):
        page.goto(address + path)
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
        _holds_no_markup_of_users(page)
    assert not wrong


def _hover(page: Any) -> None:
    """Point at the first chart until it answers: not before it has been drawn for the last time."""
    answer, began = page.locator(".hoverlayer .legend"), time.monotonic()
    while not answer.is_visible():
        box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
        for share in (0.4, 0.5):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + 20)
        page.wait_for_timeout(100)
        assert time.monotonic() < began + PATIENCE_SECONDS, "no hover box"


def _holds_no_markup_of_users(page: Any) -> None:
    made = "main img, main iframe, main object, main embed, [onerror], [onload], [onmouseover]"
    assert page.locator(made).count() == 0, page.url
    links = page.evaluate("[...document.querySelectorAll('a')].map(a => a.protocol)")
    assert set(links) <= {"http:"}, page.url
    assert page.evaluate("window.owned") is None, page.url


def test_settings_are_shown_as_they_were_written(serve: Any, page: Any, tmp_path: Path) -> None:
    names = hostile_store(tmp_path / "runs")
    address = serve(tmp_path / "runs")
    for name, attack in list(zip(names, ATTACKS, strict=True))[:3]:
        page.goto(f"{address}/run/{quote(name, safe='')}")
        page.locator("dt").get_by_text(attack, exact=True).first.wait_for()
        page.locator("dd").get_by_text(attack, exact=True).first.wait_for()


def test_a_reason_and_a_problem_are_text(serve: Any, page: Any, tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", "run", steps=range(20))
    part = next((run / "steps").glob("*.parquet"))
    part.write_bytes(b"<script>window.owned=1</script>")
    hostile = tmp_path / "runs" / "<img src=x onerror=window.owned=1>"
    run.rename(hostile)
    (tmp_path / "runs" / "<b>bold<b>").mkdir()
    (tmp_path / "runs" / "<b>bold<b>" / "run.json").write_text("<script>", encoding="utf-8")
    address = serve(tmp_path / "runs")
    page.goto(address)
    page.locator(".verdict", has_text="unreadable").first.wait_for()
    page.locator(".run-link", has_text="<b>bold<b>").wait_for()
    page.goto(f"{address}/run/{quote(hostile.name, safe='')}")
    page.locator(".reason").wait_for()
    assert page.locator("main img, main b").count() == 0
    assert page.evaluate("window.owned") is None


def test_an_address_is_no_path(serve: Any, page: Any, tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "run", steps=range(5))
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "passwords.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "secret")
    address = serve(tmp_path / "runs")
    for key in (
        "..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "run%00",
        "run%2f..%2frun",
        "link",
        "link%2fpasswords.txt",
        "%252e%252e%252fsecret",
        "%ff%fe",
    ):
        page.goto(f"{address}/run/{key}")
        page.locator("h1", has_text="No such run").wait_for()


def test_the_token_is_asked_for_once_and_leads_to_the_page_that_was_wanted(
    serve: Any, page: Any, tmp_path: Path
) -> None:
    write_run(tmp_path / "runs", "run", steps=range(30))
    address = serve(tmp_path / "runs", LRWATCH_TOKEN=TOKEN)
    page.goto(address + "/run/run")
    field = page.locator("input[name=token]")
    field.wait_for()
    assert page.title() == "Sign in · lrwatch"
    field.fill("a-wrong-token-of-some-length")
    page.keyboard.press("Enter")
    page.locator("[role=alert]", has_text="That is not the token").wait_for()
    page.locator("input[name=token]").fill(TOKEN)
    page.keyboard.press("Enter")
    page.locator("h1", has_text="run").wait_for()
    assert page.url == address + "/run/run"
    page.goto(address)
    page.locator(".run-link", has_text="run").wait_for()
    assert page.evaluate("document.cookie") == ""


def test_a_session_that_has_ended_is_told_from_a_lost_server_and_leads_to_the_form(
    serve: Any, page: Any, tmp_path: Path
) -> None:
    write_run(tmp_path / "runs", "run", steps=range(30))
    address = serve(tmp_path / "runs", LRWATCH_TOKEN=TOKEN)
    page.goto(f"{address}/run/run?token={TOKEN}")
    page.locator("h1", has_text="run").wait_for()
    page.context.clear_cookies()
    page.locator("#signed-out", has_text="Your session has ended").wait_for(state="visible")
    assert page.locator("#lost").is_hidden()
    assert page.locator("h1", has_text="run").is_visible()

    page.locator("#sign-in").click()
    page.locator("input[name=token]").fill(TOKEN)
    page.keyboard.press("Enter")
    page.locator("h1", has_text="run").wait_for()
    assert page.url == address + "/run/run"


def test_a_link_with_the_token_signs_in_and_forgets_it(
    serve: Any, page: Any, tmp_path: Path, elsewhere: Any
) -> None:
    write_run(tmp_path / "runs", "run", steps=range(30))
    address = serve(tmp_path / "runs", LRWATCH_TOKEN=TOKEN)
    page.goto(elsewhere(f'<a href="{address}/run/run?token={TOKEN}">the run</a>'))
    page.locator("a").click()  # as from a message of a colleague: the cookie comes from afar
    page.locator("h1", has_text="run").wait_for()
    assert page.url == address + "/run/run"
    page.go_back()
    page.locator("a", has_text="the run").wait_for()
    assert "token" not in page.url


def test_a_link_from_another_site_needs_no_second_sign_in(
    serve: Any, page: Any, tmp_path: Path, elsewhere: Any
) -> None:
    write_run(tmp_path / "runs", "run", steps=range(30))
    address = serve(tmp_path / "runs", LRWATCH_TOKEN=TOKEN)
    page.goto(f"{address}/?token={TOKEN}")
    page.locator(".run-link", has_text="run").wait_for()
    page.goto(elsewhere(f'<a href="{address}/run/run">the run</a>'))
    page.locator("a").click()
    page.locator("h1", has_text="run").wait_for()
    assert page.url == address + "/run/run"


@pytest.mark.parametrize("token", ["", TOKEN])
def test_another_site_can_neither_read_nor_post_nor_frame(
    serve: Any, page: Any, tmp_path: Path, elsewhere: Any, token: str
) -> None:
    write_run(tmp_path / "runs", "secret-run", steps=range(30))
    environment = {"LRWATCH_TOKEN": token} if token else {}
    address = serve(tmp_path / "runs", **environment)
    page.goto(f"{address}/?token={token}" if token else address)
    page.locator(".run-link", has_text="secret-run").wait_for()  # signed in, where one must be

    page.goto("about:blank")  # what our own page still asks for does not count
    asked: list[tuple[str, int]] = []
    page.on("response", lambda r: asked.append((r.url, r.status)))
    page.goto(elsewhere(f'<iframe src="{address}/"></iframe><img src="{address}/assets/mark.svg">'))
    tries = """async (address) => {
        const said = [];
        for (const options of [
            {},
            {method: "POST", body: "{}", headers: {"Content-Type": "application/json"}},
            {method: "POST", body: "{}", mode: "no-cors"},
            {credentials: "include"},
        ]) {
            try {
                const answer = await fetch(address + "/_dash-update-component", options);
                said.push(answer.type + await answer.text());
            } catch (error) { said.push("failed"); }
        }
        return said;
    }"""
    said = page.evaluate(tries, address)
    assert said == ["failed"] * 4
    page.wait_for_timeout(300)
    foreign = [status for url, status in asked if urlsplit(url).netloc == urlsplit(address).netloc]
    assert foreign
    assert set(foreign) <= {401, 403, 405}
    assert not [f for f in page.frames if "secret-run" in f.content()]


def test_a_name_that_points_at_this_machine_gets_nothing(
    browser: Any, serve: Any, tmp_path: Path
) -> None:
    write_run(tmp_path / "runs", "secret-run", steps=range(5))
    port = urlsplit(serve(tmp_path / "runs")).port
    with_rebinding = browser.browser_type.launch(
        executable_path=chromium(),
        args=[*FLAGS, "--host-resolver-rules=MAP evil.example 127.0.0.1"],
    )
    try:
        page = with_rebinding.new_page()
        answer = page.goto(f"http://evil.example:{port}/")
        assert answer.status == 403
        assert "secret-run" not in page.content()
    finally:
        with_rebinding.close()
