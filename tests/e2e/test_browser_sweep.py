"""The Sweep page in a real browser: what it says, that it lives, and where its marks lead."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import until
from stores import write_run

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

ENDS = {0.01: 1.5, 0.1: 1.0, 0.3: 1.01}


def trial(store: Path, lr: float, end: float) -> None:
    loss = [end + math.exp(-step / 10) for step in range(100)]
    values = {"loss": loss, "lr": [lr] * 100}
    write_run(store, f"lr{lr}", steps=range(100), values=values, config={"lr": lr, "seed": 0})


def test_a_sweep_says_which_rate_won_lives_and_opens_its_runs(
    store: Path, open_page: Callable[..., Any]
) -> None:
    for lr, end in ENDS.items():
        trial(store, lr, end)
    page = open_page("/sweep?group=lr0.1")
    page.locator(".sweep-card", has_text="0.1 is best").wait_for()
    trial(store, 1.0, 2.0)
    page.locator(".facts", has_text="0.1 to 0.3").wait_for()
    page.locator(".choice", has_text="best").click()
    until(page, "() => location.search", lambda search: search == "?group=lr0.1&loss=best")

    page.locator(".js-plotly-plot .point").first.click(force=True)
    until(page, "() => location.pathname", lambda path: path.startswith("/run/lr"))
    page.go_back()
    page.locator(".choice[aria-pressed=true]", has_text="best").wait_for()


def test_a_range_test_is_drawn_with_its_marks_and_leads_to_its_run(
    store: Path, open_page: Callable[..., Any]
) -> None:
    for lr, end in ENDS.items():
        trial(store, lr, end)
    rates = [1e-5 * 1e6 ** (step / 399) for step in range(400)]
    loss = [2.3 / (1 + (rate / 1e-3) ** 2) + 0.3 + (rate / 0.3) ** 3 for rate in rates]
    norms = {"grad_norm": [1.0] * 400, "param_norm": [9.0] * 400, "update_norm": rates}
    write_run(store, "lr-find", steps=range(400), values={"loss": loss, "lr": rates, **norms})
    page = open_page("/sweep")
    page.locator(".sweep-link", has_text="lr-find").click()
    page.locator(".sweep-card", has_text="Loss falls fastest at a rate of 0.00").wait_for()
    assert page.url.endswith("/sweep?group=lr-find")
    marks = """() => (document.querySelector('.js-plotly-plot')?.data || [])
        .filter(trace => trace.mode === 'markers').map(trace => trace.name)"""
    until(page, marks, lambda names: names == ["steepest", "lowest", "diverges"])
    page.locator(".sweep-card a", has_text="Open the run").click()
    page.locator("h1", has_text="lr-find").wait_for()
