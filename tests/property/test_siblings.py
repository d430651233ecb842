"""Whatever runs hold, judging them together ends in verdicts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trials import a_trial

import lrwatch
from lrwatch.comparing import Trial
from lrwatch.comparing.sibling_verdicts import judged_together
from lrwatch.verdicts import CLASSES

pytestmark = pytest.mark.slow

EXTREMES = (0.0, -1.0, 5e-324, 1e-300, 1e-8, 1.0, 2.3, 1e300, -1e300, 1.7e308, math.inf, math.nan)
RATES = (0.0, -0.1, 5e-324, 1e-300, 1e-3, 0.1, 0.1001, 1.0, 1e300, 1.7e308, math.inf, math.nan)


OWN = lrwatch.diagnose(
    {"step": range(60), "loss": [2.0 - i / 60 for i in range(60)]} | {"lr": [0.1] * 60}
)


@st.composite
def runs(draw: st.DrawFn) -> list[Trial]:
    found = []
    for place in range(draw(st.integers(1, 5))):
        n = draw(st.sampled_from((1, 2, 23, 24, 60, 300)))
        levels = draw(st.lists(st.sampled_from(EXTREMES), min_size=1, max_size=4))
        loss = [levels[i * len(levels) // n] for i in range(n)]
        found.append(a_trial(str(place), draw(st.sampled_from(RATES)), loss))
    return found


@given(runs())
def test_every_run_has_a_verdict(trials: list[Trial]) -> None:
    found = judged_together(trials, {trial.key: OWN for trial in trials})
    assert list(found) == [trial.key for trial in trials]
    for one in found.values():
        assert one.learning_rate == CLASSES[one.verdict]
        assert 0 <= one.confidence <= 1
        assert one.suggested_lr is None or 0 < one.suggested_lr < math.inf
        test = one.evidence[-1]
        assert test.name == "siblings"
        assert test.value is None or math.isfinite(test.value)


@given(runs(), st.data())
def test_the_order_in_which_runs_are_given_changes_nothing(
    trials: list[Trial], data: st.DataObject
) -> None:
    own = {trial.key: OWN for trial in trials}
    shuffled = data.draw(st.permutations(trials))
    said = {key: found.learning_rate for key, found in judged_together(shuffled, own).items()}
    assert said == {k: found.learning_rate for k, found in judged_together(trials, own).items()}
