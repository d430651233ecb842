"""Each page at three widths and in both themes: it offers what it is for, within its width, to all.

One browser goes through one store, so that the many combinations cost little each; whatever is
wrong in any of them is told at the end.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accessibility import AXE, SERIOUS, SIDEWAYS
from alert_boards import known, watched
from browser import until
from stores import new_writer, row, write_run

from lrwatch.store.labels import change_labels

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

WIDTHS = (1400, 1000, 420)
LAYER = "layer_grad_norm/blocks."
RATES = (0.01, 0.1, 1.0)
LONG = "meta-llama-Llama-3.1-8B-Instruct_lora_r16_alpha32_" + "dropout0.05_" * 6
METRICS = ("train/acc", "val/acc", "val_loss", "epoch", "gpu/memory_bytes", "gpu/reserved_bytes")

RUNS = "() => [...document.querySelectorAll('.run-link')].length"
LINES = """() => [...document.querySelectorAll('.js-plotly-plot')]
    .flatMap(chart => (chart.data || []).map(trace => trace.name)).filter(Boolean)"""
IMAGES = "() => document.querySelectorAll('.js-plotly-plot image').length"
THEME = "() => document.documentElement.dataset.theme"
BEYOND = """() => [...document.querySelectorAll('main :is(.card, .chart, h1, select, button)')]
    .filter(part => part.offsetParent && part.getBoundingClientRect().right > innerWidth + 1)
    .map(part => part.id || part.className || part.tagName)"""
COVERED = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(chart => {
    const boxes = [...chart.querySelectorAll('.infolayer .annotation-text, .infolayer .legendtext')]
        .map(text => [text.textContent, text.getBoundingClientRect()]);
    const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
    return boxes.flatMap(([name, box], i) => boxes.slice(i + 1)
        .filter(([, other]) => meet(box, other)).map(([other]) => `${name} and ${other}`));
})"""


def a_run(store: Path, rate: float) -> None:
    """Write 60 steps with metrics of every kind, norms by layer, and checkpoints."""
    config = {"lr": rate, "depth": 2}
    writer = new_writer(store, f"sgd-{rate:g}", config=config, total_steps=60, optimizer="SGD")
    writer.widen([*METRICS, f"{LAYER}0", f"{LAYER}1", "event/checkpoint"])
    for step in range(60):
        loss = (0.8 if rate == max(RATES) else 0.3) + 2 * math.exp(-step * rate)
        own = {"train/acc": 1 / (1 + loss), "epoch": step // 6, f"{LAYER}0": 1.0, f"{LAYER}1": 0.1}
        own |= {"gpu/memory_bytes": 2e10, "gpu/reserved_bytes": 3e10}
        if step % 10 == 9:
            own |= {"val/acc": 0.9 / (1 + loss), "val_loss": loss + 0.1, "event/checkpoint": 1.0}
        norms = {"grad_norm": 1.0, "grad_norm_clipped": 0.5, "param_norm": 9.0, "update_norm": rate}
        writer.append(row(step, writer, loss=loss, lr=rate * (1 - step / 60), **norms, **own))
    writer.close("finished")


def fill(store: Path) -> None:
    """Write runs of many kinds, and what a watcher told of two of them."""
    for rate in RATES:
        a_run(store, rate)
    broken = {"loss": [1.0] * 10 + [math.nan] * 20}
    write_run(store, "broken", steps=range(30), values=broken, config={"width": 16})
    how: dict[str, Any] = {"optimizer": "AdamW", "config": {"width": 16}}
    write_run(store, LONG, steps=range(30), status="failed", **how)
    (store / "team").mkdir()
    write_run(store / "team", "bert", steps=range(30), status="interrupted")
    damaged = write_run(store, "damaged", steps=range(5))
    (damaged / "run.json").write_text("{ nonsense", encoding="utf-8")
    said: dict[str, Any] = {"tags": ("keep", "paper"), "note": "**fine**", "pinned": True}
    change_labels(store / "sgd-0.1", lambda labels: dataclasses.replace(labels, **said))
    now = time.time()
    told = [known("broken", time=now - 180), known("team/bert", rule="too_low", severity="ticket")]
    watched(store, *told, looked_at=now + 3600)


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


def nothing_more(page: Any) -> None:
    """Ask nothing of a page that only says something."""


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


def look(page: Any, url: str, part: str, offers: Callable[[Any], None]) -> list[str]:
    """Open a page, try it in every combination, and return what is wrong."""
    page.goto(url)
    page.locator(part).first.wait_for()
    wrong = []
    for theme in ("light", "dark"):
        if page.evaluate(THEME) != theme:
            page.locator("#theme-toggle").click()
            until(page, THEME, theme.__eq__)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            until(page, SIDEWAYS, lambda over: over <= 0)  # once charts have followed
            offers(page)
            for question in (SERIOUS, BEYOND, COVERED):
                where = f"{url} {theme} {width}"
                wrong += [f"{where}: {said}" for said in page.evaluate(question)]
    return wrong
