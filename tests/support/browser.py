"""What the tests in a real browser share: how to start one, and how to wait for a page.

``page.wait_for_function`` is not used: it needs ``eval``, which the content security policy
forbids.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stores import row

from lrwatch.store import RunWriter

__all__ = [
    "FLAGS",
    "LAST_STEP",
    "PATIENCE_SECONDS",
    "RANGE",
    "chromium",
    "is_complaint",
    "opening",
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


@contextmanager
def opening(browser: Any, address: str, wrong: list[str]) -> Iterator[Callable[..., Any]]:
    """Yield a function that opens pages of an address; what goes wrong on them is added to a list.

    Wrong are a request to another host, a console error, an uncaught exception and a violation of
    the content security policy.
    """
    contexts = []

    def open_(path: str = "/", *, width: int = 1200, theme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.on("request", lambda request: _check_host(request.url, address, wrong))
        page.on("console", lambda m: _check_console(m, wrong))
        page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
        page.goto(address + path)
        return page

    yield open_
    for context in contexts:
        context.close()


def _check_host(url: str, address: str, wrong: list[str]) -> None:
    if not url.startswith((address + "/", "data:", "blob:")):
        wrong.append(f"request to {url}")


def is_complaint(message: Any) -> bool:
    """Return whether a message of the console is an error or a warning.

    A violation of the policy is an error, too. That something was loaded ahead and not used within
    seconds says that the machine is busy.
    """
    is_of_speed = "was preloaded using link preload but not used within" in message.text
    return message.type in ("error", "warning") and not is_of_speed


def _check_console(message: Any, wrong: list[str]) -> None:
    if is_complaint(message):
        wrong.append(f"console {message.type}: {message.text}")


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
