"""Figures from replayed runs: classes, false alarms, scenarios, delays, advice, calibration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

CLASSES = ("too_high", "ok", "too_low")
EARLY = 20  # steps before the onset from which on an alarm is early
FINE = {"ok", "converged"}
LOW = {"stalled", "too_low"}
HIGH = {"diverging", "oscillating", "exploding"}
PASSES = {
    "spike": FINE | {"spike"},
    "vanishing": LOW,
    "lr_cut": LOW,
    "exploding": HIGH,
    "lr_bump": HIGH,
    "nan_data": {"diverging", "exploding"},
}
"""Verdicts that pass a scenario; in any other nothing is wrong."""

LABELLED = ("grid", "good", "long")
"""Kinds of runs whose class is known: of sweeps, and runs that went well."""

NO_OBJECTIVE = "no_objective"
TIMED = ("lr_bump", "lr_cut", "nan_data", "exploding")


def grid(rows: pd.DataFrame) -> pd.DataFrame:
    """Runs that count for the classes."""
    return rows[rows.kind.isin(LABELLED) & (rows.label_class != "borderline")]


def f1(rows: pd.DataFrame) -> dict[str, float]:
    """F1 of each class."""
    scores = {}
    for name in CLASSES:
        truth, said = rows.label_class == name, rows.said == name
        hits = int((truth & said).sum())
        scores[name] = 2 * hits / max(int(truth.sum() + said.sum()), 1)
    return scores


def macro_f1(rows: pd.DataFrame) -> float:
    """Mean of the three; NaN where all runs are of one class."""
    runs = grid(rows)
    return float(np.mean(list(f1(runs).values()))) if runs.label_class.nunique() > 1 else math.nan


def false_alarms(rows: pd.DataFrame) -> dict[str, float]:
    """Of good runs: share alarmed while watched live, and by the last word; alarms a million steps.

    A run that is alarmed again and again counts each time.
    """
    runs = grid(rows)
    fine = runs[runs.label_class == "ok"]
    flagged = fine.said.isin(("too_high", "too_low"))
    return {
        "live": float(fine.first_alarm_step.notna().mean()),
        "last": float(flagged.mean()),
        "either": float((flagged | fine.first_alarm_step.notna()).mean()),
        "per million steps": 1e6 * float(fine.n_alarms.sum()) / max(float(fine.n_steps.sum()), 1),
    }


def scenarios(rows: pd.DataFrame) -> tuple[int, int]:
    """Scripted scenarios passed, of how many."""
    rows = rows[(rows.kind == "scenario") & (rows.scenario != NO_OBJECTIVE)]
    return sum(_passes(row) for row in rows.itertuples()), len(rows)


def games(rows: pd.DataFrame) -> tuple[int, int, int]:
    """Of runs whose loss is no objective: how many were alarmed, how many flagged, and all."""
    rows = rows[rows.scenario == NO_OBJECTIVE]
    flagged = rows.said.isin(("too_high", "too_low"))
    return int(rows.first_alarm_step.notna().sum()), int(flagged.sum()), len(rows)


def _passes(row: Any) -> bool:
    right = row.verdict in PASSES.get(row.scenario, FINE)
    alarmed = row.first_alarm_step is not None and not math.isnan(row.first_alarm_step)
    early = row.scenario in TIMED and alarmed and row.first_alarm_step < row.event_step - EARLY
    return right and not early


def delays(rows: pd.DataFrame) -> dict[str, float]:
    """Divergences that began after a good start: found, early, missed, median delay."""
    late = rows[(rows.label == "diverging") & (rows.onset_step >= EARLY)]
    delay = late.first_alarm_step.astype(float) - late.onset_step
    found = delay[delay >= -EARLY]
    return {
        "n": len(late),
        "found": len(found),
        "early": int((delay < -EARLY).sum()),
        "missed": int(delay.isna().sum()),
        "median": float(found.median()) if len(found) else math.nan,
    }


def calibration_error(rows: pd.DataFrame, bins: int = 8) -> float:
    """Mean distance of confidence from the share that is right, over verdicts that were given."""
    given = grid(rows)[grid(rows).said != "unknown"]
    right = (given.said == given.label_class).to_numpy(float)
    confidence = given.confidence.to_numpy()
    order = np.array_split(np.argsort(confidence), bins)
    parts = [abs(right[k].mean() - confidence[k].mean()) * len(k) for k in order if len(k)]
    return float(sum(parts) / max(len(given), 1))


def advice(rows: pd.DataFrame, trials: int) -> float:
    """Share of bad runs from which following the suggestions reaches a good rate."""
    reached, n = 0, 0
    for _, sweep in rows[rows.kind == "grid"].groupby(["setup", "seed"]):
        if not (sweep.label_class == "ok").any():
            continue
        bad = sweep[sweep.label_class.isin(("too_high", "too_low"))]
        reached += sum(_reaches(run, sweep, trials) for run in bad.itertuples())
        n += len(bad)
    return reached / max(n, 1)


def _reaches(run: Any, sweep: pd.DataFrame, trials: int) -> bool:
    distance = np.log(sweep.lr_peak.to_numpy())
    for _ in range(trials):
        if run.suggested_lr is None or not run.suggested_lr > 0:
            return False
        nearest = int(np.argmin(np.abs(distance - math.log(run.suggested_lr))))
        run = next(sweep.iloc[[nearest]].itertuples())
        if run.label_class == "ok" or (run.label_class == "borderline" and run.p >= 0.85):
            return True
    return False
