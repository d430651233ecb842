"""What it takes to open a store at an address, to see what is new in it, and to read of it.

``python -m benchmarks.reading_an_address [seaweed|moto] [RUNS...] [--write FILE]`` starts a server
that speaks S3 on this machine, fills it with copies of sample runs, and prints a table of seconds,
memory and requests: of a store that nobody has judged, and of one with a table of verdicts, as a
machine finds it that has seen nothing of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lrwatch.storage

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "benchmarks")]

STORE: Any = "s3://bucket/runs"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
Stage = Callable[[str, Any], Any]


class Counting:
    """A storage that counts requests; a listing of n objects is a request for each 1,000."""

    def __init__(self, storage: Any, requests: Counter[str]) -> None:
        self.address, self._storage, self._requests = storage.address, storage, requests

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Any]:
        self._requests["LIST"] += 1
        for n, item in enumerate(self._storage.list(prefix, after=after)):
            self._requests["LIST"] += n > 0 and n % 1000 == 0
            yield item

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        self._requests["GET"] += 1
        return self._storage.read(key, start=start, stop=stop)

    def write(self, key: str, content: bytes, *, expected: Any = None) -> Any:
        self._requests["PUT"] += 1
        return self._storage.write(key, content, expected=expected)

    def remove(self, keys: Iterable[str]) -> None:
        self._storage.remove(keys)


def counted() -> Counter[str]:
    """Count the requests to storages that are opened from now on."""
    requests: Counter[str] = Counter()
    plain = lrwatch.storage.open_storage
    lrwatch.storage.open_storage = lambda place: Counting(plain(place), requests)
    return requests


def looks(stage: Stage) -> None:
    """Look at a store that nobody has judged."""
    from lrwatch.store import Catalog, list_runs, read_table
    from lrwatch.store.mirroring.places import mirror_of

    plain = lrwatch.storage.open_storage(STORE)
    entries = stage("first look", lambda: list_runs(STORE))
    mirror = mirror_of(entries[0].path)
    assert mirror is not None
    stage("a look that finds nothing new", mirror.refresh)
    key = f"{entries[0].key}/run.json"
    plain.write(key, plain.read(key) + b"\n")
    catalog = Catalog(mirror.copy.folder)
    catalog.list_runs()
    stage("one `run.json` is new", lambda: (mirror.refresh(), catalog.list_runs()))
    stage("rows of 100 runs", lambda: [read_table(entry.path) for entry in entries[:100]])


def later(stage: Stage) -> None:
    """Look at a store that this machine knows."""
    from lrwatch.store import list_runs

    stage("first look of a later process", lambda: list_runs(STORE))


def judging(stage: Stage) -> None:
    """Make the table of verdicts; what is found on a sample stands for its copies."""
    from scale.copies import TEMPLATE

    from lrwatch.comparing import store_verdicts
    from lrwatch.judging import Workers
    from lrwatch.judging.kept import keep
    from lrwatch.store import run_at

    found = {path.name: keep(run_at(path)) for path in map(Path, os.environ["SAMPLES"].split(":"))}

    class Seeded(Workers):
        def judge(self, entries: Any) -> Any:
            return ((entry, found[entry.info.config[TEMPLATE]]) for entry in entries)

    stage(
        "the table is made (rows of copies not read)",
        lambda: store_verdicts(STORE, workers=Seeded(), anew=True, writes=True),
    )


def first(stage: Stage) -> None:
    """List the runs of a judged store on a machine that has not seen it."""
    from lrwatch.store import list_runs

    stage("first look at a judged store", lambda: list_runs(STORE))


def listed(stage: Stage) -> None:
    """Have what `lrwatch ls` shows of a judged store on a machine that has not seen it."""
    from lrwatch.comparing import store_verdicts

    assert stage("`lrwatch ls`, there", lambda: store_verdicts(STORE)).n_judged == 0


def page(stage: Stage) -> None:
    """Have the first page of a judged store on a machine that has not seen it."""
    from lrwatch_dashboard.data import RunStore

    rows = stage("the Overview's first page, there", lambda: RunStore(STORE).overview()).rows
    assert all(row.verdict != "judging" for row in rows)


PROCESSES = {each.__name__: each for each in (looks, later, judging, first, listed, page)}
"""What is done, each by a process of its own; those after `judging` find no copy."""


def measure(what: str) -> None:
    """Be such a process: print seconds, requests and memory of each stage."""
    requests = counted()

    def stage(name: str, act: Any) -> Any:
        requests.clear()
        began, cpu = time.perf_counter(), time.process_time()
        found = act()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        said = {"stage": name, "seconds": seconds, "cpu": cpu, "memory": _most_memory()}
        print(json.dumps({**said, **requests}), flush=True)
        return found

    PROCESSES[what](stage)
    sys.stdout.flush()
    os._exit(0)  # the dashboard's thread need not be waited for


def _most_memory() -> float:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM"))


@contextmanager
def server(kind: str) -> Iterator[str]:
    """Start a server; yields its endpoint."""
    from object_servers import moto_server, seaweed_server

    with (
        tempfile.TemporaryDirectory() as folder,
        moto_server() if kind == "moto" else seaweed_server(Path(folder)) as endpoint,
    ):
        yield endpoint


def fill(of: list[Path], first: int, n_runs: int) -> None:
    """Put runs there, from a number on: `run.json` and one part each."""
    from scale.copies import description

    from lrwatch.store import read_run_info

    store = lrwatch.storage.open_storage(STORE)
    described = {path: read_run_info(path) for path in of}

    def put(n: int) -> None:
        folder, key = of[n % len(of)], f"sweep-{n // 20:04d}/run-{n:05d}"
        own = description(folder, described[folder], n, f"run-{n:05d}")
        store.write(f"{key}/run.json", json.dumps(asdict(own)).encode())
        for part in (folder / "steps").iterdir():
            store.write(f"{key}/steps/{part.name}", part.read_bytes())

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, range(first, n_runs)))


def measured(what: str, cache: str) -> list[dict[str, Any]]:
    """Return what a process printed."""
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.reading_an_address", "--measure", what],
        env={**os.environ, "LRWATCH_CACHE_DIR": cache},
        check=True,
        capture_output=True,
        text=True,
    )
    return [json.loads(line) for line in found.stdout.splitlines()]


def lines(n_runs: int) -> Iterator[str]:
    """Measure a store that is filled; yield lines of the table."""
    store = lrwatch.storage.open_storage(STORE)
    store.remove([item.key for item in store.list(".lrwatch-verdicts/")])
    with tempfile.TemporaryDirectory() as seen:
        stages = [each for what in ("looks", "later", "judging") for each in measured(what, seen)]
    for what in ("first", "listed", "page"):
        with tempfile.TemporaryDirectory() as unseen:
            stages += measured(what, unseen)
    for line in stages:
        spent = f"{line['seconds']:.2f} | {line['cpu']:.2f} | {line['memory']:,.0f}"
        numbers = " | ".join(f"{line.get(kind, 0):,}" for kind in ("LIST", "GET", "PUT"))
        yield f"| {n_runs:,} | {line['stage']} | {spent} | {numbers} |"


def main() -> None:
    from object_servers import settings
    from scale.copies import templates

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["seaweed", "moto"], nargs="?", default="seaweed")
    parser.add_argument("runs", type=int, nargs="*")
    parser.add_argument("--write", type=Path, metavar="FILE", help="between the marks in FILE")
    given = parser.parse_args()
    made = [
        "| runs | stage | seconds | of the processor | memory, MB | LIST | GET | PUT |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    n_there = 0
    with tempfile.TemporaryDirectory() as folder, server(given.kind) as endpoint:
        of = templates(ROOT / "sample_runs", Path(folder))
        os.environ.update({**settings(endpoint), "SAMPLES": ":".join(map(str, of))})
        for n_runs in given.runs or [100, 1_000, 10_000]:
            fill(of, n_there, n_runs)
            n_there = n_runs
            for line in lines(n_runs):
                made.append(line)
                print(line, flush=True)
            if given.write is not None:
                before, rest = given.write.read_text("utf-8").split(BEGIN)
                text = "\n".join(made)
                given.write.write_text(
                    f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", "utf-8"
                )


if __name__ == "__main__":
    measure(sys.argv[2]) if sys.argv[1:2] == ["--measure"] else main()
