"""The table that models are fitted to: features of every run at many of its prefixes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from benchmarks.accuracy.corpus import (
    LabelledRun,
    averaged,
    logged_every,
    loss_and_rate,
    sampled,
)
from benchmarks.accuracy.processes import processes
from lrwatch.detect.tracker import past_of
from lrwatch.diagnosis.model import features
from lrwatch.records import StepBlock

PREFIXES = (1.0, 24, 48, 96, 0.1, 0.25, 0.5, 0.75)  # the whole run first: others may be as long
LATER = (1.0, 0.25, 0.5, 0.75)
"""Prefixes of runs that are good as a whole: of their first rows that says little."""

LEAST_ROWS = 16

VIEWS: dict[str, Callable[[StepBlock], StepBlock]] = {
    "full": lambda run: run,
    "sampled": sampled,
    "fifth": lambda run: logged_every(run, 5),
    "loss": loss_and_rate,
    "loss_fifth": lambda run: logged_every(loss_and_rate(run), 5),
    "mean": averaged,
    "mean_late": lambda run: averaged(run, n_rows=50, begin=0.08),
}
"""What a log may hold of a run."""

OF_NORMS = ("full", "sampled", "fifth")
"""Views that are nothing new of a run without norms."""

OF_MEANS = ("mean", "mean_late")
MEANT = (1.0, 0.5, 0.25)
"""Views of means, and the prefixes that are enough of them."""


def build(runs: Iterable[LabelledRun], *, jobs: int = 1) -> pd.DataFrame:
    """One row for each labelled run, prefix and view: features, label, distance from best."""
    known = ("grid", "good", "long")
    sweeps = [
        (_truth(run), run.block, PREFIXES if run.about.kind == "grid" else LATER)
        for run in runs
        if run.about.kind in known
    ]
    with processes(jobs) as pool:
        parts = pool.map(_rows, *zip(*sweeps, strict=True), chunksize=16)
        return pd.DataFrame([row for part in parts for row in part])


def _rows(
    truth: dict[str, object], run: StepBlock, prefixes: Sequence[float]
) -> list[dict[str, object]]:
    rows = []
    has_norms = bool(np.isfinite(run.update_norm).any())
    for prefix, n in _lengths(run, prefixes).items():
        for view, seen in VIEWS.items():
            if (view in OF_NORMS and not has_norms) or (view in OF_MEANS and prefix not in MEANT):
                continue
            measured = _features(seen(run[:n]))
            if measured:
                rows.append(truth | {"prefix": prefix, "view": view} | measured)
    return rows


def _truth(run: LabelledRun) -> dict[str, object]:
    excess = math.log10(run.about.lr_peak / run.about.eta_star)
    return {
        "run_id": run.about.run_id,
        "source": run.about.source,
        "task": run.about.task,
        "label": run.about.label_class,
        "excess": min(max(excess, -2.5), 2.0),
    }


def _lengths(run: StepBlock, prefixes: Sequence[float]) -> dict[float, int]:
    """Rows of each prefix; shorter runs lack the first, no prefix goes past a loss of NaN."""
    bad = np.flatnonzero(~np.isfinite(run.loss) & ~run.skipped)
    end = int(bad[0]) if len(bad) else len(run)
    lengths: dict[float, int] = {}
    for prefix in prefixes:
        n = min(int(prefix if prefix > 1 else math.ceil(len(run) * prefix)), end)
        if n >= LEAST_ROWS and n not in lengths.values():
            lengths[prefix] = n
    return lengths


def _features(run: StepBlock) -> dict[str, float]:
    past = past_of(run)
    with np.errstate(all="ignore"):
        return features(past) if past.n_loss >= LEAST_ROWS else {}
