"""Judges labelled runs as `lrwatch.diagnose` does, with models that never saw their task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.accuracy.corpus import LabelledRun
from benchmarks.accuracy.table import VIEWS
from lrwatch.diagnosis import model as learnt
from lrwatch.diagnosis.model import Model
from lrwatch.monitor import Monitor


def replay(
    runs: Iterable[LabelledRun],
    models: Mapping[str, Mapping[str, Model]] | None,
    *,
    view: str = "full",
    share: float = 1.0,
) -> pd.DataFrame:
    """One row a run: what it is, and what was said of it.

    Parameters
    ----------
    models
        For each task the models fitted without it; ``None`` for the shipped ones. A task of a
        scenario that no model was fitted to takes any.
    view
        What the log holds, a key of `VIEWS`.
    share
        Share of the run that is seen.
    """
    shipped = learnt.shipped
    rows = []
    try:
        for run in runs:
            if models is not None:
                _use(models.get(run.about.task) or next(iter(models.values())))
            rows.append(_judged(run, view, share))
    finally:
        learnt.shipped = shipped
    return pd.DataFrame(rows)


def _use(models: Mapping[str, Model]) -> None:
    learnt.shipped = lambda: models  # type: ignore[assignment]


def _judged(run: LabelledRun, view: str, share: float) -> dict[str, Any]:
    block = VIEWS[view](run.block)
    block = block[: int(np.ceil(len(block) * share))]
    monitor = Monitor()
    monitor.update(block)
    found = monitor.diagnosis()
    about = run.about
    return {
        "run_id": about.run_id,
        "task": about.task,
        "setup": about.setup,
        "seed": about.seed,
        "kind": about.kind,
        "scenario": about.scenario,
        "label": about.label,
        "label_class": about.label_class,
        "onset_step": about.onset_step,
        "event_step": about.event_step,
        "lr_peak": about.lr_peak,
        "p": about.p,
        "verdict": found.verdict,
        "said": found.learning_rate,
        "confidence": found.confidence,
        "first_alarm_step": found.first_alarm_step,
        "suggested_lr": found.suggested_lr,
    }
