"""The Overview in a real browser: find, group and choose; label, archive, delete and undo."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accessibility import AXE, SERIOUS, SIDEWAYS
from browser import until
from stores import write_run

from lrwatch.store.labels import read_labels

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

NAMES = "() => [...document.querySelectorAll('.run-link')].map(e => e.textContent).sort()"
SAID = "() => document.querySelector('.summary').innerText"
ROWS = """() => [...document.querySelectorAll('.ag-row')]
    .sort((a, b) => a.getAttribute('row-index') - b.getAttribute('row-index'))
    .map(row => (row.querySelector('.group-value, .run-link') || row).textContent)"""
HEADS = "() => [...document.querySelectorAll('.ag-header-cell-text')].map(e => e.textContent)"


@pytest.fixture
def six(store: Path) -> Path:
    for width, optimizer in itertools.product((16, 64, 128), ("AdamW", "SGD")):
        name = f"{optimizer.lower()}-{width}"
        losses = [width / 100 + 1 / (1 + step) for step in range(20)]
        config = {"width": width, "model": {"depth": 2}}
        how: Any = {"optimizer": optimizer, "config": config, "values": {"loss": losses}}
        write_run(store, name, steps=range(20), **how)
    return store


def test_a_filter_is_typed_counted_kept_and_emptied(
    six: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page()
    until(page, NAMES, lambda names: len(names) == 6)
    page.keyboard.press("/")
    page.keyboard.type("width:16,64 -optimizer:sg")
    until(page, NAMES, lambda names: names == ["adamw-16", "adamw-64"])
    until(page, SAID, lambda text: text.startswith("2 of 6 runs"))
    until(
        page, "() => document.querySelector('.mark-filter.verdict-ring .n').innerText", "2".__eq__
    )
    offered = "() => [...document.querySelectorAll('#filter-terms option')].map(o => o.value)"
    assert "width:16,64 -optimizer:SGD" in page.evaluate(offered)
    page.reload()
    until(page, NAMES, lambda names: names == ["adamw-16", "adamw-64"])
    page.locator("#filter").focus()
    page.keyboard.press("Escape")
    until(page, NAMES, lambda names: len(names) == 6)
    assert page.locator("#filter").input_value() == ""
    assert "q=" not in page.url
    page.keyboard.type("widht:16")
    until(page, "() => document.querySelector('#filter-note').innerText", lambda t: "'widht'" in t)


def test_rows_are_grouped_with_the_best_and_the_median(
    six: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page("/?q=-width:64")
    page.locator("#group-by option", has_text="width").wait_for(state="attached")
    page.locator("#group-by").select_option("width")
    grouped = until(page, ROWS, lambda rows: rows and rows[0] == "16")
    assert [grouped[0], grouped[3]] == ["16", "128"]
    assert sorted(grouped[1:3]) == ["adamw-16", "sgd-16"]
    head = page.locator(".group-row").first
    assert "2 runs" in head.inner_text()
    assert "best loss 0.21" in head.inner_text()
    assert page.url.endswith("group=width")
    page.locator("#group-by").select_option("")
    until(page, "() => document.querySelectorAll('.group-row').length", lambda n: n == 0)


def test_columns_are_chosen_and_kept(six: Path, open_page: Callable[..., Any]) -> None:
    page = open_page("/?cols=name,lr")
    until(page, HEADS, lambda heads: [h for h in heads if h] == ["Run", "Learning rate"])
    page.locator("#columns-button").click()
    page.locator("#columns-form").get_by_role("checkbox", name="width").check()
    page.locator("#columns-form").get_by_role("button", name="Move width").click()
    until(page, HEADS, lambda heads: [h for h in heads if h] == ["Run", "width", "Learning rate"])
    assert page.url.endswith("cols=name,config.width,lr")
    page.keyboard.press("Escape")
    assert "64" in page.locator(".setting").all_inner_texts()


def test_runs_are_labelled_archived_and_deleted_and_all_is_undone(
    six: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page()
    page.locator(".run-link", has_text="sgd-16").wait_for()
    row = page.locator(".ag-row", has=page.locator(".run-link", has_text="sgd-16"))
    row.locator("input[type=checkbox]").check()
    page.locator("#edit-button").click()
    form = page.locator("#labels-form")
    form.get_by_label("Name").fill("The <b>one</b>")
    form.get_by_label("Tags").fill("keep")
    form.get_by_label("Note").fill("**fine** [x](javascript:alert(1)) <img src=x onerror=alert(1)>")
    page.locator("#labels-save").click()
    page.locator(".tag", has_text="keep").wait_for()
    until(page, NAMES, lambda names: "The <b>one</b>" in names)
    assert read_labels(six / "sgd-16").tags == ("keep",)

    page.locator("#archive-button").click()
    until(page, NAMES, lambda names: "The <b>one</b>" not in names)
    until(page, SAID, lambda text: "1 archived" in text)
    page.locator("#run-news button", has_text="Undo").click()
    until(page, NAMES, lambda names: "The <b>one</b>" in names)

    page.locator("#delete-button").click()
    until(page, NAMES, lambda names: len(names) == 5)
    assert not (six / "sgd-16").exists()
    page.locator("#run-news button", has_text="Undo").click()
    until(page, NAMES, lambda names: len(names) == 6)
    assert (six / "sgd-16").exists()

    page.locator(".run-link", has_text="The").click()
    note = page.locator(".run-note")
    note.locator("strong", has_text="fine").wait_for()
    assert note.locator("img").count() == 0
    links = note.locator("a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    assert links == ["javascript:void(0)"]


@pytest.mark.parametrize(("width", "theme"), [(1400, "light"), (1000, "dark"), (420, "light")])
def test_the_overview_has_no_findings_with_everything_open(
    six: Path, open_page: Callable[..., Any], width: int, theme: str
) -> None:
    page = open_page("/?group=width", width=width, theme=theme)
    page.locator(".group-row").first.wait_for()
    page.add_init_script(path=AXE)
    page.reload()
    page.locator(".group-row").first.wait_for()
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(SERIOUS) == []
    page.locator("#columns-button").click()
    assert page.evaluate(SERIOUS) == []
    page.keyboard.press("Escape")
    if width > 800:
        page.locator(".ag-row input[type=checkbox]").first.check()
        page.locator("#edit-button").click()
        assert page.evaluate(SERIOUS) == []
