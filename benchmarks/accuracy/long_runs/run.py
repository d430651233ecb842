"""One good run: what it is, and its columns as a log has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.accuracy.corpus import block
from lrwatch.records import FloatArray, StepBlock

__all__ = ["LongRun"]


@dataclass(frozen=True)
class LongRun:
    """A run at a rate that is right.

    Attributes
    ----------
    name, task, optimizer
        In words.
    lr, batch_size, seed
        Peak rate, examples a step, what the run was drawn from.
    columns
        What was recorded of every step, shape ``(n_steps,)`` each; a norm may be missing.
    """

    name: str
    task: str
    optimizer: str
    lr: float
    batch_size: int
    seed: int
    columns: Mapping[str, FloatArray]

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.columns["loss"])

    @property
    def steps(self) -> StepBlock:
        """Every step, as the tests read them."""
        return block({"step": np.arange(len(self)), **self.columns})
