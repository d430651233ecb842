"""Reports in one file: asked for on a page, opened from the disk, and nothing comes of names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accessibility import AXE, SERIOUS, SIDEWAYS
from attacks import hostile_store
from browser import LAST_STEP, PATIENCE_SECONDS, train, until
from lrwatch_dashboard.address import compare_href, report_href, run_href
from stores import new_writer

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

GROUND = "() => getComputedStyle(document.body).backgroundColor"


@pytest.fixture
def from_disk(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a file; any request, error or warning fails the test."""
    wrong: list[str] = []
    contexts = []

    def open_(file: Path, *, theme: str = "light", width: int = 1200) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.on("request", lambda r: wrong.extend({r.url} - {file.as_uri()}))
        page.on("console", lambda m: wrong.append(m.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append("a dialog"))
        page.goto(file.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


def saved(page: Any, folder: Path) -> Path:
    with page.expect_download() as download:
        page.locator("a[data-follows=view]", has_text="Report").click()
    file: Path = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def test_a_report_shows_the_zoom_of_the_page_and_opens_from_the_disk(
    store: Path, tmp_path: Path, open_page: Callable[..., Any], from_disk: Callable[..., Any]
) -> None:
    writer = new_writer(store, "run", config={"batch size": 8})
    train(writer, range(400))
    writer.close("finished")
    page = open_page("/run/run?from=100&to=200")
    until(page, LAST_STEP, lambda last: last == 399)
    file = saved(page, tmp_path)
    assert file.name == "lrwatch-run.html"

    for theme in ("light", "dark"):
        report = from_disk(file, theme=theme)
        assert report.title() == "run · lrwatch"
        report.locator(".evidence").first.wait_for()
        ticks = report.locator(".still-x").all_inner_texts()
        assert ticks[0] == "100"
        assert ticks[-1] == "200"
        assert report.evaluate(GROUND) == (
            "rgb(255, 255, 255)" if theme == "light" else "rgb(18, 22, 28)"
        )
        report.evaluate(AXE.read_text("utf-8"))
        for width in (1400, 1000, 420):
            report.set_viewport_size({"width": width, "height": 900})
            assert report.evaluate(SIDEWAYS) <= 0
            assert report.evaluate(SERIOUS) == [], (theme, width)


def test_a_comparison_and_a_sweep_have_a_report_as_well(
    store: Path, tmp_path: Path, open_page: Callable[..., Any], from_disk: Callable[..., Any]
) -> None:
    for name, rate in (("a", 0.1), ("b", 0.2), ("c", 0.3)):
        writer = new_writer(store, name, config={"lr": rate})
        train(writer, range(100))
        writer.close("finished")
    page = open_page("/compare?runs=a,b&base=a")
    page.locator(".compared tbody tr").nth(1).wait_for()
    report = from_disk(saved(page, tmp_path), width=420)
    assert report.locator(".compared tbody th").all_inner_texts() == ["a", "b"]
    assert report.evaluate(SIDEWAYS) <= 0
    page.locator(".bar a", has_text="Sweep").click()
    page.locator(".rates").wait_for()
    report = from_disk(saved(page, tmp_path))
    assert report.locator(".still-mark").count() == 3


def test_names_that_are_markup_are_text_in_a_report(
    store: Path,
    tmp_path: Path,
    open_page: Callable[..., Any],
    from_disk: Callable[..., Any],
    address: str,
) -> None:
    names = hostile_store(store)
    page = open_page()
    page.locator(".run-link").first.wait_for()
    for i, path in enumerate([*map(run_href, names), compare_href(names)]):
        answer = page.request.get(address + report_href(path))
        assert answer.ok
        file = tmp_path / f"{i}.html"
        file.write_bytes(answer.body())
        report = from_disk(file)  # without its own policy, which would stop a script as well
        report.locator("h1").wait_for()
        assert report.evaluate("window.owned") is None
        assert report.locator("main :is(img, script, iframe, a)").count() == 0
