"""Public logs of other tools' users, all of runs that went well: how many are alarmed.

A folder holds one folder a kind of log, named as in `READERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrwatch.cli.step_files import read_step_file
from lrwatch.logs import read_log
from lrwatch.monitor import Monitor


def judge(folder: Path) -> list[dict[str, Any]]:
    """One row a log, read as `lrwatch check` reads it."""
    judged = []
    for kind, read in READERS.items():
        for path in sorted((folder / kind).glob("*")):
            rows = read_log(read(path)).rows
            monitor = Monitor()
            alarms = monitor.update(rows)
            found = monitor.diagnosis()
            n_losses = int(np.isfinite(rows.loss).sum())
            judged.append(
                {"log": kind, "rows": n_losses, "alarms": len(alarms), "verdict": found.verdict}
            )
    return judged


def _tensorboard(path: Path) -> pd.DataFrame:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(path))
    events.Reload()
    series = {
        name: {event.step: event.value for event in events.Scalars(tag)}
        for name, tag in (("loss", "train/loss"), ("lr", "train/learning_rate"))
    }
    return pd.DataFrame(series).rename_axis("step").reset_index()


READERS: dict[str, Callable[[Path], Any]] = {
    "hf_trainer_state": read_step_file,
    "llamafactory_log": read_step_file,
    "detectron2_metrics": read_step_file,
    "wandb_history_csv": read_step_file,
    "lightning_csv": read_step_file,
    "tfevents": _tensorboard,
}
