"""What a range test says: the loss while the learning rate was swept upwards, read as one curve.

Nothing is fitted: the test is cut into equal stretches, which are equal factors of the rate, and
medians over them say where the loss falls fastest, is lowest and diverges. The rate to try is a
third of the one at which it is lowest: there the steps are about to be too large. Resampling the
losses within each stretch says how far noise could have moved that.

References
----------
L. N. Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from lrwatch.formats import number
from lrwatch.records import FloatArray

__all__ = ["RangeReading", "read_range_test"]

N_STRETCHES: Final = 50
FEWEST_STEPS: Final = 4
"""Steps in a stretch."""

REACH: Final = 2
"""Stretches to either side over which a slope is taken."""

LEAST_FALL: Final = 0.05
"""Share of the loss at the start: less is no fall."""

NEIGHBOURS: Final = 2
"""Stretches to either side whose median stands for one: a lucky stretch is no lowest one."""

SHORT_OF_LOWEST: Final = 1 / 3
"""Seven jobs had their best rate at this share of the one where the loss was lowest, within a
factor of 3 in 86 % of tests (docs/decisions/0029-what-a-range-test-says.md)."""

TURNED: Final = 0.2
"""Share of its fall by which the loss must rise in the end, for its lowest point to be one."""

N_RESAMPLED: Final = 200
SURE: Final = 0.8
"""Share of the resampled tests that must fall as well."""

FACTOR: Final = 3.0
"""A rate that is right to within this factor ends about as low as the best one."""


@dataclass(frozen=True, slots=True, eq=False)
class RangeReading:
    """What a range test says of learning rates.

    Attributes
    ----------
    lr
        The rate to try; ``None`` where the test does not tell.
    low, high
        The band of rates to try, around it; ``None`` as well.
    confidence
        Share of the tests with resampled noise that name a rate within that band; 0 without.
    steepest, lowest, diverges
        The rates at which the loss falls fastest, is lowest, and is back at its start or not
        finite; ``None`` where there is none.
    reason
        One sentence.
    rates, losses
        The test itself, up to the first loss that is not finite, shape ``(n_steps,)``.
    middle_rates, median_losses
        Of each stretch, the losses with those of its neighbours, shape ``(n_stretches,)``.
    path
        Folder of the run that the test was kept as, if it was.
    """

    lr: float | None
    low: float | None
    high: float | None
    confidence: float
    steepest: float | None
    lowest: float | None
    diverges: float | None
    reason: str
    rates: FloatArray
    losses: FloatArray
    middle_rates: FloatArray
    median_losses: FloatArray
    path: Path | None = None

    @property
    def band(self) -> tuple[float, float] | None:
        """The lowest and the highest rate to try, where the test tells."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    def __str__(self) -> str:
        """Say it in one line."""
        return self.reason


def read_range_test(rates: FloatArray, losses: FloatArray) -> RangeReading:
    """Read a range test.

    Parameters
    ----------
    rates, losses
        Learning rate and loss of each step, the rates ascending, shape ``(n_steps,)``.
        What comes after the first loss that is NaN or infinite does not count.

    Examples
    --------
    >>> rates = np.geomspace(1e-5, 10, 600)
    >>> losses = 3 * (0.3 + 0.7 / (1 + (rates / 1e-3) ** 2) + (rates / 0.5) ** 3)
    >>> found = read_range_test(rates, losses)
    >>> found.low < found.lr < found.high, found.confidence
    (True, 1.0)
    >>> read_range_test(rates, losses[::-1]).lr is None
    True
    """
    rates, losses = np.asarray(rates, np.float64), np.asarray(losses, np.float64)
    rates = rates[: len(losses)]
    broken = np.flatnonzero(~np.isfinite(losses))
    is_broken = len(broken) > 0
    if is_broken:
        rates, losses = rates[: broken[0]], losses[: broken[0]]
    stretches = _stretches(rates, losses)
    x = np.array([np.exp(np.mean(np.log(lr))) for lr, _ in stretches])
    y = np.array([np.median(loss) for _, loss in stretches])
    steady = _steadied(y)
    steepest = lowest = diverges = None
    low = high = lr = None
    confidence = 0.0
    has_turned = is_broken
    if len(y) > 2 * REACH and _falls(steady):
        lowest, steepest = float(x[np.argmin(steady)]), float(x[_steepest(x, steady)])
        diverges = _diverges(x, steady, rates, losses, is_broken=is_broken)
        has_turned |= _has_turned(steady, losses)
        found = _resampled(x, [loss for _, loss in stretches])
        if has_turned and len(found) >= SURE * N_RESAMPLED:
            lr = _rate(x, steady)
            low, high = _band(lr, found)
            confidence = float(np.sum((found >= low) & (found <= high)) / N_RESAMPLED)
    return RangeReading(
        lr, low, high, confidence, steepest, lowest, diverges,
        _sentence(steepest, lowest, diverges, (lr, low, high), has_turned=has_turned),
        rates, losses, x, steady,
    )  # fmt: skip


