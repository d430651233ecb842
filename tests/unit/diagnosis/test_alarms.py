from __future__ import annotations

from dataclasses import dataclass, replace

from lrwatch.diagnosis.alarms import SETTLED, AlarmPolicy
from lrwatch.verdicts import CLASSES, LearningRate, Verdict


@dataclass(frozen=True)
class Found:
    learning_rate: LearningRate
    confidence: float
    n_steps: int = SETTLED
    was_seen: bool = False
    end_is_in_sight: bool = True
    shows: bool = True


def diagnosis(verdict: Verdict, confidence: float = 0.99) -> Found:
    return Found(CLASSES[verdict], confidence)


def alarmed(policy: AlarmPolicy, *verdicts: Verdict, is_urgent: bool = False) -> list[bool]:
    return [
        policy.is_due(diagnosis(verdict), 100 * k, is_urgent=is_urgent)
        for k, verdict in enumerate(verdicts)
    ]


def test_an_inferred_verdict_is_alarmed_at_the_second_look_that_agrees() -> None:
    policy = AlarmPolicy()
    assert alarmed(policy, "too_low", "ok", "too_low", "too_low") == [False, False, False, True]
    assert policy.first_step == 300


def test_an_urgent_one_is_alarmed_at_once() -> None:
    seen = replace(diagnosis("diverging"), was_seen=True)
    assert AlarmPolicy().is_due(seen, 0, is_urgent=True)


def test_what_is_merely_inferred_needs_two_looks_at_an_urgent_moment_too() -> None:
    assert alarmed(AlarmPolicy(), "diverging", "diverging", is_urgent=True) == [False, True]


def test_one_alarm_an_episode() -> None:
    verdicts: list[Verdict] = ["oscillating"] * 5
    assert alarmed(AlarmPolicy(), *verdicts) == [False, True, False, False, False]


def test_a_run_that_was_well_again_is_alarmed_again() -> None:
    verdicts: list[Verdict] = ["too_low", "too_low", "ok", "ok", "too_low", "too_low"]
    assert alarmed(AlarmPolicy(), *verdicts) == [False, True, False, False, False, True]


def test_an_unsure_verdict_is_not_alarmed() -> None:
    policy = AlarmPolicy()
    unsure = diagnosis("too_low", confidence=0.7)
    assert [policy.is_due(unsure, k, is_urgent=False) for k in range(3)] == [False] * 3


def test_nothing_inferred_is_alarmed_before_a_run_has_settled() -> None:
    policy = AlarmPolicy()
    early = replace(diagnosis("too_low"), n_steps=SETTLED - 1)
    assert [policy.is_due(early, k, is_urgent=False) for k in range(3)] == [False] * 3


def test_too_slow_is_not_alarmed_while_nobody_knows_how_long_the_run_will_be() -> None:
    policy = AlarmPolicy()
    slow = replace(diagnosis("too_low"), end_is_in_sight=False)
    assert not any(policy.is_due(slow, k, is_urgent=False) for k in range(50))
    assert policy.is_due(diagnosis("too_low"), 50, is_urgent=False)


def test_too_high_must_show() -> None:
    policy = AlarmPolicy()
    likely = replace(diagnosis("oscillating"), shows=False)
    assert not any(policy.is_due(likely, k, is_urgent=False) for k in range(50))
    assert policy.is_due(diagnosis("oscillating"), 50, is_urgent=False)


def test_too_high_needs_no_end() -> None:
    policy = AlarmPolicy()
    high = replace(diagnosis("oscillating"), end_is_in_sight=False)
    assert [policy.is_due(high, k, is_urgent=False) for k in range(2)] == [False, True]
