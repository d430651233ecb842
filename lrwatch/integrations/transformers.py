"""Hugging Face transformers, and what is built on its `Trainer`: TRL, unsloth, LLaMA-Factory.

::

    Trainer(..., callbacks=[TransformersCallback(dir="runs")])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from lrwatch.integrations.training import WatchedTraining

__all__ = ["TransformersCallback"]


class TransformersCallback(TrainerCallback):
    """Watches the optimizer of a `Trainer`, with arguments, planned steps, epochs, evaluations.

    Parameters
    ----------
    options
        As for `lrwatch.watch`.
    """

    def __init__(self, **options: Any) -> None:
        self.training = WatchedTraining(**options)

    def on_train_begin(
        self, args: Any, state: Any, control: Any, optimizer: Any = None, **kwargs: Any
    ) -> None:
        self.training.begin(
            [] if optimizer is None else [optimizer],
            model=kwargs.get("model"),
            config=args.to_sanitized_dict(),
            total_steps=state.max_steps,
            name=getattr(args, "run_name", None),
        )

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.training.log({"epoch": state.epoch})

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.training.log({"event/checkpoint": 1})

    def on_evaluate(
        self,
        args: Any,
        state: Any,
        control: Any,
        metrics: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.training.log({k: v for k, v in (metrics or {}).items() if k != "epoch"})

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.training.end()
