"""Which alerts are sent, by the same stages for training, replay and watcher."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alert_samples import an_alert

from lrwatch.alert import Alert
from lrwatch.alerts.memory import AlertMemory
from lrwatch.alerts.telling import STAGES, decide
from lrwatch.alerts.watcher_state import KnownAlert


def sent(*changes: Alert) -> list[tuple[str, str, int]]:
    memory = AlertMemory()
    return [
        (alert.rule, status, alert.episode)
        for changed in changes
        for alert, status in memory.follow(changed)
    ]


def test_an_alert_is_sent_when_it_fires_and_when_it_is_resolved() -> None:
    assert sent(
        an_alert(state="pending", step=10, episode=0),
        an_alert(state="firing", step=11),
        an_alert(state="recovering", step=20),
        an_alert(state="resolved", step=30),
    ) == [("diverging", "firing", 1), ("diverging", "resolved", 1)]


def test_each_episode_is_sent_once() -> None:
    assert sent(
        an_alert(state="firing", step=11),
        an_alert(state="recovering", step=20),
        an_alert(state="firing", step=30),
        an_alert(state="resolved", step=40),
        an_alert(state="firing", step=50, episode=2),
    ) == [("diverging", "firing", 1), ("diverging", "resolved", 1), ("diverging", "firing", 2)]


def test_an_alert_that_says_less_is_sent_once_the_other_one_is_over() -> None:
    assert sent(
        an_alert(state="firing", step=11),
        an_alert(state="firing", step=12, rule="too_high"),
        an_alert(state="resolved", step=50),
    ) == [
        ("diverging", "firing", 1),
        ("diverging", "resolved", 1),
        ("too_high", "firing", 1),
    ]


def test_a_hidden_alert_that_recovers_meanwhile_is_sent_all_the_same() -> None:
    assert sent(
        an_alert(state="firing", step=11),
        an_alert(state="firing", step=12, rule="too_high"),
        an_alert(state="recovering", step=13, rule="too_high"),
        an_alert(state="resolved", step=50),
    )[-1] == ("too_high", "firing", 1)


def test_that_a_hidden_alert_is_over_is_not_sent() -> None:
    assert sent(
        an_alert(state="firing", step=11, rule="too_high"),
        an_alert(state="firing", step=12),
        an_alert(state="resolved", step=13, rule="too_high"),
    ) == [("too_high", "firing", 1), ("diverging", "firing", 1)]


@pytest.mark.parametrize(
    ("changes", "stage", "reason"),
    [
        ({"inhibited_by": "no_data"}, "inhibition", "no_data on the same run says more"),
        ({"silenced_by": "s1"}, "silence", "silence s1 covers it"),
        ({"acknowledged_by": "Ada"}, "acknowledgement", "Ada is handling it"),
        (
            {"alert": an_alert(severity="info")},
            "severity",
            "its severity is info: shown, not sent",
        ),
    ],
)
def test_what_is_held_back_says_by_which_stage_and_why(
    changes: dict[str, object], stage: str, reason: str
) -> None:
    one = replace(KnownAlert(an_alert(), "a", "running"), **changes)  # type: ignore[arg-type]
    decision = decide(one)
    assert (decision.outcome, decision.stage, decision.reason) == ("held", stage, reason)
    assert stage in STAGES


def test_whoever_handles_an_alert_hears_that_it_is_over() -> None:
    one = KnownAlert(
        an_alert(state="resolved"),
        "a",
        "running",
        told_episode=1,
        told_status="firing",
        acknowledged_by="Ada",
    )
    assert decide(one).outcome == "send"
    assert decide(replace(one, silenced_by="s1")).stage == "silence"


@pytest.mark.parametrize(
    ("state", "known", "reason"),
    [
        ("pending", {}, "it has not held for long enough to be sure"),
        ("firing", {"told_episode": 1}, "this episode was already sent"),
        ("resolved", {}, "it was over before it was sent"),
        (
            "resolved",
            {"told_episode": 1, "told_status": "resolved"},
            "that it is over was already sent",
        ),
    ],
)
def test_there_is_nothing_to_send(state: str, known: dict[str, object], reason: str) -> None:
    alert = an_alert(state=state)
    decision = decide(replace(KnownAlert(alert, "a", "running"), **known))  # type: ignore[arg-type]
    assert (decision.outcome, decision.reason) == ("nothing", reason)
