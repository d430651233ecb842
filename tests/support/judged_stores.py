"""Small stores of two jobs, and all that is found on their runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from stores import write_run

from lrwatch.comparing import store_verdicts
from lrwatch.judging.kept import KeptVerdict, packed

__all__ = ["judged_now", "said", "table_of", "write_jobs", "write_trial"]


def write_trial(store: Path, name: str, lr: float, depth: int = 2, n_steps: int = 64) -> None:
    floor = 0.5 + abs(math.log10(lr) + 1)
    loss = [floor + depth * math.exp(-i / 9) for i in range(n_steps)]
    values = {"lr": [lr] * n_steps, "loss": loss}
    config = {"lr": lr, "depth": depth}
    write_run(store, name, steps=range(n_steps), values=values, config=config)


def write_jobs(store: Path) -> Path:
    """Write six runs, two jobs of three rates each."""
    store.mkdir()
    for depth in (2, 5):
        for lr in (0.001, 0.1, 1.0):
            write_trial(store, f"d{depth}-lr-{lr}", lr, depth)
    return store


def judged_now(store: Path, **options: Any) -> int:
    """Keep the table up; return how many runs were read for it."""
    return store_verdicts(store, writes=True, **options).n_judged


def table_of(store: Path) -> Path:
    return store / ".lrwatch-verdicts" / "verdicts.parquet"


def said(store: Path, **options: Any) -> dict[str, tuple[Any, ...]]:
    """Return everything that is found on each run, NaN included."""
    found = store_verdicts(store, **options)
    return {
        key: (
            run.state,
            run.problem,
            run.damage,
            packed(KeptVerdict(run.summary, run.diagnosis)),
            found.together.get(key),
        )
        for key, run in found.runs.items()
    }
