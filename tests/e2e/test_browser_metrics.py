"""A user's own metrics in a real browser: shown and hidden, compared, and measured by."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from browser import until
from stores import new_writer, row

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

NAMES = """() => {
    const chart = document.querySelector('.js-plotly-plot');
    return (chart && chart.data || []).map(trace => trace.name).filter(Boolean);
}"""
END = "() => document.querySelector('.js-plotly-plot')?.calcdata?.[0]?.at(-1).x ?? -1"
LAYER = "layer_grad_norm/blocks."
RATES = (0.01, 0.1, 1.0)


def a_run(store: Path, rate: float) -> None:
    """Write a run of 60 steps that logs an accuracy, an epoch, a loss on other data, and layers."""
    writer = new_writer(store, f"sgd-{rate:g}", config={"lr": rate, "depth": 2}, total_steps=60)
    writer.widen(
        ["val/acc", "train/acc", "val_loss", "epoch", "system/cpu", f"{LAYER}0", f"{LAYER}1"]
    )
    for step in range(60):
        loss = (0.8 if rate == max(RATES) else 0.3) + 2 * math.exp(-step * rate)
        own = {"train/acc": 1 / (1 + loss), "epoch": step // 6, "system/cpu": 50.0 + step % 3}
        own |= {f"{LAYER}0": 1.0, f"{LAYER}1": 0.1}
        if step % 10 == 9:
            own |= {"val/acc": 0.9 / (1 + loss), "val_loss": loss + 0.1}
        writer.append(row(step, writer, loss=loss, lr=rate, **own))
    writer.close("finished")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    for rate in RATES:
        a_run(folder, rate)
    return folder


def test_metrics_are_hidden_shown_and_counted_by_and_the_address_keeps_it(
    open_page: Callable[..., Any],
) -> None:
    page = open_page("/run/sgd-0.1", width=1400)
    until(page, NAMES, lambda names: {"val_loss", "train/acc", "val/acc"} <= {*names})
    assert not {"epoch", "system/cpu"} & {*page.evaluate(NAMES)}
    chips = page.get_by_role("group", name="Own metrics")
    chips.get_by_role("button", name="acc", exact=True).click()
    until(page, NAMES, lambda names: "val/acc" not in names and "val_loss" in names)
    chips.get_by_role("button", name="system").click()
    until(page, NAMES, lambda names: "system/cpu" in names)
    chips.get_by_role("button", name="grad norm by layer").click()
    until(page, "() => document.querySelectorAll('.js-plotly-plot image').length", (1).__eq__)
    assert unquote(page.url).endswith("?m=loss,system,layer_grad_norm")
    page.get_by_role("button", name="epoch", exact=True).last.click()
    until(page, END, lambda x: x == pytest.approx(59 / 6))
    page.reload()
    until(page, END, lambda x: x == pytest.approx(59 / 6))
    assert "system/cpu" in page.evaluate(NAMES)

    for name in ("val_loss", "system", "grad norm by layer"):
        chips.get_by_role("button", name=name).click()
    until(page, NAMES, lambda names: not {"val_loss", "system/cpu"} & {*names})
    assert "m=-" in page.url
    assert "tests that did not fire" in page.locator(".folded summary").inner_text().lower()


def test_runs_are_compared_and_measured_by_a_metric(open_page: Callable[..., Any]) -> None:
    page = open_page("/compare?group=sgd-0.1&m=acc", width=1000)
    until(page, NAMES, lambda names: [*names].count("sgd-0.1") == 3)
    head = page.locator(".compared thead").inner_text()
    assert head.split()[:4] == ["Line", "Run", "lr", "Verdict"]
    assert "val/acc" in head
    assert "2 settings the same" in page.locator("#compare-table summary").inner_text()

    page.goto(page.url.replace("/compare?", "/sweep?"))
    page.locator("select[data-word=by]").select_option("val/acc")
    page.locator(".reason", has_text="a final val/acc of").wait_for()
    page.get_by_role("button", name="best", exact=True).click()
    page.locator(".reason", has_text="a best val/acc of").wait_for()
    page.get_by_role("button", name="less", exact=True).click()
    page.locator(".reason", has_text="0.01, is the lowest that was tried").wait_for()
    assert "by=val%2Facc" in page.url
    assert "goal=min" in page.url
    page.locator("select[data-word=by]").select_option("training loss")
    page.locator(".reason", has_text="val/acc").wait_for(state="detached")
    assert "goal" not in page.url
