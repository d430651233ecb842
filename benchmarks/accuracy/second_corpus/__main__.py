"""Trains the second corpus: ``python -m benchmarks.accuracy.second_corpus OUT [--jobs N]``.

About a quarter of an hour on one core. Sweeps that OUT holds already are kept, so that a run that
was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from benchmarks.accuracy.processes import processes
from benchmarks.accuracy.second_corpus.setups import GAMES, SWEEPS
from benchmarks.accuracy.second_corpus.sweep import played, prepare_process, swept
from benchmarks.accuracy.second_corpus.write import write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for runs.parquet and steps.parquet")
    parser.add_argument("--jobs", type=int, default=1, help="processes that train")
    given = parser.parse_args()
    parts = given.out / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    with processes(given.jobs, prepare_process) as pool:
        for train, setups in ((swept, SWEEPS), (played, GAMES)):
            for line in pool.map(partial(train, folder=parts), setups):
                print(line, flush=True)
    write(parts, given.out)


if __name__ == "__main__":
    main()
