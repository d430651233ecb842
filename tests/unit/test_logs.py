"""Logs as people have them, put in order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from synthetic_runs import EDGE, descent

import lrwatch
from lrwatch.logs import Intake, read_log
from lrwatch.records import StepBlock

NAN = math.nan


def bare(run: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: run[name] for name in ("step", "loss", "lr")}


def same(one: lrwatch.Diagnosis, other: lrwatch.Diagnosis) -> bool:
    return repr(one) == repr(other)  # NaN equals nothing, itself included


@pytest.mark.slow
@pytest.mark.parametrize("lr", [1e-4, 2e-3, 3 * EDGE])
def test_any_order_gives_the_same_diagnosis(lr: float) -> None:
    run = bare(descent(lr))
    expected = lrwatch.diagnose(run)
    newest_first = {name: column[::-1] for name, column in run.items()}
    assert same(lrwatch.diagnose(newest_first), expected)
    mixed = np.random.default_rng(0).permutation(len(run["step"]))
    assert same(lrwatch.diagnose({k: v[mixed] for k, v in run.items()}), expected)
    assert read_log(newest_first).assumed == ("the newest row came first",)
    assert read_log({k: v[mixed] for k, v in run.items()}).assumed == ("rows are sorted by step",)


def test_a_resumed_run_is_not_sorted() -> None:
    run = {"step": [0, 1, 2, 3, 2, 3, 4], "loss": [3, 2, 1, 1, 1, 1, 1], "lr": [0.1] * 7}
    log = read_log(run)
    assert log.rows.step.tolist() == run["step"]
    assert not log.assumed


@pytest.mark.slow
def test_steps_may_be_missing_or_fractions_of_epochs() -> None:
    run = bare(descent(2e-3))
    expected = lrwatch.diagnose(run)
    numbered = {"loss": run["loss"], "lr": run["lr"]}
    assert same(lrwatch.diagnose(numbered), expected)
    epochs = numbered | {"step": 0.1 * np.arange(400)}
    assert same(lrwatch.diagnose(epochs), expected)
    backwards = {name: column[::-1] for name, column in epochs.items()}
    assert same(lrwatch.diagnose(backwards), expected)
    assert read_log(backwards).assumed == (
        "steps are no whole numbers: rows are numbered",
        "the newest row came first",
    )


@pytest.mark.slow
def test_steps_go_on_in_a_run_that_is_fed_without_them() -> None:
    run = bare(descent(2e-3))
    monitor = lrwatch.Monitor()
    for at in range(0, 400, 7):
        monitor.update({name: run[name][at : at + 7] for name in ("loss", "lr")})
    assert same(monitor.diagnosis(), lrwatch.diagnose(run))


@pytest.mark.slow
def test_a_first_loss_of_exactly_0_is_left_out() -> None:
    run = bare(descent(2e-3))
    run["loss"] = np.append(0.0, run["loss"][:-1])
    cut = {name: column[1:] for name, column in run.items()}
    assert lrwatch.diagnose(run).reason == lrwatch.diagnose(cut).reason
    assert read_log(run).assumed == ("the first row, a loss of exactly 0, is left out",)


@pytest.mark.parametrize("apart", [0, 1])
def test_rates_in_rows_of_their_own_are_joined(apart: int) -> None:
    run = bare(descent(2e-3, n_steps=200))
    rates = pd.DataFrame({"step": 10 * run["step"] - apart, "lr": run["lr"]})
    losses = pd.DataFrame({"step": 10 * run["step"], "loss": run["loss"]})
    frame = pd.concat([rates, losses]).sort_values("step", kind="stable")
    log = read_log(frame)
    assert log.rows.loss.tolist() == run["loss"].tolist()
    assert log.rows.lr.tolist() == run["lr"].tolist()
    assert "from step" not in lrwatch.diagnose(frame).reason


def test_rates_in_rows_of_their_own_are_joined_row_by_row() -> None:
    step = np.arange(0, 40)
    loss, lr = np.where(step % 2, 1.0, NAN), np.where(step % 2, NAN, 0.1 * (step + 1))
    whole = Intake().take({"step": step, "loss": loss, "lr": lr})
    intake = Intake()
    parts = [
        intake.take({"step": step[k : k + 1], "loss": loss[k : k + 1], "lr": lr[k : k + 1]})
        for k in range(40)
    ]
    for name in ("step", "loss", "lr"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(joined, getattr(whole, name), equal_nan=True)
    assert np.count_nonzero(np.isnan(whole.loss)) == 1  # a rate before the first loss


def test_an_evaluation_row_is_no_lost_loss() -> None:
    """Half of the rows of such a log have a validation loss and nothing else."""
    n = 60
    loss = np.where(np.arange(n) % 2, NAN, np.linspace(2, 1, n))
    val = np.where(np.arange(n) % 2, 1.5, NAN)
    rows = Intake().take({"loss": loss, "eval_loss": val})
    assert rows.loss_seen.tolist() == (np.arange(n) % 2 == 0).tolist()
    assert lrwatch.diagnose(pd.DataFrame({"loss": loss, "eval_loss": val})).verdict != "diverging"


def test_an_evaluation_at_the_step_of_a_loss_is_no_step_of_its_own() -> None:
    frame = pd.DataFrame(
        {
            "step": [10, 10, 20, 20],
            "loss": [2.0, NAN, 1.0, NAN],
            "learning_rate": [0.1, NAN, 0.1, NAN],
            "eval_loss": [NAN, 2.1, NAN, 1.1],
        }
    )
    rows = read_log(frame).rows
    assert rows.step.tolist() == [10, 20]
    assert rows.extra["eval_loss"].tolist() == [2.1, 1.1]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"train/loss": [2.0, 1.0], "iter": [0, 1], "lr-AdamW": [0.1, 0.1]},
         ["iter is the step", "train/loss is the loss", "lr-AdamW is the learning rate"]),
        ({"epoch": [1, 2], "train/box_loss": [1.0, 1.0], "train/cls_loss": [2.0, 2.0],
          "lr/pg0": [0.1, 0.1]},
         ["epoch is the step", "lr/pg0 is the learning rate",
          "the loss is train/box_loss + train/cls_loss"]),
        ({"loss": [2.0, 1.0]}, ["no steps are given: rows are numbered",
                                "no learning rate is known"]),
        ({"step": [0, 1], "loss": [2.0, 1.0], "lr": [0.1, 0.1]}, []),
    ],
)  # fmt: skip
def test_what_was_assumed_is_said(table: dict[str, Any], said: list[str]) -> None:
    assert list(read_log(table).assumed) == said


def test_of_several_losses_the_one_with_most_values_is_read() -> None:
    table = {"train/loss": [2.0, None, None], "train/step_loss": [None, 1.5, 1.0]}
    assert read_log(table).rows.loss[1:].tolist() == [1.5, 1.0]


def test_a_block_that_is_in_order_is_taken_as_it_is() -> None:
    rows = read_log(descent(2e-3)).rows
    assert isinstance(rows, StepBlock)
    assert Intake().take(rows) is rows
