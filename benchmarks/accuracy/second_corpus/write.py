"""From what was trained to the two files of a corpus, as `benchmarks.accuracy.corpus` reads it."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

from benchmarks.accuracy import corpus
from benchmarks.accuracy.second_corpus.label import CLASS
from benchmarks.accuracy.second_corpus.setups import GAMES, SWEEPS
from benchmarks.accuracy.second_corpus.train import Trained


def write(parts: Path, out: Path) -> None:
    """Write all runs that `parts` holds into two files in `out`."""
    runs: list[Trained] = []
    for setup in (*SWEEPS, *GAMES):
        runs += pickle.loads((parts / f"{setup.name}.pkl").read_bytes())
    write_runs(runs, out)


def write_runs(runs: list[Trained], out: Path) -> None:
    """Write labelled runs into two files in `out`."""
    corpus.write(((_about(run), run.steps) for run in runs), out)


def _about(run: Trained) -> dict[str, Any]:
    setup, labels = run.setup, run.labels
    label = labels.get("label", "")
    return {
        "run_id": f"{setup.name}-{run.lr:.2g}-{run.seed}",
        "setup": setup.name,
        "kind": "grid" if labels else "scenario",
        "task": setup.task,
        "model": run.model,
        "optimizer": setup.optimizer,
        "optimizer_args": json.dumps(setup.optimizer_options),
        "schedule": setup.schedule,
        "schedule_args": json.dumps(setup.schedule_options),
        "batch_size": setup.batch_size,
        "T": setup.n_steps,
        "clip": math.nan if setup.clip is None else setup.clip,
        "seed": run.seed,
        "lr_peak": run.lr,
        "progress_scale": run.scale,
        "eta_star": labels.get("eta_star", math.nan),
        "p": labels.get("p", math.nan),
        "p_best": labels.get("p_best", math.nan),
        "label": label,
        "label_class": CLASS.get(label, ""),
        "onset_step": labels.get("onset_step", -1),
        "eval_curve": run.curve,
        "n_steps": run.n_steps,
        "ended_early": run.ended_early,
        "first_nonfinite_step": run.first_nonfinite,
        "scenario": "" if labels else "no_objective",
        "event_step": -1,
    }
