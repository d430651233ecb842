"""Which learning rate of a sweep won, and which others do about as well."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lrwatch.formats import number

__all__ = ["RateChoice", "RateResult", "choose_rate"]

TOLERANCE: Final = 0.02
"""Share of the best loss by which a rate may end higher and still be recommended."""

FEWEST_RATES: Final = 3
"""Fewer rates have no inside, so that the best one is always at an edge."""


@dataclass(frozen=True, slots=True)
class RateResult:
    """What the runs of one learning rate came to.

    Attributes
    ----------
    lr
        The rate.
    median, low, high
        Median and quartiles of the loss; a loss that is not finite counts as infinite.
    n_runs, n_broken
        How many runs there are, and how many ended without a finite loss.
    """

    lr: float
    median: float
    low: float
    high: float
    n_runs: int
    n_broken: int


@dataclass(frozen=True, slots=True)
class RateChoice:
    """Which learning rate won.

    Attributes
    ----------
    rates
        Every rate that was tried, ascending.
    best
        The one with the least median loss; None if no rate has one.
    band
        Least and greatest of the rates around it that end about as low; None where the best
        rate is at the edge of what was tried, or too few were.
    reason
        One sentence.
    """

    rates: tuple[RateResult, ...]
    best: float | None
    band: tuple[float, float] | None
    reason: str


def choose_rate(ended: Iterable[tuple[float, float]]) -> RateChoice:
    """Say which learning rate of a sweep won, and which others do about as well.

    About as well is a median loss that is higher by no more than 2 % of the best, or by the
    distance of the quartiles at the best rate, if seeds differ by more than that: a difference
    that another seed would undo recommends nothing. The band ends where a rate that was tried
    does worse; nothing is said of rates between.

    Parameters
    ----------
    ended
        Learning rate of each run, and the loss that it ended with; NaN where that broke.
    """
    rates = _by_rate(ended)
    finite = [rate for rate in rates if math.isfinite(rate.median)]
    if not finite:
        tried = "No run has a loss yet" if not rates else "No rate ended with a finite loss"
        return RateChoice(rates, None, None, tried + ("; try lower ones" if rates else ""))
    best = min(finite, key=lambda rate: rate.median)
    if len(rates) < FEWEST_RATES:
        few = f"No band yet: {FEWEST_RATES} rates are needed, and {len(rates)} tried"
        lower = f"; of the two {number(best.lr, 3)} ends lower" if len(rates) > 1 else ""
        return RateChoice(rates, best.lr, None, few + lower)
    if best.lr in (rates[0].lr, rates[-1].lr):
        edge, way = ("lowest", "down") if best.lr == rates[0].lr else ("highest", "up")
        reason = f"No band: the best rate, {number(best.lr, 3)}, is the {edge} that was tried; "
        return RateChoice(rates, best.lr, None, f"{reason}widen the sweep {way}wards")
    band = _band(rates, best)
    return RateChoice(rates, best.lr, band, _sentence(rates, best, band))


def _by_rate(ended: Iterable[tuple[float, float]]) -> tuple[RateResult, ...]:
    losses: dict[float, list[float]] = {}
    for lr, loss in ended:
        if 0 < lr < math.inf:
            # What a float32 and a float64 call the same rate differs in the last digits.
            losses.setdefault(float(f"{lr:.4g}"), []).append(loss)
    return tuple(_result(lr, losses[lr]) for lr in sorted(losses))


def _result(lr: float, losses: Sequence[float]) -> RateResult:
    ended = np.array([loss if math.isfinite(loss) else math.inf for loss in losses])
    n_broken = int(np.isinf(ended).sum())
    # Between a number and infinity lies nothing, so there the upper one of the two is taken.
    method: Any = "higher" if n_broken else "linear"
    low, median, high = np.quantile(ended, [0.25, 0.5, 0.75], method=method).tolist()
    return RateResult(lr, median, low, high, len(losses), n_broken)


def _band(rates: Sequence[RateResult], best: RateResult) -> tuple[float, float]:
    limit = best.median + max(TOLERANCE * abs(best.median), _spread(best))
    first = last = rates.index(best)
    while first > 0 and rates[first - 1].median <= limit:
        first -= 1
    while last + 1 < len(rates) and rates[last + 1].median <= limit:
        last += 1
    return rates[first].lr, rates[last].lr


def _spread(rate: RateResult) -> float:
    spread = rate.high - rate.low
    return spread if math.isfinite(spread) else 0.0


def _sentence(rates: Sequence[RateResult], best: RateResult, band: tuple[float, float]) -> str:
    ends = f"{number(best.lr, 3)} is best, at a final loss of {number(best.median, 3)}"
    if best.n_runs > 1:
        ends += f", the median of {best.n_runs} runs"
    if band[0] < band[1]:
        spread = " or the spread of seeds" if _spread(best) > TOLERANCE * abs(best.median) else ""
        low, high = (number(lr, 3) for lr in band)
        return f"{ends}; {low} to {high} end within 2 % of it{spread}"
    place = list(rates).index(best)
    low, high = (number(rates[i].lr, 3) for i in (place - 1, place + 1))
    return f"{ends}; no other rate ends as low, so try some between {low} and {high}"
