"""Long runs in the two files of a corpus, as `benchmarks.accuracy.corpus` reads it.

Row group i of the steps holds run i.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.accuracy.long_runs.run import LongRun

__all__ = ["write"]

COLUMNS = ("loss", "lr", "grad_norm", "grad_norm_clipped", "param_norm", "update_norm")


def write(runs: Iterable[LongRun], out: Path) -> None:
    """Write runs as they come into ``runs.parquet`` and ``steps.parquet`` in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    types = [("run_id", pa.string()), ("step", pa.int32())]
    types += [(name, pa.float64() if name == "lr" else pa.float32()) for name in COLUMNS]
    schema = pa.schema(types)
    about = []
    with pq.ParquetWriter(out / "steps.parquet", schema, compression="zstd") as writer:
        for run in runs:
            n = len(run)
            nothing = np.full(n, np.nan)
            columns = {name: run.columns.get(name, nothing) for name in COLUMNS}
            table = pa.table({"run_id": [run.name] * n, "step": np.arange(n)} | columns)
            writer.write_table(table.cast(schema), row_group_size=n)
            about.append(_about(run))
    pq.write_table(pa.Table.from_pylist(about), out / "runs.parquet", compression="zstd")


def _about(run: LongRun) -> dict[str, Any]:
    return {
        "run_id": run.name,
        "setup": f"{run.task}-{run.optimizer}",
        "kind": "long",
        "task": f"long {run.task}",
        "optimizer": run.optimizer,
        "batch_size": run.batch_size,
        "T": len(run),
        "seed": run.seed,
        "lr_peak": run.lr,
        "eta_star": run.lr,
        "p": 1.0,
        "p_best": 1.0,
        "progress_scale": "linear",
        "label": "ok",
        "label_class": "ok",
        "onset_step": -1,
        "eval_final": math.nan,
        "n_steps": len(run),
        "ended_early": False,
        "first_nonfinite_step": -1,
        "scenario": "",
        "event_step": -1,
    }
