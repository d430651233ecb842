"""One look at a store of many runs, in a process of its own; called by scale_runs.

    python -m scale.many_runs list|cold|seeded|again|page|table STORE TEMPLATES

Prints one line of JSON: seconds of this machine and of its processors, memory, files opened and
folders listed in this process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scale.copies import TEMPLATE

from lrwatch.comparing import store_verdicts
from lrwatch.judging import VerdictTable, Workers
from lrwatch.judging.kept import keep
from lrwatch.judging.workers import Found
from lrwatch.store import RunEntry, list_runs, run_at

STORE, TEMPLATES = Path(sys.argv[2]), Path(sys.argv[3])


class Seeded(Workers):
    """Judges each template once, and takes what it finds for every copy: the rows are the same."""

    def judge(self, entries: Sequence[RunEntry]) -> Iterator[Found]:
        found = {path.name: keep(run_at(path)) for path in TEMPLATES.iterdir()}
        for entry in entries:
            assert entry.info is not None
            yield entry, found[entry.info.config[TEMPLATE]]


def listed() -> int:
    return len(list_runs(STORE))


def cold() -> int:
    return store_verdicts(STORE, workers=Workers(None), anew=True).n_judged


def seeded() -> int:
    return store_verdicts(STORE, workers=Seeded(), anew=True).n_judged


def again() -> int:
    return store_verdicts(STORE, workers=Workers(None)).n_judged


def page() -> int:
    from lrwatch_dashboard.data import RunStore

    rows = RunStore(STORE, cache=None).overview().rows
    return sum(row.verdict != "judging" for row in rows)


def table() -> int:
    return sum(1 for _ in VerdictTable(STORE).rows(["key", "verdict", "reason"]))


LOOKS: dict[str, Callable[[], int]] = {
    "list": listed,
    "cold": cold,
    "seeded": seeded,
    "again": again,
    "page": page,
    "table": table,
}


def measured(look: Callable[[], int]) -> dict[str, Any]:
    seen: Counter[str] = Counter()

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("open", "os.scandir", "os.listdir"):
            seen[event] += str(arguments[0]).startswith(str(STORE))

    sys.addaudithook(note)
    began, used = time.perf_counter(), _processor_seconds()
    n = look()
    took = time.perf_counter() - began
    memory = _most_memory()
    return {
        "n": n,
        "seconds": took,
        "processor": _processor_seconds() - used,
        "memory": memory,
        "opened": seen["open"],
        "listed": seen["os.scandir"] + seen["os.listdir"],
    }


def _most_memory() -> float:
    """Return the most memory that this process had. Unit: MB."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM"))


def _processor_seconds() -> float:
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


if __name__ == "__main__":
    if sys.argv[1] == "page":
        import lrwatch_dashboard.data  # noqa: F401  a server that runs has loaded it
    print(json.dumps(measured(LOOKS[sys.argv[1]])), flush=True)
    os._exit(0)  # the dashboard's threads need not be waited for
