"""Fastai: a callback of a `Learner`.

::

    Learner(dls, model, loss_func=..., cbs=[FastaiCallback(dir="runs")])
"""

from __future__ import annotations

from typing import Any

from fastai.callback.core import Callback

from lrwatch.integrations.training import RecordedTraining

__all__ = ["FastaiCallback"]


class FastaiCallback(Callback):
    """Records loss, rate and gradient norm of each step: fastai's optimizers are its own.

    Parameters
    ----------
    options
        As for `lrwatch.open_run`.
    """

    order = 55  # after what changes the rate of a batch

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.training = RecordedTraining(**options)

    def before_fit(self) -> None:
        learn = self.learn
        self.training.total_steps = learn.n_epoch * len(learn.dls.train) or None
        config = {"optimizer": getattr(learn.opt_func, "__name__", ""), "batch_size": learn.dls.bs}
        self.training.config = {**config, **self.training.config}

    def before_step(self) -> None:
        import torch

        grads = [p.grad.float() for p in self.learn.model.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(grads)
        self._row = {
            "loss": self.learn.loss,
            "lr": self.learn.opt.hypers[-1]["lr"],
            "grad_norm": norm,
            "epoch": self.learn.epoch,
        }

    def after_step(self) -> None:
        self.training.row(self._row)

    def after_validate(self) -> None:
        values = getattr(self.learn.recorder, "log", [])
        names = ["epoch", "train_loss", "valid_loss"]
        known = dict(zip(names, values, strict=False))
        if known.get("valid_loss") is not None:
            self.training.row({"valid_loss": float(known["valid_loss"])})

    def after_fit(self) -> None:
        self.training.end()
