"""Skorch: a callback of a net.

::

    NeuralNetClassifier(Net, callbacks=[SkorchCallback(dir="runs")])
"""

from __future__ import annotations

from typing import Any

from skorch.callbacks import Callback

from lrwatch.integrations.training import WatchedTraining

__all__ = ["SkorchCallback"]


class SkorchCallback(Callback):
    """Watches the optimizer of each `fit`, with the losses of its epochs.

    Parameters
    ----------
    dir, name
        As for `lrwatch.watch`.
    """

    def __init__(self, dir: str = "runs", name: str | None = None) -> None:  # noqa: A002
        self.dir, self.name = dir, name  # as scikit-learn has parameters

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:  # noqa: N803
        self.training_ = WatchedTraining(self.dir, self.name)
        config = {"batch_size": net.batch_size, "max_epochs": net.max_epochs, "lr": net.lr}
        self.training_.begin([net.optimizer_], model=net.module_, config=config)

    def on_grad_computed(self, net: Any, named_parameters: Any, *_: Any, **__: Any) -> None:
        self.training_.log({"epoch": len(net.history)})

    def on_epoch_end(self, net: Any, *_: Any, **__: Any) -> None:
        row = net.history[-1]
        self.training_.log({k: row[k] for k in ("valid_loss", "valid_acc") if k in row})

    def on_train_end(self, net: Any, *_: Any, **__: Any) -> None:
        self.training_.end()
