"""Many live runs, one watcher: its share of a core, its memory, and how soon people know.

One process writes every run with lrwatch's own writer, a row a run each half second; ``lrwatch
alert`` follows them as it would anywhere. Now and then a run's loss stops being finite, and
the time from that row to the message at a local receiver is the delay.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil

N_RUNS = 200
N_BAD = 20
EVERY_SECONDS = 0.5
HISTORY_ROWS = 2_000
SETTLE_SECONDS = 15.0
SECONDS = 60.0

CONFIG = """[timing]
group_interval = 0
[grouping]
by = "run"
"""

Figures = dict[str, str]


class Ears(BaseHTTPRequestHandler):
    """Notes when each run was first spoken of."""

    heard: dict[str, float] = {}  # noqa: RUF012  one receiver in a process

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for alert in json.loads(body)["data"]["alerts"]:
            self.heard.setdefault(alert["run"], time.time())
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


def soak() -> Figures:
    """Return what was measured, in words."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "runs"
        config = Path(folder) / "lrwatch.toml"
        config.write_text(CONFIG)
        with _receiver() as url, _writer(store) as writer:
            _wait_for_runs(store)
            command = [sys.executable, "-m", "lrwatch", "alert", str(store)]
            with subprocess.Popen([*command, "--to", url, "--config", str(config)]) as watcher:
                figures = _measured(watcher)
                watcher.send_signal(signal.SIGTERM)
                watcher.wait(30)
            bad_since = _bad_since(writer)
    return figures | _delays(bad_since)


def write_runs(store: Path) -> None:
    """Write all runs until standard input ends; then say when each bad one went wrong."""
    from lrwatch.records import FLOAT_COLUMNS, NULL, RunInfo
    from lrwatch.store.creation import create_run
    from lrwatch.store.writer import Row

    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    chance = random.Random(0)
    names = [f"run-{i:03}" for i in range(N_RUNS)]
    bad_at = {
        name: SETTLE_SECONDS + chance.random() * (SECONDS - 10)
        for name in chance.sample(names, N_BAD)
    }
    writers = {n: create_run(store, RunInfo(id=n, name=n), FLOAT_COLUMNS) for n in names}
    bad_since: dict[str, float] = {}
    nothing = [NULL] * 4
    for step in range(HISTORY_ROWS):
        at = time.time_ns() // 1000 - (HISTORY_ROWS - step) * 500_000
        for writer in writers.values():
            writer.append(Row(0, step, at, [2 / (1 + step) + chance.random() / 100, 0.1, *nothing]))
    print("ready", flush=True)
    began = time.monotonic()
    step = HISTORY_ROWS
    while not done.wait(EVERY_SECONDS):
        for name, writer in writers.items():
            loss = 2 / (1 + step) + chance.random() / 100
            if time.monotonic() - began > bad_at.get(name, float("inf")):
                bad_since.setdefault(name, time.time())
                loss = float("nan")
            writer.append(Row(0, step, time.time_ns() // 1000, [loss, 0.1, *nothing]))
        step += 1
    print(json.dumps(bad_since), flush=True)
    os._exit(0)  # the runs are thrown away: nothing of them need be put in order


def _measured(watcher: subprocess.Popen[bytes]) -> Figures:
    process = psutil.Process(watcher.pid)
    begin = time.monotonic()
    time.sleep(SETTLE_SECONDS)
    before, at = process.cpu_times(), time.monotonic()
    memory = []
    while time.monotonic() - begin < SETTLE_SECONDS + SECONDS:
        time.sleep(1)
        memory.append(process.memory_info().rss)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return {
        "live runs, rows a second": f"{N_RUNS}, {N_RUNS / EVERY_SECONDS:.0f}",
        "share of one core": f"{100 * used / (time.monotonic() - at):.0f} %",
        "memory": f"{max(memory) / 1e6:.0f} MB",
    }


def _delays(bad_since: dict[str, float]) -> Figures:
    delays = sorted(Ears.heard[name] - at for name, at in bad_since.items() if name in Ears.heard)
    return {
        "runs that went wrong, and were alerted": f"{len(bad_since)}, {len(delays)}",
        "good runs that were alerted": str(len(set(Ears.heard) - set(bad_since))),
        "from row to message, median": f"{statistics.median(delays):.1f} s",
        "from row to message, longest": f"{delays[-1]:.1f} s",
    }


@contextlib.contextmanager
def _receiver() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ears)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@contextlib.contextmanager
def _writer(store: Path) -> Iterator[subprocess.Popen[str]]:
    code = f"from benchmarks.alerts.soak import *; write_runs(Path({str(store)!r}))"
    streams: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **streams) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            yield writer
        finally:
            writer.kill()


def _wait_for_runs(store: Path) -> None:
    while len(list(store.iterdir())) < N_RUNS:
        time.sleep(0.1)


def _bad_since(writer: subprocess.Popen[str]) -> dict[str, float]:
    said, _ = writer.communicate("")
    found: dict[str, float] = json.loads(said)
    return found
