"""Labelled runs: the corpus format of runs.parquet and steps.parquet, and views of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from lrwatch.records import FLOAT_COLUMNS, StepBlock

COLUMNS = ["step", *FLOAT_COLUMNS]


@dataclass(frozen=True)
class LabelledRun:
    """A row of runs.parquet as `about`, and the steps of that run."""

    about: Any
    block: StepBlock


def read(folders: Iterable[Path]) -> Iterator[LabelledRun]:
    """Every run of the corpora, in order; row group i of the steps holds run i."""
    for folder in folders:
        runs = pd.read_parquet(folder / "runs.parquet")
        steps = pq.ParquetFile(folder / "steps.parquet")
        for i, about in enumerate(runs.itertuples()):
            columns = steps.read_row_group(i, columns=COLUMNS).to_pydict()
            yield LabelledRun(about, block(columns))


def title(folder: Path) -> str:
    """What a corpus holds, in words."""
    runs = pd.read_parquet(folder / "runs.parquet")
    sweeps = runs[runs.kind == "grid"]
    rest = runs[runs.kind != "grid"].scenario
    n_games = int((rest == "no_objective").sum())
    parts = [f"{sweeps.task.nunique()} tasks", f"{sweeps.setup.nunique()} sweeps"]
    parts += [f"{len(rest) - n_games} scripted scenarios"] if len(rest) > n_games else []
    parts += [f"{n_games} runs without an objective"] if n_games else []
    return f"{folder.name}: {', '.join(parts)}"


def block(columns: dict[str, Any]) -> StepBlock:
    n = len(columns["step"])
    numbers: dict[str, Any] = {name: np.array(columns[name], float) for name in FLOAT_COLUMNS}
    return StepBlock(
        step=np.array(columns["step"], np.int64),
        time=np.zeros(n, np.int64),
        **numbers,
        skipped=~np.isfinite(numbers["grad_norm"]) & (numbers["update_norm"] == 0),
        loss_seen=np.ones(n, bool),
    )


def sampled(run: StepBlock, *, every: int = 10, dense: int = 32) -> StepBlock:
    """Norms as the recorder leaves them: on the first steps, then on one in `every`."""
    row = np.arange(len(run))
    keep = (row < dense) | (row % every == 0)
    return with_columns(
        run,
        update_norm=np.where(keep, run.update_norm, np.nan),
        param_norm=np.where(keep, run.param_norm, np.nan),
    )


def loss_and_rate(run: StepBlock) -> StepBlock:
    """Loss and learning rate alone."""
    nothing = np.full(len(run), np.nan)
    return with_columns(
        run,
        grad_norm=nothing,
        grad_norm_clipped=nothing,
        update_norm=nothing,
        param_norm=nothing,
    )


def logged_every(run: StepBlock, k: int) -> StepBlock:
    """Every k-th row alone."""
    return run[::k]


def with_columns(run: StepBlock, **columns: Any) -> StepBlock:
    names = ("step", "time", *FLOAT_COLUMNS, "skipped", "loss_seen")
    return StepBlock(**{name: getattr(run, name) for name in names} | columns)
