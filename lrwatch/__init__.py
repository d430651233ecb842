"""Record learning rate, norms and loss of a training, and judge its learning rate.

::

    run = lrwatch.watch(optimizer)              # one line in a training script
    run = lrwatch.open_run()                    # without torch: run.record(loss=..., lr=...)
    frame = lrwatch.read("runs/sgd-0.1")        # one row a step, also while it is written
    diagnosis = lrwatch.diagnose(frame)         # verdict, reason, evidence, advice
    lrwatch.diagnose_sweep("runs")              # each beside the same job at other rates
    lrwatch.suggest("runs")                     # the rate to try next, its range and why

Names load on first use: reading and judging never import torch, and importing lrwatch
imports neither torch nor pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lrwatch.version import VERSION

if TYPE_CHECKING:
    from lrwatch import alerts
    from lrwatch.alert import Alert, TrainingStopped
    from lrwatch.alerts.handlers import CutLearningRate, SaveCheckpoint, StopTraining
    from lrwatch.comparing import (
        Comparison,
        RangeReading,
        Suggestion,
        compare,
        diagnose_sweep,
        suggest,
    )
    from lrwatch.errors import LrwatchError
    from lrwatch.judging import judge
    from lrwatch.monitor import Monitor, diagnose
    from lrwatch.range_testing import range_test
    from lrwatch.ranks import read_ranks
    from lrwatch.recording.opening import open_run
    from lrwatch.recording.run import Run
    from lrwatch.recording.watcher import RunGroup, watch
    from lrwatch.store import read, read_table
    from lrwatch.verdicts import Alarm, Diagnosis, Evidence

__all__ = [
    "Alarm",
    "Alert",
    "Comparison",
    "CutLearningRate",
    "Diagnosis",
    "Evidence",
    "LrwatchError",
    "Monitor",
    "RangeReading",
    "Run",
    "RunGroup",
    "SaveCheckpoint",
    "StopTraining",
    "Suggestion",
    "TrainingStopped",
    "alerts",
    "compare",
    "diagnose",
    "diagnose_sweep",
    "judge",
    "open_run",
    "range_test",
    "read",
    "read_ranks",
    "read_table",
    "suggest",
    "watch",
]

__version__ = VERSION

_HOMES = {
    "lrwatch.alert": ("Alert", "TrainingStopped"),
    "lrwatch.alerts.handlers": ("CutLearningRate", "SaveCheckpoint", "StopTraining"),
    "lrwatch.comparing": (
        "Comparison", "RangeReading", "Suggestion", "compare", "diagnose_sweep", "suggest",
    ),
    "lrwatch.errors": ("LrwatchError",),
    "lrwatch.judging": ("judge",),
    "lrwatch.monitor": ("Monitor", "diagnose"),
    "lrwatch.range_testing": ("range_test",),
    "lrwatch.ranks": ("read_ranks",),
    "lrwatch.recording.opening": ("open_run",),
    "lrwatch.recording.run": ("Run",),
    "lrwatch.recording.watcher": ("RunGroup", "watch"),
    "lrwatch.store": ("read", "read_table"),
    "lrwatch.verdicts": ("Alarm", "Diagnosis", "Evidence"),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name from the module that holds it."""
    if name == "alerts":
        return importlib.import_module("lrwatch.alerts")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
