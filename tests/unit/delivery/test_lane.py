from __future__ import annotations

import time
from typing import Any

import pytest
from message_samples import a_message

from lrwatch.delivery.backoff import Backoff
from lrwatch.delivery.channel import DeliveryFailed
from lrwatch.delivery.lane import Lane
from lrwatch.delivery.outbox import Letter, Standing

NAME = "here"
DAY = 86400.0
STEADY = Backoff(random=lambda: 0.5)
FAILED = DeliveryFailed("answered 500")


def a_lane(*, gap: float = 0.0, capacity: int = 1000) -> Lane:
    return Lane(NAME, gap=gap, backoff=STEADY, capacity=capacity)


def a_letter(number: int = 1, **fields: Any) -> Letter:
    return Letter(a_message(number, **fields), {NAME: Standing()})


def taken(lane: Lane, now: float) -> Letter:
    letter = lane.take(now)
    assert letter is not None
    return letter


def fail(lane: Lane, n_times: int, failure: DeliveryFailed = FAILED) -> float:
    """Fail so often, each time as soon as it is due; return the time after."""
    now = 0.0
    for _ in range(n_times):
        now += lane.seconds_to_wait(now) or 0.0
        taken(lane, now)
        lane.failed(failure, now)
    return now


def test_messages_go_in_the_order_they_came() -> None:
    lane = a_lane()
    letters = [a_letter(i) for i in range(3)]
    for letter in letters:
        lane.add(letter, 0.0)
    sent = []
    while len(lane):
        sent.append(taken(lane, 0.0))
        lane.delivered(0.0)
    assert sent == letters


def test_one_attempt_is_made_at_a_time() -> None:
    lane = a_lane()
    lane.add(a_letter(1), 0.0)
    lane.add(a_letter(2), 0.0)
    taken(lane, 0.0)
    assert lane.take(0.0) is None


def test_there_is_a_gap_between_two_messages() -> None:
    lane = a_lane(gap=1.0)
    lane.add(a_letter(1), 0.0)
    lane.add(a_letter(2), 0.0)
    taken(lane, 0.0)
    lane.delivered(0.2)
    assert lane.take(1.1) is None
    assert lane.take(1.2) is not None


def test_after_a_failure_nothing_is_sent_until_it_is_time() -> None:
    lane = a_lane()
    lane.add(a_letter(), 0.0)
    taken(lane, 0.0)
    lane.failed(FAILED, 10.0)
    assert lane.seconds_to_wait(10.0) == 1
    assert lane.take(10.9) is None
    assert lane.take(11.0) is not None


def test_the_time_that_a_receiver_asks_for_is_left_to_it() -> None:
    lane = a_lane()
    lane.add(a_letter(), 0.0)
    fail(lane, 1, DeliveryFailed("answered 429", retry_after=30.0))
    assert lane.seconds_to_wait(0.0) == 30


def test_a_success_forgets_the_failures_before() -> None:
    lane = a_lane()
    for i in range(2):
        lane.add(a_letter(i), 0.0)
    now = fail(lane, 3) + 100.0
    taken(lane, now)
    lane.delivered(now)
    taken(lane, now)
    lane.failed(FAILED, now)
    assert lane.seconds_to_wait(now) == 1


def test_a_message_that_is_refused_for_good_leaves_at_once() -> None:
    lane = a_lane()
    letter = a_letter()
    lane.add(letter, 0.0)
    taken(lane, 0.0)
    lane.refused(0.0)
    assert len(lane) == 0
    assert letter.standings[NAME].state == "gave_up"


def test_a_message_that_keeps_failing_lets_others_pass() -> None:
    lane = a_lane()
    poison, other = a_letter(1), a_letter(2)
    lane.add(poison, 0.0)
    lane.add(other, 0.0)
    now = fail(lane, 4) + DAY / 2
    assert poison.standings[NAME].tries == 4
    assert taken(lane, now) is other


