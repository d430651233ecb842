"""TensorBoard on the same numbers: how soon it has them, and what it keeps of them.

    python -m scale.tensorboard STORE FOLDER

The event files are written into FOLDER first; that is not timed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import psutil
from scale.store import LONG
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from lrwatch.store import RunReader, list_runs

PORT = 18660
TAGS = ("loss", "lr", "grad_norm")
PATIENCE_SECONDS = 600


def convert(store: Path, folder: Path) -> int:
    """Write the runs as event files; return how many."""
    entries = list_runs(store)
    for entry in entries:
        block = RunReader(entry.path).read_new()
        writer = EventFileWriter(str(folder / entry.key), max_queue_size=10_000)
        # All three numbers of the short runs; of the long one the loss will do.
        tags = TAGS[:1] if entry.key == LONG else TAGS
        columns = [(tag, getattr(block, tag).tolist()) for tag in tags]
        times, steps = (block.time / 1e6).tolist(), block.step.tolist()
        for i, (wall, step) in enumerate(zip(times, steps, strict=True)):
            values = [Summary.Value(tag=tag, simple_value=column[i]) for tag, column in columns]
            writer.add_event(Event(wall_time=wall, step=step, summary=Summary(value=values)))
        writer.close()
    return len(entries)


def asked(path: str) -> Any:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=60) as answer:
            return json.load(answer)
    except OSError:
        return None


def main() -> None:
    store, folder = Path(sys.argv[1]), Path(sys.argv[2])
    n_runs = convert(store, folder)
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    command += ["--port", str(PORT), "--host", "127.0.0.1", "--reload_interval", "1"]
    begin = time.perf_counter()
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as server:
        try:
            scalars = f"/data/plugin/scalars/scalars?run={urllib.parse.quote(LONG)}&tag=loss"
            last, points = -1, []
            while time.perf_counter() - begin < PATIENCE_SECONDS:
                tags = asked("/data/plugin/scalars/tags") or {}
                points = (asked(scalars) or []) if LONG in tags else []
                if len(tags) >= n_runs and points and points[-1][1] == last:
                    break
                last = points[-1][1] if points else -1
                time.sleep(0.2)
            loaded = time.perf_counter() - begin
            process = psutil.Process(server.pid)
            family = (process, *process.children(recursive=True))
            memory = sum(p.memory_info().rss for p in family) / 1e6
            begin = time.perf_counter()
            points = asked(scalars)
            took = time.perf_counter() - begin
            losses = sorted(point[2] for point in points)
            kept = losses[-1] > 5 * losses[len(losses) // 2]
            print(f"  {'TensorBoard: all runs loaded':44s} {loaded:6.2f} s")
            print(f"  {'points of the long run':44s} {took:6.2f} s ({len(points)} of them)")
            print(f"  {'the spike is among them':44s} {'yes' if kept else 'no'}")
            print(f"  {'memory':44s} {memory:6.0f} MB")
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
