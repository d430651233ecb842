"""Ultralytics: functions for `add_callback`; its package is not imported here.

::

    model = YOLO("yolo11n.pt")
    for event, function in ultralytics_callbacks(dir="runs").items():
        model.add_callback(event, function)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lrwatch.integrations.training import WatchedTraining

__all__ = ["ultralytics_callbacks"]


def ultralytics_callbacks(**options: Any) -> dict[str, Callable[[Any], None]]:
    """Return functions of a trainer by event: its optimizer is watched, its metrics are logged.

    Parameters
    ----------
    options
        As for `lrwatch.watch`.
    """
    training = WatchedTraining(**options)

    def begin(trainer: Any) -> None:
        config = vars(trainer.args) if hasattr(trainer.args, "__dict__") else dict(trainer.args)
        # A step is made every `accumulate` batches, which changes while it warms up: no plan.
        training.begin([trainer.optimizer], model=trainer.model, config=config)

    def batch(trainer: Any) -> None:
        training.log({"epoch": trainer.epoch})

    def epoch(trainer: Any) -> None:
        training.log(trainer.metrics or {})

    def end(_trainer: Any) -> None:
        training.end()

    return {
        "on_train_start": begin,
        "on_train_batch_end": batch,
        "on_fit_epoch_end": epoch,
        "on_train_end": end,
    }
