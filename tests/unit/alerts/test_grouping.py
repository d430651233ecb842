from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from alert_samples import START, an_alert

from lrwatch.alerts.grouping import GroupBy, Grouping, Notification, Timing
from lrwatch.alerts.watcher_state import KnownAlert

HOUR = 3600.0


def known(run: str = "a", **fields: Any) -> KnownAlert:
    beside = {k: fields.pop(k) for k in list(fields) if k in KnownAlert.__slots__}
    return KnownAlert(an_alert(run=run, **fields), run, **{"run_state": "running", **beside})


def told(run: str = "a", **fields: Any) -> KnownAlert:
    fields = {"told_at": START, "told_episode": 1, "told_status": "firing", **fields}
    return known(run, times_told=1, **fields)


def groups(by: GroupBy = "rule", **was_told: float) -> Grouping:
    return Grouping(Timing(), by, {f"firing {k}": v for k, v in was_told.items()}, START)


def runs(notices: list[Notification]) -> list[list[str]]:
    return [[one.run_key for one in notice.alerts] for notice in notices]


def test_the_first_alert_waits_a_moment_for_others() -> None:
    waiting = groups()
    assert waiting.due([known("a")], START) == []
    assert waiting.due([known("a"), known("b")], START + 0.5) == []
    assert runs(waiting.due([known("a"), known("b")], START + 1.0)) == [["a", "b"]]


def test_further_ones_wait_for_the_next_message_of_the_group() -> None:
    waiting = groups(diverging=START)
    assert waiting.due([told("a"), known("b")], START + 2) == []
    assert waiting.due([told("a"), known("b")], START + 299) == []
    assert runs(waiting.due([told("a"), known("b")], START + 300)) == [["b"]]


def test_it_can_be_asked_when_the_next_message_is_due() -> None:
    waiting = groups(diverging=START)
    assert waiting.next_due() == math.inf
    waiting.due([told("a"), known("b"), known("c", rule="too_low")], START + 10)
    assert waiting.next_due() == START + 11
    waiting.due([told("a"), known("b"), known("c", rule="too_low")], START + 11)
    assert waiting.next_due() == START + 300


def test_another_rule_does_not_wait_for_it() -> None:
    waiting = groups(diverging=START)
    other = known("b", rule="too_low", verdict="too_low")
    waiting.due([other], START)
    assert runs(waiting.due([other], START + 1)) == [["b"]]


def test_a_single_look_waits_for_nothing() -> None:
    assert runs(groups(diverging=START).due([known()], START, at_once=True)) == [["a"]]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("rule", [["a", "b", "c"]]),
        ("job", [["a", "b"], ["c"]]),
        ("run", [["a"], ["b"], ["c"]]),
    ],
)
def test_what_a_group_is_can_be_chosen(by: GroupBy, expected: list[list[str]]) -> None:
    alerts = [known("a", group="job"), known("b", group="job"), known("c")]
    assert sorted(runs(groups(by).due(alerts, START, at_once=True))) == expected


@pytest.mark.parametrize("state", ["firing", "recovering", "closed"])
def test_what_fires_or_has_fired_is_told(state: str) -> None:
    assert groups().due([known(state=state)], START, at_once=True)


@pytest.mark.parametrize(
    "one",
    [
        known(state="pending", episode=0),
        known(state="resolved"),
        known(severity="info"),
        known(inhibited_by="diverging"),
        known(silenced_by="5" * 16),
        known(acknowledged_by="ann"),
        told(),
        told(state="closed"),
    ],
)
def test_what_is_not_told(one: KnownAlert) -> None:
    assert groups().due([one], START, at_once=True) == []


def test_that_it_is_over_is_told_to_those_who_knew() -> None:
    (notice,) = groups(diverging=START).due([told(state="resolved")], START, at_once=True)
    assert notice.status == "resolved"


def test_that_it_is_over_does_not_wait_for_the_messages_that_it_fires() -> None:
    waiting, over = groups(diverging=START), told(state="resolved")
    waiting.due([over], START + 1)
    assert [n.status for n in waiting.due([over], START + 2)] == ["resolved"]


@pytest.mark.parametrize(
    "one",
    [
        known(state="resolved"),
        told(state="resolved", told_status="resolved"),
        told(state="resolved", inhibited_by="diverging"),
        told(state="resolved", silenced_by="5" * 16),
    ],
)
def test_of_what_nobody_is_told_that_it_is_over(one: KnownAlert) -> None:
    assert groups().due([one], START, at_once=True) == []


def test_whoever_looks_after_it_is_told_that_it_is_over() -> None:
    one = told(state="resolved", acknowledged_by="ann")
    assert groups().due([one], START, at_once=True)


def test_what_still_fires_on_a_run_that_goes_on_is_said_again() -> None:
    waiting = groups()
    assert waiting.due([told()], START + 4 * HOUR - 1) == []
    (notice,) = waiting.due([told()], START + 4 * HOUR)
    assert notice.is_repeat


@pytest.mark.parametrize(
    "one",
    [
        told(run_state="finished"),
        told(run_state="silent"),
        told(state="recovering"),
        told(acknowledged_by="ann"),
        told(silenced_by="5" * 16),
        told(inhibited_by="diverging"),
        told(told_status="resolved"),
    ],
)
def test_what_is_not_said_again(one: KnownAlert) -> None:
    assert groups().due([one], START + 9 * HOUR) == []


def test_a_clock_that_was_set_back_repeats_nothing_and_holds_nothing_up() -> None:
    """The watcher before had a clock two hours ahead."""
    waiting = groups(diverging=START + 2 * HOUR)
    ahead = replace(told("a"), told_at=START + 2 * HOUR)
    assert waiting.due([ahead], START) == []
    waiting.due([ahead, known("b")], START + 1)
    assert runs(waiting.due([ahead, known("b")], START + 301)) == [["b"]]
