"""Addresses, keys, files and access for everybody, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import LAST_STEP, train, until
from stores import new_writer, row, write_run

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@pytest.fixture
def trained(store: Path) -> Path:
    for name, rate in (("a", 0.1), ("b", 0.2), ("c", 0.3)):
        writer = new_writer(store, name, config={"lr": rate})
        train(writer, range(300))
        writer.close("finished")
    return store


def test_the_order_of_the_table_is_in_the_address(
    store: Path, open_page: Callable[..., Any]
) -> None:
    for name, n in (("short", 5), ("long", 50), ("middle", 20)):
        write_run(store, name, steps=range(n))
    page = open_page("/?sort=-steps")
    links = (
        "() => [...document.querySelectorAll('.ag-row')]"
        ".sort((a, b) => a.getAttribute('row-index') - b.getAttribute('row-index'))"
        ".map(row => row.querySelector('.run-link').textContent)"
    )
    page.locator(".run-link", has_text="short").wait_for()
    until(page, links, lambda names: names == ["long", "middle", "short"])
    page.locator(".ag-header-cell", has_text="Best loss").click()
    until(page, "() => location.search", lambda search: search == "?sort=best")


def test_a_link_shows_the_same_view_of_a_run_and_switches_change_it(
    trained: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("/run/a?x=time&y=linear&sm=off&from=100&to=200")
    until(page, LAST_STEP, lambda last: last == 298)  # its first row has no time
    axis = "() => document.querySelector('.js-plotly-plot').layout"
    shown = page.evaluate(axis)
    assert shown["xaxis"]["range"] == [100, 200]
    assert shown["xaxis"]["title"]["text"] == "time since the first step"
    assert shown["yaxis"]["type"] == "linear"
    page.locator(".choice", has_text="step").click()
    until(page, axis, lambda now: now["xaxis"]["title"]["text"] == "step")
    page.keyboard.press("l")
    until(page, axis, lambda now: now["yaxis"]["type"] == "log")
    assert page.url.endswith("/run/a?sm=off")


def test_pages_are_reached_by_key_and_said_to_be_the_current_one(
    trained: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page()
    page.locator(".run-link").first.wait_for()
    for key, heading, name in (("s", "Sweep", "Sweep"), ("c", "Nothing to", "Compare")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.locator("h1", has_text=heading).wait_for()
        page.locator("nav a[aria-current=page]", has_text=name).wait_for()
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.locator(".run-link").first.wait_for()


def test_tables_rows_and_charts_can_be_taken_away(
    trained: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page()
    page.locator(".run-link").first.wait_for()
    with page.expect_download() as table:
        page.locator("#csv-button").click()
    assert Path(table.value.path()).read_text("utf-8").count("\n") >= 3

    page.goto(page.url + "run/a")
    until(page, LAST_STEP, lambda last: last == 299)
    with page.expect_download() as rows:
        page.locator(".run-links a", has_text="CSV").click()
    assert rows.value.suggested_filename == "a.csv"
    assert Path(rows.value.path()).read_text("utf-8").count("\n") == 301
    with page.expect_download() as image:
        page.locator("button", has_text="SVG").click()
    assert Path(image.value.path()).read_text("utf-8").startswith("<svg")


def test_a_run_that_goes_wrong_is_announced(store: Path, open_page: Callable[..., Any]) -> None:
    writer = new_writer(store, "run")
    train(writer, range(50))
    page = open_page()
    page.locator(".run-link", has_text="run").wait_for()
    page.wait_for_timeout(1000)

    for step in range(50, 400):
        writer.append(row(step, writer, loss=float("nan"), lr=0.1))
    writer.close("finished")
    news = "() => document.querySelector('#news').textContent"
    assert "run: diverging." in until(page, news, bool)
