"""Each page at three widths and in both themes: it offers what it is for, within its width, to all.

One browser goes through one store, so that the many combinations cost little each; whatever is
wrong in any of them is told at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accessibility import AXE, SERIOUS
from browser import until
from every_page import LINES, LONG, RUNS, fill, look, nothing_more

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

IMAGES = "() => document.querySelectorAll('.js-plotly-plot image').length"


def the_overview(page: Any) -> None:
    page.locator("#filter").fill("width:16")
    until(page, RUNS, (2).__eq__)
    page.locator(".summary", has_text="2 of 7 runs").wait_for()
    page.locator("#filter").press("Escape")
    until(page, RUNS, lambda n: n > 2)
    page.locator(".ag-row input[type=checkbox]").first.check()
    page.locator("#edit-button").click()
    page.locator("#labels-form").get_by_label("Tags").wait_for()
    assert page.evaluate(SERIOUS) == []
    page.keyboard.press("Escape")
    page.locator(".ag-row input[type=checkbox]").first.uncheck()


def the_run(page: Any) -> None:
    wanted = {"val_loss", "train/acc", "val/acc", "gpu/memory_bytes", "event"}
    until(page, LINES, lambda names: wanted <= {*names})
    chip = page.get_by_role("group", name="Own metrics").get_by_role("button", name="acc")
    chip.click()
    until(page, LINES, lambda names: "val/acc" not in names)
    chip.click()
    until(page, LINES, lambda names: "val/acc" in names)
    until(page, IMAGES, (1).__eq__)
    assert "trained for" in page.locator("#run-status").inner_text()
    assert page.locator(".run-note strong", has_text="fine").is_visible()


def the_comparison(page: Any) -> None:
    assert page.locator(".compared thead").first.inner_text().split()[:3] == ["Line", "Run", "lr"]
    assert page.locator(".js-plotly-plot .main-svg").count() >= 3
    page.locator("select[data-word=sy]").select_option("val/acc")
    page.locator("[aria-label^='val/acc against']").wait_for()


def the_sweep(page: Any) -> None:
    page.locator("select[data-word=by]").select_option("val/acc")
    page.locator(".reason", has_text="val/acc").wait_for()
    page.locator("select[data-word=by]").select_option("training loss")
    page.locator(".reason", has_text="val/acc").wait_for(state="detached")


def the_alerts(page: Any) -> None:
    words = page.locator(".alert-board").inner_text().lower().split()
    assert "urgent" in words
    assert not {"page", "ticket"} & {*words}


RUN = "/run/sgd-0.1?m=loss,acc,gpu,layer_grad_norm"
PAGES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "/": (".run-link", the_overview),
    RUN: (".js-plotly-plot .main-svg", the_run),
    f"/run/{LONG}": (".js-plotly-plot .main-svg", nothing_more),
    "/run/damaged": (".reason", nothing_more),
    "/run/none": ("h1", nothing_more),
    "/compare?group=sgd-0.1": ("[role=figure] .main-svg", the_comparison),
    "/compare": ("h1", nothing_more),
    "/sweep?group=sgd-0.1": (".js-plotly-plot .main-svg", the_sweep),
    "/alerts": (".alert", the_alerts),
    "/help": (".meanings", nothing_more),
}


def test_every_page_serves_everybody_at_any_width_in_both_themes(
    store: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page()
    address = page.url.rstrip("/")
    page.add_init_script(path=AXE)
    wrong = look(page, address + "/", "#empty h2", nothing_more)
    fill(store)
    for path, (part, offers) in PAGES.items():
        wrong += look(page, address + path, part, offers)
    assert not wrong, "\n".join(wrong)
