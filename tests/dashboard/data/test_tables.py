from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from attacks import ATTACKS
from dashboard_views import a_diagnosis, curve, curves, run_view
from lrwatch_dashboard.comparison_views import SweepRun, SweepView
from lrwatch_dashboard.data.comparison import compare_runs
from lrwatch_dashboard.data.sweeps import find_sweeps
from lrwatch_dashboard.data.tables import as_csv, comparison_rows, sweep_rows
from lrwatch_dashboard.views import Curve

from lrwatch.comparing import RateChoice


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


def test_a_comparison_is_a_row_a_run_with_numbers_in_full() -> None:
    views = (run_view("a", config={"lr": 0.1}), run_view("b", config={"lr": 0.3}))
    line = curves(smooth_loss=curve("smoothed", 10, y=np.linspace(2.0, 1.0, 10)))
    rows = comparison_rows(compare_runs(views, {"a": line, "b": line}, base="a"))
    assert rows[0][:4] == ["run", "verdict", "last_loss", "difference_to_base"]
    assert rows[0][-1] == "lr"
    assert rows[1][:5] == ["a", "oscillating", 1.0, None, None]
    assert rows[2][:5] == ["b", "oscillating", 1.0, 0.0, 9.0]
    assert rows[2][-1] == "0.3"


def test_a_sweep_is_a_row_a_run_with_what_its_rate_came_to() -> None:
    views = [
        run_view(
            f"{rate}-{seed}",
            lr=rate,
            config={"lr": rate, "seed": seed},
            diagnosis=a_diagnosis("ok"),
            outline=Curve("loss", np.arange(2.0), np.array([2.0, rate + seed])),
        )
        for rate in (0.1, 0.2)
        for seed in (0, 1)
    ]
    (sweep,) = find_sweeps(views)
    head, *rows = sweep_rows(sweep)
    assert head[:4] == ["lr", "run", "verdict", "loss"]
    assert [row[1] for row in rows] == ["0.1-0", "0.1-1", "0.2-0", "0.2-1"]
    assert rows[0][3:5] == [0.1, pytest.approx(0.6)]


def test_a_run_that_is_not_compared_is_a_row_with_the_reason() -> None:
    early = SweepRun(run_view("early"), 0.3, None, "failed after 30 of 100 steps")
    rows = sweep_rows(SweepView("all runs", (early,), RateChoice((), None, None, "")))
    assert rows[1][3:] == [None, None, None, None, "failed after 30 of 100 steps"]


@pytest.mark.parametrize("attack", [*ATTACKS, "=1+1", "+1-x", "-x", "@x", "\tx", '"a","b"\n'])
def test_a_text_stays_one_cell_and_is_no_formula(attack: str) -> None:
    ((cell,),) = read(as_csv([[attack]]))
    assert cell.lstrip("'") == attack.lstrip("'")
    assert not cell.startswith(("=", "+", "-", "@", "\t"))


def test_numbers_stay_numbers() -> None:
    assert as_csv([[-1.5, "-1.5", None, "+3"]]) == b"-1.5,-1.5,,+3\n"
