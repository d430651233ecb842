"""What people do on the pages, at three widths and in both themes, with no finding afterwards.

Each act leaves its page as it found it, so that one page and one store serve all combinations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from accessibility import AXE, SERIOUS
from browser import opening, until
from every_page import LINES, OUT_OF_MEMORY, RUNS, a_failure, a_sweep_to_go_on, fill, look
from serving import served
from stores import write_run

from lrwatch.alerts.silences import (
    Matcher,
    acknowledgements,
    add_silence,
    forget_acknowledgement,
)
from lrwatch.store.labels import read_labels

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

Act = Callable[[Any, Path], None]
"""Does something on a page that shows a store."""

OFFERED = "() => [...document.querySelectorAll('#filter-terms option')].map(o => o.value)"
NOTE = "() => document.querySelector('#filter-note').innerText"
NAMES = "() => [...document.querySelectorAll('.run-link')].map(e => e.textContent)"
CUT = """() => [...document.querySelectorAll('.group-row')]
    .filter(row => row.scrollWidth > row.clientWidth + 1 || row.scrollHeight > row.clientHeight + 1)
    .map(row => row.innerText)"""
TAGS = "() => [...document.querySelectorAll('.ag-row .tag')].map(e => e.textContent)"
TELEPHONE = 420
END = "() => document.querySelector('.js-plotly-plot')?.calcdata?.[0]?.at(-1).x ?? -1"
SCALE = "() => document.querySelector('.js-plotly-plot')?.layout?.yaxis?.type"
MARKS = """() => document.querySelector('.js-plotly-plot').calcdata
    .filter(points => points[0].trace.name === 'event').flatMap(points => points.map(p => p.x))"""
MEASURED = "() => document.querySelector('.js-plotly-plot')?.layout?.yaxis?.title?.text"
SWATCHES = """() => [...document.querySelectorAll('.compared .swatch')]
    .map(swatch => swatch.getAttribute('aria-label'))"""
PARALLEL = """() => document.querySelectorAll(
    "[aria-label^='Settings side by side'] .js-line").length"""


def no_findings(page: Any) -> None:
    assert page.evaluate(SERIOUS) == []


def contains_as(one: str, is_wanted: bool, shown: list[str]) -> bool:
    return (one in shown) == is_wanted


def rows_are_grouped(page: Any, _store: Path) -> None:
    page.locator("#group-by").select_option("width")
    page.locator(".group-row").first.filter(has_text="best loss").filter(
        has_text="median"
    ).wait_for()
    until(page, CUT, lambda cut: not cut)  # a number that is cut reads as another one
    no_findings(page)
    page.locator("#group-by").select_option("")
    until(page, "() => document.querySelectorAll('.group-row').length", (0).__eq__)


def runs_are_found(page: Any, _store: Path) -> None:
    field = page.locator("#filter")
    field.fill("-optimizer:ad")
    until(page, OFFERED, lambda offered: "-optimizer:AdamW" in offered)
    field.fill("out-of")
    until(page, NAMES, ["out-of-memory"].__eq__)
    field.fill("widht:16")
    until(page, NOTE, lambda note: "'widht'" in note)
    no_findings(page)
    field.press("Escape")
    until(page, RUNS, lambda n: n > 3)


def columns_are_chosen(page: Any, _store: Path) -> None:
    page.locator("#columns-button").click()
    form = page.locator("#columns-form")
    form.get_by_role("checkbox", name="width").check()
    until(page, "() => location.search", lambda words: "config.width" in words)
    no_findings(page)
    page.reload()
    page.locator(".run-link").first.wait_for()
    assert "config.width" in page.url
    page.locator("#columns-button").click()
    assert form.get_by_role("checkbox", name="width").is_checked()
    form.get_by_role("button", name="Usual columns").click()
    until(page, "() => location.search", lambda words: "cols" not in words)
    page.keyboard.press("Escape")


def a_run_is_labelled(page: Any, store: Path) -> None:
    row = page.locator(".ag-row", has=page.locator(".run-link", has_text="out-of-memory"))
    row.locator("input[type=checkbox]").check()
    for name, tags in (("too-wide", "old"), ("out-of-memory", "")):
        page.locator("#edit-button").click()
        form = page.locator("#labels-form")
        form.get_by_label("Name").fill(name)
        form.get_by_label("Tags").fill(tags)
        form.get_by_label("Note").fill(f"*{tags}*" if tags else "")
        no_findings(page)
        page.locator("#labels-save").click()
        until(page, NAMES, partial(contains_as, name, True))
        if page.viewport_size["width"] > TELEPHONE:  # which has no room for tags
            until(page, TAGS, partial(contains_as, "old", bool(tags)))
    assert read_labels(store / "out-of-memory").tags == ()
    pin = page.locator("#pin-button")
    pin.click()
    until(page, "() => document.querySelector('#pin-button').innerText", "Unpin".__eq__)
    pin.click()
    until(page, "() => document.querySelector('#pin-button').innerText", "Pin".__eq__)
    for button in ("#archive-button", "#delete-button"):
        page.locator(button).click()
        until(page, NAMES, lambda names: "out-of-memory" not in names)
        no_findings(page)
        page.locator("#run-news button", has_text="Undo").click()
        until(page, NAMES, lambda names: "out-of-memory" in names)
    boxes = "() => document.querySelectorAll('.ag-row input:checked').length"
    while page.evaluate(boxes):
        page.locator(".ag-row input:checked").first.uncheck()


def a_chart_is_turned(page: Any, _store: Path) -> None:
    """Smoothing, the scale, what the x axis counts, metrics, and all that is folded."""
    page.locator("[data-view='sm=10']").click()
    until(page, LINES, lambda names: "smoothed" in names)
    page.locator("[data-view='sm=off']").click()
    until(page, LINES, lambda names: "smoothed" not in names)
    page.locator("[data-view='sm=']").click()
    page.locator("[data-view='y=linear']").click()
    until(page, SCALE, "linear".__eq__)
    page.locator("[data-view='y=']").click()
    until(page, SCALE, "log".__eq__)
    assert page.evaluate(MARKS) == [9, 19, 29, 39, 49, 59]
    page.locator("[data-view='x=own:epoch']").click()
    until(page, END, lambda end: 9 < end < 10)
    no_findings(page)
    page.locator("[data-view='x=']").click()
    until(page, END, lambda end: end == 59)
    chips = page.get_by_role("group", name="Own metrics")
    layers = chips.get_by_role("button", name="grad norm by layer")
    for n in (0, 1):
        layers.click()
        until(page, "() => document.querySelectorAll('.js-plotly-plot image').length", n.__eq__)
    for part in (".folded", ".twin:not(.folded)"):
        page.locator(f"{part} summary").first.click()
        page.locator(f"{part} table").first.wait_for()
    no_findings(page)
    for part in (".folded", ".twin:not(.folded)"):
        page.locator(f"{part} summary").first.click()


def it_is_drawn_from_its_start(page: Any, _store: Path) -> None:
    page.locator("[data-view='x=start']").click()
    until(page, END, lambda end: end == 29)
    no_findings(page)
    page.locator("[data-view='x=']").click()
    until(page, END, lambda end: end == 129)


def it_says_what_ended_it(page: Any, _store: Path) -> None:
    page.locator(".status", has_text="failed").wait_for()
    job = page.locator(".rests-on").inner_text()
    for said in (OUT_OF_MEMORY.strip(), "gpu-7", "train.py", "0123456789ab, with changes"):
        assert said in job
    until(page, "() => document.body.innerText", lambda text: "0.1 at every step" in text)


def two_are_compared(page: Any, _store: Path) -> None:
    until(page, SWATCHES, lambda swatches: len({*swatches}) == 2)
    same = page.locator("#compare-table summary")
    same.click()
    page.locator("#compare-table details[open]").wait_for()
    no_findings(page)
    same.click()


def eight_are_compared(page: Any, _store: Path) -> None:
    until(page, SWATCHES, lambda swatches: len({*swatches}) == 8)
    for setting in ("width", "lr"):
        page.locator("select[data-word=sx]").select_option(setting)
        page.locator(f"[aria-label$='against {setting}']").wait_for()
    until(page, PARALLEL, lambda n: n >= 8)


def it_says_what_to_try(page: Any, _store: Path) -> None:
    page.locator(".facts", has_text="Try next").wait_for()
    for value in ("best", "final"):
        page.locator(f".choice:text-is('{value}')").click()
        until(page, MEASURED, f"{value} loss".__eq__)


def another_metric_measures(page: Any, _store: Path) -> None:
    """Accuracy, of which more is better unless one says otherwise."""
    page.locator("select[data-word=by]").select_option("val/acc")
    until(page, MEASURED, lambda text: "val/acc" in (text or ""))
    for goal in ("goal=min", "goal="):
        page.locator(f"[data-view='{goal}']").click()
        page.locator(f"[data-view='{goal}'][aria-pressed=true]").wait_for()
    no_findings(page)
    page.locator("select[data-word=by]").select_option("")
    until(page, MEASURED, lambda text: "loss" in (text or ""))


def an_alert_is_acknowledged(page: Any, store: Path) -> None:
    page.get_by_role("button", name="Acknowledge broken").click()
    page.locator(".alert", has_text="is on it").wait_for()
    no_findings(page)
    ((_, said),) = acknowledgements(store).items()
    forget_acknowledgement(store, said)
    page.reload()
    page.get_by_role("button", name="Acknowledge broken").wait_for()


def an_alert_can_be_silenced(page: Any, _store: Path) -> None:
    page.locator(".alert", has_text="silenced: rebooted").wait_for()
    page.locator(".alert", has_text="sent").get_by_role("button", name="Silence").first.click()
    page.locator("#silence").wait_for()
    no_findings(page)
    page.keyboard.press("Escape")
    page.locator("#silence").wait_for(state="hidden")


class Opened(NamedTuple):
    """A page, where it is served, and what went wrong on it."""

    page: Any
    address: str
    wrong: list[str]


EIGHT = "sgd-0.01,sgd-0.1,sgd-1,broken,out-of-memory,lion-0.0001,lion-0.001,lion-0.01"
CHART, ROW = ".js-plotly-plot .main-svg", ".run-link"
ACTS: list[tuple[str, str, Act]] = [
    ("/", ROW, rows_are_grouped),
    ("/", ROW, runs_are_found),
    ("/", ROW, columns_are_chosen),
    ("/", ROW, a_run_is_labelled),
    ("/run/sgd-0.1?m=loss,acc,layer_grad_norm", CHART, a_chart_is_turned),
    ("/run/late", CHART, it_is_drawn_from_its_start),
    ("/run/out-of-memory", CHART, it_says_what_ended_it),
    ("/compare?runs=sgd-0.01,sgd-1", CHART, two_are_compared),
    (f"/compare?runs={EIGHT}", CHART, eight_are_compared),
    ("/sweep?group=lion-0.001", CHART, it_says_what_to_try),
    ("/sweep?group=sgd-0.1", CHART, another_metric_measures),
    ("/alerts", ".alert", an_alert_can_be_silenced),
    ("/alerts", ".alert", an_alert_is_acknowledged),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acts")
    fill(folder)
    a_failure(folder)
    a_sweep_to_go_on(folder)
    write_run(folder, "late", steps=range(100, 130))
    add_silence(folder, Matcher(run="team/bert"), seconds=36000, reason="rebooted", by="Ben")
    return folder


@pytest.fixture(scope="module")
def opened(browser: Any, store: Path) -> Iterator[Opened]:
    """Open the page that all acts share."""
    wrong: list[str] = []
    with (
        served(store, "--port", "18050") as address,
        opening(browser, address, wrong) as open_page,
    ):
        page = open_page()
        page.add_init_script(path=AXE)
        yield Opened(page, address, wrong)


@pytest.mark.parametrize(("path", "part", "act"), ACTS, ids=[act.__name__ for *_, act in ACTS])
def test_people_get_done_what_they_do_at_any_width_in_both_themes(
    store: Path, opened: Opened, path: str, part: str, act: Act
) -> None:
    opened.wrong.clear()
    found = look(opened.page, opened.address + path, part, lambda page: act(page, store))
    assert not found + opened.wrong, "\n".join(found + opened.wrong)
