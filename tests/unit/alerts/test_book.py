from __future__ import annotations

from typing import Any

import pytest
from alert_samples import START, an_alert

from lrwatch.alert import Alert
from lrwatch.alerts.book import Book
from lrwatch.alerts.silences import Acknowledgement, Matcher, Silence
from lrwatch.alerts.store_watch import Peer, Seen, StoreView
from lrwatch.alerts.watcher_state import JudgedRun, RuleTally, RunState

DAY = 86400.0


def view(*alerts: Alert, state: RunState = "running", judged: bool = False) -> StoreView:
    keys = frozenset(alert.run for alert in alerts)
    return StoreView(
        tuple(Seen(alert, alert.run, state) for alert in alerts),
        {key: Peer(None, 0.1) for key in keys},
        keys,
        {key: JudgedRun(1.0) for key in keys} if judged else {},
    )


def nothing(*, keys: tuple[str, ...] = (), followed: tuple[str, ...] = ()) -> StoreView:
    runs = {key: Peer(None, 0.1) for key in followed}
    return StoreView((), runs, frozenset((*keys, *followed)), {})


def silence(matcher: Matcher | None = None, **fields: Any) -> Silence:
    return Silence("5" * 16, matcher or Matcher(), START + 60, START, "why", **fields)


def test_a_change_is_said_once() -> None:
    book, alert = Book(), an_alert()
    assert [event for event, _ in book.take(view(alert), START)] == ["firing"]
    assert book.take(view(alert), START) == []
    over = an_alert(state="resolved")
    assert [event for event, _ in book.take(view(over), START)] == ["resolved"]


def test_a_restart_says_nothing_again() -> None:
    before = Book()
    before.take(view(an_alert()), START)
    after = Book(before.known.values())
    assert after.take(view(an_alert()), START) == []


def test_pending_alerts_are_kept_and_not_said() -> None:
    book = Book()
    assert book.take(view(an_alert(state="pending", episode=0)), START) == []
    assert len(book.known) == 1
    book.take(nothing(followed=("sgd-3.0",)), START)
    assert book.known == {}


def test_what_was_told_stays_with_an_alert_through_its_states() -> None:
    book = Book()
    book.take(view(an_alert()), START)
    book.mark_told([an_alert()], "firing", START)
    book.take(view(an_alert(state="recovering")), START)
    (one,) = book.known.values()
    assert one.is_told
    assert (one.told_at, one.times_told) == (START, 1)


def test_a_new_episode_was_not_told() -> None:
    book = Book()
    book.take(view(an_alert()), START)
    book.mark_told([an_alert()], "firing", START)
    book.take(view(an_alert(episode=2)), START)
    (one,) = book.known.values()
    assert not one.is_told
    book.mark_told([one.alert], "firing", START)
    assert book.known[one.alert.id].times_told == 1


def test_the_lesser_alert_of_a_run_is_inhibited() -> None:
    book = Book()
    lesser = an_alert(rule="too_high", severity="ticket", verdict="oscillating")
    book.take(view(an_alert(), lesser), START)
    assert book.known[lesser.id].inhibited
    book.take(view(an_alert(state="resolved"), lesser), START)
    assert not book.known[lesser.id].inhibited


@pytest.mark.parametrize(
    ("after", "state", "run_state"),
    [
        (nothing(), "closed", "gone"),
        (nothing(keys=("sgd-3.0",)), "closed", "silent"),
        (nothing(followed=("sgd-3.0",)), "closed", "running"),
    ],
)
def test_an_alert_that_is_seen_no_more_is_closed(
    after: StoreView, state: str, run_state: str
) -> None:
    book = Book()
    book.take(view(an_alert()), START)
    book.take(after, START)
    (one,) = book.known.values()
    assert (one.alert.state, one.run_state) == (state, run_state)


def test_an_alert_of_a_run_that_was_judged_stays_as_it_is() -> None:
    book, alert = Book(), an_alert(state="resolved")
    book.take(view(alert, judged=True), START)
    later = StoreView((), {}, frozenset(["sgd-3.0"]), {"sgd-3.0": JudgedRun(1.0)})
    book.take(later, START)
    assert [one.alert for one in book.known.values()] == [alert]


def test_a_run_that_can_be_read_again_is_resolved_under_its_old_name() -> None:
    book = Book()
    book.take(view(an_alert(rule="unreadable", run_id="sgd-3.0")), START)
    book.take(nothing(followed=("sgd-3.0",)), START)
    (one,) = book.known.values()
    assert one.alert.state == "resolved"


def test_what_is_long_over_is_forgotten() -> None:
    book = Book()
    long_ago = an_alert(state="resolved", time=START - 1000 * DAY)  # by the clock of its rows
    book.take(view(long_ago), START)
    book.take(nothing(), START + 6 * DAY)
    assert len(book.known) == 1
    book.take(nothing(), START + 8 * DAY)
    assert book.known == {}


def test_a_silence_is_counted_once_and_ends() -> None:
    book = Book()
    book.take(view(an_alert()), START)
    assert [event for event, _ in book.heed([silence()], {})] == ["silenced"]
    assert book.heed([silence()], {}) == []
    assert next(iter(book.known.values())).silenced_by == "5" * 16
    book.heed([], {})
    assert next(iter(book.known.values())).silenced_by is None
    assert book.tallies["diverging"] == RuleTally(silenced=1)


def test_a_silence_until_it_gets_worse_lets_the_worse_through() -> None:
    book, until_worse = Book(), silence(until_worse=True)
    lesser = an_alert(rule="too_high", severity="ticket")
    book.take(view(lesser), START)
    book.heed([until_worse], {})
    assert book.known[lesser.id].silenced_by is not None
    worse = an_alert()
    for _ in range(3):
        book.take(view(lesser, worse), START)
        book.heed([until_worse], {})
        assert book.known[worse.id].silenced_by is None
        assert book.known[lesser.id].silenced_by is not None


def test_a_silence_until_it_gets_worse_is_about_each_run_by_itself() -> None:
    book, until_worse = Book(), silence(until_worse=True)
    book.take(view(an_alert(rule="too_high", severity="ticket"), an_alert(run="other")), START)
    book.heed([until_worse], {})
    assert all(one.silenced_by for one in book.known.values())


def test_a_silence_until_it_gets_worse_begins_with_what_was_there() -> None:
    book, until_worse = Book(), silence(until_worse=True)
    book.take(view(an_alert(rule="too_high", severity="ticket"), an_alert()), START)
    for _ in range(2):
        book.heed([until_worse], {})
        assert all(one.silenced_by for one in book.known.values())


def test_what_ends_while_it_is_silenced_is_let_go() -> None:
    book = Book()
    book.take(view(an_alert()), START)
    book.mark_told([an_alert()], "firing", START)
    book.take(view(an_alert(state="resolved")), START)
    book.heed([silence()], {})
    book.mark_over_in_silence()
    assert next(iter(book.known.values())).told_status == "resolved"


def test_an_acknowledgement_is_of_one_episode_and_counted_once() -> None:
    book, alert = Book(), an_alert()
    said = {(alert.id, 1): Acknowledgement(alert.id, 1, "ann", START)}
    book.take(view(alert), START)
    assert [event for event, _ in book.heed([], said)] == ["acknowledged"]
    assert book.heed([], said) == []
    assert book.known[alert.id].acknowledged_by == "ann"
    book.take(view(an_alert(episode=2)), START)
    book.heed([], said)
    assert book.known[alert.id].acknowledged_by is None
    assert book.tallies["diverging"] == RuleTally(acknowledged=1)
