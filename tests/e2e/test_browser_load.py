"""What a browser loads for a page, chunks that come later included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser import PATIENCE_SECONDS
from stores import write_run

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

MOST_BYTES = 4_000_000  # of JavaScript, as the browser has to read it
READY = {
    "/": ".run-link",
    "/run/sgd-0": ".js-plotly-plot .main-svg",
    "/compare?runs=sgd-0,sgd-1": ".js-plotly-plot .main-svg",
    "/sweep": ".js-plotly-plot .main-svg",
    "/alerts": ".alert-board",
    "/help": "h1",
}


@pytest.mark.parametrize("path", READY)
def test_a_page_loads_less_than_4_mb_of_scripts(
    browser: Any, address: str, store: Path, path: str
) -> None:
    for i in range(2):
        values = {"loss": [2.0 / (1 + step) for step in range(50)], "lr": [0.01 * 3**i] * 50}
        write_run(store, f"sgd-{i}", steps=range(50), values=values)
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
