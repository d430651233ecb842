"""What met people in the field, each in its smallest form, with what is right to say of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lrwatch
from lrwatch.verdicts import Diagnosis, Evidence

NAN = math.nan
UNJUDGED = "this loss cannot be judged; watch the reward, or another metric"


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n)


def judged(loss: Any, lr: Any = 1e-3, **columns: Any) -> Diagnosis:
    n = len(loss)
    given = {"step": np.arange(n), "loss": np.asarray(loss, float), "lr": np.broadcast_to(lr, n)}
    return lrwatch.diagnose(given | columns)


def found_by(found: Diagnosis, name: str) -> Evidence:
    return next(test for test in found.evidence if test.name == name)


def cosine(n: int, peak: float, warmup: float = 0.03) -> np.ndarray:
    at = np.arange(n) / n
    return peak * np.minimum(at / warmup, 0.5 * (1 + np.cos(np.pi * at)))


# What stands still


def test_a_trainer_that_prints_0_beside_a_gradient_of_nan_is_dead() -> None:
    late = np.arange(40) >= 10
    found = judged(
        np.where(late, 0.0, 0.4 + 0.02 * noise(40)), 5e-5, grad_norm=np.where(late, NAN, 1.0)
    )
    assert (found.verdict, found.interval) == ("diverging", (10, 39))
    assert "Gradient norm is not finite from step 10 on" in found.reason


@pytest.mark.parametrize("value", [NAN, math.inf])
@pytest.mark.parametrize("loss", [0.5, 2.0])
def test_a_gradient_that_is_not_finite_up_to_the_end_is_dead_whatever_the_loss(
    value: float, loss: float
) -> None:
    late = np.arange(100) >= 50
    falls = loss + np.exp(-np.arange(100) / 20) + 0.02 * noise(100)
    found = judged(falls, grad_norm=np.where(late, value, 1.0))
    assert (found.verdict, found.learning_rate) == ("diverging", "too_high")
    assert "from step 50 on" in found.reason


def test_a_gradient_norm_that_is_logged_now_and_then_is_none() -> None:
    grad = np.where(np.arange(200) % 20 == 0, 1.0, NAN)
    assert judged(1 + np.exp(-np.arange(200) / 20), grad_norm=grad).learning_rate == "ok"


def test_the_first_steps_of_a_loss_scale_are_no_dead_run() -> None:
    early = np.arange(200) < 12
    run = {"grad_norm": np.where(early, math.inf, 1.0), "skipped": early}
    assert judged(1 + np.exp(-np.arange(200) / 20), **run).learning_rate == "ok"


def test_a_gradient_of_0_is_named() -> None:
    found = judged(1.9 + 0.1 * noise(200), 2e-4, grad_norm=np.zeros(200))
    assert (found.verdict, found.suggested_lr) == ("stalled", None)
    assert found.reason.startswith("Gradient norm is exactly 0 at every step")
    late = np.arange(300) >= 100
    falls = 2 - np.minimum(np.arange(300), 100) / 100 + 0.05 * noise(300)
    assert "exactly 0 from step 100 on" in judged(falls, grad_norm=np.where(late, 0, 1)).reason


def test_a_rate_of_0_is_named() -> None:
    found = judged(1.9 + 0.1 * noise(200), 0.0)
    assert (found.verdict, found.suggested_lr) == ("stalled", None)
    assert found.reason.startswith("Learning rate is exactly 0 at every step")
    assert "33 times" not in found.advice
    falls = 2.2 * np.exp(-np.minimum(np.arange(337), 190) / 80) + 0.4 + 0.02 * noise(337)
    found = judged(falls, np.where(np.arange(337) < 190, 1e-4, 0.0))
    assert (found.verdict, found.interval) == ("stalled", (190, 336))
    assert "exactly 0 from step 190 on" in found.reason


def test_a_run_that_moves_and_learns_nothing_may_have_the_wrong_targets() -> None:
    """Labels in another order than the inputs look like a net that no gradient reaches."""
    norms = {"grad_norm": 0.5, "param_norm": 10.0, "update_norm": 0.05}
    loss = 2.306 + 0.002 * noise(400)
    loss[:5] = 2.314  # and 2.31 as well, when it is printed
    found = judged(loss, **{name: np.full(400, value) for name, value in norms.items()})
    assert found.verdict == "stalled"
    assert found.reason.startswith("Loss has not come down from 2.31, although")
    assert "targets belong to their inputs" in found.advice
    assert "gradients reach every layer" in found.advice


def test_a_first_group_that_is_frozen_is_no_rate_of_0() -> None:
    flat = 1.9 + 0.1 * noise(200)
    assert judged(flat, 0.0, **{"lr/head": np.full(200, 1e-3)}).verdict != "stalled"
    assert judged(flat, 0.0, update_norm=np.full(200, 1e-3)).verdict != "stalled"


@pytest.mark.slow
def test_a_schedule_may_end_at_0_and_a_rate_may_be_printed_as_0() -> None:
    falls = 0.5 + np.exp(-np.arange(300) / 50) + 0.02 * noise(300)
    decays = 1e-3 * np.maximum(1 - np.arange(300) / 295, 0)
    assert judged(falls, decays).verdict in ("ok", "converged")
    assert judged(falls, 0.0).verdict in ("ok", "converged")


def test_a_loss_of_0_beside_a_gradient_is_named_and_has_not_converged() -> None:
    gradient = {"grad_norm": 1 + 0.1 * noise(100)}
    found = judged(np.where(np.arange(100) < 30, 0.5, 0.0), **gradient)
    assert found.verdict == "insufficient_data"
    assert "exactly 0 from step 30 on, right after 0.5" in found.reason
    found = judged(np.zeros(100), 1e-6, **gradient)
    assert (found.verdict, found.suggested_lr) == ("insufficient_data", None)


def test_a_loss_that_came_down_to_0_step_by_step_is_solved() -> None:
    loss = np.maximum(np.exp(-np.arange(400) / 30) - 1e-3, 0)
    assert judged(loss, grad_norm=np.maximum(loss, 0)).learning_rate == "ok"


@pytest.mark.parametrize(
    ("least", "said", "do"),
    [
        (0.0, "Loss came down from 1 to 0: none of it is left", "Stop here"),
        (
            1e-5,
            "Loss came down from 1 to 1e-5: less than 0.1% of it is left",
            "Stop here, unless a still lower loss matters",
        ),
    ],
)
def test_a_loss_of_which_nothing_is_left_is_not_called_flat(
    least: float, said: str, do: str
) -> None:
    """It may halve again and again, and there is no noise that a lower rate would show."""
    step = np.arange(400)
    found = judged(np.where(step < 200, np.exp(-step / 20), least))
    assert (found.verdict, found.reason, found.advice) == ("converged", said, do)


def test_a_level_that_is_printed_the_same_did_not_change() -> None:
    step = np.arange(400)
    printed = np.round(0.5 + np.exp(-step / 20) + 0.02 * (step % 4), 2)
    assert judged(printed).reason == (
        "Loss is flat at 0.53: its level did not change in the second half"
    )


def test_a_rate_that_becomes_0_did_not_fall_by_a_factor() -> None:
    lr = np.where(np.arange(300) < 100, 0.1, 0.0)
    said = found_by(judged(3 - np.minimum(np.arange(300), 100) / 50, lr), "lr_cut").note
    assert said == "the learning rate is 0 since step 100"


# What is not finite


def test_nan_early_in_a_log_without_norms_counts_after_a_loss_that_grew() -> None:
    assert judged([3.6, 1e5, 1e23, NAN]).verdict == "diverging"


@pytest.mark.slow
def test_what_is_said_of_a_dead_run_stays_as_it_was_when_it_died() -> None:
    loss = np.array([1.0, 1.1, 0.9, 1, 30, 1e5, 1e20, 3.5e36, *[NAN] * 300])
    monitor, said = lrwatch.Monitor(), set()
    alarms = []
    for k in range(len(loss)):
        row = {"step": [k], "loss": loss[k : k + 1], "lr": [0.4]}
        alarms += monitor.update(row)
        if k >= 8:
            now = monitor.diagnosis()
            said.add((now.reason, now.suggested_lr, now.advice))
    assert len(said) == 1
    assert [(alarms[0].reason, alarms[0].suggested_lr, alarms[0].advice)] == list(said)
    assert "the last finite one was 3.5e36" in alarms[0].reason


def test_the_batch_is_not_to_blame_where_the_loss_was_on_its_way() -> None:
    grows = judged([*[1.0] * 40, 30, 1e5, 1e20, 3.5e36, *[math.inf] * 3], 0.4)
    bursts = judged([*[1.0] * 40, *[math.inf] * 3], 0.4)
    assert grows.verdict == bursts.verdict == "diverging"
    assert "batch" not in grows.advice
    assert "look for values that are not finite in the batch of that step" in bursts.advice


def test_a_spike_whose_gradient_was_clipped_is_not_told_to_clip() -> None:
    step = np.arange(600)
    loss = 0.02 + np.exp(-step / 60) + 0.002 * noise(600)
    loss[400] = 90
    free = {"grad_norm": np.where(step == 400, 300, 0.5 + 0.05 * noise(600))}
    clips = free | {"grad_norm_clipped": np.minimum(free["grad_norm"], 1.0)}
    assert judged(loss, **free).advice.endswith("clipping the gradient would have softened it")
    assert judged(loss, **clips).advice == "Look at the batch of that step"


# What is no objective


@pytest.mark.slow
def test_a_policy_loss_that_begins_at_0_and_rises_cannot_be_judged() -> None:
    loss = np.round(np.maximum(np.arange(200) - 60, 0) * 1.6e-5, 4)
    found = judged(loss, np.minimum(np.arange(200) / 20, 1) * 1e-6, grad_norm=1 + 0.2 * noise(200))
    assert found.verdict == "insufficient_data"
    assert found.reason == f"Loss begins at 0: {UNJUDGED}"
    assert found.first_alarm_step is None


@pytest.mark.slow
def test_a_policy_loss_that_begins_within_its_noise_of_0_is_not_judged_by_norms_either() -> None:
    risen = 1 - np.exp(-np.arange(600) / 200)
    norms = {
        "grad_norm": 5 + 0 * risen,
        "param_norm": 60 + 0 * risen,
        "update_norm": 2e-3 + 0 * risen,
    }
    found = judged(0.008 * risen + 0.002 * noise(600), np.full(600, 1e-6), **norms)
    assert found.reason == f"Loss begins within its noise of 0: {UNJUDGED}"
    assert found.first_alarm_step is None


@pytest.mark.parametrize("slope", [-1.0, 0.0, 1.0])
def test_a_loss_around_0_cannot_be_judged(slope: float) -> None:
    """As of PPO: small, negative at times, whatever the reward does."""
    found = judged(0.02 * noise(300) + 0.01 * slope * np.arange(300) / 300, 3e-4)
    assert found.learning_rate in ("unknown", "ok")
    assert found.first_alarm_step is None


def test_a_likelihood_is_said_to_be_negative_and_its_lowest_value_occurred() -> None:
    loss = 2 - 4 * np.minimum(np.arange(400) / 100, 1) + 0.5 * noise(400)
    note = found_by(judged(loss), "unusual_loss").note
    assert note == f"the loss is negative at times, down to {loss.min():.3g}"


def test_a_loss_that_is_lower_only_by_its_noise_has_not_come_down() -> None:
    """As of returns, of which hardly anything can be told: the first batch was a bad one."""
    loss = 0.96 + 0.17 * noise(3_000)
    loss[0] = 1.3
    norms = {"grad_norm": 0.5, "param_norm": 4.0, "update_norm": 5e-3}
    found = judged(loss, **{name: np.full(3_000, value) for name, value in norms.items()})
    assert found.learning_rate == "ok"
    assert found.reason.startswith("Loss went from 1.3 to 0.9")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_weight_that_ramps_up_changes_the_objective(seed: int) -> None:
    loss = 0.02 + 0.9 * np.minimum(np.arange(400) / 280, 1) * (1 + 0.05 * noise(400, seed))
    monitor = lrwatch.Monitor()
    alarms = monitor.update({"step": np.arange(400), "loss": loss, "lr": np.full(400, 1e-3)})
    assert (alarms, monitor.diagnosis().verdict) == ([], "insufficient_data")
    assert "objective" in monitor.diagnosis().reason


def test_a_term_that_joins_changes_the_objective() -> None:
    epoch = np.arange(100)
    loss = 2 * np.exp(-epoch / 40) + 0.02 * noise(100) + np.where(epoch >= 22, 1.5, 0.0)
    found = judged(loss)
    assert found.verdict == "insufficient_data"
    assert "jumped near step 2" in found.reason


def test_a_run_that_is_lost_at_a_stroke_is_still_found() -> None:
    loss = 0.5 + np.exp(-np.arange(300) / 20) + 0.02 * noise(300)
    assert judged(np.where(np.arange(300) < 150, loss, 2.3)).verdict == "diverging"


@pytest.mark.parametrize("seed", range(1, 6))
def test_data_that_become_harder_by_stages_change_the_objective(seed: int) -> None:
    stage = 4 * np.arange(1_000) / 1_000
    falls = 0.5 + 0.08 * np.floor(stage) + 0.45 * np.exp(-(stage % 1) / 0.2)
    found = judged(falls + 0.04 * noise(1_000, seed), 3e-4)
    assert found.verdict == "insufficient_data"
    assert "jumped near step" in found.reason


# Too high, where the loss does not show it


@pytest.mark.parametrize("seed", [6, 7, 8])
def test_a_loss_that_drifts_as_averages_do_is_not_said_to_bounce(seed: int) -> None:
    noises = noise(2_000, seed)[:1_000]
    level = np.zeros(1_000)
    for k in range(1, 1_000):
        level[k] = 0.98 * level[k - 1] + 0.02 * noises[k]
    found = judged(1 + 0.3 * np.exp(-np.arange(1_000) / 100) + 0.6 * level)
    assert found.verdict == "insufficient_data"
    assert "drifts up and down" in found.reason


@pytest.mark.parametrize("seed", [0, 1])
def test_a_loss_that_falls_calmly_after_a_plateau_is_not_said_to_bounce(seed: int) -> None:
    """Recognising speech begins on a plateau of blanks."""
    at = np.arange(300) / 300
    left = np.where(at > 0.05, np.exp(-(at - 0.05) / 0.1), 1)
    loss = 0.3 + (2.6 + 0.05 * noise(300, seed)) * left
    loss[:2] = 33, 9.6
    found = judged(loss, cosine(300, 5e-4))
    assert found.verdict == "insufficient_data"
    assert "too calmly for steps that overshoot" in found.reason


def test_a_noisy_level_is_not_said_to_diverge_by_a_guess() -> None:
    loss = 1 - 0.06 * (np.arange(600) > 180) + 0.15 * noise(600, 22)
    found = judged(loss)
    assert found.verdict == "insufficient_data"
    assert "is within its noise: it may be at its floor, or not learning" in found.reason


# Near its floor, or too slow


@pytest.mark.parametrize("n", [50, 100, 300, 1_000])
@pytest.mark.parametrize("seed", range(6))
def test_fine_tuning_is_near_its_floor_or_slow(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    falls = random.uniform(0.1, 0.3) * np.exp(-np.arange(n) / (random.uniform(0.02, 0.1) * n))
    found = judged(1.2 + falls + 0.08 * random.standard_normal(n), cosine(n, 2e-5))
    assert found.verdict != "too_low"
    assert found.suggested_lr is None


@pytest.mark.parametrize("n", [50, 300, 1_500])
@pytest.mark.parametrize("seed", range(4))
def test_diffusion_is_flat_and_noisy_from_the_first_row(n: int, seed: int) -> None:
    found = judged(0.1 * np.exp(0.7 * noise(n, seed)), 1e-4)
    assert found.learning_rate in ("unknown", "ok")
    assert found.first_alarm_step is None


@pytest.mark.parametrize(("n", "rate"), [(100, 1e-4), (300, 5e-5), (700, 1e-4)])
@pytest.mark.parametrize("seed", range(3))
def test_adapters_and_encoders_are_not_told_to_hurry(n: int, rate: float, seed: int) -> None:
    row = np.arange(n)
    loss = 1.2 + 0.6 * np.exp(-row / (0.06 * n)) + 0.4 / np.sqrt(1 + row / (0.06 * n))
    found = judged(loss + 0.05 * noise(n, seed), rate * (1 - row / n))
    assert found.learning_rate in ("unknown", "ok")


@pytest.mark.parametrize("seed", [0, 4, 5])
def test_a_decrease_that_a_single_row_hides_shows_no_crawl(seed: int) -> None:
    at = np.arange(1_000) / 1_000
    adapters = 1.2 * (1 - 0.03 * (1 - np.exp(-at / 0.3))) + 0.04 * noise(1_000, seed)
    found = judged(adapters, cosine(1_000, 2e-4))
    assert (found.verdict, found.suggested_lr) == ("insufficient_data", None)
    assert "near its floor or too slow" in found.reason


def test_a_preference_that_is_trained_gently_is_not_told_to_hurry_by_its_loss() -> None:
    """A model that is its own reference begins at ln 2, and is not meant to go to 0."""
    at = np.arange(1_000) / 1_000
    loss = np.log(2) - 0.09 * at + 0.02 * (0.1 + at) * noise(1_000)
    loss[0], lr = 0.6931, cosine(1_000, 1e-6, 0.1)
    found = judged(loss, lr)
    assert (found.verdict, found.suggested_lr) == ("insufficient_data", None)
    assert "began at ln 2, as preferences do, and came to 0.601" in found.reason
    moves = {"update_norm": np.full(1_000, 1e-3), "param_norm": np.full(1_000, 50.0)}
    assert judged(loss, lr, **moves, grad_norm=np.full(1_000, 5.0)).verdict == "too_low"
    loss[0] = 0.71
    assert judged(loss, lr).verdict == "too_low"


def test_a_loss_that_hardly_leaves_ln_2_is_still_called_slow() -> None:
    still = np.log(2) - 0.004 * np.arange(1_000) / 1_000 + 3e-4 * noise(1_000)
    assert judged(still, 1e-8).verdict == "too_low"


@pytest.mark.parametrize("seed", [0, 1, 2, 9])
def test_a_decrease_that_comes_as_epochs_begin_shows_no_crawl(seed: int) -> None:
    at = 3 * np.arange(1_000) / 1_000
    loss = np.array([1.2, 0.9, 0.6])[at.astype(int)] - 0.05 * (at % 1) + 0.05 * noise(1_000, seed)
    found = judged(loss, cosine(1_000, 2e-5))
    assert found.verdict == "insufficient_data"
    assert not found_by(found, "crawl").fired


def test_a_crawl_that_the_loss_shows_is_told_and_a_rate_is_suggested_with_care() -> None:
    found = judged(2 - np.arange(400) / 800 + 0.02 * noise(400), 1e-3)
    assert found.verdict == "too_low"
    assert found.suggested_lr is None or found.suggested_lr <= 3.01e-3


def test_a_log_that_begins_in_the_middle_of_a_run_is_not_called_slow() -> None:
    found = judged(2 - np.arange(400) / 800 + 0.02 * noise(400), step=20_000 + np.arange(400))
    assert found.verdict == "insufficient_data"
    assert "begins at step 20,000" in found.reason


@pytest.mark.parametrize("first", [128, 2_176])
def test_a_language_model_that_is_logged_after_its_steep_part(first: int) -> None:
    """Every 128 steps from step 2,176 on, 24,000 steps in all."""
    step = first + 128 * np.arange(170)
    loss = 2 + 22 * (2_176 + 128 * np.arange(170.0)) ** -0.3
    found = judged(loss + 0.005 * noise(170), step=step)
    assert found.verdict in ("ok", "insufficient_data")


@pytest.mark.slow
@pytest.mark.parametrize(("rise", "is_alarmed"), [(5.0, False), (30.0, True)])
def test_a_rate_found_too_high_is_not_called_too_low_once_it_is_cut(
    rise: float, *, is_alarmed: bool
) -> None:
    """A recurrent net at a rate of 20; its owner cut it to 5."""
    row = np.arange(400)
    high = 12 - 4 * np.exp(-row / 10) + np.where(row > 60, rise, 0.0) + 0.3 * noise(400)
    low = 16.5 - 8.5 * (row - 150) / 250 + 0.3 * noise(400)
    found = judged(np.where(row < 150, high, low), np.where(row < 150, 20.0, 5.0))
    assert (found.first_alarm_step is not None) is is_alarmed
    assert found.learning_rate == "too_high"
    assert found.suggested_lr is None or found.suggested_lr <= 20


# Few rows


def test_a_few_rows_get_what_can_be_said() -> None:
    every = {"step": 50 * np.arange(14)}
    falls = 0.5 + 1.5 * np.exp(-np.arange(14) / 2)
    assert judged(falls, **every).learning_rate == "ok"
    assert judged(np.linspace(2, 6, 14), **every).verdict == "diverging"
    found = judged(2 - 0.02 * np.arange(14), **every)
    assert found.verdict == "insufficient_data"
    assert found.reason == "Loss went from 2 to 1.75 in 14 rows: too few to say more"


def test_fewer_rows_need_a_stronger_sign() -> None:
    rises = np.linspace(2, 6, 14)
    assert judged(rises, step=np.arange(14)).verdict == "insufficient_data"
    assert judged(rises**3, step=np.arange(14)).verdict == "diverging"
    assert judged(rises[:9] * 10, step=50 * np.arange(9)).verdict == "insufficient_data"


# Without a rate


@pytest.mark.slow
def test_without_a_rate_the_direction_is_given_in_words() -> None:
    row = np.arange(300)
    lost = np.where(row < 150, 0.5 + np.exp(-row / 20), 2.3) + 0.02 * noise(300)
    found = lrwatch.diagnose({"step": row, "loss": lost})
    assert (found.verdict, found.suggested_lr) == ("diverging", None)
    assert found.advice == "Try a lower learning rate"
    flat = lrwatch.diagnose({"loss": 0.5 + np.exp(-row / 10) + 0.001 * noise(300)})
    assert flat.verdict == "converged"
    assert "decayed" not in flat.advice


# Validation


@pytest.mark.slow
@pytest.mark.parametrize("name", ["val_loss", "eval_loss", "eval/loss", "validation_loss"])
def test_overfitting_is_told_beside_the_verdict(name: str) -> None:
    row = np.arange(400)
    loss = 0.1 + np.exp(-row / 80) + 0.01 * noise(400)
    validation = np.where(row % 20 == 19, 0.3 + 1e-6 * (row - 199.0) ** 2 * (row > 199), NAN)
    validation[row < 199] += np.where(row % 20 == 19, np.exp(-row / 80), 0)[row < 199]
    without, found = judged(loss), judged(loss, **{name: validation})
    assert (found.verdict, found.learning_rate) == (without.verdict, without.learning_rate)
    assert found.confidence == without.confidence
    assert found.reason == without.reason + "; validation loss rose from 0.3 to 0.34 since step 199"
    assert found_by(found, "overfitting").fired
    assert not found_by(without, "overfitting").fired


def test_a_validation_loss_that_falls_with_the_other_is_no_overfitting() -> None:
    row = np.arange(400)
    found = judged(1 + np.exp(-row / 80), val_loss=1.2 + np.exp(-row / 80) + 0.02 * noise(400))
    assert not found_by(found, "overfitting").fired


@pytest.mark.slow
def test_overfitting_is_the_same_in_blocks_of_any_size() -> None:
    row = np.arange(900)
    run = {"loss": 1 - row / 1_000, "val_loss": 1 + (row - 300) ** 2 / 1e6}
    whole, parts = lrwatch.Monitor(), lrwatch.Monitor()
    whole.update(run)
    for at in range(0, 900, 7):
        parts.update({name: column[at : at + 7] for name, column in run.items()})
    assert repr(whole.diagnosis()) == repr(parts.diagnosis())
    assert "validation loss rose from 1 to 1.36 since step 300" in whole.diagnosis().reason


# What is said


def test_a_verdict_rests_on_the_steps_of_the_tests_that_decided() -> None:
    row = np.arange(400)
    loss = 0.5 + np.exp(-row / 20) + 0.01 * noise(400)
    loss[250] = 9
    loss[300:] = 2.5 + 0.01 * noise(100)
    found = judged(loss)
    assert found.verdict == "diverging"
    assert found.interval == found_by(found, "drawdown").interval


@pytest.mark.parametrize("lr", [1e-7, 1e-4 * 0.99 ** np.arange(300)], ids=["constant", "decays"])
def test_a_rate_that_does_not_rise_is_not_warming_up(lr: Any) -> None:
    for loss in (2 + 0.1 * noise(300), 2 - np.arange(300) / 3_000 + 0.02 * noise(300)):
        assert "warming up" not in judged(loss, lr).reason


def test_a_loss_begins_where_the_log_does_unless_that_was_a_wild_row() -> None:
    """A median of five rows of a language model lies well below the ten that it begins at."""
    loss = np.r_[10.99, 9.73, 9.5, 8.93, 8.57, 3 + 5 * np.exp(-np.arange(95) / 20)]
    assert "from 11 to 3" in judged(loss).reason
    loss[0] = 99
    assert "from 9.5 to 3" in judged(loss).reason


def test_a_loss_that_falls_steeply_in_its_first_rows_begins_at_the_first() -> None:
    """As of a flow, whose loss comes near 0 and passes it."""
    falls = 2.2 * np.exp(-np.arange(195) / 60)
    flow = judged(np.r_[1.57, 1.26, 0.998, 0.779, 0.569, falls - 1.9])
    assert "from 1.57 to -1.8" in flow.reason
    regression = judged(np.r_[1.466, 0.931, 0.767, 0.67, 0.607, 0.27 * falls + 0.1])
    assert "from 1.47 to 0.1" in regression.reason
    rises = judged([2.5, 2.26, 2.2, 2.2, 2.26, 3, 4, 5, 6, 6, 6, 6], step=50 * np.arange(12))
    assert (
        rises.reason
        == "Loss rose from 2.5 to 6 in 551 steps: the steps are too large to learn anything"
    )
