"""Losses that are no objective: a GAN's two losses, policy gradients.

A loss that its own optimizer minimises falls by what the steps promise, less curvature. Where
an opponent or a policy changes the loss as it goes, it rises and falls by more than its noise
though no step is large and no gradient blows up. Nothing can be said of the rate by such a loss.

Own: along a path the loss changes by at most the sum of gradient norm * update norm, of which
steps that are too large waste nearly all. Fitted on the labelled runs, GANs and policy gradients.

>>> from lrwatch.detect.tracker import past_of
>>> step, ones = np.arange(400), np.ones(400)
>>> run = {"step": step, "lr": ones, "grad_norm": ones, "param_norm": 10 * ones,
...        "update_norm": 0.05 * ones}
>>> game, falls = past_of(run | {"loss": np.cos(step / 30)}), past_of(run | {"loss": -step / 200})
>>> wanders(game).fired, wanders(falls).fired
(True, False)
>>> calm_rise(past_of(run | {"loss": abs(step - 200) / 200})).fired, calm_rise(falls).fired
(True, False)
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.divergence import LOST
from lrwatch.detect.flatness import standard_error
from lrwatch.detect.motion import relative_path
from lrwatch.detect.past import TINY, Past
from lrwatch.detect.wording import share, times
from lrwatch.records import FloatArray
from lrwatch.verdicts import Evidence

__all__ = ["calm_rise", "wanders"]

STRETCHES: Final = 12
"""Equal stretches of the run whose levels are compared."""

LEAST_BINS: Final = 24

MOVES: Final = 4
"""Rises and falls between stretches that are no accident."""

TURNS: Final = 2
"""Changes between rise and fall: a run that is lost turns once."""

REAL: Final = 4.0
"""Standard errors that a move must exceed."""

PROMISED: Final = 0.003
"""Share of gradient norm * update norm that a move must exceed: steps that are too large
throw the loss about by less than that."""

NET: Final = 0.5
"""Share of all moves that may be left at the end."""

NEAR: Final = 10.0
"""Relative path that steps which are too large exceed long before the loss wanders."""

UNPROVOKED: Final = 0.005
"""Share of gradient norm * update norm since the best loss that a rise must exceed: along the way
the loss changes by at most all of it, and steps that are too large waste nearly all."""

CALM: Final = 0.1
"""Decades by which the gradient norm may have grown, of a negative loss that rises."""


def wanders(past: Past) -> Evidence:
    """Test whether the loss moves to and fro, or up, without the steps being the cause."""
    path = relative_path(past)
    if past.driven is None or math.isnan(path):
        return Evidence("no_objective", note="needs the gradient, update and parameter norms")
    levels, gains = _moves(past)
    change = levels[:-1] - levels[1:]
    error = past.grain * math.sqrt(2 * STRETCHES / max(past.n_loss, 1))
    real = (np.abs(change) > REAL * error) & (np.abs(gains) > PROMISED)
    n_up = int(np.count_nonzero(real & (gains < 0)))
    n_down = int(np.count_nonzero(real & (gains > 0)))
    net = abs(float(levels[0] - levels[-1])) / (float(np.abs(change).sum()) + TINY)
    turns = int(np.count_nonzero(np.diff(np.sign(gains[real]))))
    to_and_fro = turns >= TURNS and n_up + n_down >= MOVES and net < NET and path < NEAR
    return Evidence(
        "no_objective",
        float(n_up),
        1.0,
        fired=len(past) >= LEAST_BINS and (to_and_fro or _rises_calmly(past, error)),
        interval=past.interval,
        note=f"between {STRETCHES} stretches the loss rose {n_up} and fell {n_down} times",
        speaks="neither",
    )


def calm_rise(past: Past, lost: float = 0.0) -> Evidence:
    """Test whether a loss above its best rose by more than steps that are too large make it.

    Such steps go a long way for each bit that the loss rises, and soon far beyond `NEAR`.

    Parameters
    ----------
    lost
        By how much the fast test found the loss above its best; 0 where it did not fire.
    """
    path = relative_path(past)
    if past.driven is None or math.isnan(path):
        return Evidence("calm_rise", note="needs the gradient, update and parameter norms")
    best = int(np.argmin(past.loss))
    spent = float(past.driven[-1] - past.driven[best])
    rise = max(past.end - float(past.best[-1]), lost)
    real = lost > 0 or rise > max(LOST * past.gained, REAL * standard_error(past, 0.93, 1.0))
    value = rise / max(spent, TINY) if spent > 0 else 0.0
    return Evidence(
        "calm_rise",
        value,
        UNPROVOKED,
        fired=real and value > UNPROVOKED and path < NEAR,
        interval=past.steps_of(slice(best, len(past))),
        note=f"since its best the loss rose by {share(value)} of what the steps could move it by, "
        f"and the weights had moved {times(path)} their own length",
        speaks="neither",
    )


def _moves(past: Past) -> tuple[FloatArray, FloatArray]:
    """Levels of the stretches, and from one to the next the share of what steps promised."""
    edges = [(k / STRETCHES, (k + 1) / STRETCHES) for k in range(STRETCHES)]
    levels = np.array([past.level(*edge) for edge in edges])
    driven = past.driven if past.driven is not None else np.zeros(len(past))
    ends = driven[[past.between(*edge).stop - 1 for edge in edges]]
    return levels, (levels[:-1] - levels[1:]) / np.maximum(ends[1:] - ends[:-1], TINY)


def _rises_calmly(past: Past, error: float) -> bool:
    """Whether a negative loss rises while its gradient shrinks, as in policy gradients."""
    grown = float(np.fmax.reduce(past.log_grad)) - math.log10(past.opening.grad or TINY)
    return past.start < 0 and past.end > past.start + REAL * error and grown < CALM
