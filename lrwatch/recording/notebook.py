"""A run as a notebook shows it: a card with its verdict, and a figure to zoom into."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from lrwatch.card import card, sparkline
from lrwatch.errors import LrwatchError, MissingExtra
from lrwatch.following import summarised
from lrwatch.formats import counted, number
from lrwatch.monitor import diagnose
from lrwatch.records import FloatArray, StepBlock, superseded
from lrwatch.store import RunReader

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["run_card", "run_figure"]

_N_POINTS: Final = 80  # of the line on a card
_MOST_POINTS: Final = 4000  # of a line in a figure
_WIDE: Final = 20.0  # largest over least loss, from which on the line is drawn by magnitude

_PANELS: Final = (
    ("loss", ("loss",)),
    ("learning rate", ("lr", "lr_effective")),
    ("gradient norm", ("grad_norm", "grad_norm_clipped")),
)


def run_card(run: Path) -> str:
    """Return the card of a run as it is now, in HTML; one that cannot be read says why."""
    try:
        reader = RunReader(run)
        rows = reader.read_new()
        if not len(rows):
            return card("insufficient_data", "No step is recorded yet.", title=run.name)
        found = diagnose(rows, total_steps=reader.info.total_steps)
    except (LrwatchError, OSError) as error:
        return card("unreadable", str(error), title=run.name)
    summary = summarised(rows)
    facts = [counted(summary.n_steps, "step")]
    if summary.peak_lr is not None:
        facts.append(f"peak rate {number(summary.peak_lr, 3)}")
    if summary.last_loss is not None:
        facts.append(f"last loss {number(summary.last_loss)}")
    return card(
        found.verdict,
        found.reason,
        title=run.name,
        advice=found.advice,
        suggested_lr=found.suggested_lr,
        facts=facts,
        picture=sparkline(_drawn(_that_count(rows).loss), f"Loss of {run.name}"),
    )


def run_figure(run: Path) -> go.Figure:
    """Draw loss, learning rate and gradient norm of a run.

    Raises
    ------
    MissingExtra
        If plotly is not installed.
    RunNotFound, RunUnreadable
        If there is no run, or it cannot be read.
    """
    try:
        from plotly.subplots import make_subplots
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "Run.plot() needs plotly, which is not installed; run pip install 'lrwatch[dashboard]'"
        ) from error
    rows = _that_count(RunReader(run).read_new())
    figure = make_subplots(
        len(_PANELS), 1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[2, 1, 1]
    )
    for place, (title, names) in enumerate(_PANELS, start=1):
        shown = {name: line for name in names if (line := _column(rows, name)) is not None}
        for name, values in shown.items():
            chosen = _extremes(values, _MOST_POINTS)
            figure.add_scatter(
                x=rows.step[chosen], y=values[chosen], name=name, row=place, col=1, mode="lines"
            )
        if axis := _range(shown.values()):
            figure.update_yaxes(range=axis, row=place, col=1)
        is_logarithmic = all(_is_wide(values) for values in shown.values()) and bool(shown)
        figure.update_yaxes(
            title_text=title, type="log" if is_logarithmic else "linear", row=place, col=1
        )
    figure.update_xaxes(title_text="step", row=len(_PANELS), col=1)
    figure.update_layout(
        title_text=run.name.replace("<", "&lt;"), height=560, hovermode="x unified",
        margin={"t": 48, "r": 16, "b": 40, "l": 64},
    )  # fmt: skip
    return figure


def _range(lines: Iterable[FloatArray]) -> list[float] | None:
    """Return a range for lines that are all one constant: plotly's own goes 1 to either side."""
    values = np.concatenate([np.empty(0), *(line[np.isfinite(line)] for line in lines)])
    if not len(values) or values.min() != values.max():
        return None
    return sorted((0.0, 2 * float(values[0]))) if values[0] else [-1.0, 1.0]


def _that_count(rows: StepBlock) -> StepBlock:
    """Return rows without those that a resumed run wrote again."""
    return rows[~superseded(rows.step)]


def _column(rows: StepBlock, name: str) -> FloatArray | None:
    """Return a column; ``None`` where it has no number, or only those of `grad_norm`."""
    values = getattr(rows, name, None)
    values = rows.extra.get(name) if values is None else values
    if values is None or not np.isfinite(values).any():
        return None
    is_same = name == "grad_norm_clipped" and np.array_equal(values, rows.grad_norm, equal_nan=True)
    return None if is_same else values


def _drawn(loss: FloatArray) -> list[float]:
    """Return a few numbers that show how a loss went, by magnitude where it fell far."""
    finite = loss[np.isfinite(loss)]
    if _is_wide(finite):
        finite = np.log10(finite)
    return [float(value) for value in finite[_extremes(finite, _N_POINTS)]]


def _is_wide(values: Any) -> bool:
    finite = values[np.isfinite(values)]
    return bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() > _WIDE)


def _extremes(values: FloatArray, n_points: int) -> npt.NDArray[np.intp]:
    """Return which values to draw: least and greatest of each stretch, in order."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) <= n_points:
        return known
    stretches = np.array_split(known, math.ceil(n_points / 2))
    ends = [(s[values[s].argmin()], s[values[s].argmax()]) for s in stretches]
    return np.unique(np.array([known[0], *np.ravel(ends), known[-1]]))
