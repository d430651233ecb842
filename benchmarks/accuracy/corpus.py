"""Labelled runs: the corpus format of runs.parquet and steps.parquet, and views of a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lrwatch.records import FLOAT_COLUMNS, StepBlock

COLUMNS = ["step", *FLOAT_COLUMNS]
WORKLOADS = ("criteo", "fastmri", "resnet", "vit", "conformer", "deepspeech", "ogbg", "wmt")
UNSAID: dict[str, Any] = {
    "setup": "",
    "seed": 0,
    "scenario": "",
    "label": "",
    "onset_step": -1,
    "event_step": -1,
    "lr_peak": math.nan,
    "eta_star": math.nan,
    "p": math.nan,
}


@dataclass(frozen=True)
class LabelledRun:
    """A row of runs.parquet as `about`, and the steps of that run."""

    about: Any
    block: StepBlock


def read(folders: Iterable[Path]) -> Iterator[LabelledRun]:
    """Every run of the corpora, in order, with its `source`: the name of the folder."""
    for folder in folders:
        runs = described(folder)
        for about, steps in zip(runs.itertuples(), _steps(folder, runs), strict=True):
            yield LabelledRun(about, block(steps))


def described(folder: Path) -> pd.DataFrame:
    """What is known of each run; what a corpus does not say has the value of `UNSAID`."""
    known = folder / "runs.parquet"
    runs = pd.read_parquet(known) if known.exists() else pd.read_csv(folder / "runs.csv")
    if "truth" in runs and "label_class" not in runs:
        runs = runs.assign(kind="good", label_class=runs.truth, task=_workload(runs.run_id))
    if "task" not in runs:
        runs = runs.assign(task=runs.setup.str.replace(r"-[^-]*$", "", regex=True))
    missing = {name: value for name, value in UNSAID.items() if name not in runs}
    return runs.assign(source=folder.name, **missing)


def _workload(names: pd.Series) -> pd.Series:
    """Name the workload of runs that only their names tell of."""
    found = names.str.extract(rf"^(lm)-|({'|'.join(WORKLOADS)})")
    return found[0].fillna(found[1]).fillna("other")


def _steps(folder: Path, runs: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rows of each run: row group i is run i, or a run is found by its name."""
    steps = pq.ParquetFile(folder / "steps.parquet")
    names = [name for name in COLUMNS if name in steps.schema_arrow.names]
    if steps.num_row_groups == len(runs):
        for i in range(len(runs)):
            yield steps.read_row_group(i, columns=names).to_pandas()
        return
    table = steps.read(columns=["run_id", *names]).to_pandas()
    by_run = dict(iter(table.groupby("run_id", observed=True, sort=False)))
    for name in runs.run_id:
        yield by_run[name]


def has_norms(folder: Path) -> bool:
    """Whether a corpus has update norms at all."""
    return "update_norm" in pq.ParquetFile(folder / "steps.parquet").schema_arrow.names


def title(folder: Path) -> str:
    """What a corpus holds, in words."""
    runs = described(folder)
    sweeps = runs[runs.kind == "grid"]
    n_good = int(runs.kind.isin(("good", "long")).sum())
    rest = runs[~runs.kind.isin(("grid", "good", "long"))].scenario
    n_games = int((rest == "no_objective").sum())
    parts = [f"{sweeps.task.nunique()} tasks", f"{sweeps.setup.nunique()} sweeps"]
    parts = parts if len(sweeps) else []
    parts += [f"{n_good} runs that were fine"] if n_good else []
    parts += [f"{len(rest) - n_games} scripted scenarios"] if len(rest) > n_games else []
    parts += [f"{n_games} runs without an objective"] if n_games else []
    return f"{folder.name}: {', '.join(parts)}"


def write(runs: Iterable[tuple[dict[str, Any], Mapping[str, Any]]], out: Path) -> None:
    """Write runs as they come: what is known of each, and its columns, of which some may lack."""
    out.mkdir(parents=True, exist_ok=True)
    types = [("run_id", pa.string()), ("step", pa.int32())]
    types += [(name, pa.float64() if name == "lr" else pa.float32()) for name in FLOAT_COLUMNS]
    schema = pa.schema(types)
    known = []
    with pq.ParquetWriter(out / "steps.parquet", schema, compression="zstd") as writer:
        for about, columns in runs:
            n = len(columns["loss"])
            nothing = np.full(n, np.nan)
            whole = {name: columns.get(name, nothing) for name in FLOAT_COLUMNS}
            table = pa.table({"run_id": [about["run_id"]] * n, "step": np.arange(n)} | whole)
            writer.write_table(table.cast(schema), row_group_size=n)
            known.append(about)
    pq.write_table(pa.Table.from_pylist(known), out / "runs.parquet", compression="zstd")


def block(columns: Mapping[str, Any] | pd.DataFrame) -> StepBlock:
    """Steps from a table or a mapping of columns; a norm may lack."""
    n = len(columns["step"])
    nothing = np.full(n, np.nan)
    numbers: dict[str, Any] = {
        name: np.array(columns[name], float) if name in columns else nothing
        for name in FLOAT_COLUMNS
    }
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


def averaged(run: StepBlock, *, n_rows: int = 100, begin: float = 0.0) -> StepBlock:
    """Means over as many steps as leave about `n_rows`, as most loggers write them.

    A log may begin in the middle of the run, after a share `begin` of it.
    """
    run = loss_and_rate(run[int(begin * len(run)) :])
    k = max(len(run) // n_rows, 2)
    n = len(run) // k
    means = {
        name: getattr(run, name)[: n * k].reshape(n, k).mean(axis=1) for name in ("loss", "lr")
    }
    return with_columns(run[k - 1 : n * k : k], **means)


def with_columns(run: StepBlock, **columns: Any) -> StepBlock:
    names = ("step", "time", *FLOAT_COLUMNS, "skipped", "loss_seen")
    return StepBlock(**{name: getattr(run, name) for name in names} | columns)
