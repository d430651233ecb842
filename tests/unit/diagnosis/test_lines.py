"""Where a verdict turns to another, and how far the advice goes: by what was found alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lrwatch.detect.explosion import Jump
from lrwatch.diagnosis.abstention import why_nothing_is_said
from lrwatch.diagnosis.advice import advice, suggest
from lrwatch.diagnosis.alarms import AlarmPolicy
from lrwatch.diagnosis.examination import TooHigh
from lrwatch.diagnosis.reason import reason
from lrwatch.diagnosis.verdict import LIKELY, decide, weigh

PEAK = 0.1


def exam(*fired: str, too_high: float = 0.1, too_low: float = 0.1, **past: Any) -> Any:
    """An examination in which some tests fired; a loss that was lost is lost for good."""
    curves = {"path": np.ones(1), "drive": np.ones(1), "n_steps": 100.0, "lr": np.array([PEAK])}
    curves |= {"steps": np.array([100.0]), "start": 1.0, "n_rows": 100, "n_loss": 100}
    curves |= {"gained": 0.5, "grain": 0.1}
    peak = {"lr_max": np.array([PEAK])}
    opening = SimpleNamespace(step=0, losses=[1.0], grads=[1.0], param=1.0, grad=1.0, loss=1.0)
    made = SimpleNamespace(history=peak, opening=opening, **{**curves, **past})
    lost = SimpleNamespace(since=5 if "drawdown" in fired else None, has_lasted=False)
    tracker = SimpleNamespace(
        divergence=lost, nonfinite=SimpleNamespace(step=None), explosion=SimpleNamespace(jump=None)
    )
    tracker.explosion.explains = lambda step, opening: False
    return SimpleNamespace(
        fired=lambda name: name in fired,
        probability={"ok": 1 - too_high - too_low, "too_high": too_high, "too_low": too_low},
        past=Sized(made),
        tracker=tracker,
        total_steps=None,
        earlier=None,
        is_short=False,
        has_nothing_left=False,
        is_strange=False,
        is_bare=made.path is None,
        is_lost="drawdown" in fired,
        excess=past.get("excess", math.nan),
    )


class Sized:
    """Curves of one bin."""

    def __init__(self, past: SimpleNamespace) -> None:
        self._past = past

    def __getattr__(self, name: str) -> Any:
        return getattr(self._past, name)

    def __len__(self) -> int:
        return 1


def turns(verdict_at: Callable[[float], str]) -> tuple[float, str, str]:
    """Return where between 0 and 1 a verdict turns, and from what to what."""
    low, high = 0.001, 0.999
    before, after = verdict_at(low), verdict_at(high)
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if verdict_at(middle) == before else (low, middle)
    return round(high, 2), before, after


@pytest.mark.parametrize(
    ("verdict_at", "turn"),
    [
        # Odds of 1.8 for ok: 0.9 of too high has to be beaten, and 2.7 of unseen too low.
        (lambda p: exam(too_high=p, too_low=0.0), (0.64, "ok", "oscillating")),
        (lambda p: exam(too_high=0.0, too_low=p), (0.64, "ok", "too_low")),
        (lambda p: exam("crawl", too_high=0.0, too_low=p, path=None), (0.73, "ok", "too_low")),
        (lambda p: exam("drawdown", too_high=p, too_low=0.0), (0.5, "ok", "diverging")),
        (
            lambda p: exam("drawdown", "calm_rise", "thrown", too_high=p, too_low=0.0),
            (0.9, "insufficient_data", "diverging"),
        ),
        (lambda p: exam("dead", too_high=p, too_low=0.0), (0.8, "stalled", "oscillating")),
    ],
    ids=["too high", "too low", "too low, no norms", "lost", "rose calmly", "dead"],
)
def test_a_verdict_turns_at_a_probability(
    verdict_at: Callable[[float], Any], turn: tuple[float, str, str]
) -> None:
    assert turns(lambda p: decide(verdict_at(p))[0]) == turn


def test_a_loss_that_rose_calmly_and_not_far_is_not_judged_however_sure_the_model_is() -> None:
    assert decide(exam("drawdown", "calm_rise", too_high=0.99))[0] == "insufficient_data"


def test_a_loss_alone_that_was_not_thrown_is_left_to_the_model() -> None:
    lost = exam("drawdown", too_high=0.9, path=None)
    lost.tracker.divergence.has_lasted = True
    assert decide(lost)[1] < LIKELY
    thrown = exam("drawdown", "thrown", too_high=0.9, path=None)
    thrown.tracker.divergence.has_lasted = True
    assert decide(thrown) == ("diverging", LIKELY)


def test_a_good_rate_is_given_odds_of_nine_to_five() -> None:
    assert weigh(exam(too_high=0.25, too_low=0.25))["ok"] == pytest.approx(0.9 / 1.4)


@pytest.mark.parametrize(("weight", "verdict"), [(0.39, "insufficient_data"), (0.41, "too_low")])
def test_below_a_weight_of_two_fifths_no_class_is_named(weight: float, verdict: str) -> None:
    rest = (1 - weight) / 2
    total = weight + rest + rest / 1.8
    found = exam(too_high=rest / total, too_low=weight / total)
    assert weigh(found)["too_low"] == pytest.approx(weight)
    assert decide(found)[0] == verdict


@pytest.mark.parametrize(
    ("weight", "fired", "verdict"),
    [
        (0.69, (), "insufficient_data"),
        (0.71, (), "too_low"),
        (0.55, ("crawl",), "too_low"),  # the curve itself shows it
    ],
)
def test_a_loss_alone_shows_a_slow_run_by_its_shape_or_with_this_confidence(
    weight: float, fired: tuple[str, ...], verdict: str
) -> None:
    odds = 1.8 * weight / (1 - weight)
    found = exam(*fired, too_high=0.0, too_low=odds / (odds + 1 / 1.5), path=None)
    assert weigh(found)["too_low"] == pytest.approx(weight)
    assert decide(found)[0] == verdict


@pytest.mark.parametrize(
    ("gained", "fired", "verdict"),
    [(0.19, (), "insufficient_data"), (0.21, (), "too_low"), (0.19, ("crawl",), "too_low")],
)
def test_a_decrease_of_two_standard_deviations_shows_that_a_loss_is_slow(
    gained: float, fired: tuple[str, ...], verdict: str
) -> None:
    slow = exam(*fired, too_high=0.0, too_low=0.95, path=None, gained=gained)
    assert decide(slow)[0] == verdict


@pytest.mark.parametrize("odds", [{"too_high": 0.9}, {"too_low": 0.9, "too_high": 0.0}, {}])
def test_a_run_unlike_any_that_was_fitted_is_not_judged_unless_its_loss_came_to_nothing(
    odds: dict[str, float],
) -> None:
    strange, solved = exam(**odds), exam("solved", **odds)
    strange.is_strange = solved.is_strange = True
    assert decide(strange) == ("insufficient_data", 0.0)
    assert decide(solved)[0] == "ok"
    assert "unlike any" in why_nothing_is_said(strange)


def test_what_was_seen_or_follows_from_a_rule_is_this_sure() -> None:
    assert decide(exam("nonfinite")) == ("diverging", 0.97)
    assert decide(exam("frozen")) == ("stalled", 0.97)
    assert decide(exam("lr_cut")) == ("stalled", 0.95)
    assert decide(exam("drawdown", too_high=0.6)) == ("diverging", 0.95)


@pytest.mark.parametrize(("n_steps", "verdict"), [(48.0, "insufficient_data"), (52.0, "too_low")])
def test_in_its_first_twentieth_no_run_is_slow(n_steps: float, verdict: str) -> None:
    found = exam(too_high=0.0, too_low=0.9, n_steps=n_steps)
    found.total_steps = 1_000
    assert decide(found)[0] == verdict


@pytest.mark.parametrize(
    ("excess", "lower"), [(5.0, 1 / 100), (1.0, 1 / 10), (0.1, 0.32), (math.nan, 1 / 10)]
)
def test_a_rate_that_is_too_high_is_lowered_by_no_more_than_a_run_can_say(
    excess: float, lower: float
) -> None:
    assert suggest("diverging", exam(excess=excess)) == pytest.approx(PEAK * lower)


@pytest.mark.parametrize(
    ("excess", "higher"), [(-5.0, 300), (-2.0, 100), (-0.1, 3.2), (math.nan, 3.2)]
)
def test_a_rate_that_is_too_low_is_raised_by_no_more_than_a_run_can_say(
    excess: float, higher: float
) -> None:
    assert suggest("too_low", exam(excess=excess)) == pytest.approx(PEAK * higher)


@pytest.mark.parametrize(
    ("verdict", "confidence", "excess", "factor"),
    [
        ("too_low", 0.71, -2.0, 3.0),
        ("too_low", 0.69, -2.0, None),
        ("diverging", 0.97, 2.0, 1 / 3),
        ("diverging", 0.69, 2.0, None),
    ],
)
def test_what_the_loss_alone_tells_is_worth_a_small_step(
    verdict: Any, confidence: float, excess: float, factor: float | None
) -> None:
    said = suggest(verdict, exam(excess=excess, path=None), confidence)
    assert said == (None if factor is None else pytest.approx(PEAK * factor, rel=0.02))


def test_a_rate_that_was_held_for_a_moment_is_no_peak() -> None:
    """The first group of a detector's parameters begins at ten times the rate of the others."""
    lr = np.array([0.099, *[0.01] * 40])
    past: dict[str, Any] = {"lr": lr, "steps": np.ones(41), "n_steps": 41.0}
    assert suggest("diverging", exam(excess=1.0, **past)) == pytest.approx(0.001)
    past["lr"] = np.array([*[0.099] * 4, *[0.01] * 37])
    assert suggest("diverging", exam(excess=1.0, **past)) == pytest.approx(0.01)


