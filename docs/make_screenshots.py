"""Make the pictures of the documentation: ``python docs/make_screenshots.py sample_runs``.

Needs playwright, pillow, torch and a Chromium. The runs are copied first, with their files' times
set to now, so that the pictures do not depend on when the runs were made; a sweep is trained
beside them, for the pages that show several runs at once.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lrwatch_dashboard.address import compare_href, curves_href, report_href, run_href, sweep_href
from lrwatch_dashboard.command import bind
from lrwatch_dashboard.server import serve
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from screenshot_runs import RANGE_TEST, SEEDED, train_range_test, train_seeds

from lrwatch.demo.sweep import train_sweep

IMAGES: Final = Path(__file__).parent / "images"
FLAGS: Final = ["--no-sandbox", "--disable-gpu"]
OVERVIEW_SIZE: Final = (1200, 760)
RUN_SIZE: Final = (1200, 1040)
NARROW_SIZE: Final = (420, 860)
PATIENCE_SECONDS: Final = 120.0
N_COLOURS: Final = 256
N_STEPS: Final = 600
SWEEP: Final = [f"sweep/adamw-{lr}" for lr in ("0.001", "0.01", "0.03", "0.1", "1")]
CHART: Final = ".js-plotly-plot .scatterlayer .trace"
PAGES: Final = {
    "compare": (compare_href(SWEEP, SWEEP[1]), CHART),
    "sweep": (sweep_href(SWEEP[0]), CHART),
    "range-test": (sweep_href(RANGE_TEST), CHART),
    "seeds": (curves_href(SEEDED, by_seed=True), CHART),
    "metrics": (run_href(SEEDED), CHART),
    "help": ("/help", ".meanings"),
}


def main() -> None:
    """Make every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path, help="folder of runs")
    parser.add_argument("--run", default="", help="key of the run to show; the worst one if empty")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    IMAGES.mkdir(exist_ok=True)
    with served(options.store) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for theme in ("light", "dark"):
            take_overview(browser, address, f"overview-{theme}", theme, OVERVIEW_SIZE)
            take_run(browser, address, f"run-{theme}", theme, RUN_SIZE, options.run)
            for name, (path, part) in PAGES.items():
                take_page(browser, address + path, f"{name}-{theme}", theme, part)
            take_report(browser, address, f"report-{theme}", theme)
        take_overview(browser, address, "overview-narrow", "light", NARROW_SIZE)
        take_run(browser, address, "run-narrow", "dark", NARROW_SIZE, options.run)
        for name, (path, part) in PAGES.items():
            take_page(browser, address + path, f"{name}-narrow", "dark", part, NARROW_SIZE)
        take_alerts(browser)
        browser.close()


@contextlib.contextmanager
def served(store: Path) -> Iterator[str]:
    """Serve a copy of the runs from this process, and return the address."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(store, Path(folder) / "runs")
        for _ in train_sweep(copy / "sweep", n_steps=N_STEPS):
            pass
        train_range_test(copy)
        train_seeds(copy)
        for path in copy.rglob("*"):
            os.utime(path)
        yield serve_aside(copy)


@contextlib.contextmanager
def watched() -> Iterator[str]:
    """Serve a sweep that is being trained and that `lrwatch alert` follows; return the address."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        runs, stop = Path(folder) / "runs", threading.Event()
        training = train_sweep(runs, n_steps=N_STEPS)
        stack.callback(training.close)  # ends the runs while their folders are there
        for _ in itertools.islice(training, N_STEPS // 2):
            pass
        thread = threading.Thread(target=go_on, args=(training, stop))
        thread.start()
        stack.callback(thread.join)
        stack.callback(stop.set)
        command = [sys.executable, "-m", "lrwatch", "alert", str(runs)]
        receiver = f"jsonl:{folder}/messages.jsonl"
        watcher = subprocess.Popen([*command, "--to", receiver])  # noqa: S603
        stack.callback(watcher.wait)
        stack.callback(watcher.terminate)
        yield serve_aside(runs)


def go_on(training: Iterator[int], stop: threading.Event) -> None:
    """Train on, slowly enough to last for as long as the pictures are taken."""
    while not stop.wait(0.5):
        next(training)


def serve_aside(runs: Path) -> str:
    """Serve a folder from this process until it ends, and return the address."""
    listener = bind("127.0.0.1", 18900)
    threading.Thread(target=serve, args=(listener, str(runs)), daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def take_alerts(browser: Browser) -> None:
    """Take the Alerts page once somebody was told."""
    with watched() as address:
        page = address + "/alerts"
        told = ".part:text-matches('^sent ')"
        for theme in ("light", "dark"):
            take_page(browser, page, f"alerts-{theme}", theme, told)
        take_page(browser, page, "alerts-narrow", "dark", told, NARROW_SIZE)


def take_overview(
    browser: Browser, address: str, name: str, theme: str, size: tuple[int, int]
) -> None:
    """Take the Overview once every run is judged."""
    with page_of(browser, address + "/", theme, size) as page:
        page.locator(".run-link").first.wait_for()
        summary = page.locator("#summary")
        while "judging" in summary.inner_text():
            page.wait_for_timeout(500)
        page.wait_for_timeout(1500)
        save(page, name)


def take_run(
    browser: Browser, address: str, name: str, theme: str, size: tuple[int, int], key: str
) -> None:
    """Take the top of a run's page."""
    with page_of(browser, address + "/", theme, size) as page:
        link = page.locator(".run-link")
        (link.filter(has_text=key) if key else link).first.click()
        page.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for()
        page.mouse.move(1, 1)  # off the chart, whose tools show under the pointer
        page.wait_for_timeout(2500)
        save(page, name)


def take_page(
    browser: Browser,
    address: str,
    name: str,
    theme: str,
    part: str,
    size: tuple[int, int] = RUN_SIZE,
) -> None:
    """Take the top of a page once a part of it is there."""
    with page_of(browser, address, theme, size) as page:
        page.locator(part).first.wait_for()
        page.mouse.move(1, 1)
        page.wait_for_timeout(2500)
        save(page, name)


def take_report(browser: Browser, address: str, name: str, theme: str) -> None:
    """Take the top of a comparison's report, opened from the disk."""
    path = report_href(compare_href(SWEEP, SWEEP[1]))
    with tempfile.TemporaryDirectory() as folder, urllib.request.urlopen(address + path) as answer:  # noqa: S310
        file = Path(folder) / "report.html"
        file.write_bytes(answer.read())
        take_page(browser, file.as_uri(), name, theme, ".still")


def save(page: Page, name: str) -> None:
    """Save what the window shows, with a palette: a third of the bytes, and no visible loss."""
    page.locator("#lost:not([hidden])").wait_for(state="hidden")  # of a server that was busy
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    # This method keeps rare colours, such as those of the marks.
    few = picture.quantize(N_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(IMAGES / f"{name}.png", optimize=True)


@contextlib.contextmanager
def page_of(browser: Browser, address: str, theme: Any, size: tuple[int, int]) -> Iterator[Page]:
    """Open an address in a window of a size."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    page.goto(address)
    yield page
    context.close()


if __name__ == "__main__":
    main()
