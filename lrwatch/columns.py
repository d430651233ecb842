"""The names by which other loggers call the columns of a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["VALIDATION", "meant", "parts_of_loss"]

_OTHER_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "step": (
        "global_step", "train/global_step", "trainer/global_step", "iteration", "iter",
        "current_steps", "_step", "epoch",
    ),
    "loss": (
        "train/loss", "train_loss", "training_loss", "loss/train", "total_loss",
        "train/total_loss", "train/step_loss", "train/loss_step", "train_loss_step",
        "train/loss_epoch", "train_loss_epoch",
    ),
    "lr": ("learning_rate", "train/learning_rate", "train/lr", "lr/train", "lr/pg0", "x/lr0"),
    "grad_norm": ("train/grad_norm", "gradient_norm", "grad_norm/train"),
}  # fmt: skip
"""What a column may be called instead, the likeliest first."""

_MONITORED_RATE: Final = re.compile(r"lr-\w+")
"""The name that Lightning's `LearningRateMonitor` makes of an optimizer's class."""

_PART_OF_LOSS: Final = re.compile(r"train/\w+_loss")

VALIDATION: Final = (
    "val_loss", "eval_loss", "val/loss", "eval/loss", "validation_loss", "valid_loss",
    "validation/loss", "loss/val",
)  # fmt: skip
"""Columns of a loss on data that are not trained on, the likeliest first."""


def meant(names: Sequence[str], n_known: Callable[[str], int]) -> dict[str, str]:
    """Find the columns of a step among those of a table.

    A column that has its usual name is taken. Of others the one with most values is, the
    likeliest name first.

    Parameters
    ----------
    names
        Columns of the table.
    n_known
        How many values a column has.

    Examples
    --------
    >>> meant(["iter", "train/loss", "lr-Adam"], lambda name: 10)
    {'step': 'iter', 'loss': 'train/loss', 'lr': 'lr-Adam'}
    """
    by_name = {name.strip().lower(): name for name in reversed(names)}
    found = {}
    for ours, others in _OTHER_NAMES.items():
        if ours in names:
            continue
        candidates = [by_name[name] for name in others if name in by_name]
        if ours == "lr" and not candidates:
            candidates = [name for name in names if _MONITORED_RATE.fullmatch(name)]
        if candidates:
            found[ours] = max(candidates, key=n_known)
    return found


def parts_of_loss(names: Sequence[str]) -> list[str]:
    """Return the columns that add up to a loss, of a table that has it in parts alone.

    Examples
    --------
    >>> parts_of_loss(["epoch", "train/box_loss", "train/cls_loss", "val/box_loss"])
    ['train/box_loss', 'train/cls_loss']
    """
    parts = [name for name in names if _PART_OF_LOSS.fullmatch(name.strip().lower())]
    return parts if len(parts) > 1 else []
