"""What it takes to open a store at an address, to see what is new in it, and to read it all.

``python -m benchmarks.reading_an_address [seaweed|moto] [RUNS...]`` starts a server that speaks S3
on this machine, fills it with copies of sample runs, and prints a table of seconds and requests:
for the first look, for a look at an unchanged store, for a look after one run has changed, and for
reading the rows of the first 100 runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

STORE = "s3://bucket/runs"
SAMPLES = sorted((ROOT / "sample_runs").glob("*/run.json"))


class Counting:
    """A storage that counts requests; a listing of n objects is a request for each 1,000."""

    def __init__(self, storage: Any, requests: Counter[str]) -> None:
        self.address, self._storage, self._requests = storage.address, storage, requests

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Any]:
        n = 0
        for item in self._storage.list(prefix, after=after):
            n += 1
            yield item
        self._requests["LIST"] += max(1, -(-n // 1000))

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        self._requests["GET"] += 1
        return self._storage.read(key, start=start, stop=stop)

    def write(self, key: str, content: bytes, *, expected: Any = None) -> Any:
        self._requests["PUT"] += 1
        return self._storage.write(key, content, expected=expected)

    def remove(self, keys: Iterable[str]) -> None:
        self._storage.remove(keys)


def measure() -> None:
    """Be a process that has never seen the store: print seconds and requests of each stage."""
    import lrwatch.storage
    from lrwatch.store import Catalog, list_runs, read_table
    from lrwatch.store.mirroring.places import mirror_of

    requests: Counter[str] = Counter()
    plain = lrwatch.storage.open_storage
    lrwatch.storage.open_storage = lambda place: Counting(plain(place), requests)

    def stage(name: str, act: Any) -> Any:
        requests.clear()
        began, cpu = time.perf_counter(), time.process_time()
        found = act()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        print(json.dumps({"stage": name, "seconds": seconds, "cpu": cpu, **requests}), flush=True)
        return found

    entries = stage("first look", lambda: list_runs(STORE))
    mirror = mirror_of(entries[0].path)
    assert mirror is not None
    stage("nothing new", mirror.refresh)
    store = plain(STORE)
    key = f"{entries[0].key}/run.json"
    store.write(key, store.read(key) + b"\n")
    catalog = Catalog(mirror.copy.folder)
    catalog.list_runs()
    stage("one run.json is new", lambda: (mirror.refresh(), catalog.list_runs()))
    stage("rows of 100 runs", lambda: [read_table(entry.path) for entry in entries[:100]])


@contextmanager
def server(kind: str) -> Iterator[str]:
    """Start a server; yields its endpoint."""
    from object_servers import moto_server, seaweed_server

    with (
        tempfile.TemporaryDirectory() as folder,
        moto_server() if kind == "moto" else seaweed_server(Path(folder)) as endpoint,
    ):
        yield endpoint


def fill(first: int, n_runs: int) -> None:
    """Put runs there, from a number on."""
    from lrwatch.storage import open_storage

    store = open_storage(STORE)

    def put(n: int) -> None:
        folder = SAMPLES[n % len(SAMPLES)].parent
        for path in folder.rglob("*"):
            if path.is_file():
                name = f"sweep-{n // 100:03d}/run-{n:05d}/{path.relative_to(folder).as_posix()}"
                store.write(name, path.read_bytes())

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, range(first, n_runs)))


def main(kind: str = "seaweed", *sizes: str) -> None:
    from object_servers import settings

    print(f"{kind}; {os.cpu_count()} cores")
    print(
        "| runs | stage | seconds | of the processor | LIST | GET |\n|---:|---|---:|---:|---:|---:|"
    )
    with server(kind) as endpoint:
        os.environ.update(settings(endpoint))
        n_there = 0
        for n_runs in map(int, sizes or ("100", "1000", "10000")):
            fill(n_there, n_runs)
            n_there = n_runs
            with tempfile.TemporaryDirectory() as cache:
                stages = _measured(cache)
                again = {**_measured(cache)[0], "stage": "first look of a later process"}
            for line in (stages[0], again, *stages[1:]):
                spent = f"{line['seconds']:.2f} | {line['cpu']:.2f}"
                numbers = f"{line.get('LIST', 0):,} | {line.get('GET', 0):,}"
                print(f"| {n_runs:,} | {line['stage']} | {spent} | {numbers} |", flush=True)


def _measured(cache: str) -> list[dict[str, Any]]:
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.reading_an_address", "--measure"],
        env={**os.environ, "LRWATCH_CACHE_DIR": cache},
        check=True,
        capture_output=True,
        text=True,
    )
    return [json.loads(line) for line in found.stdout.splitlines()]


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["--measure"] else main(*sys.argv[1:])
