"""The dashboard in a real browser: Overview and Run, live, and nothing that should not happen."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browser import LAST_STEP, RANGE, train, until, zoom_by_mouse
from stores import new_writer, write_run

from lrwatch.formats import duration

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def test_ages_in_the_browser_read_as_those_of_the_server(
    store: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page()
    until(page, "() => Boolean(window.lrwatch && window.lrwatch.grid)", bool)
    ages = [i / 8 for i in range(2000)]
    ages += [unit * k / 40 for unit in (60, 3600, 86400) for k in range(1500)]
    ages += [edge + d for edge in (1, 120, 7200, 36000, 172800, 864000) for d in (-1e-6, 0, 1e-6)]
    ages += [1.0137**k / 1000 for k in range(1700)] + [-5.0]
    said = page.evaluate("ages => ages.map(window.lrwatch.grid.duration)", ages)
    assert dict(zip(ages, said, strict=True)) == {age: duration(age) for age in ages}


def visible_text(page: Any, selector: str) -> list[str]:
    texts: list[str] = page.locator(selector).all_inner_texts()
    return texts


def test_the_overview_lists_the_runs_and_opens_one_by_click_and_by_key(
    store: Path, open_page: Callable[..., Any]
) -> None:
    write_run(store, "calm", steps=range(30))
    write_run(store, "broken", steps=range(30), values={"loss": [1.0] * 10 + [math.nan] * 20})
    page = open_page()
    page.locator(".run-link", has_text="calm").wait_for()
    summary = "() => document.querySelector('#summary').innerText"
    until(page, summary, lambda text: text == "2 runs, 0 running")

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
    assert sorted(visible_text(page, ".run-link")) == ["first", "first-late"]
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
    assert visible_text(page, ".run-link") == ["broken"]


def test_a_live_run_grows_while_the_zoom_stays(store: Path, open_page: Callable[..., Any]) -> None:
    writer = new_writer(store, "live")
    train(writer, range(400))
    page = open_page("/run/live")
    until(page, LAST_STEP, lambda last: last == 399)

    box = zoom_by_mouse(page, 0.3, 0.6)
    zoom = until(page, RANGE, lambda r: r[0] > 60)
    for last in (800, 1200):  # twice: a chart that cannot be appended to survives one update
        train(writer, range(last - 400, last))
        until(page, LAST_STEP, partial(eq, last - 1))
        assert page.evaluate(RANGE) == pytest.approx(zoom, abs=0.5)
    until(
        page, "() => document.querySelector('#run-status').innerText", lambda t: "1,200 steps" in t
    )

    page.mouse.dblclick(box["x"] + 0.5 * box["width"], box["y"] + 40)
    until(page, RANGE, lambda r: r[1] >= 1199)
    writer.close("finished")
    until(page, "() => document.querySelector('#run-status').innerText", lambda t: "finished" in t)


def test_one_hover_box_shows_every_panel(store: Path, open_page: Callable[..., Any]) -> None:
    writer = new_writer(store, "run")
    train(writer, range(200))
    writer.close("finished")
    page = open_page("/run/run")
    until(page, LAST_STEP, lambda last: last == 199)
    box = page.locator(".js-plotly-plot .nsewdrag").nth(1).bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    hover = page.locator(".hoverlayer .legend")
    hover.wait_for()
    text = hover.text_content()
    for name in (
        "loss",
        "smoothed",
        "gradient norm",
        "update / weight",
    ):  # a constant rate has none
        assert name in text


def test_every_page_is_in_the_bar_of_a_telephone_and_on_less_the_present_one_is(
    store: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("/help", width=420)
    page.locator("h1", has_text="Help").wait_for()
    nav = "document.querySelector('.bar nav')"
    assert page.evaluate(f"{nav}.scrollWidth - {nav}.clientWidth") <= 0
    page.set_viewport_size({"width": 240, "height": 700})
    page.locator(".bar a", has_text="Overview").click()
    page.locator("h2", has_text="No runs yet").wait_for()
    page.locator(".bar a", has_text="Help").focus()
    page.keyboard.press("Enter")
    seen = """() => {
        const bar = document.querySelector('.bar nav').getBoundingClientRect();
        const here = document.querySelector('.bar a[aria-current]');
        return here.textContent === 'Help' && here.getBoundingClientRect().right - bar.right;
    }"""
    until(page, seen, lambda beyond: beyond is not False and beyond < 1)


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
