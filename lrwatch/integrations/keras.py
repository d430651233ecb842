"""Keras 3, on any back end: a callback of `fit`.

::

    model.fit(x, y, callbacks=[KerasCallback(dir="runs")])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras.callbacks import Callback

from lrwatch.integrations.training import RecordedTraining

__all__ = ["KerasCallback"]


class KerasCallback(Callback):
    """Records the loss of each batch and the rate it was trained at, and each epoch's validation.

    Keras has optimizers of its own, so that norms of gradients are not recorded. What it calls the
    loss of a batch is the mean of the epoch so far, from which the batch's own is worked out.

    Parameters
    ----------
    options
        As for `lrwatch.open_run`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.training = RecordedTraining(**options)
        self._epoch, self._total = 0, 0.0

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        params: Mapping[str, Any] = self.params or {}
        if params.get("epochs") and params.get("steps"):
            self.training.total_steps = params["epochs"] * params["steps"]
        config = {"optimizer": type(self.model.optimizer).__name__, **params}
        self.training.config = {**config, **self.training.config}

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._epoch, self._total = epoch, 0.0

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._lr = float(self.model.optimizer.learning_rate)  # after the step it may be the next

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if not logs or "loss" not in logs:
            return
        total = (batch + 1) * float(logs["loss"])
        loss, self._total = total - self._total, total
        self.training.row({"loss": loss, "lr": self._lr, "epoch": self._epoch})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        values = {name: value for name, value in (logs or {}).items() if name.startswith("val_")}
        if values:
            self.training.row(values)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self.training.end()
