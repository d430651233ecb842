"""Lightning: a `Callback`, a `Logger`, and what its entry point needs.

::

    Trainer(callbacks=[LightningCallback(dir="runs")])
    Trainer(logger=LightningLogger(dir="runs"))
    LRWATCH_LIGHTNING=1 python train.py        # no code at all; or a folder instead of 1
"""

from __future__ import annotations

import math
import os
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from lrwatch.integrations.training import WatchedTraining

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.loggers import Logger
    from lightning.pytorch.utilities import rank_zero_only
except ImportError:  # the package of the same code under its earlier name
    from pytorch_lightning import Callback, LightningModule, Trainer
    from pytorch_lightning.loggers import Logger
    from pytorch_lightning.utilities import rank_zero_only

__all__ = ["LightningCallback", "LightningLogger", "callbacks_factory"]

SWITCH = "LRWATCH_LIGHTNING"


class LightningCallback(Callback):
    """Watches every optimizer of a fit, with hyperparameters, planned steps and metrics.

    Parameters
    ----------
    options
        As for `lrwatch.watch`.
    """

    def __init__(self, **options: Any) -> None:
        self.training = WatchedTraining(**options)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if _first(trainer) is self:
            self.training.begin(
                trainer.optimizers,
                model=pl_module,
                config={**pl_module.hparams, "accumulate": trainer.accumulate_grad_batches},
                total_steps=_planned(trainer, pl_module),
            )

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Any
    ) -> None:
        self.training.log({"epoch": trainer.current_epoch})

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:
            self.training.log(trainer.callback_metrics)

    def on_save_checkpoint(self, *_: Any) -> None:
        self.training.log({"event/checkpoint": 1})

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.training.end()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        self.training.end(exception)


class LightningLogger(Logger):
    """A logger that also watches: it adds a `LightningCallback`, and takes all that is logged.

    Parameters
    ----------
    options
        As for `lrwatch.watch`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._callback = LightningCallback(**options)
        self._hyperparameters: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return "lrwatch"

    @property
    def version(self) -> str:
        run = self._callback.training.run
        return str(getattr(run, "name", ""))

    def log_graph(self, model: Any, input_array: Any = None) -> None:
        """Begin to watch; the one call before training that gives a logger the model."""
        if self._callback not in model.trainer.callbacks:
            model.trainer.callbacks.append(self._callback)

    def log_hyperparams(self, params: Mapping[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Do nothing: the callback takes them from the module."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self._callback.training.log(metrics)


def callbacks_factory() -> list[Callback]:
    """Return what Lightning adds to every trainer: nothing, unless the switch is on."""
    switch = os.environ.get(SWITCH, "")
    if switch in ("", "0"):
        return []
    return [LightningCallback(dir="runs" if switch == "1" else switch)]


def _first(trainer: Trainer) -> LightningCallback | None:
    """Return the one that watches, where the switch is on and a script has its own."""
    ours = (each for each in trainer.callbacks if isinstance(each, LightningCallback))
    return next(ours, None)


def _planned(trainer: Trainer, module: LightningModule) -> int | None:
    if not module.automatic_optimization:  # one batch may be any number of steps
        return None
    planned = trainer.estimated_stepping_batches
    return int(planned) if math.isfinite(planned) else None
