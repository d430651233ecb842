"""The sweep of the demo: every trial advances in turn and is recorded as a run."""

from __future__ import annotations

from pathlib import Path

import pytest

import lrwatch
from lrwatch.demo.sweep import TRIALS, DemoRun, train_sweep
from lrwatch.store import list_runs, read_run_info

pytestmark = pytest.mark.slow

FEW = (DemoRun("adamw", 1e-2), DemoRun("sgd", 3e-1))


def test_trials_advance_together(tmp_path: Path) -> None:
    for n_done in train_sweep(tmp_path, trials=FEW, n_steps=3):
        lengths = [len(lrwatch.read(run.path)) for run in list_runs(tmp_path)]
        assert lengths == [n_done] * len(FEW)


def test_each_trial_has_its_own_loss_and_learning_rate(tmp_path: Path) -> None:
    list(train_sweep(tmp_path, trials=FEW, n_steps=20))
    adamw, sgd = lrwatch.read(tmp_path / "adamw-0.01"), lrwatch.read(tmp_path / "sgd-0.3")
    assert adamw["loss"][0] == sgd["loss"][0]  # the same model and the same first batch
    assert not adamw["loss"][1:].eq(sgd["loss"][1:]).any()
    assert (adamw["lr"].max(), sgd["lr"].max()) == pytest.approx((0.01, 0.3))


def test_the_rate_warms_up_and_comes_down_to_nothing(tmp_path: Path) -> None:
    list(train_sweep(tmp_path, trials=FEW[:1], n_steps=40))
    lr = lrwatch.read(tmp_path / "adamw-0.01")["lr"]
    assert lr[:4].is_monotonic_increasing
    assert lr[4:].is_monotonic_decreasing
    assert lr.iloc[-1] < 0.01 * lr.max()


def test_runs_say_what_they_are(tmp_path: Path) -> None:
    list(train_sweep(tmp_path, trials=FEW[:1], n_steps=2))
    info = read_run_info(tmp_path / "adamw-0.01")
    assert (info.status, info.total_steps, info.optimizer) == ("finished", 2, "AdamW")
    assert info.config["lr"] == 0.01


def test_a_sweep_that_is_given_up_leaves_its_runs_readable(tmp_path: Path) -> None:
    sweep = train_sweep(tmp_path, trials=FEW, n_steps=100)
    next(sweep)
    sweep.close()
    assert [len(lrwatch.read(run.path)) for run in list_runs(tmp_path)] == [1, 1]


def test_each_trial_has_a_name_of_its_own() -> None:
    assert len({trial.name for trial in TRIALS}) == len(TRIALS)
