"""The rate to try next, from all that a store has seen of a job."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from synthetic_runs import EDGE, descent
from trials import a_trial

import lrwatch
from lrwatch.cli.program import program
from lrwatch.comparing import suggest_each
from lrwatch.comparing.suggestion import Job, suggested
from lrwatch.errors import InvalidArgument, RunNotFound
from lrwatch.records import FLOAT_COLUMNS, RunInfo
from lrwatch.store.creation import create_run
from lrwatch.store.writer import Row
from lrwatch.verdicts import Evidence

pytestmark = pytest.mark.slow


def table(lr: float, **options: Any) -> dict[str, np.ndarray]:
    return descent(lr, n_steps=300, **options)


def swept(high: float = 1.0) -> dict[str, np.ndarray]:
    """A range test of the same quadratic, which diverges above EDGE."""
    rates = np.geomspace(1e-5, high, 400)
    found = descent(rates, n_steps=400, noise=0.01)
    found["loss"][np.flatnonzero(found["loss"] > 1e6)] = np.inf
    return found


def write(store: Path, name: str, rows: dict[str, np.ndarray], n: int, **config: Any) -> None:
    info = RunInfo(id=name, name=name, optimizer="SGD", n_parameters=n, config=config)
    writer = create_run(store, info, FLOAT_COLUMNS)
    for step, loss, lr in zip(rows["step"], rows["loss"], rows["lr"], strict=True):
        grad = rows["grad_norm"][step]
        writer.append(Row(0, int(step), 1, [loss, lr, grad, grad, np.nan, np.nan]))
    writer.close("finished")


SWEEP = {f"{lr:g}": lr for lr in (EDGE / 300, EDGE / 30, EDGE / 3, EDGE * 3)}


def test_between_the_rates_that_enclose_the_best_one() -> None:
    found = lrwatch.suggest({name: table(lr) for name, lr in SWEEP.items()})
    assert found.basis == "sweep"
    assert found.lr is not None
    assert found.low is not None
    assert found.high is not None
    assert EDGE / 10 < found.lr < EDGE
    assert EDGE / 300 < found.low < found.lr < found.high < EDGE * 3
    assert set(found.runs) == set(SWEEP)
    assert "0.00667 got furthest of 4 rates" in found.reason
    assert "0.06, get no further" in found.reason


def test_never_past_a_rate_that_got_less_far() -> None:
    """Rates a decade apart, the lowest of which lags by too little to count as worse."""
    step, bounce = np.arange(400), np.random.default_rng(0).standard_normal(400)
    ends = {0.01: 0.15, 0.1: 0.02, 1.0: 2.3}
    runs = {
        f"{lr:g}": {
            "step": step,
            "loss": end + (2.3 - end) * np.exp(-step / 40) + 0.01 * bounce,
            "lr": np.full(400, lr),
        }
        for lr, end in ends.items()
    }
    found = lrwatch.suggest(runs)
    assert found.lr is not None
    assert 0.01 < found.lr < 1
    assert "0.1 got furthest of 3 rates" in found.reason
    assert found.next_lr is not None
    assert 0.01 < found.next_lr < 1


def test_upwards_where_the_highest_rate_got_furthest_and_never_past_where_a_test_diverged() -> None:
    low = {f"{lr:g}": table(lr) for lr in (EDGE / 3000, EDGE / 300)}
    alone = lrwatch.suggest(low)
    assert alone.lr is not None
    assert alone.lr > 2 * EDGE / 300
    assert alone.low is not None
    assert EDGE / 3000 < alone.low < alone.lr
    beside = lrwatch.suggest({**low, "test": swept()})
    assert beside.basis == "sweep"
    assert beside.lr is not None
    assert beside.lr <= alone.lr
    assert beside.high is not None
    assert beside.high < 3 * EDGE


@pytest.mark.parametrize("by", [3, 30])
def test_never_away_from_the_side_that_is_surely_better(by: float) -> None:
    low = EDGE / 3000
    found = lrwatch.suggest({"low": table(low), "high": table(EDGE * by)})
    assert found.reason.endswith("and its own curve still looks too low")
    assert found.lr == found.next_lr
    assert found.low is not None
    assert found.lr is not None
    assert low * 0.99 < found.low < found.lr < EDGE


def test_a_range_test_alone_names_a_band() -> None:
    found = lrwatch.suggest({"test": swept()})
    assert found.basis == "range test"
    assert found.lr is not None
    assert EDGE / 100 < found.lr < EDGE
    assert found.runs == ("test",)
    assert found.reason.startswith("Loss falls fastest at a rate of")


def test_one_run_that_broke_suggests_what_its_own_verdict_does() -> None:
    run = table(EDGE * 3)
    found = lrwatch.suggest({"broke": run})
    assert found.basis == "run"
    assert found.lr == lrwatch.diagnose(run).suggested_lr
    assert found.reason.startswith("0.06 is too high")
    assert found.high is not None
    assert found.high <= 0.06


def test_the_lowest_of_rates_that_all_broke_counts() -> None:
    found = lrwatch.suggest({f"{by}": table(EDGE * by) for by in (3, 10, 30)})
    assert found.lr is not None
    assert found.lr < EDGE * 3


def test_too_little_names_the_run_that_would_tell() -> None:
    short = {name: column[:8] for name, column in table(0.001).items()}
    found = lrwatch.suggest({"short": short})
    assert (found.lr, found.low, found.high, found.basis) == (None, None, None, "nothing")
    assert found.reason.startswith("Cannot tell yet from one rate, 0.001: ")
    assert found.advice == "Run 0.01, ten times higher, for as many steps, and compare"
    never = {"step": range(400), "loss": [2.0] * 400, "lr": np.geomspace(1e-5, 1, 400)}
    assert "never falls" in lrwatch.suggest({"test": never}).reason
    assert "no run" in lrwatch.suggest({}).reason


@pytest.mark.parametrize("rates", [(0.1,), (0.01, 0.1)])
def test_nothing_and_no_run_where_a_loss_is_no_objective(rates: tuple[float, ...]) -> None:
    trials = [a_trial(f"{lr}", lr) for lr in rates]
    fine = lrwatch.diagnose(table(EDGE / 3))
    assert fine.learning_rate == "ok"
    game = dataclasses.replace(
        fine,
        verdict="insufficient_data",
        learning_rate="unknown",
        reason="Loss wanders, as in a GAN",
        evidence=[Evidence("no_objective", 2.0, 1.0, fired=True)],
    )
    own = {trial.key: fine for trial in trials} | {trials[-1].key: game}
    found = suggested(Job(trials, own, {}, {"width": 16}))
    assert (found.lr, found.next_lr, found.settings) == (None, None, {"width": 16})
    assert found.reason == "Cannot tell: loss wanders, as in a GAN"
    assert found.advice.startswith("Compare runs by what they are for")


def test_errors_are_those_of_the_other_doors(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        lrwatch.suggest({"a": {"step": [1]}})
    with pytest.raises(RunNotFound):
        lrwatch.suggest(tmp_path / "none")
    assert lrwatch.suggest(tmp_path).basis == "nothing"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of one size, a range test of it, and a beginning of another size."""
    folder = tmp_path_factory.mktemp("store")
    for name, lr in SWEEP.items():
        write(folder, name, table(lr), 20, width=20, lr=lr)
    write(folder, "test", swept(), 20, width=20)
    write(folder, "begun", {k: v[:8] for k, v in table(0.001).items()}, 80, width=80, lr=0.001)
    return folder


