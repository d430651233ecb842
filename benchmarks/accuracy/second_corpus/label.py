"""Counterfactual labels: a learning rate is judged by what the same job reached at others.

With ``L`` the loss on fixed examples at the end, ``L0`` that before training and ``L*`` that of the
best rate, ``p = (L0 - L) / (L0 - L*)`` is the progress of a run, 1 being as good as the best. For
tasks whose loss spans decades, its logarithm takes its place.

=========== ========= =====================================================================
label       class     rule
=========== ========= =====================================================================
diverging   too_high  above the best rate: not finite, or p < 0.1, or at least half of its
                      own best progress (where that was a quarter or more) lost again
oscillating too_high  above the best rate, p < 0.85, not diverging
too_low     too_low   below the best rate, p < 0.7
ok          ok        p >= 0.93
borderline            all others, and rates at which the seeds disagree
=========== ========= =====================================================================
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from benchmarks.accuracy.second_corpus.train import Trained

CLASS = {
    "diverging": "too_high",
    "oscillating": "too_high",
    "too_low": "too_low",
    "ok": "ok",
    "borderline": "borderline",
}
NOTHING, GOOD, POOR, SLOW = 0.1, 0.93, 0.85, 0.7
WINDOW = 25
RETURNS = 0.05


def label_sweep(runs: Sequence[Trained]) -> None:
    """Set the labels of all runs of one setup."""
    scale = runs[0].scale
    rates = sorted({run.lr for run in runs})
    start = float(np.mean([on_scale(run.curve[0], scale) for run in runs]))
    reached = {lr: _mean_outcome(runs, lr, scale) for lr in rates}
    best = min(rates, key=reached.__getitem__)
    span = start - reached[best]
    for lr in rates:
        seeds = [run for run in runs if run.lr == lr]
        for run in seeds:
            progress = (start - on_scale(run.outcome, scale)) / span
            peak = (start - min(on_scale(loss, scale) for loss in run.curve)) / span
            run.labels = {
                "eta_star": best,
                "p": progress,
                "p_best": peak,
                "label": _label(lr / best, progress, peak),
            }
        _agree(seeds, _label(lr / best, (start - reached[lr]) / span, _mean_peak(seeds)))
    for run in runs:
        is_lost = run.labels["label"] == "diverging"
        run.labels["onset_step"] = onset(run, start, span) if is_lost else -1


def on_scale(loss: float, scale: str) -> float:
    """Loss, or its logarithm for a task that is measured in decades."""
    if scale == "log" and math.isfinite(loss):
        return math.log(max(loss, 1e-12))
    return loss


def _mean_outcome(runs: Sequence[Trained], lr: float, scale: str) -> float:
    return float(np.mean([on_scale(run.outcome, scale) for run in runs if run.lr == lr]))


def _mean_peak(runs: Sequence[Trained]) -> float:
    return float(np.mean([run.labels["p_best"] for run in runs]))


def _label(rate: float, progress: float, peak: float) -> str:
    """Label by the rate over the best one, the progress at the end and the best progress."""
    if rate > 1 and progress < POOR:
        lost = peak >= 0.25 and progress <= 0.5 * peak
        return "diverging" if progress < NOTHING or lost else "oscillating"
    if rate < 1 and progress < SLOW:
        return "too_low"
    return "ok" if progress >= GOOD else "borderline"


def _agree(seeds: Sequence[Trained], of_mean: str) -> None:
    """Call runs borderline if the seeds, or their mean, fall into different classes."""
    classes = {CLASS[run.labels["label"]] for run in seeds} | {CLASS[of_mean]}
    if len(classes) > 1:
        for run in seeds:
            run.labels["label"] = "borderline"


def onset(run: Trained, start: float, span: float) -> int:
    """Step from which a diverging run is lost; -1 if none is found.

    After some progress it is the first step at which the loss, smoothed by a running median, lies
    a tenth of its decrease above its best, to return there in fewer than 5% of the steps left. A
    run that made none is lost where it rises above its start, or from the first step on.
    """
    loss = np.array([on_scale(value, run.scale) for value in _smoothed(run.steps["loss"])])
    if start - loss.min() < NOTHING * span:
        above = np.flatnonzero(loss > start + RETURNS * span)
        return int(above[0]) if len(above) else 0
    best = np.minimum(np.minimum.accumulate(loss), start)
    line = best + 0.1 * (start - best)
    for t in np.flatnonzero(loss > line).tolist():
        lasts = len(loss) - t >= 0.1 * len(loss) or not math.isfinite(loss[-1])
        if lasts and np.mean(loss[t:] <= line[t]) < RETURNS:
            return int(t)
    return run.first_nonfinite


def _smoothed(loss: np.ndarray) -> np.ndarray:
    """Centred running median; a loss that is not finite counts as infinite."""
    half = WINDOW // 2
    padded = np.pad(np.where(np.isfinite(loss), loss, np.inf), half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)
    smoothed: np.ndarray = np.nanmedian(windows, axis=1)
    return smoothed
