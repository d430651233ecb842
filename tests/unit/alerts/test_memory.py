from __future__ import annotations

from typing import Any

import pytest
from alert_samples import START, an_alert

from lrwatch.alert import Alert
from lrwatch.alerts.memory import AlertMemory
from lrwatch.alerts.silences import Acknowledgement, Matcher, Silence
from lrwatch.alerts.watcher_state import KnownAlert, RuleTally
from lrwatch.records import RunState

DAY = 86400.0


Look = tuple[tuple[KnownAlert, ...], frozenset[str], frozenset[str]]


def view(*alerts: Alert, state: RunState = "running") -> Look:
    keys = frozenset(alert.run for alert in alerts)
    return tuple(KnownAlert(alert, alert.run, state) for alert in alerts), keys, keys


def nothing(*, keys: tuple[str, ...] = (), followed: tuple[str, ...] = ()) -> Look:
    return (), frozenset((*keys, *followed)), frozenset(followed)


def silence(matcher: Matcher | None = None, **fields: Any) -> Silence:
    return Silence("5" * 16, matcher or Matcher(), START + 60, START, "why", **fields)


def test_a_change_is_said_once() -> None:
    memory, alert = AlertMemory(), an_alert()
    assert [event for event, _ in memory.take(*view(alert), START)] == ["firing"]
    assert memory.take(*view(alert), START) == []
    over = an_alert(state="resolved")
    assert [event for event, _ in memory.take(*view(over), START)] == ["resolved"]


def test_a_restart_says_nothing_again() -> None:
    before = AlertMemory()
    before.take(*view(an_alert()), START)
    after = AlertMemory(before.known.values())
    assert after.take(*view(an_alert()), START) == []


def test_pending_alerts_are_kept_and_not_said() -> None:
    memory = AlertMemory()
    assert memory.take(*view(an_alert(state="pending", episode=0)), START) == []
    assert len(memory.known) == 1
    memory.take(*nothing(followed=("sgd-3.0",)), START)
    assert memory.known == {}


def test_what_was_told_stays_with_an_alert_through_its_states() -> None:
    memory = AlertMemory()
    memory.take(*view(an_alert()), START)
    memory.mark_told([an_alert()], "firing", START)
    memory.take(*view(an_alert(state="recovering")), START)
    (one,) = memory.known.values()
    assert one.is_told
    assert (one.told_at, one.times_told) == (START, 1)


def test_a_new_episode_was_not_told() -> None:
    memory = AlertMemory()
    memory.take(*view(an_alert()), START)
    memory.mark_told([an_alert()], "firing", START)
    memory.take(*view(an_alert(episode=2)), START)
    (one,) = memory.known.values()
    assert not one.is_told
    memory.mark_told([one.alert], "firing", START)
    assert memory.known[one.alert.id].times_told == 1


def test_the_lesser_alert_of_a_run_is_inhibited() -> None:
    memory = AlertMemory()
    lesser = an_alert(rule="too_high", severity="ticket", verdict="oscillating")
    memory.take(*view(an_alert(), lesser), START)
    assert memory.known[lesser.id].inhibited_by
    memory.take(*view(an_alert(state="resolved"), lesser), START)
    assert not memory.known[lesser.id].inhibited_by


@pytest.mark.parametrize(
    ("after", "state", "run_state"),
    [
        (nothing(), "closed", "gone"),
        (nothing(keys=("sgd-3.0",)), "closed", "silent"),
        (nothing(followed=("sgd-3.0",)), "closed", "running"),
    ],
)
def test_an_alert_that_is_seen_no_more_is_closed(after: Look, state: str, run_state: str) -> None:
    memory = AlertMemory()
    memory.take(*view(an_alert()), START)
    memory.take(*after, START)
    (one,) = memory.known.values()
    assert (one.alert.state, one.run_state) == (state, run_state)