def test_a_rate_that_was_just_raised_is_the_one_that_a_run_is_lost_at() -> None:
    lr = np.array([*[0.01] * 40, 0.099])
    past: dict[str, Any] = {"lr": lr, "steps": np.ones(41), "n_steps": 41.0}
    assert suggest("diverging", exam(excess=1.0, **past)) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("fired", "said"),
    [
        (("bounce",), "bouncing up and down: steps overshoot and undo each other"),
        ((), "the way it does where steps overshoot: a lower rate would get further"),
    ],
)
def test_only_a_loss_that_bounces_is_said_to(fired: tuple[str, ...], said: str) -> None:
    found = exam(*fired, driven=None, end=1.82)
    found.past.opening.quoted = 2.31
    assert reason("oscillating", found) == f"Loss went from 2.31 to 1.82, {said}"


@pytest.mark.parametrize(("now", "said"), [(0.04, "diverging"), (0.06, "insufficient_data")])
def test_a_rate_that_was_found_too_high_is_not_called_too_low(now: float, said: str) -> None:
    found = exam(too_high=0.0, too_low=0.9, lr=np.array([now]))
    found.earlier = TooHigh(step=10, lr=0.1)
    assert decide(found)[0] == said


@pytest.mark.parametrize(("too_low", "helps"), [(0.88, False), (0.92, True)])
def test_a_stalled_run_gets_another_rate_if_it_surely_crawls(too_low: float, helps: bool) -> None:
    assert (suggest("stalled", exam(too_low=too_low)) is not None) is helps


