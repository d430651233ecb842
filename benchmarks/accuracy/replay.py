"""Judges labelled runs as `lrwatch.diagnose` does, with models that never saw their source."""

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
    models: Mapping[str, Model] | None,
    *,
    view: str = "full",
    share: float = 1.0,
) -> pd.DataFrame:
    """One row a run: what it is, and what was said of it.

    Parameters
    ----------
    models
        The models to judge by, as from `fit.models_of`; ``None`` for the shipped ones.
    view
        What the log holds, a key of `VIEWS`.
    share
        Share of the run that is seen.
    """
    shipped = learnt.shipped
    try:
        if models is not None:
            learnt.shipped = lambda: models  # type: ignore[assignment]
        return pd.DataFrame([_judged(run, view, share) for run in runs])
    finally:
        learnt.shipped = shipped


def _judged(run: LabelledRun, view: str, share: float) -> dict[str, Any]:
    block = VIEWS[view](run.block)
    block = block[: int(np.ceil(len(block) * share))]
    monitor = Monitor()
    alarms = monitor.update(block)
    found = monitor.diagnosis()
    about = run.about
    return {
        "run_id": about.run_id,
        "source": about.source,
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
        "n_alarms": len(alarms),
        "n_steps": int(block.step[-1]) - int(block.step[0]) + 1 if len(block) else 0,
        "suggested_lr": found.suggested_lr,
        "fired": [test.name for test in found.evidence if test.fired],
    }
