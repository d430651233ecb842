"""Stall: a run that stopped learning for another reason than having arrived.

Own, fitted on the labelled runs: its rate was cut too early, its loss repeats itself, or it moves
far and calmly without getting anywhere.

>>> from lrwatch.detect.tracker import past_of
>>> step, ones = np.arange(200), np.ones(200)
>>> falls = {"step": step, "loss": 3 - step / 100, "lr": ones}
>>> halts = {"step": step, "loss": 3 - np.minimum(step, 60) / 100, "lr": 0.01 ** (step >= 60)}
>>> cut_too_early(past_of(halts)).fired, cut_too_early(past_of(falls)).fired
(True, False)
>>> frozen(past_of(falls | {"loss": ones})).fired, frozen(past_of(falls)).fired
(True, False)
>>> falls |= {"grad_norm": ones, "param_norm": 10 * ones, "update_norm": 0.2 * ones}
>>> dead(past_of(falls | {"loss": 3 - step / 1e4})).fired, dead(past_of(falls)).fired
(True, False)
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.motion import relative_path
from lrwatch.detect.past import Past
from lrwatch.detect.schedule import CUT, cut
from lrwatch.detect.wording import share as in_percent
from lrwatch.formats import number
from lrwatch.verdicts import Evidence

__all__ = ["cut_too_early", "dead", "frozen"]

LITTLE: Final = 0.1
"""Share of the whole decrease; less than that after a cut is nothing."""

LASTING: Final = 0.3
"""Share of the run that must have been spent at the lower rate."""

SLIGHT: Final = 0.12
"""Share of the loss at the start; a decrease below it leaves a run where it began."""

REPEATS: Final = 16
"""Rows with exactly the same loss that are no accident."""

ZERO: Final = 1e100
"""Factor of a fall from which on the rate after it is 0."""

CYCLE: Final = 0.1
"""Share of the peak to which a rate that was cut rises again in a cycle."""

MOVED: Final = 1.0
"""Relative path of a run that does not merely crawl."""

SURELY: Final = 4.0
"""Standard deviations of the noise that may hide a decrease, for the start is a single loss. In a
dead net there is hardly any: nothing of the batch comes through."""

CALM: Final = 3.0
"""Growth of the gradient norm that speaks for too large steps instead."""


def cut_too_early(past: Past) -> Evidence:
    """Test whether the learning rate was cut deeply while the loss was still falling."""
    found = cut(past)
    if found is None:
        return Evidence("lr_cut", 1.0, CUT, note="the learning rate was never cut sharply")
    after = np.arange(len(past)) >= found.bin
    share = float(past.steps[after].sum()) / max(past.n_steps, 1.0)
    recovered = bool(past.lr[after].max() > CYCLE * past.lr.max())
    gained_after = float(past.loss[found.bin - 1]) - past.end
    speed_before = _speed(past, max(found.bin // 2, 1), found.bin)
    expected = speed_before * float(past.steps[after].sum())
    fired = (
        share > LASTING
        and not recovered
        and expected > LITTLE * past.gained
        and gained_after < LITTLE * (past.gained + past.grain)
    )
    return Evidence(
        "lr_cut",
        found.factor if found.factor < ZERO else math.inf,
        CUT,
        fired=fired,
        interval=(found.step, int(past.last_step[-1])),
        note=f"the learning rate fell {number(found.factor, 3)}-fold at step {found.step}"
        if found.factor < ZERO
        else f"the learning rate is 0 since step {found.step}",
    )


def _speed(past: Past, start: int, end: int) -> float:
    """Decrease of the loss a step over the bins from `start` to `end`."""
    steps = float(past.steps[start:end].sum())
    return float(past.loss[start - 1] - past.loss[end - 1]) / max(steps, 1.0)


def frozen(past: Past) -> Evidence:
    """Test whether the loss repeats itself exactly: nothing that is trained reaches it."""
    pairs = float(past.history["diff_n"].sum())
    moved = float(past.history["diff1"].sum())
    return Evidence(
        "frozen",
        moved,
        0.0,
        fired=pairs >= REPEATS and moved == 0,
        interval=past.interval,
        note="the loss is exactly the same at every step" if moved == 0 else "the loss changes",
    )


def dead(past: Past) -> Evidence:
    """Test whether hardly anything was learnt, though no step was too large.

    A net that its learning rate destroyed shows it: the loss rose above its start or the
    gradient grew. A crawling run has hardly moved. A net through which no gradient flows moves
    far enough, calmly, and stays where it was.
    """
    share = past.gained / (abs(past.start) + past.grain)
    path = relative_path(past)
    if math.isnan(path):
        return Evidence(
            "dead", note="needs the gradient norm, the update norm and the parameter norm"
        )
    growth = float(np.fmax.reduce(past.log_grad)) - math.log10(past.opening.grad)
    calm = growth < math.log10(CALM) and float(past.loss.max()) < past.start + 4 * past.grain
    hidden = SURELY * past.grain / (abs(past.start) + past.grain)
    return Evidence(
        "dead",
        share,
        SLIGHT,
        fired=bool(share + hidden < SLIGHT and calm and path > MOVED),
        interval=past.interval,
        note=f"the loss came down by {in_percent(share)} at best"
        if share > 0
        else "the loss never came down",
    )
