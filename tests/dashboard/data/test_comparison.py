from __future__ import annotations

import numpy as np
import pytest
from dashboard_views import FakeSource, curve, curves, run_view
from lrwatch_dashboard.data.comparison import backdrop, compare_runs, shared_half_life
from lrwatch_dashboard.views import Curve, StepTimes


def falling(n: int, end: float) -> Curve:
    return curve("smoothed", n, y=np.linspace(2.0, end, n))


def test_only_settings_that_differ_are_named_and_missing_ones_are_empty() -> None:
    views = (
        run_view("a", config={"lr": 0.1, "depth": 2, "name": "x"}),
        run_view("b", config={"lr": 0.3, "depth": 2}),
    )
    comparison = compare_runs(views, {})
    assert comparison.differing == ("lr", "name")
    assert [run.settings for run in comparison.runs] == [("0.1", "x"), ("0.3", "")]


def test_the_optimizer_counts_as_a_setting_unless_there_is_one() -> None:
    views = (run_view("a", optimizer="SGD"), run_view("b", optimizer="AdamW"))
    assert compare_runs(views, {}).differing == ("optimizer",)
    told = tuple(run_view(v.key, optimizer=v.optimizer, config={"optimizer": "x"}) for v in views)
    assert compare_runs(told, {}).differing == ()


def test_the_delta_is_at_the_last_step_that_both_runs_have() -> None:
    views = (run_view("long"), run_view("short"))
    lines = {
        "long": curves(smooth_loss=falling(101, 1.0)),
        "short": curves(smooth_loss=falling(51, 1.2)),
    }
    long, short = compare_runs(views, lines, base="long").runs
    assert long.delta is None
    assert short.delta is not None
    assert (short.delta.at, short.delta.x) == (50, "step")
    assert short.delta.difference == pytest.approx(1.2 - 1.5)
    assert short.delta.share == pytest.approx(-0.2)
    assert (long.last_loss, short.last_loss) == (1.0, 1.2)


def test_a_loss_below_zero_has_a_difference_and_no_share() -> None:
    views = (run_view("a"), run_view("b"))
    lines = {
        "a": curves(smooth_loss=falling(11, -1.0)),
        "b": curves(smooth_loss=falling(11, -3.0)),
    }
    delta = compare_runs(views, lines, base="a").runs[1].delta
    assert delta is not None
    assert (delta.difference, delta.share) == (-2.0, None)


def test_runs_without_a_common_step_or_without_rows_have_no_delta() -> None:
    views = (run_view("a"), run_view("b"), run_view("c"))
    late = Curve("smoothed", np.arange(50.0, 60.0), np.ones(10))
    lines = {"a": curves(smooth_loss=falling(10, 1.0)), "b": curves(smooth_loss=late), "c": None}
    comparison = compare_runs(views, lines, base="a")
    assert [run.delta for run in comparison.runs] == [None, None, None]
    assert comparison.runs[2].curves is None


def test_a_base_that_is_not_among_the_runs_is_none() -> None:
    assert compare_runs((run_view("a"),), {}, base="gone").base == ""


def test_many_runs_are_drawn_with_fewer_points_and_no_spike_is_lost() -> None:
    y = np.ones(2000)
    y[777] = 50.0
    views = tuple(run_view(f"r{i}") for i in range(20))
    lines = {view.key: curves(smooth_loss=curve("smoothed", 2000, y=y)) for view in views}
    drawn = compare_runs(views, lines).runs[0].curves
    assert drawn is not None
    assert len(drawn.smooth_loss.x) <= 402
    assert drawn.smooth_loss.y.max() == 50.0


def test_the_backdrop_is_every_other_run_with_gaps_between() -> None:
    clock = StepTimes(np.array([0.0, 2.0]), np.array([0.0, 20.0]))
    views = tuple(run_view(k, outline=curve("loss", 3), clock=clock) for k in "abc")
    line = backdrop(views, ["b"])
    assert len(line.x) == 8
    assert np.flatnonzero(np.isnan(line.x)).tolist() == [3, 7]
    assert backdrop(views, ["b"], by_clock=True).x[:3].tolist() == [0.0, 10.0, 20.0]
    assert not len(backdrop((), []).x)


def test_all_runs_are_smoothed_alike() -> None:
    long = run_view("long", steps=10_000_000, last_step=9_999_999)
    source = FakeSource(views={"long": long, "a": run_view("a")}, lines=curves(half_life=20))
    assert shared_half_life(source, [run_view("a")]) == 20
    assert shared_half_life(source, [run_view("a"), long]) == 100_000
    assert source.asked == [None, None]  # the long one is not read for it
    assert shared_half_life(source, []) == 0


def test_the_delta_is_at_the_last_time_that_both_runs_have() -> None:
    slow = StepTimes(np.array([0.0, 100.0]), np.array([0.0, 200.0]))
    fast = StepTimes(np.array([0.0, 100.0]), np.array([0.0, 100.0]))
    views = (run_view("slow", clock=slow), run_view("fast", clock=fast), run_view("untimed"))
    line = curves(smooth_loss=falling(101, 1.0))
    lines = dict.fromkeys(("slow", "fast", "untimed"), line)
    runs = compare_runs(views, lines, base="fast", x="time").runs
    assert runs[0].delta is not None
    assert (runs[0].delta.at, runs[0].delta.x) == (100.0, "time")
    assert runs[0].delta.difference == pytest.approx(1.5 - 1.0)  # half the way in the same time
    assert runs[2].delta is None


def test_runs_that_differ_in_the_seed_only_follow_the_first_of_them() -> None:
    views = [
        run_view(key, lr=rate, config={"lr": rate, "seed": seed, "depth": depth})
        for key, rate, seed, depth in (
            ("a0", 0.1, 0, 2),
            ("b0", 0.3, 0, 2),
            ("a1", 0.1, 1, 2),
            ("deep", 0.1, 1, 9),
        )
    ]
    runs = compare_runs(views, {}, by_seed=True).runs
    assert [(run.view.key, run.lead) for run in runs] == [
        ("a0", "a0"),
        ("a1", "a0"),
        ("b0", "b0"),
        ("deep", "deep"),
    ]
    assert [run.lead for run in compare_runs(views, {}).runs] == ["a0", "b0", "a1", "deep"]
