"""Linters of training logs on the same runs: losslint, sk-autod and trainscope, where installed.

    pip install --no-deps losslint sk-autod trainscope

Each is asked with its defaults. losslint and sk-autod read a whole log, and are asked again at
every twentieth of it. sk-autod wants epochs and a validation loss: it is given the means of
`EPOCHS` stretches, and the training loss for both. It refuses a loss that is not finite, and says
nothing then. trainscope looks for changes of the loss as it comes: a rise is taken for an alarm,
and the last word is what it found in the last fifth of the run.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Said = tuple[str, int | None]
"""A verdict, and the row of the first alarm."""

ASKED = 20
EPOCHS = 30
LAST = 0.2
ALARMS = ("exploding", "diverging", "oscillating", "too_low", "stalled")

# Stagnation is of severity "info": advice to stop as well, and no alarm.
LOSSLINT = {"nan_inf": "exploding", "divergence": "diverging", "loss_spike": "spike",
            "stagnation": "converged"}  # fmt: skip
SK_AUTOD = {"Exploding gradient": "exploding", "LR too high": "oscillating",
            "LR too low": "too_low"}  # fmt: skip


def losslint(loss: np.ndarray) -> str:
    checks, parsing = (
        importlib.import_module(f"losslint.{name}") for name in ("checks", "parsing")
    )
    log = parsing.RunLog(list(range(len(loss))), {"loss": loss.tolist()}, Path("log"))
    return _first(LOSSLINT, [found.check for found in checks.run_all_checks(log)])


def sk_autod(loss: np.ndarray) -> str:
    parts = np.array_split(loss, min(EPOCHS, len(loss)))
    curve = [float(part.mean()) for part in parts]
    if len(curve) < 5 or not all(math.isfinite(value) for value in curve):
        return "insufficient_data"
    report = importlib.import_module("sk_autod").diagnose(curve, curve)
    return _first(SK_AUTOD, [found.detector_name for found in report.findings])


def trainscope(loss: np.ndarray) -> Said:
    detector = importlib.import_module("trainscope.core.detectors").make_detector(
        {"name": "changepoint"}
    )
    scores = [detector.update(float(value)) for value in loss]
    rises = [row for row, score in enumerate(scores) if score is not None and score > 0]
    is_late = bool(rises) and rises[-1] >= (1 - LAST) * len(loss)
    return "diverging" if is_late else "ok", rises[0] if rises else None


def figures(folder: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """What each linter that is installed says of each run of a corpus."""
    asked: dict[str, Callable[[np.ndarray], Said]] = {
        "losslint": lambda loss: _again(losslint, loss),
        "sk_autod": lambda loss: _again(sk_autod, loss),
        "trainscope": trainscope,
    }
    losses = pd.read_parquet(folder / "steps.parquet", columns=["run_id", "step", "loss"])
    for package, ask in asked.items():
        if importlib.util.find_spec(package) is None:
            continue
        rows: list[dict[str, Any]] = []
        for run_id, run in losses.groupby("run_id", sort=False, observed=True):
            verdict, row = ask(run.loss.to_numpy(dtype=float))
            first = None if row is None else int(run.step.iloc[row])
            rows.append({"run_id": run_id, "verdict": verdict, "first_alarm_step": first})
        yield package, pd.DataFrame(rows)


def _again(ask: Callable[[np.ndarray], str], loss: np.ndarray) -> Said:
    """Ask at each twentieth; the first alarm is at the end of the first part that has one."""
    verdict, first = "insufficient_data", None
    for n in sorted({max(10, round(len(loss) * i / ASKED)) for i in range(1, ASKED + 1)}):
        if first is not None and n < len(loss):
            continue
        verdict = ask(loss[:n])
        if first is None and verdict in ALARMS:
            first = min(n, len(loss)) - 1
    return verdict, first


def _first(words: dict[str, str], found: list[str]) -> str:
    """The worst of what was found, in the order of a mapping."""
    return next((words[name] for name in words if name in found), "ok")
