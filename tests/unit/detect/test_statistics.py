from __future__ import annotations

import numpy as np
import pytest
from synthetic_runs import EDGE, descent

from lrwatch.detect.gain import gain_ratio
from lrwatch.detect.motion import relative_path
from lrwatch.detect.progress import drawdown
from lrwatch.detect.roughness import bounce
from lrwatch.detect.tracker import past_of
from lrwatch.diagnosis.model import features


def test_gradient_descent_far_below_the_edge_gains_nearly_all_that_first_order_allows() -> None:
    assert gain_ratio(past_of(descent(1e-4, noise=0.0))) == pytest.approx(1.0, abs=0.1)


@pytest.mark.slow
def test_the_gain_ratio_falls_as_the_learning_rate_rises() -> None:
    ratios = [gain_ratio(past_of(descent(lr))) for lr in (1e-4, 1e-3, 0.5 * EDGE, 0.95 * EDGE)]
    assert ratios == sorted(ratios, reverse=True)


def test_nothing_is_gained_beyond_the_edge() -> None:
    assert gain_ratio(past_of(descent(1.02 * EDGE, noise=0.0))) < 0.01


def test_the_gain_ratio_does_not_change_with_the_scale_of_the_loss() -> None:
    run = descent(1e-3)
    scaled = run | {"loss": 1e3 * run["loss"], "grad_norm": 1e3 * run["grad_norm"]}
    assert gain_ratio(past_of(scaled)) == pytest.approx(gain_ratio(past_of(run)))


def test_the_relative_path_is_the_length_of_all_updates_over_the_norm_before_the_first() -> None:
    run = descent(1e-3)
    first = run["param_norm"][0] ** 2 - run["update_norm"][0] ** 2
    expected = run["update_norm"].sum() / np.sqrt(first)
    assert relative_path(past_of(run)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("statistic", [gain_ratio, relative_path])
def test_norms_on_every_tenth_step_give_nearly_the_same(statistic: object) -> None:
    run = descent(1e-3, n_steps=2_000)
    rare = {name: column.copy() for name, column in run.items()}
    unmeasured = (run["step"] >= 20) & (run["step"] % 10 > 0)
    for name in ("param_norm", "update_norm"):
        rare[name][unmeasured] = np.nan
    assert statistic(past_of(rare)) == pytest.approx(statistic(past_of(run)), rel=0.1)  # type: ignore[operator]


@pytest.mark.slow
def test_rows_that_stand_for_many_steps_count_for_all_of_them() -> None:
    run = descent(1e-3, n_steps=4_000)
    every_tenth = {name: column[::10] for name, column in run.items()}
    assert relative_path(past_of(every_tenth)) == pytest.approx(
        relative_path(past_of(run)), rel=0.15
    )


def test_drawdown_is_the_share_of_the_decrease_that_was_lost() -> None:
    loss = np.concatenate([np.linspace(3, 1, 200), np.linspace(1, 2, 50), np.full(100, 2.0)])
    run = {"step": np.arange(350), "loss": loss, "lr": np.ones(350)}
    assert drawdown(past_of(run)) == pytest.approx(0.5, abs=0.05)


def test_bouncing_with_period_two_is_told_from_noise() -> None:
    step = np.arange(400)
    noise = np.random.default_rng(0).standard_normal(400)
    runs = {
        name: {"step": step, "loss": loss, "lr": np.ones(400)}
        for name, loss in (("bouncing", (-1.0) ** step + 0.1 * noise), ("noisy", noise))
    }
    ratio = {
        name: bounce(past, past.between(0, 1))
        for name, past in zip(runs, map(past_of, runs.values()), strict=True)
    }
    assert ratio["bouncing"] < 0.2
    assert ratio["noisy"] == pytest.approx(1.0, abs=0.1)


def test_features_do_not_change_with_the_units_of_anything() -> None:
    run = descent(1e-3)
    scaled = dict(run)
    for name, factor in {"loss": 32.0, "grad_norm": 32.0 / 8, "grad_norm_clipped": 4.0,
                         "param_norm": 8.0, "update_norm": 8.0, "lr": 0.25}.items():  # fmt: skip
        scaled[name] = factor * run[name]
    assert features(past_of(scaled)) == pytest.approx(features(past_of(run)), nan_ok=True, abs=1e-9)


def test_features_are_finite_or_missing_for_any_run() -> None:
    for lr in (0.0, 1e-12, 1.5 * EDGE, 50.0):
        with np.errstate(all="ignore"):  # as in Monitor
            values = features(past_of(descent(lr, n_steps=100))).values()
        assert not any(np.isinf(value) for value in values)
