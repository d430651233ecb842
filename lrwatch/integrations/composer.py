"""Composer: a logger of a `Trainer`, which is a callback too.

::

    Trainer(..., loggers=[ComposerLogger(dir="runs")])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from composer.loggers import LoggerDestination

from lrwatch.integrations.training import WatchedTraining

__all__ = ["ComposerLogger"]


class ComposerLogger(LoggerDestination):
    """Watches the optimizers of a fit, and takes the metrics that are logged.

    Parameters
    ----------
    options
        As for `lrwatch.watch`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.training = WatchedTraining(**options)
        self._hyperparameters: dict[str, Any] = {}

    def log_hyperparameters(self, hyperparameters: Mapping[str, Any]) -> None:
        self._hyperparameters.update(hyperparameters)

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        self.training.log(metrics)

    def fit_start(self, state: Any, logger: Any) -> None:
        self.training.begin(list(state.optimizers), model=state.model, config=self._hyperparameters)

    def fit_end(self, state: Any, logger: Any) -> None:
        self.training.end()

    def close(self, state: Any, logger: Any) -> None:
        self.training.end()
