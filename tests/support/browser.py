"""What the tests in a real browser share: how to start one, and how to wait for a page.

``page.wait_for_function`` is not used: it needs ``eval``, which the content security policy
forbids.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from typing import Any

from stores import row

from lrwatch.store import RunWriter

__all__ = [
    "FLAGS",
    "LAST_STEP",
    "PATIENCE_SECONDS",
    "RANGE",
    "chromium",
    "train",
    "until",
    "zoom_by_mouse",
]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_SECONDS = 30.0


LAST_STEP = """() => {
    const chart = document.querySelector('.js-plotly-plot');
    if (!chart || !chart.calcdata || !chart.calcdata[0]) return -1;
    return Math.max(...chart.calcdata[0].map(point => point.x));
}"""
RANGE = "() => document.querySelector('.js-plotly-plot').layout.xaxis.range"
"""The greatest step that the chart shows; -1 while there is none."""


def chromium() -> str | None:
    """Return the path of an installed Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


def until(page: Any, question: str, answer: Callable[[Any], bool]) -> Any:
    """Ask the page until the answer is right."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        said = page.evaluate(question)
        if answer(said):
            return said
        assert time.monotonic() < deadline, f"{question} is still {said!r}"
        page.wait_for_timeout(100)


def train(writer: RunWriter, steps: range) -> None:
    for step in steps:
        loss = 2.0 * math.exp(-step / 200) + 0.3 + 0.1 * math.sin(step)
        norms = {"grad_norm": 1.0, "grad_norm_clipped": 1.0, "param_norm": 9.0, "update_norm": 0.1}
        writer.append(row(step, writer, loss=loss, lr=0.1, **norms))


def zoom_by_mouse(page: Any, first: float, last: float) -> Any:
    """Zoom into a part of the first chart, from and to shares of its width; return its place."""
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + first * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + last * box["width"], box["y"] + 45, steps=8)
    page.mouse.up()
    return box
