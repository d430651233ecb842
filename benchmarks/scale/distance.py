"""The first row of the Overview at a distance: 10 Mbit/s and 60 ms, in Chromium.

    python -m scale.distance STORE CACHE

Prints the seconds to the first row with an empty cache and with a full one, the requests and bytes
before it, and how long the longest chain of requests is that wait for each other.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import sync_playwright
from scale.browser import FLAGS, judged, served

LINE = {"offline": False, "latency": 60, "downloadThroughput": 1.25e6, "uploadThroughput": 1.25e6}
N_TIMES = 5


@dataclass
class Visit:
    """One visit of a page: when its first row was there, and what came before."""

    first_row: float = 0.0
    grid: float = 0.0
    n_before: float = 0.0
    requests: list[tuple[float, float, float, str]] = field(default_factory=list)

    @property
    def n_bytes(self) -> float:
        return sum(size for *_, size, _ in self.requests)


def visit(context: Any, address: str, *, is_slow: bool) -> Visit:
    """Go to the Overview; return when its first row came, and every request before it."""
    page = context.new_page()
    client = context.new_cdp_session(page)
    client.send("Network.enable")
    if is_slow:
        client.send("Network.emulateNetworkConditions", LINE)
    found, begun, seen = Visit(), {}, {}
    client.on("Network.requestWillBeSent", lambda e: begun.update({e["requestId"]: e}))

    def ended(event: dict[str, Any]) -> None:
        seen[event["requestId"]] = event

    client.on("Network.loadingFinished", ended)
    begin = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator(".early-link, .run-link").first.wait_for()
    found.first_row = time.perf_counter() - begin
    found.n_before = sum(event["encodedDataLength"] for event in seen.values())
    page.locator(".run-link").first.wait_for()
    found.grid = time.perf_counter() - begin
    zero = min(e["timestamp"] for e in begun.values())
    for key, end in seen.items():
        if key in begun:
            start = begun[key]
            url = start["request"]["url"].removeprefix(address)
            times = (start["timestamp"] - zero, end["timestamp"] - zero)
            found.requests.append((*times, end["encodedDataLength"], url))
    page.close()
    return found


def main() -> None:
    store, cache = sys.argv[1:3]
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)))
    with sync_playwright() as playwright, served(store, cache) as (address, _server):
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = chromium.new_page()
        judged(page, address)
        page.close()
        for is_slow in (True, False):
            fresh = []
            for _ in range(N_TIMES):
                context = chromium.new_context(viewport={"width": 1400, "height": 900})
                fresh.append(visit(context, address, is_slow=is_slow))
                again = visit(context, address, is_slow=is_slow)
                context.close()
            line = "10 Mbit/s, 60 ms" if is_slow else "no limit"
            middle = statistics.median(v.first_row for v in fresh)
            last = fresh[-1]
            print(
                f"  {line}: first row {middle:.2f} s (best {min(v.first_row for v in fresh):.2f}), "
                f"after {last.n_before / 1e3:.0f} kB; the grid after "
                f"{statistics.median(v.grid for v in fresh):.2f} s, {len(last.requests)} requests "
                f"and {last.n_bytes / 1e3:.0f} kB; with a full cache {again.first_row:.2f} s and "
                f"{again.grid:.2f} s, {again.n_bytes / 1e3:.0f} kB"
            )
            if "-v" in sys.argv and is_slow:
                for start, end, size, url in sorted(last.requests):
                    print(f"    {start:6.3f} {end:6.3f} {size / 1e3:8.1f} kB  {url[:90]}")
                print("again")
                for start, end, size, url in sorted(again.requests):
                    print(f"    {start:6.3f} {end:6.3f} {size / 1e3:8.1f} kB  {url[:90]}")
        chromium.close()


if __name__ == "__main__":
    main()
