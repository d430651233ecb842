"""Whatever numbers a log holds, it gets a verdict: never an exception."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lrwatch
from lrwatch.records import FLOAT_COLUMNS
from lrwatch.verdicts import CLASSES

pytestmark = pytest.mark.slow

ODD = [5e-324, 1e-300, 1e308, -1e308, 1.3e154, 1e150, 3.5e36, 0.0, -1.0, 1.0, np.nan, np.inf,
       -np.inf]  # fmt: skip
NUMBERS = st.one_of(st.sampled_from(ODD), st.floats())


@st.composite
def columns(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """A log of up to 90 rows, each column constant, in stretches, or of any numbers."""
    n = draw(st.integers(1, 90))
    chosen = draw(st.sets(st.sampled_from((*FLOAT_COLUMNS[1:], "val_loss"))))
    made = {}
    for name in sorted({"loss", *chosen}):
        few = draw(st.lists(NUMBERS, min_size=1, max_size=6))
        made[name] = np.repeat(few, -(-n // len(few)))[:n]
        if draw(st.booleans()):
            made[name] = np.random.default_rng(draw(st.integers(0, 99))).permutation(made[name])
    return made


@settings(max_examples=150, deadline=None)
@given(run=columns())
def test_any_numbers_get_a_verdict(run: dict[str, np.ndarray]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = lrwatch.diagnose(run)
    assert found.verdict in CLASSES
    assert 0 <= found.confidence <= 1
    assert found.suggested_lr is None or 0 < found.suggested_lr < np.inf
    assert found.reason


@pytest.mark.parametrize("loss", [5e-324, 1e308, -1e308])
@pytest.mark.parametrize("param_norm", [1.0, 1.3e154, 1e308, 5e-324])
def test_the_ends_of_the_scale(loss: float, param_norm: float) -> None:
    run = {"loss": np.full(80, loss), "lr": np.full(80, 0.1)}
    run |= {"param_norm": np.full(80, param_norm), "update_norm": np.full(80, 1e-3 * param_norm)}
    found = lrwatch.diagnose(run | {"grad_norm": np.ones(80)})
    assert found.verdict in CLASSES
    assert "exactly 1e302" not in found.reason
    assert "exactly -1e302" not in found.reason