@pytest.mark.parametrize(("share", "said"), [(0.09, "too"), (0.11, "lower the learning rate")])
def test_a_converged_run_whose_rate_came_down_has_arrived(share: float, said: str) -> None:
    assert said in advice("converged", exam(lr=np.array([share * PEAK])), None)


@pytest.mark.parametrize(("steep", "norm"), [(200.0, "200"), (400.0, "10")])
def test_a_steep_gradient_is_clipped_to_a_tenth_of_the_loss_over_the_weights(
    steep: float, norm: str
) -> None:
    found = exam()
    found.past.opening.grads, found.past.opening.grad = [steep], steep
    found.tracker.explosion.jump = Jump(5, 5, 1_000.0, 0.01, 1.0)
    assert f"at a norm of about {norm}," in advice("exploding", found, None)


@pytest.mark.parametrize(("row", "said"), [(19, "initial weights"), (20, "batch of that step")])
def test_initial_weights_that_trained_for_long_are_not_to_blame(row: int, said: str) -> None:
    found = exam()
    found.past.opening.grads, found.past.opening.grad = [1.0], 1.0
    found.tracker.explosion.jump = Jump(row, row, 1_000.0, 0.01, 1.0)
    assert said in advice("exploding", found, None)


@pytest.mark.parametrize(("confidence", "due"), [(0.92, False), (0.94, True)])
def test_an_inferred_verdict_is_alarmed_if_it_is_sure(confidence: float, due: bool) -> None:
    policy = AlarmPolicy()
    seen = SimpleNamespace(
        learning_rate="too_high", confidence=confidence, n_steps=100, was_seen=False, shows=True
    )
    assert [policy.is_due(seen, k, is_urgent=False) for k in range(2)] == [False, due]


@pytest.mark.parametrize(("n_steps", "due"), [(59, False), (60, True)])
def test_an_inferred_verdict_is_alarmed_from_the_sixtieth_row_on(n_steps: int, due: bool) -> None:
    policy = AlarmPolicy()
    seen = SimpleNamespace(
        learning_rate="too_high", confidence=1.0, n_steps=n_steps, was_seen=False, shows=True
    )
    assert [policy.is_due(seen, k, is_urgent=False) for k in range(2)] == [False, due]
