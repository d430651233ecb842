"""The dashboard in a real browser: both pages, live, and nothing that should not happen.

Every test fails on a request to another host, a console error, an uncaught exception or a
violation of the content security policy. ``page.wait_for_function`` is not used: it needs
``eval``, which the policy forbids.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from stores import new_writer, row, write_run

from lrwatch.store import RunWriter

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install playwright"
)

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_SECONDS = 30.0


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    pytest.skip("no chromium is installed: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = _chromium()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def address(store: Path) -> Iterator[str]:
    """Serve the store by the real command, and return where."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "lrwatch_dashboard", str(store), "--port", "18050"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        said = ""
        while not (found := re.search(r"http://\S+:\d+", said)):
            line = server.stdout.readline()
            assert line, f"the server ended: {said}"
            said += line
        yield found.group()
        server.terminate()


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Return a function that opens an address; whatever goes wrong on the page fails the test."""
    wrong: list[str] = []
    contexts = []

    def open_(path: str = "/", *, width: int = 1200, theme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.on("request", lambda request: _check_host(request.url, address, wrong))
        page.on("console", lambda m: _check_console(m, wrong))
        page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
        page.goto(address + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


def _check_host(url: str, address: str, wrong: list[str]) -> None:
    if not url.startswith((address + "/", "data:", "blob:")):
        wrong.append(f"request to {url}")


def _check_console(message: Any, wrong: list[str]) -> None:
    # A violation of the policy is an error of the console, too.
    if message.type in ("error", "warning"):
        wrong.append(f"console {message.type}: {message.text}")


def until(page: Any, question: str, answer: Callable[[Any], bool]) -> Any:
    """Ask the page until the answer is right."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        said = page.evaluate(question)
        if answer(said):
            return said
        assert time.monotonic() < deadline, f"{question} is still {said!r}"
        page.wait_for_timeout(100)


def _train(writer: RunWriter, steps: range) -> None:
    for step in steps:
        loss = 2.0 * math.exp(-step / 200) + 0.3 + 0.1 * math.sin(step)
        norms = {"grad_norm": 1.0, "grad_norm_clipped": 1.0, "param_norm": 9.0, "update_norm": 0.1}
        writer.append(row(step, writer, loss=loss, lr=0.1, **norms))


def _visible_text(page: Any, selector: str) -> list[str]:
    texts: list[str] = page.locator(selector).all_inner_texts()
    return texts


LAST_STEP = """() => {
    const chart = document.querySelector('.js-plotly-plot');
    if (!chart || !chart.calcdata || !chart.calcdata[0]) return -1;
    return Math.max(...chart.calcdata[0].map(point => point.x));
}"""
RANGE = "() => document.querySelector('.js-plotly-plot').layout.xaxis.range"


def test_the_overview_lists_the_runs_and_opens_one_by_click_and_by_key(
    store: Path, open_page: Callable[..., Any]
) -> None:
    write_run(store, "calm", steps=range(30))
    write_run(store, "broken", steps=range(30), values={"loss": [1.0] * 10 + [math.nan] * 20})
    page = open_page()
    page.locator(".run-link", has_text="calm").wait_for()
    assert page.locator("#summary").inner_text() == "2 runs, 0 running"

    page.locator(".run-link", has_text="broken").click()
    page.locator("h1", has_text="broken").wait_for()
    assert page.url.endswith("/run/broken")

    page.go_back()
    page.locator(".run-link", has_text="calm").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("h1", has_text=re.compile("calm|broken")).wait_for()
    assert "/run/" in page.url


