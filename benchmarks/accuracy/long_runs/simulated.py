"""Losses of good runs as formulas: what falls, and the noise of batches over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from scipy.signal import lfilter

from benchmarks.accuracy.long_runs.run import LongRun
from lrwatch.records import FloatArray

__all__ = ["NOISES", "loss_of", "simulated"]

Noise = Callable[[np.random.Generator, FloatArray], FloatArray]
"""From a generator and the loss without noise, to what batches add to it."""

EPOCH: Final = 391
RATIO: Final = 7e-4
"""Update norm over parameter norm, as in many a good run."""


def gaussian(share: float) -> Noise:
    return lambda rng, level: share * level * rng.standard_normal(len(level))


def moving_average(share: float, kept: float = 0.95) -> Noise:
    """Loss as a trainer smooths it: each value is mostly the one before."""

    def noise(rng: np.random.Generator, level: FloatArray) -> FloatArray:
        drawn = rng.standard_normal(len(level)) * np.sqrt(1 - kept**2)
        averaged: FloatArray = lfilter([1.0], [1.0, -kept], drawn)
        return share * level * averaged

    return noise


def same_order(share: float, epoch: int = EPOCH) -> Noise:
    """Batches that come in the same order in every epoch, each with its own difficulty."""

    def noise(rng: np.random.Generator, level: FloatArray) -> FloatArray:
        difficulty = rng.standard_normal(epoch)
        own = 0.2 * rng.standard_normal(len(level))
        return share * level * (np.resize(difficulty, len(level)) + own)

    return noise


def seasons(share: float, epoch: int = EPOCH) -> Noise:
    """Data in the order in which they were collected: neighbours are alike, epochs the same."""

    def noise(rng: np.random.Generator, level: FloatArray) -> FloatArray:
        drawn = rng.standard_normal(2 * epoch)
        difficulty = lfilter([1.0], [1.0, -0.9], drawn)[epoch:] * np.sqrt(1 - 0.9**2)
        own = 0.3 * rng.standard_normal(len(level))
        return share * level * (np.resize(difficulty, len(level)) + own)

    return noise


def lognormal(spread: float, tokens: int) -> Noise:
    """Mean over tokens whose losses are lognormal: skewed, and wild where tokens are few."""

    def noise(rng: np.random.Generator, level: FloatArray) -> FloatArray:
        n, block = len(level), 4_096
        means = [
            rng.lognormal(-(spread**2) / 2, spread, (min(block, n - at), tokens)).mean(axis=1)
            for at in range(0, n, block)
        ]
        return level * (np.concatenate(means) - 1)

    return noise


def heavy_tails(share: float, degrees: float) -> Noise:
    """Student's t, cut where the loss would be negative."""
    return lambda rng, level: np.maximum(
        share * level * rng.standard_t(degrees, len(level)), -0.95 * level
    )


def growing(first: float, last: float) -> Noise:
    """Noise that grows by a power of time."""

    def noise(rng: np.random.Generator, level: FloatArray) -> FloatArray:
        done = np.linspace(1 / len(level), 1, len(level))
        share = first + (last - first) * done
        return share * level * rng.standard_normal(len(level))

    return noise


def bursts(share: float, every: int) -> Noise:
    """Stretches of harder data, some dozens of steps long, at random distances."""

    def noise(rng: np.random.Generator, level: FloatArray) -> FloatArray:
        n = len(level)
        starts = rng.random(n) < 1 / every
        heights = np.where(starts, rng.exponential(1.0, n), 0.0)
        harder: FloatArray = lfilter([1.0], [1.0, -0.97], heights)
        return share * level * (harder + rng.standard_normal(n))

    return noise