def _stretches(rates: FloatArray, losses: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    n = min(N_STRETCHES, len(losses) // FEWEST_STEPS)
    if n < 1:
        return []
    rates = np.maximum(rates, np.finfo(float).tiny)
    return list(zip(np.array_split(rates, n), np.array_split(losses, n), strict=True))


def _falls(y: FloatArray) -> bool:
    return bool(y[0] - y.min() > LEAST_FALL * abs(y[0]))


def _steepest(x: FloatArray, y: FloatArray) -> int:
    """Return where the loss falls fastest by factor of the rate, on its way to the lowest."""
    lowest = int(np.argmin(y))
    places = np.arange(lowest)
    before, after = np.maximum(places - REACH, 0), np.minimum(places + REACH, lowest)
    run = np.log(x[np.maximum(after, 1)]) - np.log(x[before])
    return int(np.argmin((y[after] - y[before]) / np.maximum(run, np.finfo(float).tiny)))


def _diverges(
    x: FloatArray, y: FloatArray, rates: FloatArray, losses: FloatArray, *, is_broken: bool
) -> float | None:
    lowest = int(np.argmin(y))
    lost = np.flatnonzero(y[lowest:] >= y[0])
    if len(lost):
        return float(x[lowest + int(lost[0])])
    is_lost = is_broken or np.median(losses[-FEWEST_STEPS:]) >= y[0]
    return float(rates[-1]) if is_lost else None


def _has_turned(steady: FloatArray, losses: FloatArray) -> bool:
    risen = float(np.median(losses[-FEWEST_STEPS:])) - steady.min()
    return bool(risen > TURNED * (steady[0] - steady.min()))


def _steadied(y: FloatArray) -> FloatArray:
    """Return the median of each stretch and its neighbours; tests side by side in rows."""
    last = y.shape[-1] - 1
    near = np.arange(last + 1)[:, None] + np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
    steadied: FloatArray = np.nanmedian(
        np.where((near >= 0) & (near <= last), y[..., near.clip(0, last)], np.nan), axis=-1
    )
    return steadied


def _rate(x: FloatArray, steady: FloatArray) -> float:
    return float(f"{SHORT_OF_LOWEST * x[np.argmin(steady)]:.1e}")


def _resampled(x: FloatArray, losses: list[FloatArray]) -> FloatArray:
    """Return the rate of each test with losses drawn again that falls as well."""
    random = np.random.default_rng(0)
    medians = np.stack(
        [
            np.median(loss[random.integers(0, len(loss), (N_RESAMPLED, len(loss)))], axis=1)
            for loss in losses
        ],
        axis=1,
    )
    return np.array([_rate(x, steady) for steady in _steadied(medians) if _falls(steady)])


def _band(lr: float, found: FloatArray) -> tuple[float, float]:
    """Return the rates between which the right one lies: noise, or what a test leaves open."""
    low, high = np.quantile(found, [0.1, 0.9]).tolist()
    return float(f"{min(low, lr / FACTOR):.1e}"), float(f"{max(high, lr * FACTOR):.1e}")


def _sentence(
    steepest: float | None,
    lowest: float | None,
    diverges: float | None,
    band: tuple[float | None, float | None, float | None],
    *,
    has_turned: bool,
) -> str:
    if steepest is None or lowest is None:
        return "The loss never falls, so this test says nothing; start at a lower rate"
    points = f"Loss falls fastest at a rate of {number(steepest, 2)}"
    if not has_turned:
        points += f" and is lowest at {number(lowest, 2)}"
        return f"{points}; it has not diverged yet, so test higher rates as well"
    end = "rises beyond" if diverges is None else f"diverges at {number(diverges, 2)}"
    points += f", is lowest at {number(lowest, 2)} and {end}"
    lr, low, high = band
    if lr is None:
        return f"{points}; noise alone could do that, so test again with more steps"
    return f"{points}; try {number(lr, 2)}, or {number(low, 2)} to {number(high, 2)}"