def test_a_new_run_appears_and_a_removed_one_goes_while_filter_and_focus_stay(
    store: Path, open_page: Callable[..., Any]
) -> None:
    write_run(store, "first", steps=range(5))
    gone = write_run(store, "first-gone", steps=range(5))
    page = open_page()
    page.locator(".run-link", has_text="first-gone").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("first")
    write_run(store, "first-late", steps=range(5))
    write_run(store, "other", steps=range(5))
    shutil.rmtree(gone)

    page.locator(".run-link", has_text="first-late").wait_for()
    page.locator(".run-link", has_text="first-gone").wait_for(state="detached")
    until(page, "() => document.querySelector('#summary').innerText", lambda t: "3 runs" in t)
    assert sorted(_visible_text(page, ".run-link")) == ["first", "first-late"]
    assert page.evaluate("document.activeElement.id") == "filter"
    assert page.url.endswith("?q=first")


def test_the_verdict_buttons_filter_the_table_and_the_address_keeps_them(
    store: Path, open_page: Callable[..., Any]
) -> None:
    write_run(store, "short", steps=range(5))
    write_run(store, "broken", steps=range(300), values={"loss": [1.0] * 20 + [math.nan] * 280})
    page = open_page("/?verdict=ring")
    page.locator(".run-link", has_text="short").wait_for()
    until(page, "() => document.querySelectorAll('.run-link').length", lambda n: n == 1)

    page.locator(".mark-filter.verdict-ring").click()
    page.locator(".run-link", has_text="broken").wait_for()
    page.locator(".mark-filter.verdict-cross").click()
    page.locator(".run-link", has_text="short").wait_for(state="detached")
    assert page.url.endswith("?verdict=cross")

    page.locator(".run-link", has_text="broken").click()
    page.locator("h1", has_text="broken").wait_for()
    page.go_back()
    page.locator(".run-link", has_text="broken").wait_for()
    assert page.locator(".mark-filter[aria-pressed=true]").get_attribute("data-mark") == "cross"
    assert _visible_text(page, ".run-link") == ["broken"]


def test_a_live_run_grows_while_the_zoom_stays(store: Path, open_page: Callable[..., Any]) -> None:
    writer = new_writer(store, "live")
    _train(writer, range(400))
    page = open_page("/run/live")
    until(page, LAST_STEP, lambda last: last == 399)

    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 45, steps=8)
    page.mouse.up()
    zoom = until(page, RANGE, lambda r: r[0] > 60)
    for last in (800, 1200):  # twice: a chart that cannot be appended to survives one update
        _train(writer, range(last - 400, last))
        until(page, LAST_STEP, partial(eq, last - 1))
        assert page.evaluate(RANGE) == zoom
    until(page, "() => document.querySelector('#run-status').innerText", lambda t: "1,199" in t)

    page.mouse.dblclick(box["x"] + 0.5 * box["width"], box["y"] + 40)
    until(page, RANGE, lambda r: r[1] >= 1199)
    writer.close("finished")
    until(page, "() => document.querySelector('#run-status').innerText", lambda t: "finished" in t)


def test_one_hover_box_shows_every_panel(store: Path, open_page: Callable[..., Any]) -> None:
    writer = new_writer(store, "run")
    _train(writer, range(200))
    writer.close("finished")
    page = open_page("/run/run")
    until(page, LAST_STEP, lambda last: last == 199)
    box = page.locator(".js-plotly-plot .nsewdrag").nth(1).bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    hover = page.locator(".hoverlayer .legend")
    hover.wait_for()
    text = hover.text_content()
    for name in ("loss", "smoothed", "learning rate", "gradient norm", "update / weight"):
        assert name in text


@pytest.mark.parametrize("width", [420, 1200])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_pages_show_in_both_themes_wide_and_narrow_without_sideways_scroll(
    store: Path, open_page: Callable[..., Any], width: int, theme: str
) -> None:
    write_run(store, "run", steps=range(300))
    page = open_page(width=width, theme=theme)
    page.locator(".run-link", has_text="run").wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    sideways = "() => document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(sideways) <= 0
    page.locator(".run-link").first.click()
    until(page, LAST_STEP, lambda last: last == 299)
    assert page.evaluate(sideways) <= 0


