"""The dashboard from the outside: the real command, and Chromium; called by dashboard_scale.

python -m scale.browser STORE CACHE EMPTY LONG_RUNS
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from playwright.sync_api import sync_playwright
from scale.store import LONG

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
PATIENCE_MS = 60_000
JUDGING_SECONDS = 600  # for twenty runs of a million steps, 15 s each on a busy machine
N_COMPARED = 20
N_BEHIND = 500
LINES = "() => document.querySelector('.js-plotly-plot')?.calcdata?.length ?? 0"
GAPS = """() => {
    const lines = document.querySelector('.js-plotly-plot')?.calcdata ?? [];
    const behind = lines.find(points => points[0]?.trace.name === 'other runs') ?? [];
    return behind.filter(point => !(point.y > 0)).length;
}"""
CHART = "() => document.querySelector('.js-plotly-plot')?.calcdata?.[0]?.length ?? 0"
INSIDE = """() => {
    const chart = document.querySelector('.js-plotly-plot');
    const [first, last] = chart.layout.xaxis.range;
    return chart.calcdata[0].filter(p => p.x >= first && p.x <= last).length;
}"""


@contextmanager
def served(store: str, cache: str) -> Iterator[tuple[str, psutil.Process]]:
    environment = os.environ | {"LRWATCH_CACHE_DIR": cache}
    command = [sys.executable, "-m", "lrwatch_dashboard", store, "--port", "18650"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        try:
            found = (re.search(r"http://\S+:\d+", line) for line in server.stdout)
            address = next(filter(None, found), None)
            if address is None:
                raise RuntimeError("the server ended before it said its address; is the port free?")
            yield address.group(), psutil.Process(server.pid)
        finally:
            server.terminate()  # or whatever went wrong is never heard of: its end is waited for


def until(page: Any, question: str, least: int, begin: float) -> float:
    """Return the seconds until a number on the page is so great."""
    while (found := page.evaluate(question)) < least:
        if time.perf_counter() - begin > PATIENCE_MS / 1e3:
            raise TimeoutError(f"{page.url} draws {found}, where {least} are expected: {question}")
        page.wait_for_timeout(10)
    return time.perf_counter() - begin


def overview(page: Any, address: str) -> float:
    begin = time.perf_counter()
    page.goto(address)
    page.locator(".run-link").first.wait_for()
    return time.perf_counter() - begin


def long_run(page: Any, address: str) -> tuple[float, float]:
    page.goto(address)
    page.locator(".run-link").first.wait_for()
    begin = time.perf_counter()
    page.evaluate("path => window.lrwatch.open(path)", f"/run/{LONG}")
    opened = until(page, CHART, 1000, begin)
    page.wait_for_timeout(500)
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 0.61 * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.63 * box["width"], box["y"] + 45, steps=4)
    coarse = page.evaluate(INSIDE) / 40  # of the points, so many lie within the zoom at first
    begin = time.perf_counter()
    page.mouse.up()
    return opened, until(page, INSIDE, max(int(10 * coarse), 500), begin)


def compared(page: Any, address: str, words: str, question: str, least: int) -> float:
    """Return the seconds until a comparison is drawn, from another page."""
    page.goto(address + "/help")
    page.locator(".meanings").first.wait_for()
    begin = time.perf_counter()
    page.evaluate("path => window.lrwatch.open(path)", f"/compare?{words}")
    return until(page, question, least, begin)


def judged(page: Any, address: str) -> None:
    """Wait until every run has its verdict, and is remembered."""
    page.goto(address)
    page.locator(".run-link").first.wait_for()
    begin = time.perf_counter()
    while "judging" in (said := page.locator("#summary").inner_text()):
        if time.perf_counter() - begin > JUDGING_SECONDS:
            raise TimeoutError(f"{page.url} still says {said!r}")
        page.wait_for_timeout(500)
    page.wait_for_timeout(2000)


def memory(server: psutil.Process) -> float:
    return sum(p.memory_info().rss for p in (server, *server.children(recursive=True))) / 1e6


def main() -> None:
    store, cache, empty_cache, long_runs = sys.argv[1:5]
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = chromium.new_page()
        page.set_default_timeout(PATIENCE_MS)
        with served(store, empty_cache) as (address, _server):
            first = overview(page, address)
        with served(store, cache) as (address, server):
            second = overview(page, address)
            again = statistics.median(overview(page, address) for _ in range(3))
            opened, zoomed = long_run(page, address)
            behind = compared(page, address, f"runs={LONG}&others=on", GAPS, N_BEHIND - 1)
            most = memory(server)
        with served(long_runs, cache) as (address, _server):
            judged(page, address)
        with served(long_runs, cache) as (address, server):
            overview(page, address)
            keys = ",".join(f"{LONG}-{i:02d}" for i in range(N_COMPARED))
            over = compared(page, address, f"runs={keys}", LINES, 4 * N_COMPARED)
            print(f"  {'in Chromium: Overview, first start':44s} {first:6.2f} s")
            print(f"  {'Overview, second start':44s} {second:6.2f} s")
            print(f"  {'Overview, asked again':44s} {again:6.2f} s")
            print(f"  {'long run opens':44s} {opened:6.2f} s   budget 1")
            print(f"  {'zoom drawn anew in full detail':44s} {zoomed:6.2f} s   budget 0.4")
            print(f"  {'one run before 500 others':44s} {behind:6.2f} s   budget 1")
            print(f"  {'memory of the server':44s} {most:6.0f} MB  budget 400")
            print(f"  {'20 long runs over one another':44s} {over:6.2f} s   budget 1.5")
            print(f"  {'memory of the server':44s} {memory(server):6.0f} MB  budget 400")
        chromium.close()


if __name__ == "__main__":
    main()
