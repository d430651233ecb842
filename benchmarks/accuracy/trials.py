"""Share of bad learning rates from which three trials come to a good one, alone or beside.

::

    python -m benchmarks.accuracy.trials CORPUS...   each judged by models fitted to the others

The next trial is the rate nearest to the suggested one that was trained.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.accuracy import corpus, fit, report, table
from benchmarks.accuracy.siblings import judged
from lrwatch.comparing import Trial
from lrwatch.comparing.suggestion import Job, suggested

TRIALS = 3
NEARLY_BEST = 0.85

Policy = Callable[[Job], float | None]


def alone(job: Job) -> float | None:
    """What the last run says by itself."""
    return job.own[job.trials[-1].key].suggested_lr


def beside(job: Job) -> float | None:
    """What all that were tried say together."""
    return suggested(job).next_lr


def reached(rows: pd.DataFrame, policy: Policy) -> float:
    """Share of the bad runs of all sweeps; `rows` has one row a run, with its label and `p`."""
    found: list[bool] = []
    for _, sweep in rows.groupby(["setup", "seed"]):
        if (sweep.label_class == "ok").any():
            bad = np.flatnonzero(sweep.label_class.isin(("too_high", "too_low")))
            found += [_reaches(sweep, int(place), policy) for place in bad]
    return float(np.mean(found)) if found else math.nan


def _reaches(sweep: pd.DataFrame, first: int, policy: Policy) -> bool:
    runs: list[Any] = list(sweep.itertuples())
    own = {run.run_id: run.own for run in runs}
    rates, tried = np.log(sweep.lr.to_numpy()), [first]
    for _ in range(TRIALS):
        trials = [Trial(runs[k].run_id, runs[k].lr, runs[k].summary) for k in tried]
        lr = policy(Job(trials, own, {}, {}))
        if lr is None or not lr > 0:
            return False
        run = runs[(place := int(np.argmin(np.abs(rates - math.log(lr)))))]
        if run.label_class == "ok" or (run.label_class == "borderline" and run.p >= NEARLY_BEST):
            return True
        if place in tried:
            return False
        tried.append(place)
    return False


def main(folders: Sequence[Path]) -> None:
    models = report.left_out(folders, table.build(corpus.read(folders)))
    for folder in folders:
        known = corpus.described(folder)
        if not (known.kind == "grid").any():
            continue
        rows = judged(folder, fit.models_of(models[folder.name]))
        whole = rows[rows.share == 1].merge(known[["run_id", "seed", "p"]], on="run_id")
        for view, part in whole.groupby("view"):
            shares = [
                f"{policy.__name__} {reached(part, policy):.3f}" for policy in (alone, beside)
            ]
            print(folder.name, view, *shares, flush=True)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
