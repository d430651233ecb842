"""A long run in short: its lines thinned, and its mean loss over a few hundred stretches.

Kept while the rows come by to be judged, so that many long runs can be drawn over one another
without reading them again: twenty of a million steps would take ten seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lrwatch.detect.schedule_name import is_constant
from lrwatch.following.loss_bins import LossBins
from lrwatch.records import FloatArray, StepBlock
from lrwatch_dashboard.data.extremes import Extremes
from lrwatch_dashboard.data.smoothing import smooth
from lrwatch_dashboard.views import Curve, RunCurves

__all__ = ["LONG_RUN", "Envelope", "Outliner", "drawn_columns"]

LONG_RUN: Final = 100_000
"""Steps from which on an envelope is worth its 70 kB: shorter runs are read as quickly."""

_N_BINS: Final = 512
_COLUMNS: Final = ("loss", "lr", "grad_norm", "ratio")
_FEWEST_BINS: Final = 4  # in a half-life, so that means of bins smooth as rows do


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Lines of a run, thinned.

    Attributes
    ----------
    width
        Steps of a stretch over which the loss is averaged.
    last_step
        The last step of all.
    lines
        Loss, learning rate, gradient norm, update over weight.
    means
        The mean loss of each stretch that has one, at its last step.
    """

    width: int
    last_step: int
    lines: tuple[Curve, ...]
    means: Curve

    def smooths(self, half_life: int) -> bool:
        """Return whether the loss can be smoothed so from the stretches alone."""
        return not half_life or half_life >= _FEWEST_BINS * self.width

    def curves(self, half_life: int, token: str) -> RunCurves:
        """Return the lines of the run; what only the Run page shows is left out."""
        loss, lr, grad_norm, ratio = self.lines
        return RunCurves(
            last_step=self.last_step,
            loss=loss,
            smooth_loss=self._smoothed(half_life) if half_life else loss,
            half_life=half_life,
            lr=(lr,),
            is_steady=is_constant(lr.y),
            grad_norm=grad_norm,
            update_ratio=ratio,
            token=token,
        )

    def _smoothed(self, half_life: int) -> Curve:
        return Curve("smoothed", self.means.x, smooth(self.means.y, half_life / self.width))


class Outliner:
    """Makes an envelope of rows as they come."""

    def __init__(self) -> None:
        self._last = -1
        self._is_resumed = False
        self._lines: tuple[Extremes, ...] = ()
        self._means: LossBins | None = None

    def add(self, block: StepBlock) -> None:
        """Add rows, at least one, whose steps rise."""
        # Rows that are written again would have to be taken out of the lines first.
        self._is_resumed |= bool(block.step[0] <= self._last)
        self._last = max(self._last, int(block.step[-1]))
        if self._is_resumed:
            return
        if self._means is None:
            # Not with the object: most runs of a store are known, and have no rows to come.
            self._lines = tuple(Extremes(_N_BINS) for _ in _COLUMNS)
            self._means = LossBins(bins=np.zeros((2, _N_BINS)))
        self._means.add(block)
        for line, values in zip(self._lines, drawn_columns(block).values(), strict=True):
            finite = np.isfinite(values)
            line.add(block.step[finite].astype(np.float64), values[finite])

    def envelope(self) -> Envelope | None:
        """Return the envelope; None of a run that is short, or was resumed at an earlier step."""
        if self._is_resumed or self._last < LONG_RUN or self._means is None:
            return None
        named = zip(_COLUMNS, self._lines, strict=True)
        lines = tuple(Curve(name, *line.points()) for name, line in named)
        width = self._means.width
        ends = np.minimum(self._means.steps + (width - 1) / 2, self._last)
        return Envelope(width, self._last, lines, Curve("smoothed", ends, self._means.means))


def drawn_columns(block: StepBlock) -> dict[str, FloatArray]:
    """Return what every run has a line of, by name."""
    with np.errstate(all="ignore"):
        ratio = block.update_norm / block.param_norm
    return {"loss": block.loss, "lr": block.lr, "grad_norm": block.grad_norm, "ratio": ratio}
