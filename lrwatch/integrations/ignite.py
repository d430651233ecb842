"""PyTorch-Ignite: handlers around a trainer's engine.

::

    IgniteHandler(dir="runs").attach(trainer, optimizer, evaluator=evaluator)
"""

from __future__ import annotations

from typing import Any

from ignite.engine import Engine, Events

from lrwatch.integrations.training import WatchedTraining

__all__ = ["IgniteHandler"]


class IgniteHandler:
    """Watches an optimizer while an engine runs, with epochs and an evaluator's metrics.

    Parameters
    ----------
    options
        As for `lrwatch.watch`.
    """

    def __init__(self, **options: Any) -> None:
        self.training = WatchedTraining(**options)

    def attach(
        self, trainer: Engine, optimizer: Any, *, model: Any = None, evaluator: Engine | None = None
    ) -> None:
        """Watch `optimizer` from the start of `trainer` to its end."""

        def begin(engine: Engine) -> None:
            length, epochs = engine.state.epoch_length, engine.state.max_epochs
            planned = length * epochs if length and epochs else None
            config = {"max_epochs": epochs, "epoch_length": length}
            self.training.begin([optimizer], model=model, config=config, total_steps=planned)

        def evaluated(engine: Engine) -> None:
            self.training.log(
                {f"val_{name}": value for name, value in engine.state.metrics.items()}
            )

        trainer.add_event_handler(Events.STARTED, begin)
        trainer.add_event_handler(
            Events.ITERATION_COMPLETED,
            lambda engine: self.training.log({"epoch": engine.state.epoch}),
        )
        trainer.add_event_handler(Events.COMPLETED, lambda _: self.training.end())
        if evaluator is not None:
            evaluator.add_event_handler(Events.COMPLETED, evaluated)
