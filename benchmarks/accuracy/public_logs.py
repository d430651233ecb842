"""Public logs of other tools' users, all of runs that went well: how many are alarmed.

A folder holds one folder a kind of log; each file is read as `lrwatch check` reads it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from lrwatch.importing import Choice, ordered, recognised
from lrwatch.monitor import Monitor

_KINDS: Final = (
    "hf_trainer_state",
    "llamafactory_log",
    "detectron2_metrics",
    "wandb_history_csv",
    "lightning_csv",
    "tfevents",
)


def judge(folder: Path) -> list[dict[str, Any]]:
    """One row a log, read as `lrwatch check` reads it."""
    judged = []
    for kind in _KINDS:
        for path in sorted((folder / kind).glob("*")):
            importer, _ = recognised(path)
            if importer is None:
                raise ValueError(f"{path} is not recognised")
            (run,) = importer.read(path, Choice())
            rows = ordered(run, Choice()).rows
            monitor = Monitor()
            alarms = monitor.update(rows)
            found = monitor.diagnosis()
            n_losses = int(np.isfinite(rows.loss).sum())
            judged.append(
                {"log": kind, "rows": n_losses, "alarms": len(alarms), "verdict": found.verdict}
            )
    return judged
