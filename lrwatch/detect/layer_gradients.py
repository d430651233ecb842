"""Which layer it is: the gradient of one that is not finite, has blown up, or is exactly 0.

It says where to look, and changes no class.

Own; that a hundred times the beginning has blown up is the convention of `gradient_growth`.

>>> from lrwatch.tables import step_block
>>> step = np.arange(60)
>>> test = LayerGradients()
>>> test.add(step_block({"step": step, "loss": np.ones(60), "layer_grad_norm/body": np.ones(60),
...                      "layer_grad_norm/head": 1.2 ** step}))
>>> test.evidence(59).note
'the gradient of layer head rose to over 1,000 times that of its first steps'
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.detect.scale import median
from lrwatch.detect.wording import times
from lrwatch.formats import count, printable
from lrwatch.records import LAYER_COLUMNS, FloatArray, StepBlock
from lrwatch.verdicts import Evidence

__all__ = ["LayerGradients"]

BEGINNING: Final = 10
"""Samples of a layer that are its beginning."""

RECENT: Final = 3
"""Samples that are its present: one wild one is no level."""

BLEW_UP: Final = 100.0
"""Times its beginning."""

BEYOND: Final = 10.0
"""Times as much as the middle one of the others: otherwise it is the whole net, not a layer."""

LASTING: Final = 10
"""Samples of exactly 0 running after which a layer is dead."""

_NAMED: Final = 3
_SIGNS: Final = 80
_NAME: Final = "layers"
_PREFIX: Final = f"{LAYER_COLUMNS[0]}/"


@dataclass(slots=True)
class _Layer:
    """How the gradient norm of a layer began, where it is, and since when it is exactly 0."""

    beginning: list[float] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)
    n_zero: int = 0  # samples running
    zero_since: int = 0

    @property
    def growth(self) -> float:
        """Where it is over how it began; NaN if that is not known."""
        began = median(np.array(self.beginning)) if self.beginning else 0.0
        return median(np.array(self.recent)) / began if began > 0 else math.nan

    def add(self, steps: npt.NDArray[np.int64], values: FloatArray) -> None:
        """Take samples, all finite."""
        missing = BEGINNING - len(self.beginning)
        self.beginning += values[:missing].tolist() if missing > 0 else []
        self.recent = (self.recent + values[-RECENT:].tolist())[-RECENT:]
        nonzero = np.flatnonzero(values)
        zeros = len(values) - 1 - int(nonzero[-1]) if len(nonzero) else len(values)
        if len(nonzero) or not self.n_zero:
            self.n_zero = 0
            self.zero_since = int(steps[-zeros]) if zeros else 0
        self.n_zero += zeros


class LayerGradients:
    """Keeps what is needed of each layer with a column ``layer_grad_norm/LAYER``.

    A gradient that is NaN in a row whose global norm is finite was not recorded.
    """

    def __init__(self) -> None:
        self._layers: dict[str, _Layer] = {}
        self._broken: tuple[int, tuple[str, ...]] | None = None  # step, and layers not finite there

    def add(self, rows: StepBlock) -> None:
        """Take the next rows."""
        names = [name for name in rows.extra if name.startswith(_PREFIX)]
        if not names:
            return
        self._look_for_broken(rows, names)
        for name in names:
            values = rows.extra[name]
            known = np.isfinite(values)
            if known.any():
                self._layers.setdefault(name, _Layer()).add(rows.step[known], values[known])

    def evidence(self, last_step: int | None) -> Evidence:
        """Test whether it is some layers, and not all, whose gradient is at fault."""
        if not self._layers:
            return Evidence(_NAME, note="needs gradient norms by layer", speaks="neither")
        note = self._broken_note() or self._dead_note()
        growths = {name: layer.growth for name, layer in self._layers.items()}
        order = sorted((g, name) for name, g in growths.items() if math.isfinite(g))
        growth, highest = order[-1] if order else (0.0, "")
        others = [g for g, _ in order[:-1]]
        if not note and others and growth > max(BLEW_UP, BEYOND * median(np.array(others))):
            grown = f"rose to {times(growth)} that of its first steps"
            note = f"the gradient of layer {_shown(highest)} {grown}"
        quiet = "no layer stands out by its gradient"
        return Evidence(
            _NAME,
            growth,
            BLEW_UP,
            fired=bool(note),
            interval=None if last_step is None else (0, last_step),
            note=note or quiet,
            speaks="neither",
        )

    def _broken_note(self) -> str:
        if self._broken is None:
            return ""
        step, names = self._broken
        return f"the gradient of {_listed(names)} is not finite since step {count(step)}"

    def _dead_note(self) -> str:
        dead = [name for name, layer in self._layers.items() if layer.n_zero >= LASTING]
        if not dead or len(dead) == len(self._layers):
            return ""
        since = max(self._layers[name].zero_since for name in dead)
        return f"the gradient of {_listed(dead)} is exactly 0 since step {count(since)}"

    def _look_for_broken(self, rows: StepBlock, names: Sequence[str]) -> None:
        if self._broken is not None:
            return
        values = np.stack([rows.extra[name] for name in names])
        finite = np.isfinite(values)
        before = np.array([[name in self._layers] for name in names])
        had_one = before | np.logical_or.accumulate(finite, axis=1)
        is_bad = np.isinf(values) | (~finite & had_one & ~np.isfinite(rows.grad_norm))
        # Rows between samples have none at all.
        found = np.flatnonzero(is_bad.any(axis=0) & finite.any(axis=0))
        if len(found):
            at = int(found[0])
            bad = tuple(name for name, is_it in zip(names, is_bad[:, at], strict=True) if is_it)
            self._broken = int(rows.step[at]), bad


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_shown(name) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"layer{'s' if len(names) > 1 else ''} {shown}{more}"


def _shown(column: str) -> str:
    return printable(column.removeprefix(_PREFIX))[:_SIGNS]
