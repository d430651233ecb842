"""Seeded runs of gradient descent on noisy quadratics: small, real optimisation, known truth.

A quadratic with eigenvalues from 1 to `SHARPEST` diverges above a learning rate of
2 / SHARPEST and crawls far below it, which is all that the tests need to know.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lrwatch.records import StepBlock

SHARPEST = 100.0
EDGE = 2 / SHARPEST


def descent(
    lr: float | np.ndarray,
    *,
    n_steps: int = 400,
    noise: float = 0.1,
    seed: int = 0,
    floor: float = 0.5,
    size: int = 20,
) -> dict[str, np.ndarray]:
    """Run stochastic gradient descent on a quadratic; columns as `lrwatch.read` gives them.

    Parameters
    ----------
    lr
        Learning rate, one number or one a step.
    noise
        Standard deviation of the gradient's noise, and of the loss's.
    floor
        Loss at the minimum.
    size
        Number of parameters.
    """
    random = np.random.default_rng(seed)
    curvature = np.geomspace(1, SHARPEST, size)
    weights, minimum = random.standard_normal(size), random.standard_normal(size)
    rates = np.broadcast_to(lr, n_steps)
    rows = []
    with np.errstate(all="ignore"):
        for rate in rates:
            away = weights - minimum
            loss = (
                floor
                + 0.5 * float(curvature @ away**2) / size
                + noise * random.standard_normal() / 10
            )
            grad = curvature * away / size + noise * random.standard_normal(size) / size
            update = rate * size * grad
            weights = weights - update
            rows.append(
                (loss, np.linalg.norm(grad), np.linalg.norm(weights), np.linalg.norm(update))
            )
    loss, grad, param, update = np.array(rows).T
    return {
        "step": np.arange(n_steps),
        "loss": loss,
        "lr": np.array(rates, float),
        "grad_norm": grad,
        "grad_norm_clipped": grad.copy(),
        "param_norm": param,
        "update_norm": update,
    }


def block(columns: dict[str, np.ndarray]) -> StepBlock:
    """Return the columns as a `StepBlock`."""
    n_steps = len(columns["step"])
    unknown = np.full(n_steps, np.nan)
    names = ("loss", "lr", "grad_norm", "grad_norm_clipped", "param_norm", "update_norm")
    numbers: dict[str, Any] = {name: np.array(columns.get(name, unknown), float) for name in names}
    return StepBlock(
        step=np.asarray(columns["step"], np.int64),
        time=np.zeros(n_steps, np.int64),
        **numbers,
        skipped=np.asarray(columns.get("skipped", np.zeros(n_steps, bool)), bool),
        loss_seen=np.asarray(columns.get("loss_seen", np.ones(n_steps, bool)), bool),
    )
