"""Choosing runs in the Overview and comparing them, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import LAST_STEP, RANGE, train, until, zoom_by_mouse
from stores import new_writer, write_run

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

NAMES = """() => {
    const chart = document.querySelector('.js-plotly-plot');
    return [...new Set((chart && chart.data || []).map(trace => trace.name))].filter(Boolean);
}"""


def test_runs_are_selected_by_key_and_by_click_and_then_compared(
    store: Path, open_page: Callable[..., Any]
) -> None:
    for name in ("a", "b", "c"):
        write_run(store, name, steps=range(30), config={"lr": 0.1, "name": name})
    page = open_page()
    page.locator(".run-link", has_text="c").wait_for()
    button = page.locator("#compare-button")
    assert button.is_disabled()

    page.keyboard.press("j")
    page.keyboard.press("x")
    page.locator("#compare-button", has_text="Compare 1").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Space")
    page.locator("#compare-button", has_text="Compare 2").wait_for()
    page.locator(".ag-row input[type=checkbox]").nth(2).click()
    page.locator("#compare-button", has_text="Compare 3").wait_for()
    page.keyboard.press("Escape")
    page.locator(".ag-row input[type=checkbox]").nth(0).click()
    page.locator("#compare-button", has_text="Compare 2").wait_for()

    button.click()
    page.locator("h1", has_text="Compare").wait_for()
    rows = page.locator(".compared tbody tr")
    until(page, "() => document.querySelectorAll('.compared tbody tr').length", lambda n: n == 2)
    assert "name" in page.locator(".compared thead").inner_text()

    page.go_back()  # the choice is kept
    page.locator("#compare-button", has_text="Compare 2").wait_for()
    page.locator(".ag-row-selected").nth(1).wait_for()
    page.locator(".run-link").first.focus()
    page.keyboard.press("c")
    rows.nth(1).wait_for()


def test_a_comparison_is_live_and_keeps_its_zoom_and_base_in_the_address(
    store: Path, open_page: Callable[..., Any]
) -> None:
    done, live = new_writer(store, "done"), new_writer(store, "live")
    train(done, range(400))
    done.close("finished")
    train(live, range(400))
    page = open_page("/compare?runs=live,done&others=off")
    until(page, LAST_STEP, lambda last: last == 399)
    zoom_by_mouse(page, 0.3, 0.6)
    zoom = until(page, RANGE, lambda r: r[0] > 60)
    train(live, range(400, 800))
    until(page, LAST_STEP, lambda last: last == 799)
    assert page.evaluate(RANGE) == pytest.approx(zoom, abs=0.5)

    page.get_by_role("link", name="Measure the others against done").click()
    page.locator(".is-base", has_text="done").wait_for()
    assert "runs=live,done&base=done" in page.url
    assert "from=" in page.url
    until(page, RANGE, lambda r: r == pytest.approx(zoom, abs=0.5))

    page.reload()  # the same view from the address alone
    page.locator(".is-base", has_text="done").wait_for()
    until(page, RANGE, lambda r: r == pytest.approx(zoom, abs=0.5))
    page.locator("button", has_text="Show all").click()
    until(page, RANGE, lambda r: r[1] >= 799)
    assert "from=" not in page.url


def test_runs_are_removed_and_back_brings_them_again(
    store: Path, open_page: Callable[..., Any]
) -> None:
    for name in ("a", "b", "behind"):
        writer = new_writer(store, name)
        train(writer, range(100))
        writer.close("finished")
    page = open_page("/compare?runs=a,b&sm=10&others=on")
    until(page, NAMES, lambda names: names == ["other runs", "a", "b"])
    page.get_by_role("link", name="Remove b from the comparison").click()
    until(page, NAMES, lambda names: names == ["other runs", "a"])
    assert page.url.endswith("/compare?runs=a&sm=10&others=on")
    page.locator(".choice", has_text="hide").click()
    until(page, NAMES, lambda names: names == ["a"])
    page.go_back()
    until(page, NAMES, lambda names: names == ["other runs", "a", "b"])


LINE = """name => {
    const chart = document.querySelector('.js-plotly-plot');
    const points = chart.calcdata.find(points => points[0].trace.name === name);
    const {xaxis, yaxis} = chart._fullLayout;
    const point = points[Math.floor(points.length / 2)];
    const place = chart.getBoundingClientRect();
    return [
        place.left + xaxis._offset + xaxis.c2p(point.x),
        place.top + yaxis._offset + yaxis.c2p(point.y),
    ];
}"""


def test_a_click_on_a_line_opens_its_run_and_one_beside_the_lines_opens_none(
    store: Path, open_page: Callable[..., Any]
) -> None:
    for name, loss in (("high", 3.0), ("low", 1.0)):
        values = {"loss": [loss] * 50, "lr": [0.1] * 50}
        write_run(store, name, steps=range(50), values=values)
    page = open_page("/compare?runs=high,low&others=off")
    until(page, LAST_STEP, lambda last: last == 49)
    page.wait_for_timeout(500)
    x, high = page.evaluate(LINE, "high")
    _, low = page.evaluate(LINE, "low")
    for y, path in (((high + low) / 2, "/compare"), (low, "/run/low")):
        page.mouse.move(x - 3, y)
        page.mouse.move(x, y)
        page.wait_for_timeout(300)
        page.mouse.click(x, y)
        page.wait_for_timeout(500)
        until(page, "() => location.pathname", path.__eq__)


def test_the_table_can_be_taken_away(store: Path, open_page: Callable[..., Any]) -> None:
    for name in ("a", "b"):
        write_run(store, name, steps=range(50))
    page = open_page("/compare?runs=a,b&base=a")
    page.locator(".is-base").wait_for()
    with page.expect_download() as table:
        page.locator(".choice", has_text="CSV").click()
    rows = Path(table.value.path()).read_text("utf-8").splitlines()
    assert [row.split(",")[0] for row in rows] == ["run", "a", "b"]


def test_seeds_are_one_line_on_demand_and_the_sweep_leads_there(
    store: Path, open_page: Callable[..., Any]
) -> None:
    for rate in (0.1, 0.2):
        for seed in (0, 1):
            values = {"loss": [2.0 - rate * s / 50 for s in range(50)], "lr": [rate] * 50}
            name, config = f"{rate}-{seed}", {"lr": rate, "seed": seed}
            write_run(store, name, steps=range(50), values=values, config=config)
    page = open_page("/sweep?group=0.1-0")
    page.locator("a", has_text="Compare the curves").click()
    until(page, NAMES, lambda names: "0.1-0 and 1 more, median" in names)
    assert page.url.endswith("/compare?group=0.1-0&seeds=band")
    assert page.locator(".compared tbody tr").count() == 4
    page.locator(".choice", has_text="single").click()
    until(page, NAMES, lambda names: sorted(names) == ["0.1-0", "0.1-1", "0.2-0", "0.2-1"])
    assert page.url.endswith("/compare?group=0.1-0")


@pytest.mark.parametrize(("width", "theme"), [(420, "dark"), (1200, "light")])
def test_compare_shows_in_both_themes_wide_and_narrow_without_sideways_scroll(
    store: Path, open_page: Callable[..., Any], width: int, theme: str
) -> None:
    write_run(store, "a" * 80, steps=range(50), config={"depth": 2, "long": "x" * 200})
    write_run(store, "b", steps=range(50))
    page = open_page(f"/compare?runs={'a' * 80},b", width=width, theme=theme)
    until(page, LAST_STEP, lambda last: last == 49)
    sideways = "() => document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(sideways) <= 0
