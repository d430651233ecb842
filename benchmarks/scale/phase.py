"""One start of the dashboard, asked over WSGI as a browser asks it; called by dashboard_scale.

    python -m scale.phase cold|warm STORE

Prints one line of JSON.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.data import RunStore, cache_folder
from lrwatch_dashboard.views import RunSource
from scale.store import LONG, SPIKE_AT

Answer = dict[str, Any]
_MB = 1e6


class Browser:
    """Asks an application what the pages ask."""

    def __init__(self, source: RunSource) -> None:
        self.client = create_app(source).server.test_client()
        callbacks = self.client.get("/_dash-dependencies").get_json()
        self._by_output = {callback["output"]: callback for callback in callbacks}

    def page(self, path: str) -> Answer:
        """Go to an address; return what comes."""
        self.client.get("/")
        return self._ask("page.children", {"url.pathname": path, "url.search": ""})

    def poll(self, token: str) -> Answer:
        values = {"overview-tick.n_intervals": 1, "overview-words.data": None}
        return self._ask("overview-token.data", values, token)

    def draw(self, zoom: tuple[float, float] | None, drawn: str = "") -> Answer:
        values = {
            "run-chart-tick.n_intervals": 1,
            "run-zoom.data": zoom,
            "theme.data": "light",
            "run-key.data": LONG,
            "run-curves-token.data": drawn,
        }
        return self._ask("run-graph.figure", values)

    def _ask(self, output: str, values: dict[str, Any], state: Any = None) -> Answer:
        name, callback = next((n, c) for n, c in self._by_output.items() if output in n)

        def filled(part: dict[str, Any]) -> dict[str, Any]:
            return {**part, "value": values.get(f"{part['id']}.{part['property']}", state)}

        body = {
            "output": name,
            "outputs": _outputs(name),
            "inputs": [filled(part) for part in callback["inputs"]],
            "state": [filled(part) for part in callback["state"]],
            "changedPropIds": [],
        }
        answer = self.client.post("/_dash-update-component", json=body)
        if answer.status_code == 204:
            return {}
        assert answer.status_code == 200, (answer.status_code, answer.data[:300])
        said: Answer = answer.get_json()
        return said


def _outputs(name: str) -> Any:
    """Return the outputs of a callback as the renderer names them."""
    if not name.startswith(".."):
        part = name.split("@")[0]
        id_, _, property_ = part.rpartition(".")
        return {"id": id_, "property": property_}
    outputs: list[Any] = []
    for whole in name.strip(".").split("..."):
        part = whole.split("@")[0]
        id_, _, property_ = part.rpartition(".")
        if id_.startswith("{"):
            wild = json.loads(id_)
            marks = ("cross", "up", "down", "ring", "disc")
            many = [{"id": {**wild, "mark": m}, "property": property_} for m in marks]
            outputs.append(many)
        else:
            outputs.append({"id": id_, "property": whole.rpartition(".")[2]})
    return outputs


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def memory() -> float:
    """Return the resident memory of this process and of those it started. Unit: MB."""
    own = psutil.Process()
    return sum(p.memory_info().rss for p in (own, *own.children(recursive=True))) / _MB


def poll_while_judging(browser: Browser, source: RunSource) -> tuple[float, float]:
    """Poll until every run is judged; return how long that took, and a poll in the median."""
    begin, laps = time.perf_counter(), []
    token = source.overview().token
    while source.overview().verdicts.get("judging"):
        laps.append(seconds(functools.partial(browser.poll, token)))
        time.sleep(0.2)
        token = source.overview().token
    return time.perf_counter() - begin, statistics.median(laps) * 1e3 if laps else 0.0


def has_spike(answer: Answer) -> bool:
    trace = answer["response"]["run-graph"]["figure"]["data"][0]
    y = trace["y"]
    values = np.frombuffer(base64.b64decode(y["bdata"]), y["dtype"])
    return bool(values.max() > 5 * np.median(values))


def long_run(browser: Browser) -> Answer:
    whole = browser.draw(None)["response"]["run-graph"]["figure"]
    last = whole["layout"]["xaxis"]["autorangeoptions"]["clipmax"]
    at, lost, laps = last * SPIKE_AT, 0, []
    lost += not has_spike(browser.draw(None))
    for share in (0.3, 0.1, 0.03, 0.01, 0.003):
        window = (at - share * last, at + share * last)
        begin = time.perf_counter()
        answer = browser.draw(window)
        laps.append(time.perf_counter() - begin)
        lost += not has_spike(answer)
    return {"zoom": max(laps), "spikes_lost": lost}


def javascript(browser: Browser) -> float:
    page = browser.client.get("/").get_data(as_text=True)
    scripts = [tag.split('"')[0] for tag in page.split('<script src="')[1:]]
    size = sum(len(browser.client.get(script).data) for script in scripts)
    return size / _MB


def main() -> None:
    phase, store = sys.argv[1], Path(sys.argv[2])
    source = RunStore(store, cache=cache_folder(os.environ))
    browser = Browser(source)
    report: Answer = {f"overview_{phase}": seconds(lambda: browser.page("/"))}
    if phase == "cold":
        report["judged"], report["busy_poll_ms"] = poll_while_judging(browser, source)
    else:
        n_judging = source.overview().verdicts.get("judging", 0)
        print(f"{n_judging} runs without a verdict on the first page", file=sys.stderr)
        report["overview_again"] = seconds(lambda: browser.page("/"))
        token = source.overview().token
        laps = [seconds(lambda: browser.poll(token)) for _ in range(100)]
        report["poll_ms"] = statistics.median(laps) * 1e3
        opened = seconds(lambda: (browser.page(f"/run/{LONG}"), browser.draw(None)))
        report["run_opens"] = opened
        report |= long_run(browser)
        report["javascript"] = javascript(browser)
    report[f"memory_{phase}"] = memory()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