def test_the_theme_is_switched_and_remembered(store: Path, open_page: Callable[..., Any]) -> None:
    write_run(store, "run", steps=range(50))
    page = open_page("/run/run")
    until(page, LAST_STEP, lambda last: last == 49)
    ground = "() => document.querySelector('.js-plotly-plot').layout.paper_bgcolor"
    before = page.evaluate(ground)
    page.keyboard.press("t")
    until(page, ground, lambda colour: colour != before)
    page.reload()
    until(page, LAST_STEP, lambda last: last == 49)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_an_empty_folder_says_what_to_do_and_fills_by_itself(
    store: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page()
    page.locator("h2", has_text="No runs yet").wait_for()
    assert str(store) in page.locator("#empty").inner_text()
    write_run(store, "first", steps=range(5))
    page.locator(".run-link", has_text="first").wait_for()


def test_a_run_that_cannot_be_read_is_a_row_and_the_others_go_on(
    store: Path, open_page: Callable[..., Any]
) -> None:
    write_run(store, "good", steps=range(30))
    broken = write_run(store, "bad", steps=range(30))
    (broken / "run.json").write_text("{ nonsense", encoding="utf-8")
    page = open_page()
    page.locator(".run-link", has_text="good").wait_for()
    page.locator(".verdict", has_text="unreadable").wait_for()
    page.locator(".run-link", has_text="bad").click()
    page.locator(".reason", has_text="run.json").wait_for()


def test_names_and_settings_are_text_and_never_markup(
    store: Path, open_page: Callable[..., Any]
) -> None:
    hostile = "&lt;img src=x onerror=alert(1)"
    script = "<img src=x onerror=\"document.title='owned'\">"
    write_run(store, hostile, steps=range(30), config={script: script})
    page = open_page()
    page.locator(".run-link", has_text=hostile).click()
    page.locator("h1", has_text=hostile).wait_for()
    page.locator("dd", has_text=script).wait_for()
    assert page.locator("main img").count() == 0
    assert "owned" not in page.title()


@pytest.mark.parametrize("key", ["no/such/run", "../../etc", "<b>x</b>"])
def test_an_unknown_run_is_said_to_be_unknown(
    store: Path, open_page: Callable[..., Any], key: str
) -> None:
    write_run(store, "run", steps=range(5))
    page = open_page("/run/" + quote(key, safe=""))
    page.locator("h1", has_text="No such run").wait_for()


def test_no_chart_offers_to_share_itself(store: Path, open_page: Callable[..., Any]) -> None:
    write_run(store, "run", steps=range(50))
    page = open_page("/run/run")
    until(page, LAST_STEP, lambda last: last == 49)
    titles = page.evaluate(
        "() => [...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title)"
    )
    assert titles
    assert not [title for title in titles if "share" in title.lower() or "cloud" in title.lower()]


def test_a_paused_page_asks_nothing_until_it_goes_on(
    store: Path, open_page: Callable[..., Any]
) -> None:
    write_run(store, "first", steps=range(5))
    page = open_page()
    page.locator(".run-link", has_text="first").wait_for()
    page.keyboard.press("p")
    page.locator("#pause", has_text="paused").wait_for()
    page.wait_for_timeout(500)  # what was under way ends
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    write_run(store, "second", steps=range(5))
    page.wait_for_timeout(4500)  # two polls of a page that is not paused
    assert not asked
    page.keyboard.press("p")
    page.locator(".run-link", has_text="second").wait_for()


def test_the_help_opens_and_closes_by_key(store: Path, open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.locator("h2", has_text="No runs yet").wait_for()
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")


def test_a_lost_server_is_said_and_what_was_shown_stays(
    store: Path, open_page: Callable[..., Any], address: str
) -> None:
    write_run(store, "run", steps=range(5))
    page = open_page()
    page.locator(".run-link", has_text="run").wait_for()
    # Answers that never come, as from a server that hangs; refused ones would be console errors.
    page.route("**/_dash-update-component**", lambda route: None)
    page.locator("#lost").wait_for(state="visible")
    assert page.locator(".run-link", has_text="run").is_visible()
    page.unroute_all(behavior="ignoreErrors")
