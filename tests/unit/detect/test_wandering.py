from __future__ import annotations

import numpy as np
import pytest
from synthetic_runs import EDGE, descent

import lrwatch
from lrwatch.detect.tracker import past_of
from lrwatch.detect.wandering import calm_rise, wanders
from lrwatch.verdicts import Evidence


def result(run: dict[str, np.ndarray]) -> Evidence:
    with np.errstate(all="ignore"):
        return wanders(past_of(run))


def risen(run: dict[str, np.ndarray]) -> Evidence:
    with np.errstate(all="ignore"):
        return calm_rise(past_of(run))


def adversarial(n_steps: int = 1_200, seed: int = 0) -> dict[str, np.ndarray]:
    """Gradient descent on x * y in x while an opponent ascends in y: no loss to minimise."""
    random = np.random.default_rng(seed)
    x, y, lr = np.array([1.0, 0.5]), np.array([0.5, -1.0]), 0.02
    rows = []
    for _ in range(n_steps):
        grad = y + 0.02 * random.standard_normal(2)
        loss = 2 + x @ y + 0.02 * random.standard_normal()
        update = lr * grad
        x, y = x - update, y + lr * (x - update) - 2e-4 * y
        weights = np.append(x, 6.0)  # what the game does not touch
        rows.append((loss, np.linalg.norm(grad), np.linalg.norm(weights), np.linalg.norm(update)))
    loss, grad, param, update = np.array(rows).T
    return {
        "step": np.arange(n_steps), "loss": loss, "lr": np.full(n_steps, lr), "grad_norm": grad,
        "grad_norm_clipped": grad, "param_norm": param, "update_norm": update,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_a_game_between_two_players_is_no_objective(seed: int) -> None:
    assert result(adversarial(seed=seed)).fired


def test_it_is_not_judged_and_the_reason_says_why() -> None:
    diagnosis = lrwatch.diagnose(adversarial())
    assert diagnosis.learning_rate in ("unknown", "ok")
    if diagnosis.learning_rate == "unknown":
        assert "as in a GAN or a policy gradient" in diagnosis.reason


@pytest.mark.parametrize("seed", range(3))
def test_a_game_is_not_alarmed_as_lost_while_it_goes_on(seed: int) -> None:
    alarms = lrwatch.Monitor().update(adversarial(seed=seed))
    assert not [alarm for alarm in alarms if alarm.learning_rate == "too_high"]


@pytest.mark.parametrize("lr", [1e-5, 1e-3, 0.9 * EDGE, 1.05 * EDGE, 3 * EDGE])
def test_a_loss_that_is_minimised_is_an_objective_at_any_rate(lr: float) -> None:
    assert not result(descent(lr)).fired


@pytest.mark.slow
def test_a_negative_loss_that_rises_while_the_gradient_shrinks_is_no_objective() -> None:
    step = np.arange(400)
    run = descent(1e-3) | {
        "loss": -1 + step / 500 + 0.02 * np.random.default_rng(0).standard_normal(400),
        "grad_norm": np.exp(-step / 200.0),
    }
    assert result(run).fired
    assert not result(run | {"grad_norm": np.exp(step / 50.0)}).fired
    assert lrwatch.diagnose(run).verdict == "insufficient_data"


@pytest.mark.slow
def test_it_cannot_be_said_without_norms() -> None:
    run = {key: adversarial()[key] for key in ("step", "loss", "lr")}
    assert result(run).value is None


def test_a_loss_that_rises_by_calm_steps_did_so_by_itself() -> None:
    run = descent(2e-3)
    run["loss"][200:] += 3
    assert risen(run).fired
    assert not risen(descent(2e-3)).fired


@pytest.mark.parametrize("lr", [1.05 * EDGE, 3 * EDGE])
def test_a_loss_that_rises_by_steps_that_are_too_large_goes_a_long_way(lr: float) -> None:
    assert not risen(descent(np.where(np.arange(400) < 200, 2e-3, lr))).fired
