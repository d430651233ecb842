"""The names by which other loggers call the columns of a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

__all__ = ["VALIDATION", "losses", "meant", "parts_of_loss"]

_OTHER_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "step": (
        "global_step", "train/global_step", "trainer/global_step", "iteration", "iter",
        "current_steps", "_step", "steps", "epoch",
    ),
    "loss": (
        "train/loss", "train_loss", "training_loss", "loss/train", "total_loss",
        "train/total_loss", "train/step_loss", "train/loss_step", "train_loss_step",
        "train/loss_epoch", "train_loss_epoch", "lm loss", "lm_loss",
        "loss_metrics/global_avg_loss",
    ),
    "lr": (
        "learning_rate", "train/learning_rate", "train/lr", "lr/train", "lr/pg0", "x/lr0",
        "base_lr",
    ),
    "grad_norm": ("train/grad_norm", "gradient_norm", "grad_norm/train", "grad norm"),
}  # fmt: skip
"""What a column may be called instead, the likeliest first."""

_MONITORED_RATE: Final = re.compile(r"lr-\w+(/pg1)?")
"""What Lightning's `LearningRateMonitor` makes of an optimizer's class, and of its first group."""

_LOSS: Final = re.compile(r"(?i)(?<![a-z])loss(?![a-z])|(?<![a-z])nll(?![a-z])")

_OF_OTHER_DATA: Final = re.compile(r"(?i)val|eval|test|dev(?![a-z])|scale|best|smooth")

_PART_OF_LOSS: Final = re.compile(r"train/\w+_loss")

VALIDATION: Final = (
    "val_loss", "eval_loss", "val/loss", "eval/loss", "validation_loss", "valid_loss",
    "validation/loss", "loss/val",
)  # fmt: skip
"""Columns of a loss on data that are not trained on, the likeliest first."""


def meant(
    names: Sequence[str],
    n_known: Callable[[str], int],
    chosen: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Find the columns of a step among those of a table.

    A column that has its usual name is taken. Of others the one with most values is, the
    likeliest name first; of a loss, the only one that is called so and is not of other data.

    Parameters
    ----------
    names
        Columns of the table.
    n_known
        How many values a column has; -1 if it holds no numbers.
    chosen
        Those that are known, by what they hold.

    Examples
    --------
    >>> meant(["iter", "train/loss", "lr-Adam"], lambda name: 10)
    {'step': 'iter', 'loss': 'train/loss', 'lr': 'lr-Adam'}
    """
    by_name = {name.strip().lower(): name for name in reversed(names)}
    found = {ours: theirs for ours, theirs in chosen.items() if theirs != ours}
    for ours, others in _OTHER_NAMES.items():
        if ours in names or ours in chosen:
            continue
        candidates = [by_name[name] for name in others if name in by_name]
        if ours == "lr" and not candidates:
            candidates = [name for name in names if _MONITORED_RATE.fullmatch(name)]
        if ours == "loss" and not candidates and not parts_of_loss(names):
            candidates = [name for name in names if _is_only_loss(name, names, n_known)]
        if candidates:
            found[ours] = max(candidates, key=n_known)
    return found


def _is_only_loss(name: str, names: Sequence[str], n_known: Callable[[str], int]) -> bool:
    """Tell whether a column is the one of a table that may be its loss."""
    return [each for each in losses(names) if n_known(each) > 0] == [name]


def losses(names: Sequence[str]) -> list[str]:
    """Return the columns that are called a loss, and not one on data that are not trained on.

    Examples
    --------
    >>> losses(["step", "g_loss", "d_loss", "val_loss"])
    ['g_loss', 'd_loss']
    """
    return [each for each in names if _LOSS.search(each) and not _OF_OTHER_DATA.search(each)]


def parts_of_loss(names: Sequence[str]) -> list[str]:
    """Return the columns that add up to a loss, of a table that has it in parts alone.

    Examples
    --------
    >>> parts_of_loss(["epoch", "train/box_loss", "train/cls_loss", "val/box_loss"])
    ['train/box_loss', 'train/cls_loss']
    """
    parts = [name for name in names if _PART_OF_LOSS.fullmatch(name.strip().lower())]
    return parts if len(parts) > 1 else []
