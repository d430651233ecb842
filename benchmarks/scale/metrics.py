"""A long run with many metrics of its own, opened and zoomed; called by dashboard_scale.

    python -m scale.metrics judge|open STORE

The first is a start that judges it, the second one that knows its verdict. Prints a line of JSON.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from lrwatch_dashboard.data import RunStore, cache_folder
from lrwatch_dashboard.pages import run as run_page
from scale.store import METRICS, N_METRICS

ALL = ",".join(f"metric_{i:02d}" for i in range(N_METRICS))
_MB = 1e6


def peak() -> float:
    """Return the most memory that this process had at one time. Unit: MB."""
    status = Path("/proc/self/status").read_text("utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024 / _MB


def forget_peak() -> None:
    """Have `peak` count from now on."""
    Path("/proc/self/clear_refs").write_text("5", "utf-8")


def drawn(source: RunStore, words: dict[str, str]) -> float:
    """Draw the run as an address shows it; return the seconds that it took."""
    begin = time.perf_counter()
    assert run_page.draw(source, METRICS, words, "light", "") is not None
    return time.perf_counter() - begin


def is_waiting(answer: dict[str, Any] | None) -> bool:
    """Return whether lines were still read when a page was drawn: its token names them."""
    assert answer is not None
    return "()" not in answer["token"]


def complete(source: RunStore, words: dict[str, str]) -> float:
    """Draw until no line is waited for, as a page does; return the seconds that it took."""
    begin = time.perf_counter()
    while is_waiting(run_page.draw(source, METRICS, words, "light", "")):
        time.sleep(0.2)
    return time.perf_counter() - begin


def opened(source: RunStore) -> dict[str, Any]:
    """Return what it takes to open the page as it comes, and with every metric."""
    forget_peak()
    report = {"metrics_first": drawn(source, {}), "metrics_first_peak": peak()}
    report |= {"metrics_all": complete(source, {"m": ALL})}
    zooms = ({"m": ALL, "from": f"{a}", "to": f"{a + 20_000}"} for a in (300_000, 700_000))
    report |= {"metrics_zoom": max(complete(source, zoom) for zoom in zooms)}
    return {**report, "metrics_peak": peak()}


def main() -> None:
    phase, store = sys.argv[1], Path(sys.argv[2])
    source = RunStore(store, cache=cache_folder(os.environ))
    source.run(METRICS)
    while source.overview().verdicts.get("judging"):
        time.sleep(0.1)
    time.sleep(1.0)
    print(json.dumps(opened(source) if phase == "open" else {"metrics_judged_peak": peak()}))


if __name__ == "__main__":
    main()
