"""The runs that verdicts are measured on: real training, labelled by what other rates reached."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy import corpus
from benchmarks.accuracy.long_runs.simulated import simulated
from benchmarks.accuracy.long_runs.write import write as write_long
from benchmarks.accuracy.second_corpus import write as writing
from benchmarks.accuracy.second_corpus.label import label_sweep, onset
from benchmarks.accuracy.second_corpus.schedules import schedule
from benchmarks.accuracy.second_corpus.setups import GAMES, SWEEPS
from benchmarks.accuracy.second_corpus.sweep import swept
from benchmarks.accuracy.second_corpus.tasks import TASKS
from benchmarks.accuracy.second_corpus.train import COLUMNS, Setup, Trained, train

SETUP = Setup("hinge-sgd", "hinge", "sgd", "constant", 16, 30, 0.1, clip=1.0)


def trained(lr: float, seed: int, *curve: float, loss: np.ndarray | None = None) -> Trained:
    loss = np.linspace(curve[0], curve[-1], 100) if loss is None else loss
    steps = dict.fromkeys(COLUMNS, np.ones(len(loss))) | {"loss": loss}
    return Trained(SETUP, "model", "linear", lr, seed, steps, list(curve), ended_early=False)


def labels(*runs: Trained) -> list[str]:
    label_sweep(runs)
    return [run.labels["label"] for run in runs]


def test_a_rate_is_judged_by_how_far_it_got_beside_the_best_one() -> None:
    ends = {0.001: 0.9, 0.01: 0.4, 0.1: 0.05, 1.0: 0.0, 10.0: 0.3, 100.0: 1.2}
    runs = [trained(lr, 0, 1.0, end) for lr, end in ends.items()]
    assert labels(*runs) == ["too_low", "too_low", "ok", "ok", "oscillating", "diverging"]


def test_a_rate_whose_seeds_disagree_is_borderline() -> None:
    runs = [trained(1.0, 0, 1.0, 0.0), trained(1.0, 1, 1.0, 0.0)]
    runs += [trained(10.0, 0, 1.0, 0.01), trained(10.0, 1, 1.0, 0.9)]
    assert labels(*runs) == ["ok", "ok", "borderline", "borderline"]


def test_half_of_its_own_best_progress_lost_again_is_diverging() -> None:
    assert labels(trained(1.0, 0, 1.0, 0.0), trained(10.0, 0, 1.0, 0.3, 0.7))[1] == "diverging"


def test_a_loss_that_is_not_finite_is_diverging() -> None:
    loss = np.where(np.arange(100) < 50, 0.5, np.nan)
    runs = trained(1.0, 0, 1.0, 0.0), trained(10.0, 0, 1.0, 0.5, loss=loss)
    assert labels(*runs)[1] == "diverging"
    assert runs[1].labels["p"] == -math.inf


def test_the_onset_is_where_the_loss_leaves_its_best_for_good() -> None:
    step = np.arange(300)
    loss = np.where(step < 200, np.exp(-step / 30), 2.0)
    loss[100:103] = 3.0  # a spike is none
    assert abs(onset(trained(1.0, 0, 1.0, 2.0, loss=loss), 1.0, 1.0) - 200) <= 1


def test_schedules_reach_their_peak_and_never_exceed_it() -> None:
    for setup in (*SWEEPS, *GAMES):
        share = schedule(setup.schedule, **setup.schedule_options)
        shares = [share(t / setup.n_steps) for t in range(setup.n_steps)]
        assert min(shares) > 0, setup.name
        assert 0.9 < max(shares) <= 1 + 1e-9, setup.name


@pytest.mark.parametrize("task", ["hinge", "gan"])
def test_every_step_is_recorded_with_the_norms_that_belong_to_it(task: str) -> None:
    run = train(TASKS[task](0, 16), SETUP, 0.1, 0)
    assert run.n_steps == SETUP.n_steps
    assert (run.steps["grad_norm_clipped"] <= 1.0 + 1e-6).all()
    moved = run.steps["lr"] * run.steps["grad_norm_clipped"]
    assert run.steps["update_norm"] == pytest.approx(moved, rel=1e-3)


@pytest.mark.slow
def test_what_is_trained_is_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "SWEEPS", (SETUP,))
    monkeypatch.setattr(writing, "GAMES", ())
    assert "hinge-sgd" in swept(SETUP, folder=tmp_path)
    writing.write(tmp_path, tmp_path)
    runs = pickle.loads((tmp_path / "hinge-sgd.pkl").read_bytes())
    read = list(corpus.read([tmp_path]))
    assert len(read) == len(runs) >= 22
    for one, other in zip(runs, read, strict=True):
        assert other.about.lr_peak == one.lr
        assert other.block.loss == pytest.approx(one.steps["loss"], rel=1e-6, nan_ok=True)


def test_long_runs_are_written_as_they_are_read_and_judged(tmp_path: Path) -> None:
    runs = list(simulated(3, 400, seed=0))
    write_long(runs, tmp_path)
    read = list(corpus.read([tmp_path]))
    assert [one.about.run_id for one in read] == [run.name for run in runs]
    for run, other in zip(runs, read, strict=True):
        assert (other.about.kind, other.about.label_class) == ("long", "ok")
        assert other.block.loss == pytest.approx(run.steps.loss, rel=1e-6)
        assert other.block.update_norm == pytest.approx(
            run.steps.update_norm, rel=1e-6, nan_ok=True
        )