NOISES: Final[dict[str, Noise]] = {
    "gaussian-0.1": gaussian(0.1),
    "gaussian-0.2": gaussian(0.2),
    "gaussian-0.35": gaussian(0.35),
    "gaussian-0.5": gaussian(0.5),
    "average-0.1": moving_average(0.1),
    "average-0.3": moving_average(0.3),
    "average99-0.2": moving_average(0.2, 0.99),
    "epoch-0.1": same_order(0.1),
    "epoch-0.4": same_order(0.4),
    "seasons-0.2": seasons(0.2),
    "tokens-16": lognormal(1.5, 16),
    "tokens-64": lognormal(1.0, 64),
    "tails-2": heavy_tails(0.1, 2.0),
    "tails-4": heavy_tails(0.2, 4.0),
    "tails-1.2": heavy_tails(0.03, 1.2),
    "growing-0.1-0.5": growing(0.1, 0.5),
    "growing-0.02-0.4": growing(0.02, 0.4),
    "bursts-0.1": bursts(0.1, 2_000),
    "bursts-0.3": bursts(0.3, 500),
    "mixed": lambda rng, level: (
        moving_average(0.1)(rng, level) + same_order(0.1)(rng, level) + gaussian(0.2)(rng, level)
    ),
}


def falls(kind: str, step: FloatArray) -> FloatArray:
    """A loss without noise: to a floor of 1, or of 0.3, or for ever."""
    if kind == "exponential":
        return 1 + np.exp(-step / 500)
    if kind == "power":
        return 1 + 6 * (1 + step / 20) ** -0.4
    if kind == "slow":
        return 1.3 + np.exp(-step / 8_000)
    if kind == "deep":
        return 0.3 + 2 * np.exp(-step / 1_500)
    return np.full(len(step), 2.0) - 0.1 * (1 - np.exp(-step / 2_000))  # "tuned": hardly anything


FALLS: Final = ("exponential", "power", "slow", "deep", "tuned")


def loss_of(noise: str, fall: str, n_steps: int, seed: int) -> FloatArray:
    """Loss of a good run, never negative."""
    rng = np.random.default_rng([seed, len(noise), len(fall)])
    level = falls(fall, np.arange(n_steps, dtype=np.float64))
    return np.maximum(level + NOISES[noise](rng, level), 0.02 * level)


def simulated(n_runs: int, n_steps: int, *, seed: int = 0) -> Iterator[LongRun]:
    """Every noise over one fall after another; a half with norms, of which a third decays."""
    names = list(NOISES)
    for k in range(n_runs):
        noise, fall = names[k % len(names)], FALLS[(k + k // len(names)) % len(FALLS)]
        loss = loss_of(noise, fall, n_steps, seed + k)
        schedule = "cosine" if k % 3 == 2 else "constant"
        columns = {"loss": loss, "lr": 1e-3 * _shape(schedule, n_steps)}
        if k % 2 == 0:
            columns |= _norms(columns["lr"] / 1e-3, seed + k)
        yield LongRun(
            f"{noise}-{fall}-{schedule}-{seed + k}", f"simulated {fall}", "none", 1e-3, 0, seed + k,
            columns,
        )  # fmt: skip


def _shape(schedule: str, n_steps: int) -> FloatArray:
    if schedule == "constant":
        return np.ones(n_steps)
    warm = np.minimum((np.arange(n_steps) + 1) / (0.01 * n_steps), 1)
    decay: FloatArray = warm * (0.505 + 0.495 * np.cos(np.pi * np.linspace(0, 1, n_steps)))
    return decay


def _norms(lr: FloatArray, seed: int) -> dict[str, FloatArray]:
    """Norms of an adaptive optimizer: steps of one length, a gradient that is mostly noise."""
    rng = np.random.default_rng([seed, 1])
    n = len(lr)
    param = 30.0 * (1 + 0.3 * np.sqrt(np.arange(n) / n))
    grad = (0.3 + 0.7 * np.exp(-np.arange(n) / 1_000)) * rng.lognormal(0, 0.3, n)
    update = RATIO * param * lr * rng.lognormal(0, 0.1, n)
    return {
        "grad_norm": grad,
        "grad_norm_clipped": grad,
        "update_norm": update,
        "param_norm": param,
    }
