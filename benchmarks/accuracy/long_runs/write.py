"""Long runs in the two files of a corpus, as `benchmarks.accuracy.corpus` reads it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.accuracy import corpus
from benchmarks.accuracy.long_runs.run import LongRun

__all__ = ["write"]


def write(runs: Iterable[LongRun], out: Path) -> None:
    """Write runs as they come into ``runs.parquet`` and ``steps.parquet`` in `out`."""
    corpus.write(((_about(run), run.columns) for run in runs), out)


def _about(run: LongRun) -> dict[str, Any]:
    return {
        "run_id": run.name,
        "setup": f"{run.task}-{run.optimizer}",
        "kind": "long",
        "task": f"long {run.task}",
        "optimizer": run.optimizer,
        "batch_size": run.batch_size,
        "T": len(run),
        "seed": run.seed,
        "lr_peak": run.lr,
        "eta_star": run.lr,
        "p": 1.0,
        "p_best": 1.0,
        "progress_scale": "linear",
        "label": "ok",
        "label_class": "ok",
        "onset_step": -1,
        "eval_final": math.nan,
        "n_steps": len(run),
        "ended_early": False,
        "first_nonfinite_step": -1,
        "scenario": "",
        "event_step": -1,
    }
