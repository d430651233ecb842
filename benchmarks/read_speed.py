"""Reading a long run: all columns into pandas, finished and while it is open.

python benchmarks/read_speed.py [--rows N]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from record_row import rows

import lrwatch
from lrwatch.records import FLOAT_COLUMNS, RunInfo
from lrwatch.store import RunReader
from lrwatch.store.creation import create_run
from lrwatch.store.writer import Row


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        writer = create_run(Path(folder), RunInfo(id="a", name="long"), FLOAT_COLUMNS)
        for i, row in enumerate(rows(options.rows)):
            writer.append(Row(0, i, 1_000 * i, row))
        run = writer.folder
        lrwatch.read(run)  # imports
        took = seconds(lambda: lrwatch.read(run))
        print(f"read, open run of {options.rows:,} steps     {took:.3f} s")
        reader = RunReader(run)
        reader.read_new()
        print(f"poll with nothing new                  {seconds(reader.read_new) * 1e3:.2f} ms")
        writer.close("finished")
        print(f"read, finished                         {seconds(lambda: lrwatch.read(run)):.3f} s")
        frame = lrwatch.read(run)
        took = seconds(lambda: lrwatch.diagnose(frame), 3)
        print(f"diagnose, whole run                    {len(frame) / took:,.0f} steps/s")


if __name__ == "__main__":
    main()
