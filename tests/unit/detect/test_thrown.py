"""Where a loss alone shows that it was thrown: how high, after how many rows, from how deep."""

from __future__ import annotations

import numpy as np
import pytest

from lrwatch.detect.past import Past
from lrwatch.detect.thrown import thrown
from lrwatch.detect.tracker import past_of


def run(loss: np.ndarray) -> Past:
    n = len(loss)
    return past_of({"step": np.arange(n), "loss": loss, "lr": np.ones(n)})


def risen(to: float, *, n: int, low: float = 1.0) -> Past:
    """A loss that begins at 1, comes down to `low` by the middle, and then lies at `to`."""
    return run(np.concatenate([np.linspace(1.0, low, n // 2), np.full(n - n // 2, to)]))


@pytest.mark.parametrize(("to", "fired"), [(2.9, False), (3.1, True)])
def test_a_loss_is_thrown_at_three_times_its_start(to: float, *, fired: bool) -> None:
    assert thrown(risen(to, n=200)).fired is fired
    assert thrown(risen(to, n=2_000)).fired is fired  # it never fell


@pytest.mark.parametrize(("to", "fired"), [(1.4, False), (1.6, True)])
def test_less_is_enough_of_a_loss_that_is_known_to_fall(to: float, *, fired: bool) -> None:
    assert thrown(risen(to, n=400, low=0.8)).fired is fired
    assert not thrown(risen(to, n=200, low=0.8)).fired  # too few rows to know it
    assert not thrown(risen(to, n=400, low=0.95)).fired  # it hardly fell


@pytest.mark.parametrize(("low", "to", "fired"), [(0.3, 0.6, True), (0.3, 0.4, False)])
def test_a_loss_is_thrown_back_from_far_below(low: float, to: float, *, fired: bool) -> None:
    assert thrown(risen(to, n=200, low=low)).fired is fired


def test_a_decrease_by_half_is_not_far() -> None:
    assert not thrown(risen(0.95, n=200, low=0.5)).fired


def test_a_loss_that_begins_at_0_or_below_has_no_scale() -> None:
    assert not thrown(run(np.linspace(-1, 50, 200))).fired
