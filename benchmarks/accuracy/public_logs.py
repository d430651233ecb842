"""Public logs of other tools' users, all of runs that went well: how many are alarmed.

A folder holds one folder a kind of log, named as in `READERS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrwatch.monitor import Monitor
from lrwatch.tables import step_block

Columns = dict[str, Any]
COLUMNS = {
    "iteration": "step",
    "current_steps": "step",
    "_step": "step",
    "total_loss": "loss",
    "train/step_loss": "loss",
    "learning_rate": "lr",
}


def judge(folder: Path) -> list[dict[str, Any]]:
    """One row a log that has steps, losses and learning rates."""
    judged = []
    for kind, read in READERS.items():
        for path in sorted((folder / kind).glob("*")):
            frame = _of_steps(read(path))
            if frame is None:
                continue
            monitor = Monitor()
            alarms = monitor.update(step_block(frame))
            found = monitor.diagnosis()
            judged.append(
                {"log": kind, "rows": len(frame), "alarms": len(alarms), "verdict": found.verdict}
            )
    return judged


def _of_steps(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Rows with a loss; ``None`` where the log lacks what a diagnosis needs."""
    frame = frame.rename(columns={k: v for k, v in COLUMNS.items() if v not in frame})
    if not {"step", "loss", "lr"} <= set(frame):
        return None
    kept = [name for name in ("step", "loss", "lr", "grad_norm") if name in frame]
    frame = frame[kept].apply(pd.to_numeric, errors="coerce")
    frame["lr"] = frame.lr.ffill()
    return frame[np.isfinite(frame.loss) & np.isfinite(frame.lr)]


def _trainer_state(path: Path) -> pd.DataFrame:
    return pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))["log_history"])


def _tensorboard(path: Path) -> pd.DataFrame:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(path))
    events.Reload()
    series = {
        name: {event.step: event.value for event in events.Scalars(tag)}
        for name, tag in (("loss", "train/loss"), ("lr", "train/learning_rate"))
    }
    return pd.DataFrame(series).rename_axis("step").reset_index()


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "hf_trainer_state": _trainer_state,
    "llamafactory_log": lambda path: pd.read_json(path, lines=True),
    "detectron2_metrics": lambda path: pd.read_json(path, lines=True),
    "wandb_history_csv": pd.read_csv,
    "lightning_csv": pd.read_csv,
    "tfevents": _tensorboard,
}
