"""Which rate to run next while it is not known where the best one lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from synthetic_runs import EDGE, descent

import lrwatch
from lrwatch.comparing.next_rate import first_step, outward, within


@dataclass(frozen=True)
class Own:
    learning_rate: str


@dataclass(frozen=True)
class Other:
    lr: float
    deficit: float


@dataclass(frozen=True)
class Run:
    lr: float


class Best:
    """The run that got furthest, and by how much others lag behind it."""

    def __init__(self, lr: float, **lags: float) -> None:
        rivals = [Other(float(name[1:].replace("m", "e-")), -lag) for name, lag in lags.items()]
        self.trial = Run(lr)
        self.lower = tuple(sorted((r for r in rivals if r.lr < lr), key=lambda r: -r.lr))
        self.higher = tuple(sorted((r for r in rivals if r.lr > lr), key=lambda r: r.lr))


def step(best: Best, own: str = "ok") -> float:
    """Decades from the best rate to the one to run next."""
    return math.log10(outward(best, Own(own)) / best.trial.lr)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("own", "factor"), [("ok", 3.0), ("unknown", 10.0), ("too_low", 10.0), ("too_high", 0.1)]
)
def test_beside_a_single_rate(own: str, factor: float) -> None:
    assert first_step(0.02, Own(own)) == pytest.approx(0.02 * factor)  # type: ignore[arg-type]


def test_away_from_what_was_worse_by_ever_longer_steps() -> None:
    assert step(Best(1e-3, l1m4=0.5)) == pytest.approx(1.7)
    assert step(Best(1e-3, l1m2=0.5)) == pytest.approx(-1.7)


def test_after_a_long_step_by_half_a_decade() -> None:
    assert step(Best(1e-3, l1m5=0.5)) == pytest.approx(0.5)


def test_past_rates_that_were_as_good() -> None:
    assert step(Best(1e-3, l1m4=0.5, l1m2=0.01)) > 1


@pytest.mark.parametrize(("own", "way"), [("too_high", -1), ("ok", 1), ("unknown", 1)])
def test_where_no_rate_was_worse_the_run_itself_decides(own: str, way: int) -> None:
    assert step(Best(1e-3, l1m4=0.0, l1m2=0.0), own) * way > 1


def test_between_wide_gaps_alone() -> None:
    assert within(Best(1e-3, l1m4=0.5, l1m1=0.5)) == pytest.approx(1e-2)  # type: ignore[arg-type]
    assert within(Best(1e-3, l5m4=0.5, l2m3=0.5)) is None  # type: ignore[arg-type]


@pytest.mark.slow
def test_three_runs_come_from_a_rate_far_too_low_to_a_good_one() -> None:
    lr, tried = EDGE / 1000, {}
    for _ in range(4):
        tried[f"{lr:.2e}"] = {
            name: column
            for name, column in descent(lr, n_steps=300).items()
            if name in ("step", "loss", "lr")
        }
        found = lrwatch.suggest(tried)
        if found.next_lr is None:
            break
        lr = found.next_lr
    assert any(EDGE / 12 < float(np.max(run["lr"])) < EDGE for run in tried.values())
