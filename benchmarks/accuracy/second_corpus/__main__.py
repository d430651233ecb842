"""Trains the second corpus: ``python -m benchmarks.accuracy.second_corpus GENERATOR OUT``.

GENERATOR is the folder that holds the package `generator` of the first corpus, whose engine and
labels are used as they are. About ten minutes on one core; what is there already is kept.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(generator: str, out: str) -> None:
    sys.path.insert(0, generator)
    from generator import engine, runner, setups, write

    from benchmarks.accuracy.second_corpus.optimizers import Lamb, Lion
    from benchmarks.accuracy.second_corpus.setups import SETUPS
    from benchmarks.accuracy.second_corpus.tasks import TASKS

    engine.OPTS.update(lion=(Lion, {}), lamb=(Lamb, {}))
    runner.TASKS.update(TASKS)
    setups.SPLITS["second"] = SETUPS
    (Path(out) / "_work").mkdir(parents=True, exist_ok=True)
    for setup in SETUPS:
        name, seconds, _ = runner.run_setup(setup, "second", out)
        print(f"{name} {seconds:.0f} s", flush=True)
    write.write("second", out, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
