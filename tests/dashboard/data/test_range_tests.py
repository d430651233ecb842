from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from dashboard_views import a_diagnosis, curves, run_view
from lrwatch_dashboard.data.sweeps import find_sweeps, range_test
from lrwatch_dashboard.views import Curve, RunCurves, RunView

from lrwatch.verdicts import Evidence

N = 600
RATES = np.geomspace(1e-5, 10, N)


def swept(key: str = "range", *, fired: bool = True, **changes: object) -> RunView:
    test = Evidence("range_test", 1e6, 30.0, fired=fired)
    judged = a_diagnosis("insufficient_data", evidence=[test])
    return run_view(key, diagnosis=judged, state="finished", lr=10.0, **changes)


def lines(loss: np.ndarray, **changes: object) -> RunCurves:
    steps = np.arange(len(loss), dtype=float)
    whole = curves(
        loss=Curve("loss", steps, loss), lr=(Curve("", steps, RATES[: len(loss)]),), **changes
    )
    return dataclasses.replace(whole, last_step=len(loss) - 1)


def valley(start: float = 3.0, fall: float = 1e-3, rise: float = 0.5) -> np.ndarray:
    """A loss that falls by half around one rate, and climbs from another on."""
    falling = 1 / (1 + (RATES / fall) ** 2)
    return start * (0.3 + 0.7 * falling + (RATES / rise) ** 3)


def test_a_run_is_a_range_test_if_it_was_recognised_as_one() -> None:
    assert swept().trial.is_range_test
    assert not swept(fired=False).trial.is_range_test
    assert not run_view().trial.is_range_test


def test_the_rates_that_tell_are_found() -> None:
    test = range_test(lines(valley()))
    assert test.steepest == pytest.approx(1e-3, rel=0.4)
    assert test.lowest is not None
    assert 0.01 < test.lowest < 0.15
    assert test.diverges == pytest.approx(0.5, rel=0.5)
    assert test.band == pytest.approx((test.lowest / 9, test.lowest), rel=0.1)
    assert test.reason.startswith("Loss falls fastest at a rate of 0.00")
    assert "; try " in test.reason


def test_noise_moves_no_rate_far() -> None:
    noise = np.exp(0.3 * np.random.default_rng(0).standard_normal(N))
    calm, noisy = (range_test(lines(valley() * by)) for by in (1.0, noise))
    for name in ("steepest", "lowest", "diverges"):
        assert getattr(noisy, name) == pytest.approx(getattr(calm, name), rel=4), name


def test_a_loss_that_never_falls_recommends_nothing() -> None:
    test = range_test(lines(np.full(N, 2.0) * (1 + RATES)))
    assert (test.steepest, test.lowest, test.band) == (None, None, None)
    assert "never falls" in test.reason


def test_a_test_that_ended_too_early_asks_for_higher_rates_and_recommends_none() -> None:
    test = range_test(lines(valley()[:400]))
    assert test.lowest is not None
    assert (test.diverges, test.band) == (None, None)
    assert "test higher rates" in test.reason


def test_what_comes_after_the_first_loss_that_is_no_number_is_left_out() -> None:
    loss = valley()
    cut = 440  # before it has climbed back
    seen = lines(loss[:cut])
    broken = dataclasses.replace(seen, first_broken=cut - 20, n_broken=20, stays_broken=True)
    test = range_test(broken)
    assert test.diverges == pytest.approx(RATES[cut - 21])
    assert len(test.rates) == cut - 20


def test_a_test_of_a_few_steps_says_nothing() -> None:
    assert range_test(lines(valley()[:10])).band is None
    empty = Curve("", np.empty(0), np.empty(0))
    assert range_test(curves(loss=empty, lr=(empty,))).band is None


def test_a_range_test_is_no_run_of_a_sweep() -> None:
    views = [run_view(f"{rate}", lr=rate, config={"lr": rate}) for rate in (0.1, 0.2, 0.3)]
    (sweep,) = find_sweeps([*views, swept(config={"lr": 1e-5})])
    assert [run.view.key for run in sweep.runs] == ["0.1", "0.2", "0.3"]