def test_nothing_passes_a_message_about_the_same_alert() -> None:
    lane = a_lane()
    firing = a_letter(1)
    resolved = Letter(
        a_message(2, status="resolved", alerts=firing.message.alerts), {NAME: Standing()}
    )
    lane.add(firing, 0.0)
    lane.add(resolved, 0.0)
    now = fail(lane, 5) + DAY / 2
    assert taken(lane, now) is firing


def test_something_new_is_tried_soon_although_the_receiver_was_down() -> None:
    lane = a_lane()
    lane.add(a_letter(1), 0.0)
    now = fail(lane, 6)
    new = a_letter(2)
    lane.add(new, now)
    assert lane.seconds_to_wait(now) == 1
    assert taken(lane, now + 1.0) is new


def test_something_new_waits_for_a_receiver_that_asked_for_time() -> None:
    lane = a_lane()
    lane.add(a_letter(1), 0.0)
    fail(lane, 1, DeliveryFailed("answered 429", retry_after=30.0))
    lane.add(a_letter(2), 0.0)
    assert lane.seconds_to_wait(0.0) == 30


def test_a_message_is_given_up_after_a_day_of_failures() -> None:
    lane = a_lane()
    letter = a_letter()
    lane.add(letter, 0.0)
    fail(lane, 4)
    taken(lane, DAY)
    assert lane.failed(FAILED, DAY) == [letter]
    assert letter.standings[NAME].state == "gave_up"
    assert len(lane) == 0


def test_a_message_from_long_ago_is_tried_before_it_is_given_up() -> None:
    lane = a_lane()
    letter = a_letter()
    letter.queued_at -= 3 * DAY
    lane.add(letter, 0.0)
    fail(lane, 3)
    assert letter.standings[NAME].state == "pending"
    fail(lane, 1)
    assert letter.standings[NAME].state == "gave_up"


def test_a_clock_that_is_set_ahead_gives_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = a_lane()
    lane.add(a_letter(), 0.0)
    ahead = time.time() + 30 * DAY
    monkeypatch.setattr(time, "time", lambda: ahead)
    fail(lane, 5)
    assert len(lane) == 1


@pytest.mark.parametrize(
    ("wait", "expected"),
    [(100.0, 100), (-5 * DAY, 0), (30 * DAY, 3600)],
    ids=["due", "past", "set"],
)
def test_after_a_restart_the_wait_goes_on_within_bounds(wait: float, expected: float) -> None:
    lane = a_lane()
    letter = a_letter()
    letter.standings[NAME] = Standing(tries=5, next_at=time.time() + wait)
    lane.add(letter, 0.0)
    assert lane.seconds_to_wait(0.0) == pytest.approx(expected, abs=5)


def test_after_a_restart_the_failures_are_counted_on() -> None:
    lane = a_lane()
    letter = a_letter()
    letter.standings[NAME] = Standing(tries=5)
    lane.add(letter, 0.0)
    taken(lane, 0.0)
    lane.failed(FAILED, 0.0)
    assert letter.standings[NAME].tries == 6
    assert lane.seconds_to_wait(0.0) == STEADY.seconds(6)


def test_a_full_queue_loses_what_matters_least_and_of_that_the_oldest() -> None:
    lane = a_lane(capacity=5)
    page, ticket = a_letter(1), a_letter(2, severity="ticket")
    over = a_letter(3, status="resolved")
    info, later = a_letter(4, severity="info"), a_letter(5, severity="info")
    for letter in (page, ticket, over, info, later):
        assert lane.add(letter, 0.0) is None
    dropped = [lane.add(a_letter(i), 0.0) for i in range(6, 12)]
    assert dropped == [info, later, over, ticket, page, *dropped[5:]]
    assert page.standings[NAME].state == "dropped"
    assert len(lane) == 5


def test_what_is_being_sent_is_not_dropped() -> None:
    lane = a_lane(capacity=1)
    first, second = a_letter(1, severity="info"), a_letter(2)
    lane.add(first, 0.0)
    taken(lane, 0.0)
    assert lane.add(second, 0.0) is second
    lane.delivered(0.0)
    assert first.standings[NAME].state == "sent"


def test_an_empty_queue_waits_for_something_to_come() -> None:
    assert a_lane().seconds_to_wait(0.0) is None
