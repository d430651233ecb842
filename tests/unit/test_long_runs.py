"""Good runs that are long and noisy: whatever is said of them on the way is a false alarm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lrwatch
from lrwatch.records import FloatArray

pytestmark = pytest.mark.slow

N = 20_000
STEP = np.arange(N)

Shape = Callable[[np.random.Generator], FloatArray]


def averaged(rng: np.random.Generator, kept: float = 0.95) -> FloatArray:
    noise = rng.standard_normal(N)
    for k in range(1, N):
        noise[k] = kept * noise[k - 1] + (1 - kept**2) ** 0.5 * noise[k]
    return noise


FALLS = 1 + np.exp(-STEP / 500)
SHAPES: dict[str, Shape] = {
    "batches": lambda rng: FALLS * (1 + 0.3 * rng.standard_normal(N)),
    "moving average": lambda rng: FALLS * (1 + 0.05 * averaged(rng)),
    "epochs in order": lambda rng: (
        FALLS * (1 + np.resize(0.3 * rng.standard_normal(391), N) + 0.05 * rng.standard_normal(N))
    ),
    "tokens": lambda rng: FALLS * rng.lognormal(-0.5, 1.0, (N, 32)).mean(axis=1),
    "heavy tails": lambda rng: FALLS + np.clip(0.1 * rng.standard_t(2.5, N), -0.9, None),
    "growing noise": lambda rng: FALLS + 0.4 * (STEP / N) * rng.standard_normal(N),
}


def run(shape: str, *, norms: bool, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    columns = {"step": STEP, "loss": SHAPES[shape](rng), "lr": np.full(N, 1e-3)}
    if norms:  # steps of a healthy length, along a gradient that is mostly noise
        grad = (0.3 + 0.7 * np.exp(-STEP / 1_000)) * rng.lognormal(0, 0.3, N)
        update = 0.02 * rng.lognormal(0, 0.1, N)
        columns |= {"grad_norm": grad, "update_norm": update, "param_norm": update / 7e-4}
    return columns


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("norms", [True, False], ids=["with norms", "loss and rate"])
def test_nothing_is_alarmed(shape: str, norms: bool) -> None:
    assert lrwatch.Monitor().update(run(shape, norms=norms)) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_lost_after_all_is_found(shape: str) -> None:
    at = 15_000
    lost = run(shape, norms=False)
    lost["loss"][at:] += 5.0
    alarms = lrwatch.Monitor().update(lost)
    assert [alarm.verdict for alarm in alarms] == ["diverging"]
    assert at < alarms[0].step <= at + 40


@pytest.mark.parametrize("seed", range(4))
def test_a_parameter_at_its_optimum_is_left_in_peace(seed: int) -> None:
    noise = 0.35 * np.random.default_rng(seed).standard_normal(40_000)
    p = 0.998 ** np.arange(40_000)  # gradient descent on p ** 2 at 1e-3
    quadratic = {
        "step": np.arange(40_000),
        "loss": 1 + p**2 + noise,
        "lr": np.full(40_000, 1e-3),
        "grad_norm": 2 * p,
        "update_norm": 2e-3 * p,
        "param_norm": p,
    }
    assert lrwatch.Monitor().update(quadratic) == []
