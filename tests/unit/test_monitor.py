from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic_runs import EDGE, descent

import lrwatch
from lrwatch.errors import InvalidArgument
from lrwatch.verdicts import CLASSES


@pytest.mark.slow
def test_a_run_beyond_the_edge_of_stability_is_diverging_and_a_lower_rate_is_suggested() -> None:
    diagnosis = lrwatch.diagnose(descent(1.5 * EDGE))
    assert diagnosis.verdict == "diverging"
    assert diagnosis.suggested_lr is not None
    assert diagnosis.suggested_lr < EDGE
    assert f"{diagnosis.suggested_lr:.3g}" in diagnosis.advice
    assert diagnosis.first_alarm_step is not None


def test_a_run_far_below_it_is_too_low_and_a_higher_rate_is_suggested() -> None:
    diagnosis = lrwatch.diagnose(descent(1e-5))
    assert diagnosis.verdict == "too_low"
    assert diagnosis.suggested_lr is not None
    assert diagnosis.suggested_lr > 3e-5


def test_a_run_of_a_few_steps_is_not_guessed_at() -> None:
    diagnosis = lrwatch.diagnose(descent(1e-5, n_steps=10))
    assert (diagnosis.verdict, diagnosis.learning_rate) == ("insufficient_data", "unknown")
    assert "10 rows" in diagnosis.reason


def test_a_loss_that_is_not_finite_is_diverging_from_the_step_at_which_it_began() -> None:
    run = descent(1e-3)
    for name in ("loss", "grad_norm", "param_norm", "update_norm"):
        run[name][333:] = np.nan
    diagnosis = lrwatch.diagnose(run)
    assert diagnosis.verdict == "diverging"
    assert (diagnosis.first_alarm_step, diagnosis.interval) == (333, (333, 399))


@pytest.mark.slow
def test_a_run_lost_in_the_middle_is_alarmed_within_twenty_steps() -> None:
    alarms = lrwatch.Monitor().update(descent(np.where(np.arange(400) < 200, 2e-3, 3 * EDGE)))
    assert [alarm.verdict for alarm in alarms] == ["diverging"]
    assert 200 < alarms[0].step <= 220


@pytest.mark.slow
def test_a_loss_that_rises_though_the_steps_stay_calm_is_not_blamed_on_the_learning_rate() -> None:
    run = descent(2e-3)
    run["loss"][200:] = run["loss"][0] + np.arange(200) / 10
    diagnosis = lrwatch.diagnose(run)
    assert (diagnosis.verdict, diagnosis.first_alarm_step) == ("insufficient_data", None)
    assert "though the steps are calm" in diagnosis.reason
    without_norms = {name: run[name] for name in ("step", "loss", "lr")}
    assert "objective seems to have changed" in lrwatch.diagnose(without_norms).reason


def test_every_verdict_says_what_could_not_be_tested() -> None:
    run = descent(1e-3)
    diagnosis = lrwatch.diagnose({name: run[name] for name in ("step", "loss", "lr")})
    missing = {test.name for test in diagnosis.evidence if test.value is None}
    assert {"gain_ratio", "relative_path"} <= missing
    assert all(test.note for test in diagnosis.evidence)


@pytest.mark.parametrize(
    ("loss", "verdict"),
    [
        ([], "insufficient_data"),
        ([1.0], "insufficient_data"),
        (np.full(200, 2.0), "stalled"),
        (np.full(200, np.nan), "diverging"),
        ([None] * 200, "insufficient_data"),
        ([1.0, *[np.inf] * 50], "diverging"),
    ],
)
def test_degenerate_losses_have_a_verdict(loss: Any, verdict: str) -> None:
    n = len(loss)
    diagnosis = lrwatch.diagnose({"step": np.arange(n), "loss": loss, "lr": np.full(n, 0.1)})
    assert diagnosis.verdict == verdict
    assert diagnosis.learning_rate == CLASSES[diagnosis.verdict]
    assert diagnosis.reason


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_the_verdict_does_not_change_with_the_scale_of_the_loss(scale: float) -> None:
    run = descent(1e-5)
    columns = {"step": run["step"], "lr": run["lr"]}
    plain = lrwatch.diagnose(columns | {"loss": run["loss"]})
    assert lrwatch.diagnose(columns | {"loss": scale * run["loss"]}).verdict == plain.verdict


def test_a_negative_loss_is_judged_as_well() -> None:
    run = descent(1e-5) | {"loss": descent(1e-5)["loss"] - 100}
    assert lrwatch.diagnose(run).verdict == "too_low"


@pytest.mark.slow
def test_asking_changes_nothing() -> None:
    run, asked, silent = descent(1e-3), lrwatch.Monitor(), lrwatch.Monitor()
    for start in range(0, 400, 33):
        rows = {name: column[start : start + 33] for name, column in run.items()}
        assert asked.update(rows) == silent.update(rows)
        asked.diagnosis()
    assert asked.diagnosis() == silent.diagnosis()


@pytest.mark.parametrize(
    "twin", [copy.deepcopy, lambda monitor: pickle.loads(pickle.dumps(monitor))]
)
def test_a_copy_goes_on_as_the_original_would(twin: Any) -> None:
    run = descent(1e-3)
    first, rest = (
        {name: column[part] for name, column in run.items()}
        for part in (slice(0, 203), slice(203, None))
    )
    monitor = lrwatch.Monitor()
    monitor.update(first)
    other = twin(monitor)
    assert monitor.update(rest) == other.update(rest)
    assert monitor.diagnosis() == other.diagnosis()


@pytest.mark.slow
def test_tables_of_any_kind_are_taken() -> None:
    run = descent(1e-3)
    assert lrwatch.diagnose(pd.DataFrame(run)) == lrwatch.diagnose(run)


def test_a_table_without_a_loss_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="needs a column loss"):
        lrwatch.diagnose({"step": [0], "lr": [1.0]})


def test_a_planned_length_must_be_positive() -> None:
    with pytest.raises(InvalidArgument, match="total_steps must be at least 1, got 0"):
        lrwatch.Monitor(total_steps=0)


def test_a_range_test_is_recognised_and_not_alarmed() -> None:
    run = descent(np.geomspace(1e-5, 2 * EDGE, 400))
    monitor = lrwatch.Monitor()
    assert monitor.update(run) == []
    diagnosis = monitor.diagnosis()
    assert diagnosis.learning_rate == "unknown"
    assert "range test" in diagnosis.reason
    assert "Loss was lowest at a rate of" in diagnosis.advice


def test_a_linear_warmup_is_no_range_test() -> None:
    diagnosis = lrwatch.diagnose(descent(np.linspace(1e-6, 1e-3, 400)))
    assert "range test" not in diagnosis.reason


@pytest.mark.slow
def test_nothing_is_called_slow_in_the_first_twentieth_of_the_planned_steps() -> None:
    run = descent(1e-5)
    assert lrwatch.diagnose(run, total_steps=1_000).verdict == "too_low"
    early = lrwatch.diagnose(run, total_steps=100_000)
    assert (early.verdict, early.first_alarm_step) == ("insufficient_data", None)
    assert "0.4% of the planned steps" in early.reason
