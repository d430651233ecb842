"""Tables of other tools, told apart by their columns: each kind is a row of data here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["LAYOUTS", "Layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """What a tool calls the columns of its table.

    Attributes
    ----------
    name, title
        As in `lrwatch.importing.Importer`.
    forms
        Forms of file that it has: ``csv``, ``json`` (an object a line), ``parquet``.
    needs
        Patterns each of which some column must match, in whole.
    lacks
        Patterns that no column may match.
    file
        Pattern that the file's path, or that of a file beside it, must match at its end.
    columns
        Our name of a column, and its name there.
    total
        Column that holds the planned number of steps.
    run
        Columns, the likeliest first, that tell the runs of one file apart.
    run_names
        Columns that hold what such a run is called.
    settings
        File beside it with plain settings.
    epochs
        Setting that is the planned number of epochs.
    is_averaged, is_by_epoch, notes
        As in `lrwatch.importing.ForeignRun`.
    """

    name: str
    title: str
    forms: tuple[str, ...]
    needs: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    file: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    total: str | None = None
    run: tuple[str, ...] = ()
    run_names: tuple[str, ...] = ()
    settings: str = ""
    epochs: str = ""
    is_averaged: bool = False
    is_by_epoch: bool = False
    notes: tuple[str, ...] = ()

    def fits(self, path: Path, form: str, names: Sequence[str]) -> bool:
        """Tell whether a table with these columns is of this kind."""
        if form not in self.forms or not names:
            return False
        if not all(_some(pattern, names) for pattern in self.needs):
            return False
        if any(_some(pattern, names) for pattern in self.lacks):
            return False
        if not self.file or re.search(self.file, path.as_posix()):
            return True
        return bool(self.settings) and (path.parent / self.settings).is_file()


def _some(pattern: str, names: Sequence[str]) -> bool:
    return any(re.fullmatch(pattern, name) for name in names)


_RL_NOTE: Final = "a loss of reinforcement learning is no objective that must fall"

LAYOUTS: Final = (
    Layout(
        "lrwatch-table",
        "table that lrwatch exported",
        ("csv", "parquet"),
        needs=("step", "time", "loss", "lr", "grad_norm_clipped", "update_norm", "skipped"),
    ),
    Layout(
        "llamafactory",
        "LLaMA-Factory trainer_log",
        ("json",),
        needs=("current_steps", "total_steps"),
        columns={"step": "current_steps"},
        total="total_steps",
        is_averaged=True,
    ),
    Layout(
        "detectron2",
        "detectron2 metrics",
        ("json",),
        needs=("iteration", "total_loss", "data_time"),
        columns={"step": "iteration", "loss": "total_loss"},
        is_averaged=True,
        notes=("a loss is the median over the last iterations",),
    ),
    Layout(
        "mmengine",
        "mmengine scalars",
        ("json",),
        needs=("data_time", "loss", "(base_)?lr", "iter|step"),
        columns={"step": "step", "loss": "loss"},
        is_averaged=True,
    ),
    Layout(
        "ultralytics",
        "ultralytics results",
        ("csv",),
        needs=("epoch", r"train/\w+_loss", r"metrics/.+|val/\w+_loss"),
        columns={"step": "epoch"},
        settings="args.yaml",
        epochs="epochs",
        is_averaged=True,
        is_by_epoch=True,
    ),
    Layout(
        "stable-baselines3",
        "Stable-Baselines3 progress",
        ("csv", "json"),
        needs=(r"train/\w*loss", "time/total_timesteps|train/n_updates"),
        is_averaged=True,
        notes=(_RL_NOTE,),
    ),
    Layout(
        "fastai",
        "fastai history",
        ("csv",),
        needs=("epoch", "train_loss", "valid_loss"),
        lacks=("step", "iter.*"),
        columns={"step": "epoch", "loss": "train_loss"},
        is_averaged=True,
        is_by_epoch=True,
    ),
    Layout(
        "keras",
        "Keras CSVLogger",
        ("csv",),
        needs=("epoch", "loss", "val_.+|.*accuracy|learning_rate|lr|acc"),
        lacks=("step", "iter.*", r"train/.*", "time"),
        columns={"step": "epoch", "loss": "loss"},
        is_averaged=True,
        is_by_epoch=True,
    ),
    Layout(
        "lightning",
        "Lightning CSV",
        ("csv",),
        needs=("epoch", "step"),
        file=r"(^|/)(metrics\.csv|version_\d+/[^/]+)$",
        columns={"step": "step"},
        settings="hparams.yaml",
    ),
    Layout(
        "wandb-csv",
        "wandb history",
        ("csv", "json", "parquet"),
        needs=("_step", "_runtime|_timestamp"),
    ),
    Layout(
        "trackio-parquet",
        "trackio Parquet",
        ("parquet",),
        needs=("timestamp", "step", "run_name|run_id"),
        columns={"step": "step"},
        run=("run_id", "run_name"),
        run_names=("run_name", "run_id"),
    ),
)
"""The kinds that are tables of rows, a more particular one before a more general one."""