def test_a_job_of_which_little_is_known_asks_the_other_sizes(store: Path) -> None:
    small, large = suggest_each(store)
    assert (small.basis, large.basis) == ("sweep", "other sizes")
    assert large.lr == pytest.approx(small.lr, rel=0.1)
    assert large.settings["width"] == 80
    assert "for 20 parameters; this one has 80" in large.reason
    assert set(large.runs) == set(SWEEP)
    assert lrwatch.suggest(store) == small


def test_another_optimizer_is_no_other_size(store: Path, tmp_path: Path) -> None:
    for name, lr in SWEEP.items():
        write(tmp_path, name, table(lr), 20, width=20, optimizer="other", lr=lr)
    write(tmp_path, "begun", {k: v[:8] for k, v in table(0.001).items()}, 80, width=80)
    assert [found.basis for found in suggest_each(tmp_path)] == ["sweep", "nothing"]


def test_the_command(store: Path, tmp_path: Path) -> None:
    told = CliRunner().invoke(program, ["suggest", str(store)], standalone_mode=False)
    assert "(between " in told.output
    assert "0.00667 got furthest of 4 rates" in told.output
    asked = CliRunner().invoke(program, ["suggest", str(store), "--json"], standalone_mode=False)
    first, _ = json.loads(asked.output)
    assert first["basis"] == "sweep"
    assert first["low"] < first["lr"] <= first["high"]
    nothing = CliRunner().invoke(program, ["suggest", str(tmp_path)], standalone_mode=False)
    assert f"no runs in {tmp_path} yet; lrwatch.watch(optimizer, dir=" in nothing.stderr


def test_the_command_says_what_a_rate_is_from_and_once_that_it_cannot_tell(tmp_path: Path) -> None:
    write(tmp_path, "broke", table(EDGE * 3), 80)
    write(tmp_path, "short", {k: v[:8] for k, v in table(0.001).items()}, 8)
    told = CliRunner().invoke(program, ["suggest", str(tmp_path)], standalone_mode=False)
    assert "; from one run)" in told.output
    assert told.output.lower().count("cannot tell yet") == 1
