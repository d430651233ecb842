"""Where a run stands among its siblings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from trials import a_trial

from lrwatch.comparing import Trial
from lrwatch.comparing.progress import WORST
from lrwatch.comparing.standing import Siblings, Standing


def standing(of: str, *trials: Trial) -> Standing:
    siblings = Siblings(trials)
    return siblings.standing(next(trial for trial in trials if trial.key == of))


def falling(n_steps: int, to: float, *, start: float = 2.0) -> list[float]:
    return [float(loss) for loss in np.linspace(start, to, n_steps)]


def test_a_lag_is_the_share_of_the_better_ones_gain() -> None:
    found = standing("a", a_trial("a", 0.1, 3.0), a_trial("b", 0.3, 2.0))
    (rival,) = found.higher
    assert (rival.mine, rival.theirs, rival.deficit) == (3.0, 2.0, 0.5)
    (rival,) = standing("b", a_trial("a", 0.1, 3.0), a_trial("b", 0.3, 2.0)).lower
    assert rival.deficit == -0.5


def test_runs_are_compared_after_as_many_steps_as_both_made() -> None:
    young = a_trial("young", 0.1, falling(100, 1.8))
    old = a_trial("old", 0.3, falling(1000, 0.2))
    (rival,) = standing("young", young, old).rivals
    assert (rival.n_steps, rival.step) == (100, 99)
    assert rival.theirs == pytest.approx(1.82, abs=0.01)
    assert rival.mine == pytest.approx(1.80, abs=0.01)


def test_runs_with_hardly_a_step_in_common_are_not_compared() -> None:
    assert not standing("a", a_trial("a", 0.1), a_trial("b", 0.3, n_steps=23)).rivals
    assert standing("a", a_trial("a", 0.1), a_trial("b", 0.3, n_steps=24)).rivals
    # 24 steps of a thousand say nothing of where it got.
    assert not standing("a", a_trial("a", 0.1, n_steps=1000), a_trial("b", 0.3)).rivals


def test_a_run_that_broke_is_worse_than_any_that_did_not() -> None:
    nan = [2.0] * 30 + [math.nan] * 5
    good = a_trial("good", 0.1, falling(1000, 1.0))
    bad = a_trial("bad", 10.0, nan)
    assert [rival.deficit for rival in standing("good", good, bad).rivals] == [-WORST]
    (rival,) = standing("bad", good, bad).rivals
    assert (rival.deficit, rival.mine) == (WORST, math.inf)
    assert rival.theirs == pytest.approx(1.0, abs=0.05)


def test_two_that_broke_are_as_bad_as_one_another() -> None:
    nan = [2.0] * 30 + [math.nan] * 5
    (rival,) = standing("a", a_trial("a", 0.1, nan), a_trial("b", 10.0, nan)).rivals
    assert rival.deficit == rival.lead == 0.0


def test_seeds_of_a_rate_count_once_by_the_one_in_the_middle() -> None:
    seeds = [a_trial(f"s{i}", 0.3, loss) for i, loss in enumerate((1.0, 2.0, 3.0))]
    (rival,) = standing("a", a_trial("a", 0.1, 3.5), *seeds).rivals
    assert rival.key == "s1"


def test_of_two_seeds_the_one_less_ahead_counts() -> None:
    seeds = [a_trial("lucky", 0.3, 1.0), a_trial("not", 0.3, 2.0)]
    (rival,) = standing("a", a_trial("a", 0.1, 3.5), *seeds).rivals
    assert rival.key == "not"


def test_runs_at_its_own_rate_are_no_rivals() -> None:
    assert not standing("a", a_trial("a", 0.1), a_trial("twin", 0.1001)).rivals


def test_all_that_came_about_as_far_are_compared_at_one_step() -> None:
    trials = [a_trial(f"{n}", lr, n_steps=n) for n, lr in ((100, 0.1), (96, 0.2), (98, 0.4))]
    assert {rival.n_steps for rival in standing("100", *trials).rivals} == {96}


def test_the_best_is_the_lowest_also_beside_a_run_above_the_start() -> None:
    trials = [a_trial("a", 9.0, 6.0), a_trial("poor", 0.01, 3.8), a_trial("good", 0.1, 1.0)]
    best = standing("a", *trials).best
    assert best is not None
    assert best.key == "good"


def test_what_is_quoted_is_what_all_rivals_say() -> None:
    """Most rivals are never made; uneven runs, ties and a broken one all the same."""
    ends = {0.01: 2.0, 0.03: 1.0, 0.1: 1.0, 0.3: 1.5, 1.0: 3.0}
    trials = [
        a_trial(f"{lr}-{n}", lr, end, n_steps=n) for lr, end in ends.items() for n in (60, 97, 300)
    ]
    trials.append(a_trial("broken", 3.0, [2.0] * 30 + [math.nan] * 5))
    siblings = Siblings(trials)
    for trial in trials:
        found = siblings.standing(trial)
        assert len(found.rivals) == found.n_rates == 5
        assert found.nearest == max(found.rivals, key=lambda rival: (rival.lead, -rival.theirs))
        best = found.best
        behind = {
            rival.lr: max(
                found.progress.lag(rival.theirs, best.theirs) if best else -rival.deficit, 0
            )
            for rival in found.rivals
        }
        own = {trial.lr: best.deficit if best else 0.0}
        assert found.tried == sorted((own | behind).items())


def test_a_regression_by_decades_is_measured_in_logarithms() -> None:
    trials = [
        a_trial("a", 0.1, 0.1, first_loss=1.0),
        a_trial("b", 0.3, 0.01, first_loss=1.0),
    ]
    (rival,) = standing("a", *trials).rivals
    assert rival.deficit == pytest.approx(0.5)


def test_a_cross_entropy_is_not() -> None:
    trials = [
        a_trial("a", 0.1, 0.1, first_loss=math.log(10)),
        a_trial("b", 0.3, 0.001, first_loss=math.log(10)),
    ]
    (rival,) = standing("a", *trials).rivals
    assert rival.deficit == pytest.approx(0.043, abs=0.001)


def test_the_start_is_that_of_the_low_rates() -> None:
    """A log of means begins after some steps, where a high rate has done harm already."""
    trials = [a_trial(f"{lr}", lr, 1.0, first_loss=2.3) for lr in (0.001, 0.01)]
    trials += [a_trial(f"{lr}", lr, 2.4, first_loss=1e6) for lr in (1.0, 10.0, 100.0, 1000.0)]
    assert standing("1.0", *trials).progress.start == 2.3


def test_runs_side_by_side_whose_end_nobody_knows_are_not_taken_for_whole_ones() -> None:
    running = [a_trial(key, lr, n_steps=100, state="running") for key, lr in (("a", 1.0), ("b", 2))]
    assert standing("a", *running).done == 0.25
    planned = a_trial("c", 3.0, n_steps=100, state="running", total_steps=500)
    assert standing("a", *running, planned).done == 0.2
    ended = a_trial("c", 3.0, n_steps=200)
    assert standing("a", *running, ended).done == 0.5


def test_how_much_of_the_run_is_done() -> None:
    trials = [a_trial("a", 0.1, n_steps=50), a_trial("b", 0.3, n_steps=200)]
    assert standing("a", *trials).done == 0.25
    assert standing("b", *trials).done == 1.0
    planned = [a_trial(key, lr, n_steps=50, total_steps=500) for key, lr in (("a", 1.0), ("b", 2))]
    assert standing("a", *planned).done == 0.1
