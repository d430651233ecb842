"""What a browser loads for a page, chunks that come later included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from accessibility import AXE, SERIOUS, SIDEWAYS
from browser import PATIENCE_SECONDS, until
from stores import write_run

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

MOST_BYTES = 4_000_000  # of JavaScript, as the browser has to read it
MOST_BYTES_OF_FIRST_ROW = 40_000  # as they are sent
READY = {
    "/": ".run-link",
    "/run/sgd-0": ".js-plotly-plot .main-svg",
    "/compare?runs=sgd-0,sgd-1": ".js-plotly-plot .main-svg",
    "/sweep": ".js-plotly-plot .main-svg",
    "/alerts": ".alert-board",
    "/help": "h1",
}


def _second_visit(browser: Any, address: str, **how: Any) -> tuple[Any, list[Any]]:
    """Have the Overview looked at once, and return a page for a second visit, with what it asks."""
    first = browser.new_page()
    first.set_default_timeout(PATIENCE_SECONDS * 1000)
    first.goto(address)
    first.locator(".run-link").first.wait_for()
    first.close()
    context = browser.new_context(**how)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    asked: list[Any] = []
    page.on("requestfinished", lambda request: asked.extend([request]))
    return page, asked


def _two_runs(store: Path) -> None:
    for i in range(2):
        values = {"loss": [2.0 / (1 + step) for step in range(50)], "lr": [0.01 * 3**i] * 50}
        write_run(store, f"sgd-{i}", steps=range(50), values=values)


def test_the_first_row_needs_no_script_and_little_else(
    browser: Any, address: str, store: Path
) -> None:
    _two_runs(store)
    page, asked = _second_visit(browser, address, viewport={"width": 1400, "height": 800})
    page.route("**/*.js*", lambda route: route.abort())
    page.goto(address)
    page.locator(".early-link").first.wait_for()
    assert page.locator(".early-link").all_inner_texts() == ["sgd-0", "sgd-1"]
    page.wait_for_load_state("networkidle")
    kinds = {request.resource_type: request.sizes()["responseBodySize"] for request in asked}
    assert kinds.keys() <= {"document", "stylesheet", "image", "other"}
    assert sum(kinds.values()) < MOST_BYTES_OF_FIRST_ROW
    page.evaluate(AXE.read_text("utf-8"))
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        for width in (1400, 1000, 420):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(SIDEWAYS) <= 0
            assert page.evaluate(SERIOUS) == [], (theme, width)
    page.context.close()


def test_the_grid_takes_the_place_of_the_first_rows(
    browser: Any, address: str, store: Path
) -> None:
    _two_runs(store)
    page, _ = _second_visit(browser, address, viewport={"width": 1400, "height": 800})
    held: list[Any] = []
    page.route("**/_dash-layout", lambda route: held.extend([route]))
    page.goto(address)
    early = page.locator(".early-link").last.bounding_box()
    until(page, "() => document.querySelector('.run-link')", lambda link: not link)
    assert not page.locator("#react-entry-point").is_visible()
    for route in held:
        route.continue_()
    page.locator(".run-link").last.wait_for()
    page.locator("#first-screen").wait_for(state="detached")
    late = page.locator(".run-link").last.bounding_box()
    assert early["x"] == pytest.approx(late["x"], abs=3)
    assert early["y"] == pytest.approx(late["y"], abs=3)
    page.context.close()


@pytest.mark.parametrize("path", READY)
def test_a_page_loads_less_than_4_mb_of_scripts(
    browser: Any, address: str, store: Path, path: str
) -> None:
    _two_runs(store)
    loaded: list[Any] = []
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    page.on("response", lambda answer: loaded.extend([answer]))
    page.goto(address + path)
    page.locator(READY[path]).first.wait_for()
    page.wait_for_load_state("networkidle")
    sizes = {a.url: len(a.body()) for a in loaded if a.request.resource_type == "script"}
    page.close()
    assert 2_000_000 < sum(sizes.values()) < MOST_BYTES, sizes