def test_an_alert_of_a_run_that_was_judged_stays_as_it_is() -> None:
    memory, alert = AlertMemory(), an_alert(state="resolved")
    memory.take(*view(alert), START)
    later = nothing(followed=("sgd-3.0",))
    memory.take(*later, START)
    assert [one.alert for one in memory.known.values()] == [alert]


def test_a_run_that_can_be_read_again_is_resolved_under_its_old_name() -> None:
    memory = AlertMemory()
    memory.take(*view(an_alert(rule="unreadable", run_id="sgd-3.0")), START)
    memory.take(*nothing(followed=("sgd-3.0",)), START)
    (one,) = memory.known.values()
    assert one.alert.state == "resolved"


def test_what_is_long_over_is_forgotten() -> None:
    memory = AlertMemory()
    long_ago = an_alert(state="resolved", time=START - 1000 * DAY)  # by the clock of its rows
    memory.take(*view(long_ago), START)
    memory.take(*nothing(), START + 6 * DAY)
    assert len(memory.known) == 1
    memory.take(*nothing(), START + 8 * DAY)
    assert memory.known == {}


def test_a_silence_is_counted_once_and_ends() -> None:
    memory = AlertMemory()
    memory.take(*view(an_alert()), START)
    assert [event for event, _ in memory.mark_handled([silence()], {})] == ["silenced"]
    assert memory.mark_handled([silence()], {}) == []
    assert next(iter(memory.known.values())).silenced_by == "5" * 16
    memory.mark_handled([], {})
    assert next(iter(memory.known.values())).silenced_by is None
    assert memory.tallies["diverging"] == RuleTally(silenced=1)


def test_a_silence_until_it_gets_worse_lets_the_worse_through() -> None:
    memory, until_worse = AlertMemory(), silence(until_worse=True)
    lesser = an_alert(rule="too_high", severity="ticket")
    memory.take(*view(lesser), START)
    memory.mark_handled([until_worse], {})
    assert memory.known[lesser.id].silenced_by is not None
    worse = an_alert()
    for _ in range(3):
        memory.take(*view(lesser, worse), START)
        memory.mark_handled([until_worse], {})
        assert memory.known[worse.id].silenced_by is None
        assert memory.known[lesser.id].silenced_by is not None


def test_a_silence_until_it_gets_worse_is_about_each_run_by_itself() -> None:
    memory, until_worse = AlertMemory(), silence(until_worse=True)
    memory.take(*view(an_alert(rule="too_high", severity="ticket"), an_alert(run="other")), START)
    memory.mark_handled([until_worse], {})
    assert all(one.silenced_by for one in memory.known.values())


def test_a_silence_until_it_gets_worse_begins_with_what_was_there() -> None:
    memory, until_worse = AlertMemory(), silence(until_worse=True)
    memory.take(*view(an_alert(rule="too_high", severity="ticket"), an_alert()), START)
    for _ in range(2):
        memory.mark_handled([until_worse], {})
        assert all(one.silenced_by for one in memory.known.values())


def test_what_ends_while_it_is_silenced_is_let_go() -> None:
    memory = AlertMemory()
    memory.take(*view(an_alert()), START)
    memory.mark_told([an_alert()], "firing", START)
    memory.take(*view(an_alert(state="resolved")), START)
    memory.mark_handled([silence()], {})
    memory.mark_over_in_silence()
    assert next(iter(memory.known.values())).told_status == "resolved"


def test_an_acknowledgement_is_of_one_episode_and_counted_once() -> None:
    memory, alert = AlertMemory(), an_alert()
    said = {(alert.id, 1): Acknowledgement(alert.id, 1, "ann", START)}
    memory.take(*view(alert), START)
    assert [event for event, _ in memory.mark_handled([], said)] == ["acknowledged"]
    assert memory.mark_handled([], said) == []
    assert memory.known[alert.id].acknowledged_by == "ann"
    memory.take(*view(an_alert(episode=2)), START)
    memory.mark_handled([], said)
    assert memory.known[alert.id].acknowledged_by is None
    assert memory.tallies["diverging"] == RuleTally(acknowledged=1)
