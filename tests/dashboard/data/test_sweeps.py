from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from dashboard_views import a_diagnosis, run_view
from lrwatch_dashboard.data.sweeps import find_sweeps, sweep_of
from lrwatch_dashboard.views import Curve, RunView


def outline(*losses: float) -> Curve:
    return Curve("loss", np.arange(len(losses), dtype=float), np.array(losses))


def run(key: str, lr: float | None, end: float, **changes: Any) -> RunView:
    known = {
        "lr": lr,
        "outline": outline(*np.linspace(2.0, end, 10)),
        "last_step": 9,
        "config": {"lr": lr, "seed": 0, "depth": 2},
        "state": "finished",
        "diagnosis": a_diagnosis("ok"),
    }
    return run_view(key, **{**known, **changes})


def four(**changes: Any) -> list[RunView]:
    ends = {0.01: 1.5, 0.1: 1.0, 0.3: 1.01, 1.0: 1.9}
    return [run(f"lr{lr}", lr, end, **changes) for lr, end in ends.items()]


def test_a_sweep_has_its_runs_by_rate_and_says_which_rate_won() -> None:
    (sweep,) = find_sweeps(four())
    assert [r.lr for r in sweep.runs] == [0.01, 0.1, 0.3, 1.0]
    assert (sweep.choice.best, sweep.choice.band) == (0.1, (0.1, 0.3))
    assert "0.1 to 0.3 end within 2 %" in sweep.choice.reason


def test_runs_of_other_settings_are_another_sweep_named_by_what_differs() -> None:
    deep = [run(f"deep{lr}", lr, 1.0, config={"lr": lr, "depth": 9}) for lr in (0.1, 0.2)]
    first, second = find_sweeps([*deep, *four()])
    assert (len(first.choice.rates), len(second.choice.rates)) == (4, 2)
    assert (first.label, second.label) == ("depth 2", "depth 9")


def test_the_only_sweep_of_a_store_is_all_its_runs() -> None:
    assert find_sweeps(four())[0].label == "all runs"


def test_runs_without_settings_are_told_apart_by_group_and_optimizer() -> None:
    views = [
        run("a", 0.1, 1.0, config={}, group="one"),
        run("b", 0.2, 1.0, config={}, group="two"),
        run("c", 0.1, 1.0, config={}, optimizer="AdamW"),
        run("d", 0.2, 1.0, config={}, optimizer="SGD"),
    ]
    assert [len(sweep.runs) for sweep in find_sweeps(views)] == [1, 1, 1, 1]


def test_a_run_that_ended_without_a_finite_loss_has_none() -> None:
    broke = run("nan", 3.0, 0.5, is_broken=True, last_step=100)
    recovered = run("ok", 2.0, 0.5, is_broken=True)
    (sweep,) = find_sweeps([*four(), broke, recovered])
    losses = {r.view.key: r.loss for r in sweep.runs}
    assert losses["nan"] is None
    assert losses["ok"] == pytest.approx(0.5, abs=0.2)
    assert sweep.choice.rates[-1].n_broken == 1


def test_a_run_that_ended_early_is_not_compared_and_says_why() -> None:
    early = run("early", 3.0, 0.5, state="failed", outline=outline(2.0, 1.9, 1.8))
    (sweep,) = find_sweeps([*four(), early])
    notes = {r.view.key: (r.loss, r.left_out) for r in sweep.runs if r.left_out}
    assert notes == {"early": (None, "failed after 3 of 10 steps")}


def test_the_best_loss_is_the_least_of_the_run_and_the_final_one_its_end() -> None:
    dip = run("dip", 0.1, 0.0, outline=outline(2.0, 0.5, 1.5))
    assert find_sweeps([dip], "final")[0].runs[0].loss == 1.5
    assert find_sweeps([dip], "best")[0].runs[0].loss == 0.5


def test_a_run_without_a_rate_or_a_loss_breaks_nothing() -> None:
    none, empty = run("none", None, 1.0), run("empty", 0.1, 1.0, outline=outline())
    (sweep,) = find_sweeps([none, empty])
    assert [(r.view.key, r.loss) for r in sweep.runs] == [("empty", None)]
    assert find_sweeps([]) == ()


def test_a_run_names_its_sweep_and_an_unknown_one_the_first() -> None:
    found = find_sweeps([*four(), run("other", 0.1, 1.0, config={"depth": 9})])
    assert sweep_of(found, "other") is found[1]
    assert sweep_of(found, "gone") is None


def test_a_rate_that_is_not_finite_is_no_rate() -> None:
    (sweep,) = find_sweeps([*four(), run("inf", math.inf, 1.0)])
    assert len(sweep.choice.rates) == 4
