"""The table that models are fitted to: features of every run at many of its prefixes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd

from benchmarks.accuracy.corpus import LabelledRun, logged_every, loss_and_rate, sampled
from lrwatch.detect.tracker import past_of
from lrwatch.diagnosis.model import features
from lrwatch.records import StepBlock

PREFIXES = (24, 48, 96, 0.1, 0.25, 0.5, 0.75, 1.0)
LEAST_ROWS = 16

VIEWS: dict[str, Callable[[StepBlock], StepBlock]] = {
    "full": lambda run: run,
    "sampled": sampled,
    "fifth": lambda run: logged_every(run, 5),
    "loss": loss_and_rate,
    "loss_fifth": lambda run: logged_every(loss_and_rate(run), 5),
}
"""What a log may hold of a run."""


def build(runs: Iterable[LabelledRun], *, jobs: int = 1) -> pd.DataFrame:
    """One row for each grid run, prefix and view: features, label, distance from the best rate."""
    sweeps = [(_truth(run), run.block) for run in runs if run.about.kind == "grid"]
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        parts = pool.map(_rows, *zip(*sweeps, strict=True), chunksize=16)
        return pd.DataFrame([row for part in parts for row in part])


def _rows(truth: dict[str, object], run: StepBlock) -> list[dict[str, object]]:
    rows = []
    for prefix, n in _lengths(run).items():
        for view, seen in VIEWS.items():
            measured = _features(seen(run[:n]))
            if measured:
                rows.append(truth | {"prefix": prefix, "view": view} | measured)
    return rows


def _truth(run: LabelledRun) -> dict[str, object]:
    excess = math.log10(run.about.lr_peak / run.about.eta_star)
    return {
        "run_id": run.about.run_id,
        "task": run.about.task,
        "label": run.about.label_class,
        "excess": min(max(excess, -2.5), 2.0),
    }


def _lengths(run: StepBlock) -> dict[float, int]:
    """Rows of each prefix; shorter runs lack the first, no prefix goes past a loss of NaN."""
    bad = np.flatnonzero(~np.isfinite(run.loss) & ~run.skipped)
    end = int(bad[0]) if len(bad) else len(run)
    lengths: dict[float, int] = {}
    for prefix in PREFIXES:
        n = min(int(prefix if prefix > 1 else math.ceil(len(run) * prefix)), end)
        if n >= LEAST_ROWS and n not in lengths.values():
            lengths[prefix] = n
    return lengths


def _features(run: StepBlock) -> dict[str, float]:
    past = past_of(run)
    with np.errstate(all="ignore"):
        return features(past) if past.n_loss >= LEAST_ROWS else {}
